"""The pieces of a JSON text, and where they stand in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

from gateway.errors import GatewayError

STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
TOKEN: Final = re.compile(STRING.pattern + r'|[{}\[\],:]|[^\s{}\[\],:"]+|"', re.DOTALL)
"""One piece of a text; a quotation mark alone begins a text that has no end."""
_LINE_END: Final = re.compile(r"\r\n|\n|\r")


class Position(NamedTuple):
    """A place in a text. Both begin at 1; columns count code points."""

    line: int
    column: int


class SourceError(GatewayError):
    """The text is no JSON."""

    def __init__(self, line: int, column: int, message: str, mend: str) -> None:
        self.line = line
        self.column = column
        self.message = message
        self.mend = mend
        super().__init__(f"line {line}, column {column}: {message}; {mend}")


class Lines:
    """The lines of a text, ended by LF, CR LF or CR alike."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def position(self, offset: int) -> Position:
        """The position of the character at `offset`."""
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)
