"""What can go wrong with an expression: its text, or its evaluation."""

from __future__ import annotations

from engine.errors import EngineError


class ExpressionSyntaxError(EngineError):
    """The expression cannot be understood.

    `position` is the 0-based code point in the source, `mend` says what to do about it.
    """

    def __init__(self, message: str, position: int, mend: str = "") -> None:
        super().__init__(f"{message} at position {position}" + (f": {mend}" if mend else ""))
        self.message = message
        self.position = position
        self.mend = mend


class ExpressionError(EngineError):
    """The expression is well written but has no value here, as where JavaScript throws a TypeError."""
