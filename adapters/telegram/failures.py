"""What Telegram's refusals mean for a delivery (`adapters.transport`: what a connection's failures mean).

| what happened                                      | error                                       |
|----------------------------------------------------|---------------------------------------------|
| 429                                                | TryLater, after `parameters.retry_after`    |
| 500, 502, 503 and other 5xx                        | TryLater                                    |
| 504 (a proxy gave up waiting for Telegram's part)  | Uncertain                                   |
| 403, and 400 for a chat or user that is no more    | CustomerGone                                |
| 400 with `migrate_to_chat_id`                      | Migrated, a Refused that names the new chat |
| any other 400, 413                                 | Refused (see `adapters.telegram.repairs`)   |
| 401, 404, a redirect                               | Misconfigured                               |

Error texts: https://github.com/tdlib/telegram-bot-api (`Client::fail_query_with_error`).
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from adapters.errors import CustomerGone, Misconfigured, Refused, SendFailed, TryLater, Uncertain
from adapters.text import clean

SERVER: Final = "the Bot API server"
MAX_DESCRIPTION = 300
"""Characters of Telegram's own words that a reason repeats."""


class Migrated(Refused):
    """The group became a supergroup, which has another id."""

    def __init__(self, chat: int) -> None:
        super().__init__(
            f"Telegram: the group became a supergroup; its chat id is now {chat}", code="migrated"
        )
        self.chat = chat


_GONE: Final = (
    "chat not found",
    "peer_id_invalid",
    "user is deactivated",
    "user_deactivated",
    "user not found",
    "user_id_invalid",
    "group chat was deactivated",
)
_CHANNEL_METHODS: Final = frozenset({"getUpdates", "getMe", "setWebhook", "deleteWebhook", "getWebhookInfo"})
_RETRY_AFTER = re.compile(r"retry after (\d{1,9})", re.IGNORECASE)


class _Parameters(msgspec.Struct):
    retry_after: float | None = None
    migrate_to_chat_id: int | None = None


class _Refusal(msgspec.Struct):
    ok: bool = True
    error_code: int = 0
    description: str = ""
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


_decode = msgspec.json.Decoder(_Refusal).decode


def refusal(method: str, status: int, body: bytes, token: str) -> SendFailed | None:
    """The error for an answer of the Bot API; None if it is none (a proxy's page, a cut body).

    `token` is taken out of the description, should a server have put it there.
    """
    answer = _read(body)
    if answer is None or answer.ok:
        return _by_status(method, status)
    text = " ".join(clean(answer.description).replace(token, "[token]").split())[:MAX_DESCRIPTION]
    return _by_description(method, answer.error_code or status, text, answer.parameters)


def _read(body: bytes) -> _Refusal | None:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _by_description(method: str, code: int, text: str, parameters: _Parameters) -> SendFailed | None:
    if code == 400:
        return _bad_request(text, parameters)
    if code == 403:
        return CustomerGone(f"Telegram: {text}", code="403")
    if code == 429:
        wait = parameters.retry_after
        if wait is None and (match := _RETRY_AFTER.search(text)):
            wait = float(match[1])
        return _too_many(method, wait)
    if code == 409:
        return Misconfigured(f"Telegram: {text}", code="409")
    return _by_status(method, code, f": {text}" if text else "")


def _bad_request(text: str, parameters: _Parameters) -> SendFailed:
    if parameters.migrate_to_chat_id is not None:
        return Migrated(parameters.migrate_to_chat_id)
    lower = text.lower()
    if any(sign in lower for sign in _GONE):
        return CustomerGone(f"Telegram: {text}", code="400")
    return Refused(f"Telegram: {text}", code="400")


def _too_many(method: str, wait: float | None) -> TryLater:
    """A 429. Telegram limits a chat (about 1 message a second, 20 a minute in a group) and a bot (about 30 a
    second), and does not say which limit was met. It is taken for the chat's: one flooded chat must not stop
    a channel, and if it was the bot's, the next chats' calls meet the same answer and wait as well. Only a
    call that concerns no chat is the whole channel's.
    """
    seconds = f"{wait:g} s" if wait is not None else "an unnamed time"
    return TryLater(
        f"Telegram asks to wait {seconds}: too many requests",
        code="429",
        retry_after=wait,
        whole_channel=method in _CHANNEL_METHODS,
    )


def _by_status(method: str, code: int, detail: str = "") -> SendFailed | None:
    """The error that an HTTP status alone stands for; None for one that says nothing (2xx)."""
    match code:
        case 401:
            return Misconfigured(f"Telegram does not accept the bot token{detail}", code="401")
        case 403:
            return CustomerGone("Telegram refuses to write to this customer", code="403")
        case 404:
            return Misconfigured(f"Telegram knows no such bot, or no method {method}{detail}", code="404")
        case 429:
            return _too_many(method, None)
        case 504:
            reason = f"a gateway before Telegram timed out; the call may have been carried out{detail}"
            return Uncertain(reason, code="504")
        case _ if code >= 500:
            return TryLater(f"Telegram is out of order (HTTP {code}){detail}", code=str(code))
        case _ if 300 <= code < 400:
            return Misconfigured(f"the Bot API server answers with a redirect (HTTP {code})", code=str(code))
        case _ if code >= 400:
            return Refused(f"the Bot API server refuses the call (HTTP {code}){detail}", code=str(code))
    return None


def unreadable_answer(status: int) -> SendFailed:
    """The error for a 2xx that is no answer of the Bot API: the call may have been carried out."""
    return Uncertain(f"the answer is not the Bot API's (HTTP {status})", code="unreadable")
