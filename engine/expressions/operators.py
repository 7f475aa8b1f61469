"""JavaScript's arithmetic and ordering. All results are safe integers, doubles, texts or booleans."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from engine.expressions.limits import MAX_SAFE_INTEGER
from engine.expressions.text import concatenate, utf16_order
from engine.expressions.values import (
    loose_equals,
    strict_equals,
    to_number,
    to_primitive,
    to_string,
    truthy,
    type_of,
)

Relation: TypeAlias = Literal["<", "<=", ">", ">="]


def add(left: Any, right: Any) -> Any:
    """`+`: joins when either side is a text once converted, else adds."""
    left, right = to_primitive(left), to_primitive(right)
    if isinstance(left, str) or isinstance(right, str):
        return concatenate(to_string(left), to_string(right))
    return _double(to_number(left) + to_number(right))


def subtract(left: Any, right: Any) -> int | float:
    """`-`"""
    return _double(to_number(left) - to_number(right))


def multiply(left: Any, right: Any) -> int | float:
    """`*`, where a zero has a sign."""
    first, second = to_number(left), to_number(right)
    product = first * second
    if product == 0:
        return float(first) * float(second)
    return _double(product)


def divide(left: Any, right: Any) -> float:
    """`/`; division by zero is infinite, or NaN."""
    first, second = float(to_number(left)), float(to_number(right))
    if second != 0:
        return first / second
    if first == 0 or first != first:
        return math.nan
    return math.copysign(math.inf, first) * math.copysign(1.0, second)


def remainder(left: Any, right: Any) -> float:
    """`%`, with the sign of the left side."""
    first, second = float(to_number(left)), float(to_number(right))
    if second == 0 or math.isinf(first):
        return math.nan
    return math.fmod(first, second)


def power(left: Any, right: Any) -> float:
    """`**`; unlike C's pow, NaN for 1 ** NaN and for (±1) ** ±Infinity."""
    base, exponent = float(to_number(left)), float(to_number(right))
    if exponent != exponent or (abs(base) == 1 and math.isinf(exponent)):
        return math.nan
    odd = exponent.is_integer() and exponent % 2 == 1
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        if base == 0:
            return math.copysign(math.inf, base) if odd else math.inf
        return math.nan


def negate(value: Any) -> int | float:
    """Unary `-`; the opposite of 0 is -0."""
    number = to_number(value)
    return -number if number != 0 else -float(number)


def _double(number: int | float) -> int | float:
    if isinstance(number, int) and not -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER:
        return float(number)
    return number


_RELATE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def relate(relation: str, left: Any, right: Any) -> bool:
    """`<`, `<=`, `>`, `>=`: two texts by UTF-16 unit, all else as numbers; false beside NaN."""
    test = _RELATE[relation]
    left, right = to_primitive(left), to_primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        if left.isascii() and right.isascii():
            return test(left, right)
        return test(utf16_order(left), utf16_order(right))
    return test(to_number(left), to_number(right))


def _relation(symbol: Relation) -> Callable[[Any, Any], bool]:
    def evaluate(left: Any, right: Any) -> bool:
        return relate(symbol, left, right)

    return evaluate


def _not_strict_equals(left: Any, right: Any) -> bool:
    return not strict_equals(left, right)


def _not_loose_equals(left: Any, right: Any) -> bool:
    return not loose_equals(left, right)


BINARY: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "**": power,
    "<": _relation("<"),
    "<=": _relation("<="),
    ">": _relation(">"),
    ">=": _relation(">="),
    "===": strict_equals,
    "!==": _not_strict_equals,
    "==": loose_equals,
    "!=": _not_loose_equals,
}


def _not(value: Any) -> bool:
    return not truthy(value)


UNARY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "!": _not,
    "-": negate,
    "+": to_number,
    "typeof": type_of,
}
