"""Taking secrets out of what is about to be shown: registered values, well-known forms, telling names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

MASK = "[redacted]"
MAX_SECRETS = 20_000
"""Registered values that are remembered; the oldest go first (well-known forms are masked anyway)."""
MIN_SECRET_LENGTH = 6
"""Shorter values would mask ordinary words."""
MAX_TEXT = 20_000
"""Longer strings are cut, in characters."""
MAX_DEPTH = 8
MAX_ITEMS = 500

_TELLING_NAME = re.compile(
    r"(?:token|secret|password|passwd|passphrase|authorization|cookie|credentials?|api[_-]?key|private[_-]?key"
    r"|encryption[_-]?keys?)s?$",
    re.IGNORECASE,
)

_TELLING = r"(?:token|secret|password|passwd|authorization|cookie|api[_-]?key)"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<!\d)(\d{6,12})(?::|%3[Aa])[A-Za-z0-9_-]{30,64}", rf"\1:{MASK}"),  # Telegram: the bot id stays
        (r"(?i:\b(bearer|basic))\s+(?=[^\s]{0,200}[0-9A-Z+/=])[A-Za-z0-9._~+/=-]{8,4096}", rf"\1 {MASK}"),
        (r"\bx(?:ox[a-z]|app)-[A-Za-z0-9.-]{8,512}", MASK),  # Slack
        (r"hooks\.slack\.com/[A-Za-z]+/[A-Za-z0-9/_-]{8,200}", f"hooks.slack.com/{MASK}"),
        (r"\bEAA[A-Za-z0-9]{20,512}", MASK),  # Meta
        (r"encrypted:AES256:[^\s\"'\\,}]{1,8192}", f"encrypted:AES256:{MASK}"),
        (r"\beyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{0,2048}", MASK),  # JWT
        (r"(?s)-----BEGIN ([A-Z ]{0,40}PRIVATE KEY)-----.{1,8192}?-----END \1-----", MASK),
        (
            r"(?i:\b((?:postgres(?:ql)?|rediss?|valkeys?)(?:\+\w+)?://[^\s:/@'\"]{0,200}:))[^\s'\"]{1,400}@",
            rf"\1{MASK}@",
        ),
        (r"(?i:\b(https?://[^\s:/@'\"]{0,200}:))[^\s'\"/@]{1,400}@", rf"\1{MASK}@"),
        (
            rf"(?i)({_TELLING}[\"']\s*:\s*[\"'])[^\"'\r\n]{{1,4096}}",
            rf"\1{MASK}",
        ),  # JSON or repr of a mapping
        (rf"(?i)({_TELLING}=)(?!\[)[\"']?[^\s\"'&,;)}}\]]{{1,4096}}", rf"\1{MASK}"),  # query string, keyword
    )
)

_registered: dict[str, None] = {}


def redact(secret: str) -> None:
    """From now on, mask `secret` wherever it would be logged, plain or percent-encoded."""
    if len(secret) < MIN_SECRET_LENGTH:
        return
    for form in {secret, quote(secret, safe="")}:
        _registered.pop(form, None)
        _registered[form] = None
    while len(_registered) > MAX_SECRETS:
        del _registered[next(iter(_registered))]


def redact_text(text: str) -> str:
    """`text` without its secrets, cut at MAX_TEXT characters."""
    # What stands across the cut must still be seen whole to be recognised, so the cut comes last.
    text = text[: MAX_TEXT + 8192]
    for secret in tuple(_registered):
        if secret in text:
            text = text.replace(secret, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… [cut]"


def redact_value(value: Any, *, depth: int = 0) -> Any:
    """A copy of `value` fit to be shown: plain JSON types only, strings redacted, telling names masked."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact_text(value)
        case _ if depth >= MAX_DEPTH:
            return "…"
        case Mapping():
            return {
                redact_text(str(key)): _redact_named(str(key), item, depth)
                for key, item in list(value.items())[:MAX_ITEMS]
            }
        case list() | tuple() | set() | frozenset():
            return [redact_value(item, depth=depth + 1) for item in list(value)[:MAX_ITEMS]]
        case bytes() | bytearray():
            return redact_text(bytes(value[:MAX_TEXT]).decode("utf-8", "backslashreplace"))
        case _:
            return redact_text(_show(value))


def _redact_named(name: str, value: Any, depth: int) -> Any:
    if value is not None and not isinstance(value, bool | int | float) and _TELLING_NAME.search(name):
        return MASK
    return redact_value(value, depth=depth + 1)


def _show(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # a broken __str__ must not cost the line
        return f"<{type(value).__name__}, unprintable: {type(error).__name__}>"
