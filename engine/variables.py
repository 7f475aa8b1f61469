"""Variables: their types, and what may be kept in a conversation's state. Values are data, never code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from engine.errors import EngineError
from engine.expressions.values import number_to_string
from engine.folding import readable

MAX_TEXT = 16_384
"""Code points of a text that is kept; the rest is cut off."""
MAX_VALUES = 1_000
"""Values in one variable, nested ones included."""
MAX_ALL_TEXT = 65_536
"""Code points of all texts in one variable, keys included."""
MAX_DEPTH = 8
MAX_VARIABLES = 500
"""Variables that one conversation keeps."""
MAX_INTEGER = 2**53 - 1
"""Integers beyond it are no longer exact in JSON and in expressions."""

VariableType: TypeAlias = Literal[
    "string", "email", "phone", "number", "integer", "boolean", "object", "array", "any"
]

Scope: TypeAlias = Literal["session", "customer", "user", "bot", "global"]
"""`user` and `global` are what the documents call `customer` and `bot`."""


class VariableError(EngineError):
    """The value does not fit the variable."""


def fit(value: Any, type_: VariableType) -> Any:
    """`value` as a variable of this type keeps it. Raises VariableError when it does not fit."""
    value = storable(value)
    if value is None:
        return None
    return _FITS[type_](value)


def storable(value: Any) -> Any:
    """`value` as plain, bounded JSON data that reads back equal: no NaN, no huge integer, no foreign type.

    Raises VariableError when it is too large or too deep.
    """
    return _storable(value, [MAX_VALUES, MAX_ALL_TEXT], 0)


def _storable(value: Any, left: list[int], depth: int) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        raise VariableError(f"a variable holds at most {MAX_VALUES} values, {MAX_DEPTH} deep")
    if isinstance(value, str):
        return _text_within(value, left)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= MAX_INTEGER else _finite(value)
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, list | tuple):
        return [_storable(item, left, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {_text_within(str(key), left): _storable(item, left, depth + 1) for key, item in value.items()}
    return None


def _text_within(text: str, left: list[int]) -> str:
    kept = readable(str(text)[:MAX_TEXT])
    left[1] -= len(kept)
    if left[1] < 0:
        raise VariableError(f"a variable holds at most {MAX_ALL_TEXT} characters of text")
    return kept


def _finite(value: int | float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_to_string(value)
    raise VariableError("a list or an object is no text")


def _number(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise VariableError("this is no number")


def _integer(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise VariableError("this is no whole number")
    return int(number)


def _instance(expected: type, description: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, expected):
            return value
        raise VariableError(f"this is no {description}")

    return check


def _anything(value: Any) -> Any:
    return value


_FITS: Mapping[VariableType, Callable[[Any], Any]] = {
    "string": _text,
    "email": _text,
    "phone": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _instance(bool, "true or false"),
    "object": _instance(dict, "object"),
    "array": _instance(list, "list"),
    "any": _anything,
}
