"""The functions that an expression may call by name: a table fixed when the expression is compiled."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from engine.expressions.errors import ExpressionError
from engine.expressions.methods import METHODS
from engine.expressions.text import WHITESPACE, utf16_length
from engine.expressions.values import UNDEFINED, kind, to_integer, to_number, to_string, truthy


class Function(NamedTuple):
    """A function: its Python form takes values and gives one, raises only `ExpressionError`, and is pure."""

    least: int
    most: int
    call: Callable[..., Any]


FunctionTable: TypeAlias = Mapping[str, Function]
"""By name; a dotted name such as `Math.floor` is called like a method and wins over a variable `Math`."""

MOST_ARGUMENTS: Final = 32
OPENS, CLOSES = 9, 17
"""First and last hour of a business day, both included, as in the documents' `business_hours` condition."""


def is_business_hours(current_time: Any, timezone: Any = UNDEFINED) -> bool:
    """Monday to Friday, from 9:00 until before 18:00 in `timezone`.

    `current_time` is an RFC 3339 text, milliseconds since 1970, or a `datetime`; without an offset it is
    UTC. `timezone` is an IANA name; UTC when it is missing or empty.
    """
    local = _moment(current_time).astimezone(_zone(timezone))
    return OPENS <= local.hour <= CLOSES and local.isoweekday() <= 5


def _moment(value: Any) -> datetime:
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value)
        else:
            moment = datetime.fromtimestamp(to_number(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise ExpressionError("is_business_hours needs a time such as '2024-01-15T10:30:00Z'") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _zone(value: Any) -> ZoneInfo:
    name = "" if value is None or value is UNDEFINED else to_string(value)
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        raise ExpressionError(f"there is no timezone {name[:64]!r}; name one as in 'Europe/Berlin'") from None


def _least(*values: Any) -> int | float:
    """`Math.min`: NaN when any is NaN, -0 below 0."""
    numbers = [to_number(value) for value in values]
    if any(number != number for number in numbers):
        return math.nan
    return min(numbers, key=_signed_order, default=math.inf)


def _most(*values: Any) -> int | float:
    """`Math.max`"""
    numbers = [to_number(value) for value in values]
    if any(number != number for number in numbers):
        return math.nan
    return max(numbers, key=_signed_order, default=-math.inf)


def _signed_order(number: float) -> tuple[float, float]:
    return (number, math.copysign(1.0, number))


def _whole(value: Any, rounding: Callable[[float], int]) -> int | float:
    """`rounding` for finite numbers; NaN, infinities and -0 stay, and a negative number rounds to -0."""
    number = to_number(value)
    if isinstance(number, int) or number == 0 or not math.isfinite(number):
        return number
    return math.copysign(float(rounding(number)), number)


def _floor(value: Any) -> int | float:
    return _whole(value, math.floor)


def _ceil(value: Any) -> int | float:
    return _whole(value, math.ceil)


def _trunc(value: Any) -> int | float:
    return _whole(value, math.trunc)


def _round(value: Any) -> int | float:
    """`Math.round`: ties towards positive infinity."""
    return _whole(value, _half_up)


def _half_up(number: float) -> int:
    below = math.floor(number)
    return below + (number - below >= 0.5)


def _abs(value: Any) -> int | float:
    return abs(to_number(value))


def _text(value: Any) -> str:
    """As text; null and undefined are empty."""
    return "" if value is None or value is UNDEFINED else to_string(value)


def _lower(value: Any) -> str:
    return _text(value).lower()


def _upper(value: Any) -> str:
    return _text(value).upper()


def _length(value: Any) -> int:
    """UTF-16 units of a text, elements of an array, keys of an object; 0 for everything else."""
    match kind(value):
        case "string":
            return utf16_length(value)
        case "array" | "object":
            return len(value)
        case _:
            return 0


def _contains(container: Any, value: Any) -> bool:
    """Whether an array has the element or a text the part; false for everything else."""
    found = kind(container)
    return found in ("string", "array") and bool(METHODS["includes"].by_kind[found](container, value))


_INTEGER: Final = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]*)|([0-9]+))")
_DECIMAL_INTEGER: Final = re.compile(r"([+-]?)()([0-9]+)")
_FLOAT: Final = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")


def _parse_int(value: Any, radix: Any = UNDEFINED) -> int | float:
    """JavaScript's `parseInt`, of decimal numbers and `0x…`."""
    base = to_integer(radix)
    if base not in (0, 10):
        raise ExpressionError("parseInt reads decimal numbers; leave the radix out or give 10")
    match = (_DECIMAL_INTEGER if base == 10 else _INTEGER).match(to_string(value).strip(WHITESPACE))
    digits = match and (match[2] or match[3])
    if not match or not digits:
        return math.nan
    number = to_number(int(digits, 16)) if match[2] else float(digits)
    return -float(number) if match[1] == "-" else number


def _parse_float(value: Any) -> int | float:
    """JavaScript's `parseFloat`: the number that the text begins with, else NaN."""
    match = _FLOAT.match(to_string(value).strip(WHITESPACE))
    return to_number(match[0]) if match else math.nan


def _is_nan(value: Any) -> bool:
    number = to_number(value)
    return number != number


def _is_array(value: Any) -> bool:
    return kind(value) == "array"


DEFAULT_FUNCTIONS: Final[FunctionTable] = {
    "is_business_hours": Function(1, 2, is_business_hours),
    "min": Function(0, MOST_ARGUMENTS, _least),
    "max": Function(0, MOST_ARGUMENTS, _most),
    "round": Function(1, 1, _round),
    "floor": Function(1, 1, _floor),
    "ceil": Function(1, 1, _ceil),
    "abs": Function(1, 1, _abs),
    "lower": Function(1, 1, _lower),
    "upper": Function(1, 1, _upper),
    "length": Function(1, 1, _length),
    "contains": Function(2, 2, _contains),
    "number": Function(1, 1, to_number),
    "string": Function(1, 1, to_string),
    "Math.min": Function(0, MOST_ARGUMENTS, _least),
    "Math.max": Function(0, MOST_ARGUMENTS, _most),
    "Math.round": Function(1, 1, _round),
    "Math.floor": Function(1, 1, _floor),
    "Math.ceil": Function(1, 1, _ceil),
    "Math.trunc": Function(1, 1, _trunc),
    "Math.abs": Function(1, 1, _abs),
    "Number": Function(1, 1, to_number),
    "String": Function(1, 1, to_string),
    "Boolean": Function(1, 1, truthy),
    "Array.isArray": Function(1, 1, _is_array),
    "isNaN": Function(1, 1, _is_nan),
    "parseInt": Function(1, 2, _parse_int),
    "parseFloat": Function(1, 1, _parse_float),
}
"""What `compile_expression` offers unless it is given another table."""
