"""How the functions read their arguments, so that all of them treat what is missing or wrong alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.expressions.errors import ExpressionError
from engine.expressions.limits import MAX_SAFE_INTEGER, MAX_TEXT
from engine.expressions.values import UNDEFINED, kind, to_number, to_string


def is_missing(value: Any) -> bool:
    """Whether it is null or undefined."""
    return value is None or value is UNDEFINED


def text(value: Any) -> str:
    """As text; null and undefined are empty."""
    return "" if is_missing(value) else to_string(value)


def short_text(value: Any) -> str:
    """As `text`, for work that is not done on more than `MAX_TEXT` code points."""
    found = text(value)
    if len(found) > MAX_TEXT:
        raise ExpressionError(f"a text is longer than {MAX_TEXT} characters; give a shorter one")
    return found


def array(value: Any) -> Sequence[Any]:
    """The elements of a list; null and undefined have none."""
    if is_missing(value):
        return ()
    if kind(value) != "array":
        raise ExpressionError(f"a value of type {kind(value)} is no list; give one such as [1, 2]")
    found: Sequence[Any] = value
    return found


def mapping(value: Any) -> Mapping[str, Any]:
    """The entries of an object; null and undefined have none."""
    if is_missing(value):
        return {}
    if kind(value) != "object":
        raise ExpressionError(f"a value of type {kind(value)} is no object; give one such as {{a: 1}}")
    found: Mapping[str, Any] = value
    return found


def whole_number(value: Any, low: int, high: int, what: str) -> int:
    """A whole number from `low` to `high`; `what` names it in the error."""
    number = to_number(value)
    if not low <= number <= high or number != int(number):
        raise ExpressionError(f"{what} is not a whole number; give one from {low} to {high}")
    return int(number)


def plain_number(number: int | float) -> int | float:
    """The number as the language has it: an `int` where it is a safe integer, else a double."""
    if isinstance(number, float) and not (number.is_integer() and abs(number) <= MAX_SAFE_INTEGER):
        return number
    return to_number(int(number))
