"""Words with a meaning of their own."""

from __future__ import annotations

from typing import Final

from engine.expressions.values import UNDEFINED

CONSTANTS: Final[dict[str, object]] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": UNDEFINED,
    "NaN": float("nan"),
    "Infinity": float("inf"),
}
"""Names that are values."""
RESERVED: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            *("await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "do"),
            *("else", "enum", "export", "extends", "finally", "for", "function", "if", "import", "let"),
            *("new", "return", "super", "switch", "this", "throw", "try", "var", "void", "while", "with"),
            "yield",
        ),
        "statements and classes cannot be written here; choose another name",
    ),
    "delete": "nothing can be deleted here",
    "in": "write list.includes(value), or object.key !== undefined",
    "instanceof": "write typeof value === 'string' and the like",
    "True": "write true",
    "False": "write false",
    "None": "write null",
}
"""Words that cannot be names, and what to do instead."""
WORD_OPERATORS: Final[dict[str, str]] = {
    "and": "write &&",
    "or": "write ||",
    "not": "write !",
    "is": "write ===",
    "mod": "write %",
    "equals": "write ===",
}
"""Operators of other languages, and what to write instead. They can be names."""
