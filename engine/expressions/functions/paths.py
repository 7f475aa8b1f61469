"""Paths into data: `items[0].price`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from engine.expressions.access import get_member
from engine.expressions.errors import ExpressionError
from engine.expressions.functions.arguments import is_missing
from engine.expressions.values import UNDEFINED, to_string

MAX_PATH: Final = 200
"""Code points of a path, and so a bound of its steps."""
_PATH: Final = re.compile(r"(?:[^.\[\]]++|\[[0-9]{1,9}\])(?:\.[^.\[\]]++|\[[0-9]{1,9}\])*+")
_STEP: Final = re.compile(r"[^.\[\]]+")


def steps(path: Any) -> tuple[str, ...]:
    """The keys that the path goes through. Raises `ExpressionError`."""
    written = to_string(path)
    if len(written) > MAX_PATH:
        raise ExpressionError(f"the path is {len(written)} characters long; use at most {MAX_PATH}")
    return _steps(written)


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    if not _PATH.fullmatch(path):
        raise ExpressionError(f"{path!r} is no path; write one such as 'items[0].price'")
    return tuple(_STEP.findall(path))


def follow(value: Any, keys: tuple[str, ...]) -> Any:
    """What is reached from `value`; undefined where the way ends early."""
    for key in keys:
        if is_missing(value):
            return UNDEFINED
        value = get_member(value, key)
    return value
