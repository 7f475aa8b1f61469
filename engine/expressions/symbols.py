"""The tables that the parser goes by: which token is what, and how tightly operators bind."""

from __future__ import annotations

from typing import Final

from engine.expressions.lexer import END
from engine.expressions.words import CONSTANTS, RESERVED

POWERS: Final = {
    "??": 2,
    "||": 2,
    "&&": 3,
    **dict.fromkeys(("===", "!==", "==", "!="), 7),
    **dict.fromkeys(("<", "<=", ">", ">="), 8),
    **dict.fromkeys(("+", "-"), 10),
    **dict.fromkeys(("*", "/", "%"), 11),
    "**": 12,
}
"""How tightly each binary operator binds; all but `**` to the left."""
UNARY_POWER: Final = 13
"""How tightly the operators before a value bind."""
LOGICAL: Final = frozenset({"&&", "||", "??"})
PREFIXES: Final = frozenset({"!", "-", "+", "typeof"})
ACCESS: Final = frozenset({".", "?.", "[", "("})
SPECIAL: Final = frozenset({END, ")", "]", "{", "}", ",", ":", "?"}) | {
    *POWERS,
    *PREFIXES,
    *ACCESS,
    *CONSTANTS,
    *RESERVED,
}
"""Tokens that are no number, text or name of the environment."""
