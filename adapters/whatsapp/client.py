"""Carry out calls of the Cloud API: a thin client with no models, whose errors say what a delivery needs to know.

The access token goes into a header and nowhere else: no URL holds it, and no error that leaves here names the
request. Redirects are never followed, for they would carry it elsewhere.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from yarl import URL

from adapters.errors import Misconfigured, Refused, SendFailed
from adapters.http import ApiSession
from adapters.protocol import Call, ChannelAccess, Envelope, Files, Receipt
from adapters.transport import BROKEN, transport_failure
from adapters.whatsapp.access import access_token, api_url, phone_number_id
from adapters.whatsapp.failures import refusal, unreadable_answer
from adapters.whatsapp.render import MARK_AS_READ, MESSAGES, REFUSED
from adapters.whatsapp.statuses import callback_data
from adapters.whatsapp.upload import Uploads, with_ids

SERVER: Final = "the Graph API"
_JSON: Final = "application/json"


class _Sent(msgspec.Struct, gc=False):
    id: str


class _Answer(msgspec.Struct, gc=False):
    """The answer to a send, or to a mark: only what is needed of it is decoded."""

    messages: list[_Sent] = []
    success: bool = False


class _Words(msgspec.Struct):
    reason: str
    code: str = ""


_decode = msgspec.json.Decoder(_Answer).decode
_decode_words = msgspec.json.Decoder(_Words).decode


class WhatsAppClient:
    """One session for all channels; close it in the end.

    `files` gives the files that are uploaded; without it a call that needs one is refused.
    """

    def __init__(self, files: Files | None = None) -> None:
        self.session = ApiSession("WhatsApp")
        self._uploads = Uploads(files, self.request)

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Upload what the call shows, then carry it out. Raises a `SendFailed` that fits."""
        if call.method == REFUSED:
            words = _decode_words(call.body)
            raise Refused(words.reason, code=words.code)
        if call.method not in (MESSAGES, MARK_AS_READ):
            raise Refused(f"the Cloud API has no call {call.method}")
        body = call.body
        if call.uploads:
            body = with_ids(body, await self._uploads.ids_of(call.uploads, access))
        if call.method == MESSAGES:
            body = _with_key(body, callback_data(envelope.key, envelope.call))
        try:
            answer = await self._answer(f"{phone_number_id(access)}/messages", body, access)
        except Refused:
            self._uploads.forget(call.uploads, access)  # the id may have expired: the next try uploads anew
            raise
        return Receipt(message=answer.messages[0].id) if answer.messages else Receipt()

    async def _answer(self, path: str, body: bytes, access: ChannelAccess) -> _Answer:
        status, content = await self.request("POST", api_url(access, path), access, data=body)
        if status == 200:
            answer = _read(content)
            if answer is not None and (answer.messages or answer.success):
                return answer
        raise failure_of(status, content, access)

    async def request(self, method: str, url: URL, access: ChannelAccess, **how: Any) -> tuple[int, bytes]:
        """The HTTP status and the whole body of an answer. Raises a `SendFailed` if there is none.

        `how` goes to aiohttp; bytes as `data` are JSON.
        """
        headers = {"Authorization": f"Bearer {access_token(access)}"}
        if isinstance(how.get("data"), bytes):
            headers["Content-Type"] = _JSON
        failure: SendFailed
        try:
            response = await self.session.open().request(
                method, url, headers=headers, allow_redirects=False, **how
            )
            return response.status, await response.read()
        except BROKEN as error:
            failure = transport_failure(error, SERVER)
        # Raised out here, so that the error above, which names the URL, is not even its context.
        raise failure

    async def close(self) -> None:
        """Release connections. Calls after this fail with `TryLater`: another process may carry them out."""
        await self.session.close()


def _read(content: bytes) -> _Answer | None:
    try:
        return _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def failure_of(status: int, content: bytes, access: ChannelAccess) -> SendFailed:
    """The error for an answer that is no success."""
    return refusal(status, content, access_token(access)) or unreadable_answer(status)


def _with_key(body: bytes, key: str) -> bytes:
    """A rendered call (a JSON object that is not empty) with our key in it."""
    if not body.endswith(b"}"):
        raise Misconfigured("a call of WhatsApp's is no JSON object")
    return body[:-1] + b',"biz_opaque_callback_data":"' + key.encode() + b'"}'
