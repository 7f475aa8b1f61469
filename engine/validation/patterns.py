"""Regular expressions that take time in proportion to the text: RE2's, which match a whole text or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field

from engine.folding import readable
from engine.problems import shortened

MAX_PATTERN: Final = 500
"""Characters of a regular expression."""
MAX_MEMORY: Final = 1 << 20
"""Bytes of one compiled expression with its cached states; past it matching gets slower, but stays linear."""


def compile_pattern(source: str) -> Callable[[str], bool]:
    """Whether a whole text matches. Raises ValueError for what is no regular expression of RE2's."""
    import re2  # type: ignore[import-untyped]

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    try:
        pattern = re2.compile(source, options)
    except (re2.error, UnicodeError) as error:
        raise ValueError(
            f"this is no regular expression: {_reason(error)}; "
            "correct it, and do without look-around and back-references"
        ) from None
    return lambda text: pattern.fullmatch(readable(text)) is not None


def _checked(source: str) -> str:
    compile_pattern(source)
    return source


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args and not isinstance(error, UnicodeError) else b"not a text"
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return shortened(text.replace(";", ","))


Pattern: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_PATTERN), AfterValidator(_checked)]
