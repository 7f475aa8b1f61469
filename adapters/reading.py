"""Careful looks into decoded JSON of unknown shape: each gives a value of one type, or says why it can't."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

from adapters.text import clean

Object: TypeAlias = dict[str, Any]

MAX_INTEGER: Final = 2**63 - 1
"""Ids have at most 52 significant bits (Bot API); PostgreSQL's bigint is the wider bound."""
FIRST_DATE: Final = 1_230_768_000
"""2009-01-01 in Unix seconds, older than every platform. A date before it (0 stands for "none") means nothing."""


class Unhandled(Exception):
    """A piece that runs no turn. Its text is the reason that is stored with it."""


def decode(body: bytes) -> Any:
    """The JSON value in `body`, its strings fit to be stored (no NUL, no lone surrogates).

    msgspec reads what is well formed. What it refuses gets a second, more patient reading: Python's own
    decoder takes lone surrogates (a client may cut an emoji in half) and broken UTF-8 becomes U+FFFD.
    Raises ValueError or RecursionError when it is no JSON, msgspec.DecodeError never.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _cleaned(json.loads(body.decode("utf-8", "replace"), parse_constant=_refuse))
    return _cleaned(value) if b"\\u0000" in body else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean(key): _cleaned(item) for key, item in value.items()}
        case list():
            return [_cleaned(item) for item in value]
        case _:
            return value


def string(where: Object, key: str) -> str:
    """A string that may be missing; anything else counts as missing."""
    value = where.get(key)
    return value if type(value) is str else ""


def needed_string(where: Object, key: str, what: str) -> str:
    """A string that has to be there and not be empty. Raises `Unhandled`."""
    value = where.get(key)
    if type(value) is str and value:
        return value
    raise Unhandled(f"{what} without a readable {key}")


def needed_object(where: Object, key: str, what: str) -> Object:
    """A JSON object that has to be there. Raises `Unhandled`."""
    value = where.get(key)
    if type(value) is dict:
        return value
    raise Unhandled(f"{what} without a readable {key}")


def integer(value: Any) -> int | None:
    """A whole number of at most 64 bits, or None. JSON's true and 1.0 are none."""
    return value if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER else None


def identifier(where: Object, key: str, what: str) -> str:
    """A numeric id, in digits. Raises `Unhandled`."""
    value = integer(where.get(key))
    if value is None:
        raise Unhandled(f"{what} without a readable {key}")
    return str(value)


def degrees(where: Object, key: str, limit: float) -> float:
    """An angle within ±`limit`. Raises `Unhandled`."""
    value = where.get(key)
    if (type(value) is float or type(value) is int) and -limit <= value <= limit:  # false for NaN and inf
        return float(value)
    raise Unhandled(f"location without a readable {key}")


def moment(value: Any, now: datetime) -> datetime:
    """A Unix time in seconds as UTC; `now` when it is missing, before the platforms' time or yet to come."""
    if type(value) is not int or value < FIRST_DATE or value > now.timestamp():
        return now
    return datetime.fromtimestamp(value, UTC)
