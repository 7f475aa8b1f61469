"""What can go wrong with a template: its source, or its rendering."""

from __future__ import annotations

from engine.errors import EngineError


class TemplateSyntaxError(EngineError):
    """The template cannot be understood.

    `position` is the 0-based code point in the source, `mend` says what to do about it.
    """

    def __init__(self, message: str, position: int, mend: str) -> None:
        super().__init__(f"{message} at position {position}: {mend}")
        self.message = message
        self.position = position
        self.mend = mend


class TemplateError(EngineError):
    """The template cannot be rendered here."""


class ArgumentError(EngineError):
    """A filter cannot take its arguments; the text is the mend. The compiler adds the position."""
