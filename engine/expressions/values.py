"""The values of the expression language, and JavaScript's conversions between them.

Plain Python data: `None` is null, `UNDEFINED` undefined, `bool`, `int` and `float` (both are numbers and
behave as doubles), `str`, `list` or `tuple` (arrays) and any mapping with text keys (objects). Anything
else is not a value: it can be passed on, but touching it is an `ExpressionError`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Final, Literal, TypeAlias

from engine.expressions.errors import ExpressionError
from engine.expressions.limits import MAX_DATA_DEPTH, MAX_SAFE_INTEGER, MAX_TEXT
from engine.expressions.text import WHITESPACE, fold, too_long

Kind: TypeAlias = Literal["undefined", "null", "boolean", "number", "string", "array", "object"]


class Undefined:
    """The type of `UNDEFINED`, of which there is one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()
"""What a missing name or property is."""

_KINDS: Final[dict[type, Kind]] = {
    Undefined: "undefined",
    NoneType: "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    tuple: "array",
    dict: "object",
}
_SUBCLASSES: Final[tuple[tuple[type | tuple[type, ...], Kind], ...]] = (
    (str, "string"),
    ((int, float), "number"),
    ((list, tuple), "array"),
    (Mapping, "object"),
)
_NULLISH: Final = frozenset({"undefined", "null"})
_STRUCTURED: Final = frozenset({"array", "object"})
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_INFINITIES: Final = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}


def kind(value: Any) -> Kind:
    """What `value` is in the language. Raises `ExpressionError` when it is no value of it."""
    found = _KINDS.get(type(value))
    return found if found is not None else _kind_of_subclass(value)


def _kind_of_subclass(value: Any) -> Kind:
    for types, found in _SUBCLASSES:
        if isinstance(value, types):
            return found
    raise ExpressionError(f"a {type(value).__name__} is not a value that an expression can work with")


def type_of(value: Any) -> str:
    """JavaScript's `typeof`."""
    found = kind(value)
    return "object" if found in ("null", "array") else found


def truthy(value: Any) -> bool:
    """JavaScript's ToBoolean: empty arrays and objects are true."""
    if value is True:
        return True
    match kind(value):
        case "number":
            return bool(value == value and value != 0)
        case "string":
            return len(value) > 0
        case found:
            return found in _STRUCTURED


def to_number(value: Any) -> int | float:
    """JavaScript's ToNumber; an `int` result is always a safe integer."""
    if type(value) is float:
        return value
    if type(value) is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        return value
    match kind(value):
        case "number":
            return double(value)
        case "string":
            return text_to_number(value)
        case "boolean":
            return 1 if value else 0
        case "null":
            return 0
        case "undefined":
            return math.nan
        case _:
            return text_to_number(to_string(value))


def double(value: int | float) -> float:
    """`value` as a double; an integer beyond its range is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def text_to_number(text: str) -> int | float:
    """The number that the whole text spells, 0 for an empty one, else NaN."""
    spelled = text.strip(WHITESPACE)
    if not spelled:
        return 0
    if _DECIMAL.fullmatch(spelled):
        return float(spelled)
    if _RADIX.fullmatch(spelled):
        return double(int(spelled, 0))
    return _INFINITIES.get(spelled, math.nan)


def to_integer(value: Any) -> int | float:
    """JavaScript's ToIntegerOrInfinity: an `int`, or an infinity."""
    number = to_number(value)
    if isinstance(number, int):
        return number
    if number != number:
        return 0
    return number if math.isinf(number) else int(number)


def to_primitive(value: Any) -> Any:
    """Arrays and objects as text; everything else as it is."""
    return to_string(value) if kind(value) in _STRUCTURED else value


def to_string(value: Any) -> str:
    """JavaScript's ToString."""
    match kind(value):
        case "string":
            return str(value)
        case "number":
            return number_to_string(value)
        case "boolean":
            return "true" if value else "false"
        case "null":
            return "null"
        case "undefined":
            return "undefined"
        case "array":
            return join(value, ",")
        case "object":
            return "[object Object]"


def number_to_string(value: int | float) -> str:
    """JavaScript's Number::toString: `1`, `0.1`, `1e+21`, `NaN`; -0 is `0`."""
    if isinstance(value, int) and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        return int.__repr__(value)
    number = double(value)
    if number != number:
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    return ("-" if number < 0 else "") + _positive_to_string(abs(number))


def _positive_to_string(number: float) -> str:
    """ECMAScript 6.1.6.1.20 from step 5; Python's repr gives the same shortest digits."""
    mantissa, _, exponent = float.__repr__(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    written = (whole + fraction).lstrip("0")
    point = len(written) - len(fraction) + int(exponent or "0")
    digits = written.rstrip("0")
    if len(digits) <= point <= 21:
        return digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{point - 1:+d}"


def join(items: Sequence[Any], separator: str, depth: int = 0) -> str:
    """JavaScript's `Array.prototype.join`: null and undefined are empty, inner arrays take commas."""
    if depth >= MAX_DATA_DEPTH:
        raise ExpressionError(f"an array is nested more than {MAX_DATA_DEPTH} deep; make it flatter")
    pieces: list[str] = []
    length = 0
    for item in items:
        found = kind(item)
        piece = join(item, ",", depth + 1) if found == "array" else _element(item)
        pieces.append(piece)
        length += len(piece) + len(separator)
        if length - len(separator) > MAX_TEXT:
            raise too_long()
    return fold(separator.join(pieces))


def _element(item: Any) -> str:
    return "" if item is None or item is UNDEFINED else to_string(item)


def strict_equals(left: Any, right: Any) -> bool:
    """JavaScript's `===`."""
    if left is right:
        return bool(left == left) if type(left) is float else True
    found = kind(left)
    if found != kind(right) or found in _STRUCTURED:
        return False
    if found == "number":
        return to_number(left) == to_number(right)
    return bool(left == right)


def same_value_zero(left: Any, right: Any) -> bool:
    """As `===`, but NaN equals NaN: what `includes` uses."""
    return strict_equals(left, right) or (left != left and right != right)


def loose_equals(left: Any, right: Any) -> bool:
    """JavaScript's `==`."""
    first, second = kind(left), kind(right)
    if first == second:
        return strict_equals(left, right)
    if first in _NULLISH or second in _NULLISH:
        return first in _NULLISH and second in _NULLISH
    if first in _STRUCTURED and second in _STRUCTURED:
        return False
    left, right = to_primitive(left), to_primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return bool(left == right)
    return to_number(left) == to_number(right)
