"""Calls of Slack's Web API: a thin client with no models, whose errors say what a delivery needs to know.

The token goes in a header and only to the API's own address; no error that leaves here holds it.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from yarl import URL

from adapters import http
from adapters.errors import Misconfigured, Refused, SendFailed, Uncertain
from adapters.http import ApiSession
from adapters.protocol import Call, ChannelAccess, Envelope, Receipt
from adapters.slack.address import is_user
from adapters.slack.failures import SERVER, refusal
from adapters.slack.render import POST
from adapters.transport import BROKEN, asked_again, transport_failure

API_BASE: Final = "https://slack.com/api"
BOT_TOKEN: Final = "bot_token"  # noqa: S105 - a secret's name
APP_TOKEN: Final = "app_token"  # noqa: S105 - a secret's name
"""Where `ChannelAccess.secrets` holds the app-level token, for Socket Mode."""
EVENT_TYPE: Final = "gateway_message"
"""The type of the metadata that every message of ours carries: `{key, call}`."""
MAX_URLS: Final = 1024
MAX_CHANNELS: Final = 20_000
"""Private channels remembered by user."""

_JSON: Final = "application/json; charset=utf-8"
_FORM: Final = "application/x-www-form-urlencoded"
_DONE: Final[dict[str, str]] = {"reactions.add": "already_reacted", "reactions.remove": "no_reaction"}
"""Refusals which say that it is so already."""
_encode = msgspec.json.Encoder().encode


class _Sent(msgspec.Struct, gc=False):
    """The answer to a post. Only what is needed of it is decoded."""

    ok: bool
    ts: str = ""
    channel: Any = ""


_decode_sent = msgspec.json.Decoder(_Sent).decode


def token_of(access: ChannelAccess, name: str = BOT_TOKEN) -> str:
    """One of the channel's tokens, fit for a header. Raises `Misconfigured`."""
    token = access.secrets.get(name, "")
    if not token:
        raise Misconfigured(f"this channel has no {name.replace('_', ' ')}")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise Misconfigured(f"the {name.replace('_', ' ')} does not look like one (xoxb-… or xapp-…)")
    return token


def api_base(access: ChannelAccess) -> str:
    """The Web API's address without a trailing slash: `settings.api_base`, or Slack's own."""
    return http.api_base(access.settings, API_BASE)


@lru_cache(maxsize=MAX_URLS)
def _url(base: str, method: str) -> URL:
    """A URL costs more to check, build and parse than a body to encode, and the same few are used again."""
    try:
        return URL(f"{base}/{method}", encoded=True)
    except ValueError:
        pass
    raise Misconfigured("the setting api_base is not an http(s) address")


def metadata_of(envelope: Envelope) -> dict[str, Any]:
    """What a message carries so that it is found again; other apps of the workspace can read it too."""
    return {
        "event_type": EVENT_TYPE,
        "event_payload": {"key": str(envelope.key), "call": envelope.call},
    }


