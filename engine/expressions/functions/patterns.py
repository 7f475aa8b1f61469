"""Regular expressions on RE2, whose time grows with the text alone: no pattern can hold up a turn."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2  # type: ignore[import-untyped]

from engine.expressions.errors import ExpressionError
from engine.expressions.functions.arguments import short_text
from engine.expressions.text import well_formed

MAX_PATTERN: Final = 200
"""Code points of a pattern."""
MAX_MEMORY: Final = 1 << 20
"""Bytes of a compiled pattern and of its automaton; RE2 refuses a larger one."""
_CACHED: Final = 128


def matches(value: Any, pattern: Any) -> bool:
    """Whether the pattern matches anywhere in the text; `^` and `$` hold it to its ends."""
    return compiled(pattern).search(well_formed(short_text(value)).encode()) is not None


def compiled(pattern: Any) -> Any:
    """The pattern ready to search UTF-8. Raises `ExpressionError`."""
    if not isinstance(pattern, str):
        raise ExpressionError("a pattern is not a text; write one such as '^[0-9]+$'")
    if len(pattern) > MAX_PATTERN:
        raise ExpressionError(f"the pattern is {len(pattern)} characters long; use at most {MAX_PATTERN}")
    return _compiled(str(pattern))


@lru_cache(maxsize=_CACHED)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    try:
        return re2.compile(well_formed(pattern).encode(), options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ExpressionError(
            f"the pattern {pattern!r} cannot be used ({said}); "
            "write it as RE2 reads it, without look-around and back-references"
        ) from None
