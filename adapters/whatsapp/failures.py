"""What Meta's refusals mean for a delivery, in one table: the error, whether to try again, what an operator reads.

The same table words the refusals that come later, in a status report.

https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from adapters.errors import (
    CustomerGone,
    Misconfigured,
    Refused,
    SendFailed,
    TryLater,
    Uncertain,
    WindowClosed,
)
from adapters.reading import integer, string
from adapters.text import clean

MAX_WORDS: Final = 240
"""Characters of Meta's own words that a reason repeats."""

Kind: TypeAlias = Literal["later", "gone", "refused", "misconfigured", "window"]


class Verdict(NamedTuple):
    """What a code means. For `later`: `wait` in seconds, or to the power of the attempt where there is a `base`."""

    kind: Kind
    words: str
    wait: float | None = None
    whole_channel: bool = False
    base: float | None = None


_TOKEN = "mend the access token in the channel's settings"  # noqa: S105 - words, not a token
_PERMISSION = "give the system user whatsapp_business_messaging on this WhatsApp Business Account"

VERDICTS: Final[dict[int, Verdict]] = {
    0: Verdict("misconfigured", f"Meta does not accept the access token; {_TOKEN}"),
    1: Verdict("later", "Meta has an unknown error"),
    2: Verdict("later", "Meta's service is down for the moment"),
    3: Verdict("misconfigured", f"the app lacks a capability; {_PERMISSION}"),
    4: Verdict("later", "the app has made too many calls", 60.0, True),
    10: Verdict("misconfigured", f"a permission is missing; {_PERMISSION}"),
    33: Verdict("misconfigured", "the business phone number was deleted; connect another one"),
    100: Verdict("refused", "Meta does not take a parameter of the call"),
    190: Verdict("misconfigured", f"the access token has expired or was revoked; {_TOKEN}"),
    368: Verdict(
        "misconfigured", "the account is blocked for violating a policy; see Meta's Business Support"
    ),
    613: Verdict("later", "too many calls of one kind", 60.0, True),
    80007: Verdict("later", "the WhatsApp Business Account has reached its rate limit", 60.0, True),
    130429: Verdict("later", "too many messages a second from this number", 2.0, True),
    130472: Verdict("refused", "the customer is in an experiment of Meta's and gets no marketing message"),
    130497: Verdict("refused", "the account may not write to this customer's country"),
    131000: Verdict("later", "Meta has an unknown error"),
    131005: Verdict("misconfigured", f"a permission is missing; {_PERMISSION}"),
    131008: Verdict("refused", "a needed parameter is missing"),
    131009: Verdict("refused", "a parameter's value is not valid"),
    131016: Verdict("later", "a service of Meta's is overloaded", 10.0),
    131020: Verdict("refused", "the group has no other member"),
    131021: Verdict("refused", "sender and recipient are the same number"),
    131026: Verdict(
        "gone", "the customer can't get it: no WhatsApp, too old a WhatsApp, or its terms not accepted"
    ),
    131030: Verdict(
        "misconfigured", "a test number writes only to numbers on its list; add this one at Meta"
    ),
    131031: Verdict("misconfigured", "Meta has locked the account; see Meta's Business Support"),
    131037: Verdict("misconfigured", "the number's display name is not approved yet"),
    131041: Verdict("gone", "the group is gone, or this number is not in it"),
    131042: Verdict("misconfigured", "Meta can't charge the account; mend its payment method"),
    131044: Verdict("misconfigured", "Meta can't charge the account; mend its payment method"),
    131045: Verdict("misconfigured", "the number is not registered properly; register it again"),
    131047: Verdict(
        "window", "the customer last wrote more than 24 hours ago; only an approved template is taken now"
    ),
    131048: Verdict("later", "too many of this number's messages were blocked or reported as spam", 900.0),
    131049: Verdict("refused", "Meta holds marketing back from this customer for now; don't repeat it soon"),
    131050: Verdict("refused", "the customer has stopped marketing messages from this business"),
    131051: Verdict("refused", "WhatsApp does not support this type of message"),
    131052: Verdict("refused", "the customer's file can't be downloaded"),
    131053: Verdict("refused", "WhatsApp can't use the file: its type, its size or its address"),
    131055: Verdict("refused", "the method is not allowed"),
    131056: Verdict("later", "too many messages to this customer in a short time", 4.0, base=4.0),
    131057: Verdict("later", "the account is in maintenance", 60.0),
    131062: Verdict(
        "refused", "this message can't be sent to a business-scoped id; a phone number is needed"
    ),
    131063: Verdict(
        "misconfigured", "marketing templates are switched off for the Cloud API in this account"
    ),
    131064: Verdict(
        "later", "the account has reached its messaging limit for misclassified templates", 900.0
    ),
    132000: Verdict("refused", "the number of parameters is not the template's"),
    132001: Verdict("refused", "the template does not exist in this language, or is not approved"),
    132005: Verdict("refused", "the template's text is too long with these parameters"),
    132007: Verdict("refused", "the template's content violates a policy"),
    132008: Verdict("refused", "a template's parameter is not valid"),
    132012: Verdict("refused", "a template's parameter has the wrong format"),
    132015: Verdict("refused", "the template is paused for its low quality"),
    132016: Verdict("refused", "the template is disabled for its low quality"),
    132068: Verdict("refused", "the form (Flow) is blocked"),
    132069: Verdict("later", "the form (Flow) is throttled", 600.0),
    133004: Verdict("later", "Meta's server is not available for the moment", 10.0),
    133010: Verdict("misconfigured", "the number is not registered with the Cloud API; register it"),
    133016: Verdict("misconfigured", "too many registrations of this number; wait before the next one"),
    134011: Verdict("misconfigured", "the terms of WhatsApp payments are not accepted"),
    135000: Verdict("refused", "Meta does not take the call, and does not say why"),
    137000: Verdict("refused", "the customer's identity key is another one now"),
}
_RANGES: Final = (
    (200, 299, Verdict("misconfigured", f"a permission is missing; {_PERMISSION}")),
    (132000, 132099, Verdict("refused", "the template can't be sent")),
    (
        133000,
        133099,
        Verdict("misconfigured", "the number's registration with the Cloud API is not in order"),
    ),
)
MISSING_OBJECT: Final = 33
"""Subcode of 100: the number does not exist, or the token may not see it."""