class SlackClient:
    """One session for all channels; close it in the end."""

    def __init__(self) -> None:
        self.session = ApiSession("Slack")
        self._private: OrderedDict[tuple[UUID, str], str] = OrderedDict()

    async def post(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Carry out `chat.postMessage`, marked with our key. Raises a `SendFailed` that fits."""
        body = call.body[:-1] + b',"metadata":' + _encode(metadata_of(envelope)) + b"}"
        return await self._sent(POST, body, access)

    async def send(self, call: Call, access: ChannelAccess) -> Receipt:
        """Carry out a call that Slack wants the real channel's id for. Raises a `SendFailed` that fits."""
        body: dict[str, Any] = msgspec.json.decode(call.body)
        body["channel"] = await self.channel_of(body["channel"], access)
        return await self._sent(call.method, _encode(body), access)

    async def _sent(self, method: str, body: bytes, access: ChannelAccess) -> Receipt:
        token = token_of(access)
        status, headers, answer = await self.request(method, body, _JSON, access, token)
        if status == 200:
            try:
                sent = _decode_sent(answer)
            except (msgspec.DecodeError, UnicodeDecodeError):
                sent = None
            if sent is not None and sent.ok:
                return Receipt(message=sent.ts)
        failure = refusal(method, status, headers, answer, token)
        if failure.code and failure.code == _DONE.get(method):
            return Receipt()
        raise failure

    async def ask(
        self, method: str, access: ChannelAccess, parameters: dict[str, Any], *, token_name: str = BOT_TOKEN
    ) -> dict[str, Any]:
        """As `call`, for what changes nothing that anybody sees: when its answer is lost, nothing is in doubt."""
        lost: Uncertain
        try:
            return await self.call(method, access, parameters, token_name=token_name)
        except Uncertain as uncertain:
            lost = uncertain
        raise asked_again(lost)

    async def call(
        self, method: str, access: ChannelAccess, parameters: dict[str, Any], *, token_name: str = BOT_TOKEN
    ) -> dict[str, Any]:
        """Carry out any method; `parameters` go as a form, which all of them take. Returns the answer.

        Raises a `SendFailed` that fits.
        """
        return (await self._exchange(method, access, parameters, token_name))[0]

    async def scopes_of(self, access: ChannelAccess) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Who the bot token belongs to (`auth.test`), and what it may do. Raises `SendFailed`."""
        answer, headers = await self._exchange("auth.test", access, {}, BOT_TOKEN)
        scopes = str(headers.get("X-OAuth-Scopes", "")).split(",")
        return answer, tuple(scope.strip() for scope in scopes if scope.strip())

    async def _exchange(
        self, method: str, access: ChannelAccess, parameters: dict[str, Any], token_name: str
    ) -> tuple[dict[str, Any], Any]:
        token = token_of(access, token_name)
        given = {name: _field(value) for name, value in parameters.items() if value is not None}
        status, headers, body = await self.request(method, urlencode(given).encode(), _FORM, access, token)
        if status == 200:
            try:
                answer = msgspec.json.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                answer = None
            if type(answer) is dict and answer.get("ok") is True:
                return answer, headers
        raise refusal(method, status, headers, body, token)

    async def channel_of(self, channel: str, access: ChannelAccess) -> str:
        """The id of the private channel with a user; any other id is a channel's already. Raises `SendFailed`."""
        if not is_user(channel):
            return channel
        key = (access.channel_id, channel)
        known = self._private.get(key)
        if known is not None:
            self._private.move_to_end(key)
            return known
        opened = (await self.ask("conversations.open", access, {"users": channel})).get("channel")
        found = opened.get("id") if type(opened) is dict else None
        if type(found) is not str or not found:
            raise Refused("Slack names no private channel with this person", code="no_channel")
        self._private[key] = found
        if len(self._private) > MAX_CHANNELS:
            self._private.popitem(last=False)
        return found

    async def request(
        self, method: str, body: bytes, kind: str, access: ChannelAccess, token: str
    ) -> tuple[int, Any, bytes]:
        """The HTTP status, the headers and the whole body of the answer. Raises a `SendFailed` if there is none."""
        url = _url(api_base(access), method)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        failure: SendFailed
        try:
            # Redirects are not followed: they would carry the token elsewhere.
            response = await self.session.open().post(url, data=body, headers=headers, allow_redirects=False)
            return response.status, response.headers, await response.read()
        except BROKEN as error:
            failure = transport_failure(error, SERVER)
        # Raised out here, so that the error above, which may hold the request, is not even its context.
        raise failure

    async def close(self) -> None:
        """Release connections. Calls after this fail with `TryLater`: another process may carry them out."""
        await self.session.close()


def _field(value: Any) -> str:
    """A form's field: nested values are JSON, as Slack takes them."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
    return _encode(value).decode()
