"""Reading a property. Only a mapping's own keys, a text's and an array's elements and `length` exist."""

from __future__ import annotations

import re
from typing import Any, Final

from engine.expressions.errors import ExpressionError
from engine.expressions.text import units, utf16_length
from engine.expressions.values import UNDEFINED, kind, to_string

_ARRAY_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")


def get_member(owner: Any, key: str) -> Any:
    """`owner.key`. Undefined when there is no such key; an `ExpressionError` on null and undefined.

    Nothing of Python is reachable: no attribute is ever read, and functions are not values.
    """
    if type(owner) is dict:
        return owner.get(key, UNDEFINED)
    match kind(owner):
        case "object":
            return owner.get(key, UNDEFINED)
        case "array":
            if key == "length":
                return len(owner)
            return owner[int(key)] if _is_index(key, len(owner)) else UNDEFINED
        case "string":
            if key == "length":
                return utf16_length(owner)
            spread = units(owner)
            return spread[int(key)] if _is_index(key, len(spread)) else UNDEFINED
        case "null" | "undefined" as nothing:
            raise ExpressionError(f"cannot read {key!r} of {nothing}; write ?.{key} where it can be missing")
        case _:
            return UNDEFINED


def get_index(owner: Any, key: Any) -> Any:
    """`owner[key]`, as `get_member` with the key's text."""
    if type(owner) is list and type(key) is int:
        return owner[key] if 0 <= key < len(owner) else UNDEFINED
    return get_member(owner, to_string(key))


def _is_index(key: str, length: int) -> bool:
    return _ARRAY_INDEX.fullmatch(key) is not None and int(key) < length
