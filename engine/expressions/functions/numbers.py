"""Numbers: rounding, bounds, shares and splits, with JavaScript's `Math` beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from engine.expressions.errors import ExpressionError
from engine.expressions.functions.arguments import text, whole_number
from engine.expressions.functions.function import FunctionTable, described
from engine.expressions.methods import METHODS
from engine.expressions.operators import divide, multiply
from engine.expressions.text import WHITESPACE
from engine.expressions.values import UNDEFINED, to_integer, to_number, to_string

MOST_BUCKETS: Final = 1_000_000


def least(*values: Any) -> int | float:
    """`Math.min`: NaN when any is NaN, -0 below 0."""
    numbers = [to_number(value) for value in values]
    if any(number != number for number in numbers):
        return math.nan
    return min(numbers, key=_signed_order, default=math.inf)


def most(*values: Any) -> int | float:
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


def clamp(value: Any, low: Any, high: Any) -> int | float:
    """`value`, held within `low` and `high`; NaN when any of them is."""
    number, least_allowed, most_allowed = to_number(value), to_number(low), to_number(high)
    if least_allowed > most_allowed:
        raise ExpressionError("clamp's low is above its high; give the lower one first")
    return least(most(number, least_allowed), most_allowed)


def percent(part: Any, whole: Any) -> int | float:
    """`part / whole * 100`; NaN or infinite when `whole` is 0."""
    return multiply(divide(part, whole), 100)


def to_fixed(value: Any, digits: Any = UNDEFINED) -> str:
    """JavaScript's `toFixed`, of what is a number once converted."""
    fixed: str = METHODS["toFixed"].by_kind["number"](to_number(value), digits)
    return fixed


def bucket(value: Any, buckets: Any) -> int:
    """A bucket from 0 to `buckets` - 1: BLAKE2b with 8 bytes of digest over the UTF-8 text, big-endian, modulo
    `buckets`. The same in every process and release, so that a split stays as it is.
    """
    count = whole_number(buckets, 1, MOST_BUCKETS, "the number of buckets")
    digest = blake2b(text(value).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count


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


def _check_buckets(value: Any) -> None:
    whole_number(value, 1, MOST_BUCKETS, "the number of buckets")


FUNCTIONS: Final[FunctionTable] = dict(
    (
        described("number(value)", "The value as a number; NaN when it is none.", to_number),
        described("round(number)", "The nearest whole number; halves go up.", _round),
        described("floor(number)", "The whole number at or below it.", _floor),
        described("ceil(number)", "The whole number at or above it.", _ceil),
        described("abs(number)", "The number without its sign.", _abs),
        described("min(...numbers)", "The least of the numbers.", least),
        described("max(...numbers)", "The greatest of the numbers.", most),
        described("clamp(number, low, high)", "The number, held within low and high.", clamp),
        described(
            "percent(part, whole)", "What part is of whole, in hundredths: percent(1, 4) is 25.", percent
        ),
        described(
            "to_fixed(number, digits?)", "Text with that many decimals: to_fixed(2.5, 2) is '2.50'.", to_fixed
        ),
        described(
            "bucket(text, count)",
            "A bucket from 0 to count - 1, always the same for the same text (BLAKE2b, 8 bytes, modulo count).",
            bucket,
            {1: _check_buckets},
        ),
        described("isNaN(value)", "Whether the value is no number.", _is_nan),
        described(
            "parseInt(text, radix?)", "The whole number that the text begins with, else NaN.", _parse_int
        ),
        described("parseFloat(text)", "The number that the text begins with, else NaN.", _parse_float),
        described("Number(value)", "JavaScript's name for number.", to_number),
        described("Math.round(number)", "JavaScript's name for round.", _round),
        described("Math.floor(number)", "JavaScript's name for floor.", _floor),
        described("Math.ceil(number)", "JavaScript's name for ceil.", _ceil),
        described("Math.trunc(number)", "The number without its decimals.", _trunc),
        described("Math.abs(number)", "JavaScript's name for abs.", _abs),
        described("Math.min(...numbers)", "JavaScript's name for min.", least),
        described("Math.max(...numbers)", "JavaScript's name for max.", most),
    )
)
