"""The bounds of the template language."""

from __future__ import annotations

from typing import Final

MAX_SOURCE: Final = 20_000
"""Code points of a template's source."""
MAX_OUTPUT: Final = 20_000
"""Code points of a rendered text."""
MAX_PLACEHOLDERS: Final = 500
MAX_STEPS: Final = 16
"""Names and indexes in a path, and filters of a placeholder."""
MAX_DATA_DEPTH: Final = 32
"""Nesting of an array or object that is printed as JSON."""
MAX_PATTERN: Final = 100
"""Code points of a CLDR date pattern."""
MAX_CLUSTER: Final = 64
"""Code points that `truncate` keeps together, or leaves out together."""
MAX_DIGITS: Final = 10
"""Digits after the decimal point that `number` and `percent` can be asked for."""
MAX_FORMS: Final = 6
"""Forms of `plural`: CLDR has six categories."""