def verdict_of(code: int, subcode: int = 0) -> Verdict | None:
    """What a code of Meta's means; None for one that is not known."""
    if code == 100 and subcode == MISSING_OBJECT:
        return Verdict("misconfigured", "the phone number's id is wrong, or the access token may not use it")
    if (known := VERDICTS.get(code)) is not None:
        return known
    return next((verdict for first, last, verdict in _RANGES if first <= code <= last), None)


class _Data(msgspec.Struct):
    details: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    code: int = 0
    error_subcode: int = 0
    error_data: _Data | str | None = None
    error_user_msg: str | None = None
    is_transient: bool = False


class _Refusal(msgspec.Struct):
    error: _Error


_decode = msgspec.json.Decoder(_Refusal).decode


def refusal(status: int, body: bytes, token: str) -> SendFailed | None:
    """The error for an answer of the Graph API; None if it is a success, or none of its own (see `by_status`).

    `token` is taken out of Meta's words, should a server have put it there.
    """
    try:
        error = _decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return by_status(status)
    data = error.error_data
    details = data.details if isinstance(data, _Data) else (data or "")
    said = _tidy(details or error.error_user_msg or error.message, token)
    verdict = verdict_of(error.code, error.error_subcode)
    if verdict is None:
        transient = error.is_transient or status == 429 or status >= 500
        verdict = Verdict("later" if transient else "refused", "Meta refuses the call")
    return _failure(verdict, _worded(verdict.words, said), str(error.code))


def _failure(verdict: Verdict, reason: str, code: str) -> SendFailed:
    reason = f"WhatsApp: {reason}"
    match verdict.kind:
        case "later":
            return TryLater(
                reason,
                code=code,
                retry_after=verdict.wait,
                whole_channel=verdict.whole_channel,
                backoff_base=verdict.base,
            )
        case "gone":
            return CustomerGone(reason, code=code)
        case "refused":
            return Refused(reason, code=code)
        case "misconfigured":
            return Misconfigured(reason, code=code)
        case "window":
            return WindowClosed(reason, code=code)


def by_status(status: int) -> SendFailed | None:
    """The error that an HTTP status alone stands for, when what answers is no Graph API; None for a 2xx.

    A server that broke, and a gateway that gave up on it, may have passed the call on: WhatsApp's status report
    will tell. One that says that it is not there has not.
    """
    if status in (401, 403):
        return Misconfigured(f"WhatsApp: Meta does not accept the access token; {_TOKEN}", code=str(status))
    if status == 404:
        return Misconfigured("WhatsApp: there is no Graph API at this address", code="404")
    if status == 429:
        return TryLater("WhatsApp: too many requests", code="429", retry_after=60.0, whole_channel=True)
    if status == 503:
        return TryLater("WhatsApp: the Graph API is out of order (HTTP 503)", code="503")
    if status >= 500:
        return Uncertain(
            f"WhatsApp: the Graph API broke (HTTP {status}); it may have taken the call", code=str(status)
        )
    if 300 <= status < 400:
        return Misconfigured(f"WhatsApp: the Graph API redirects (HTTP {status})", code=str(status))
    if status >= 400:
        return Refused(f"WhatsApp: the Graph API refuses the call (HTTP {status})", code=str(status))
    return None


def unreadable_answer(status: int) -> SendFailed:
    """The error for a 2xx that is no answer of the Graph API: the call may have been carried out."""
    return Uncertain(f"WhatsApp: the answer is not the Graph API's (HTTP {status})", code="unreadable")


def describe_error(error: Any) -> str:
    """An entry of a webhook's `errors`, as an operator reads it: `131026: words (details)`."""
    if type(error) is not dict:
        return "an unreadable error"
    code = integer(error.get("code")) or 0
    data = error.get("error_data")
    details = string(data, "details") if type(data) is dict else string(error, "details")
    said = _tidy(details or string(error, "message") or string(error, "title"), "")
    verdict = verdict_of(code)
    words = _worded(verdict.words, said) if verdict is not None else said or "no reason given"
    return f"{code}: {words}"


def _worded(words: str, said: str) -> str:
    return f"{words} ({said})" if said else words


def _tidy(text: str, token: str) -> str:
    text = clean(text)
    if token:
        text = text.replace(token, "[token]")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:MAX_WORDS]
