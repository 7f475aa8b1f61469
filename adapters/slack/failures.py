"""What Slack's refusals mean for a delivery (`adapters.transport`: what a connection's failures mean).

| what happened                                                        | error                          |
|----------------------------------------------------------------------|--------------------------------|
| 429, `ratelimited`                                                   | TryLater, after `Retry-After`  |
| 503, `service_unavailable`, `request_timeout` (Slack got half of it) | TryLater                       |
| other 5xx, `internal_error`, `fatal_error` (a part may have worked)  | Uncertain                      |
| the channel or the person is no more (`channel_not_found`, …)        | CustomerGone                   |
| tokens, scopes, the app's settings (`invalid_auth`, `missing_scope`) | Misconfigured                  |
| everything else (`invalid_blocks`, `msg_too_long`, …)                | Refused                        |

https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from adapters.errors import CustomerGone, Misconfigured, Refused, SendFailed, TryLater, Uncertain
from adapters.text import clean

SERVER: Final = "Slack"
MAX_WORDS: Final = 300
"""Characters of Slack's own words that a reason repeats."""
MAX_RETRY_AFTER: Final = 86_400.0

_LATER: Final = frozenset({"service_unavailable", "request_timeout", "team_added_to_org", "accesslimited"})
_UNCERTAIN: Final = frozenset({"internal_error", "fatal_error"})
_LIMITS: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_GONE: Final[dict[str, str]] = {
    "channel_not_found": "the channel is not there, or the app can't see it",
    "is_archived": "the channel is archived",
    "user_not_found": "there is no such person in the workspace",
    "users_not_found": "there is no such person in the workspace",
    "user_disabled": "the person's account is deactivated",
    "cannot_dm_bot": "the recipient is an app itself",
}
_MISCONFIGURED: Final[dict[str, str]] = {
    "invalid_auth": "Slack does not accept the token; copy it anew from OAuth & Permissions",
    "not_authed": "Slack got no token",
    "account_inactive": "the app was removed from the workspace; install it again",
    "token_revoked": "the token was revoked; install the app again",
    "token_expired": "the token has expired; copy it anew from OAuth & Permissions",
    "not_allowed_token_type": "this kind of token may not do that; a bot token begins with xoxb-",
    "missing_scope": "the app lacks a scope; apply the current manifest and install the app again",
    "no_permission": "the app may not do that in this workspace",
    "restricted_action": "the workspace's settings forbid it",
    "ekm_access_denied": "the workspace's key management forbids it",
    "org_login_required": "the workspace is moving to an organization",
    "team_access_not_granted": "the app is not granted access to this workspace",
    "messages_tab_disabled": "the app's messages tab is off; switch it on under App Home",
    "two_factor_setup_required": "the workspace wants two-factor authentication first",
    "access_denied": "access is denied",
    "socket_mode_not_enabled": "Socket Mode is off; switch it on in the app's settings",
}
_REFUSED: Final[dict[str, str]] = {
    "not_in_channel": "the app is not a member of the channel; invite it there",
    "file_not_found": "the file is gone",
    "file_deleted": "the file is gone",
    "message_not_found": "the message is gone",
    "thread_not_found": "the thread is gone",
    "edit_window_closed": "the workspace lets nobody change a message that is so old",
    "invalid_name": "there is no such emoji in the workspace",
}


class _Metadata(msgspec.Struct):
    messages: list[str] = []


class _Answer(msgspec.Struct):
    ok: bool = False
    error: str = ""
    needed: str = ""
    response_metadata: _Metadata | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def refusal(method: str, status: int, headers: Any, body: bytes, token: str) -> SendFailed:
    """The error for an answer that is no success. `token` is taken out of Slack's words, should it be there."""
    if status == 429:
        return _too_many(method, _retry_after(headers))
    answer = _read(body)
    if answer is None or not answer.error:
        return _by_status(status)
    code = _said(answer.error, token)[:64]
    detail = _said("; ".join((answer.response_metadata or _Metadata()).messages), token)
    if code in _LIMITS:
        return _too_many(method, _retry_after(headers))
    if code in _LATER:
        return TryLater(f"Slack could not do it now ({code})", code=code)
    if code in _UNCERTAIN:
        return Uncertain("Slack broke off; the call may have been carried out in part", code=code)
    if code in _GONE:
        return CustomerGone(f"Slack: {_GONE[code]}", code=code)
    if code in _MISCONFIGURED:
        needed = f" (needed: {_said(answer.needed, token)})" if answer.needed else ""
        return Misconfigured(f"Slack: {_MISCONFIGURED[code]}{needed}", code=code)
    words = _REFUSED.get(code, f"{method} was refused")
    return Refused(f"Slack: {words}" + (f": {detail}" if detail else ""), code=code)


def _read(body: bytes) -> _Answer | None:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _said(words: str, token: str) -> str:
    text = " ".join(clean(words).split())
    return (text.replace(token, "[token]") if token else text)[:MAX_WORDS]


def _retry_after(headers: Any) -> float | None:
    value = str(headers.get("Retry-After", "")).strip()
    return min(float(value), MAX_RETRY_AFTER) if value.isascii() and value.isdigit() else None


def _too_many(method: str, wait: float | None) -> TryLater:
    """A 429. Slack limits a method by workspace, and posting by channel as well, and does not say which one it was.
    It is taken for the channel's: one busy channel must not stop the others, which meet the same answer in time.
    """
    seconds = f"{wait:g} s" if wait is not None else "an unnamed time"
    return TryLater(f"Slack asks to wait {seconds}: too many calls of {method}", code="429", retry_after=wait)


def _by_status(status: int) -> SendFailed:
    """The error for an answer that is not the Web API's."""
    match status:
        case 503:
            return TryLater("Slack is out of order (HTTP 503)", code="503")
        case _ if status >= 500:
            return Uncertain(
                f"Slack broke off (HTTP {status}); the call may have been carried out", code=str(status)
            )
        case 401 | 403:
            return Misconfigured(f"Slack does not let the app in (HTTP {status})", code=str(status))
        case _ if 300 <= status < 400 or status == 404:
            return Misconfigured(f"what answers is not Slack's Web API (HTTP {status})", code=str(status))
        case _ if status >= 400:
            return Refused(f"Slack refuses the call (HTTP {status})", code=str(status))
    return Uncertain(f"the answer is not the Web API's (HTTP {status})", code="unreadable")
