"""Carry out Telegram calls: a thin client with no models, whose errors say what a delivery needs to know.

No error that leaves here holds the request's URL, which contains the bot token: not in its text, and not
as its cause or context. Why not aiogram's client: `docs/decisions/0006-telegram-sdk-off-the-hot-road.md`.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from functools import lru_cache
from typing import Final

import msgspec
from aiohttp import ClientTimeout
from yarl import URL

from adapters import http
from adapters.errors import Misconfigured, Refused, SendFailed
from adapters.http import ApiSession, read_timeout
from adapters.protocol import Call, ChannelAccess, Files, Receipt
from adapters.telegram.failures import SERVER, refusal, unreadable_answer
from adapters.telegram.repairs import MAX_REPAIRS, mended
from adapters.telegram.switches import switches_of
from adapters.telegram.upload import Parcel
from adapters.transport import BROKEN, transport_failure

BOT_TOKEN: Final = "bot_token"  # noqa: S105 - a secret's name
"""Where `ChannelAccess.secrets` holds the token."""
API_BASE: Final = "https://api.telegram.org"

MAX_URLS = 8192
"""Prebuilt URLs kept: channels times methods."""

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{3,128}")
_JSON = {"Content-Type": "application/json"}
_QUICK = frozenset({"sendMessage", "sendChatAction", "answerCallbackQuery", "answerInlineQuery"})
"""What Telegram answers without fetching a file first."""
_FETCHING = read_timeout(120.0)
UPLOAD_SECONDS = 600.0
"""How long a call with files may take in all: 50 MB at 100 kB/s, and some."""


class _Message(msgspec.Struct, gc=False):
    message_id: int


class _Sent(msgspec.Struct, gc=False):
    """The answer to a send: a message, an album's messages, or true. Only what is needed of it is decoded."""

    ok: bool
    result: _Message | list[_Message] | bool = False


_decode_sent = msgspec.json.Decoder(_Sent).decode


def bot_token(access: ChannelAccess) -> str:
    """The channel's bot token, checked for its form. Raises `Misconfigured`."""
    return _checked_token(access.secrets.get(BOT_TOKEN, ""))


def _checked_token(token: str) -> str:
    if not token:
        raise Misconfigured("this channel has no bot token")
    if _TOKEN.fullmatch(token) is None:
        raise Misconfigured("the bot token does not look like one (digits, a colon, then letters and digits)")
    return token


def api_base(access: ChannelAccess) -> str:
    """The Bot API server's address without a trailing slash: `settings.api_base`, or Telegram's own."""
    return http.api_base(access.settings, API_BASE)


@lru_cache(maxsize=MAX_URLS)
def _url(base: str, token: str, method: str) -> URL:
    """A URL costs more to check, build and parse than a body to encode, and the same few are used again."""
    checked = _checked_token(token)
    try:
        return URL(f"{base}/bot{checked}/{method}", encoded=True)
    except ValueError:
        pass
    raise Misconfigured("the setting api_base is not an http(s) address")


class TelegramClient:
    """One session for all channels; close it in the end."""

    def __init__(self, files: Files | None = None) -> None:
        self._files = files
        self.session = ApiSession("Telegram", _JSON)

    async def send(self, call: Call, access: ChannelAccess) -> Receipt:
        """Carry out a call that sends or changes something, in another form where Telegram refuses the first.

        Raises a `SendFailed` that fits. An album's receipt names its first message.
        """
        for _ in range(MAX_REPAIRS):
            try:
                return await self._carry_out(call, access)
            except Refused as refused:
                repaired = mended(call, refused, uploads=switches_of(access.settings).uploads)
                if repaired is None:
                    raise
            if isinstance(repaired, Receipt):
                return repaired
            call = repaired
        return await self._carry_out(call, access)

    async def _carry_out(self, call: Call, access: ChannelAccess) -> Receipt:
        status, body = await (self._upload(call, access) if call.uploads else self.request(call, access))
        if status == 200:
            try:
                answer = _decode_sent(body)
            except (msgspec.DecodeError, UnicodeDecodeError):
                answer = None
            if answer is not None and answer.ok:
                sent = answer.result
                if isinstance(sent, list):
                    sent = sent[0] if sent else True
                return Receipt(message=str(sent.message_id)) if isinstance(sent, _Message) else Receipt()
            if answer is None and _is_ok(body):
                return Receipt()
        raise self.failure(call, status, body, access)

    async def request(
        self, call: Call, access: ChannelAccess, patience: ClientTimeout | None = None
    ) -> tuple[int, bytes]:
        """The HTTP status and the whole body of the answer. Raises a `SendFailed` if there is none."""
        url = _url(api_base(access), access.secrets.get(BOT_TOKEN, ""), call.method)
        session = self.session.open()
        failure: SendFailed
        try:
            # Redirects are not followed: they would carry the token elsewhere.
            response = await session.post(
                url,
                data=call.body,
                allow_redirects=False,
                timeout=patience or (session.timeout if call.method in _QUICK else _FETCHING),
            )
            return response.status, await response.read()
        except BROKEN as error:
            failure = transport_failure(error, SERVER)
        # Raised out here, so that the error above, which names the URL, is not even its context.
        raise failure

    async def _upload(self, call: Call, access: ChannelAccess) -> tuple[int, bytes]:
        """As `request`, with the call's files. Raises what their reading failed with, too."""
        base = api_base(access)
        url = _url(base, access.secrets.get(BOT_TOKEN, ""), call.method)
        parcel, failure = Parcel(), None
        async with AsyncExitStack() as opened:
            await parcel.pack(call, self._files, opened, own_server=base != API_BASE)
            try:
                async with asyncio.timeout(UPLOAD_SECONDS):
                    response = await self.session.open().post(
                        url,
                        data=parcel.writer,
                        headers={"Content-Type": parcel.writer.content_type},
                        allow_redirects=False,
                        timeout=_FETCHING,
                    )
                    return response.status, await response.read()
            except BROKEN as error:
                failure = parcel.failure or transport_failure(error, SERVER)
        raise failure

    def failure(self, call: Call, status: int, body: bytes, access: ChannelAccess) -> SendFailed:
        """The error for an answer that is no success."""
        return refusal(call.method, status, body, bot_token(access)) or unreadable_answer(status)

    async def close(self) -> None:
        """Release connections. Calls after this fail with `TryLater`: another process may carry them out."""
        await self.session.close()


def _is_ok(body: bytes) -> bool:
    """Whether an answer of another shape (a list, an object without an id) still reports success."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("ok") is True
