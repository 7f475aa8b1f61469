"""What a WhatsApp app shows for a text: an independent reader of its marks, for tests.

It follows the same published rule as `adapters.whatsapp.marks` states and shares no code with it: it scans from left
to right and takes what it can, as an app does.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

SIGNS: Final = {"*": "bold", "_": "italic", "~": "strike"}
_WORD = re.compile(r"[A-Za-z0-9]")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)


class Shown(NamedTuple):
    """The text without the marks that were read, and what is formatted: (kind, words)."""

    text: str
    formatted: list[tuple[str, str]]


def read(text: str) -> Shown:
    """As an app shows it."""
    out: list[str] = []
    found: list[tuple[str, str]] = []
    position = 0
    for block in re.finditer(r"```(?=[^`]*[^`\s])([^`]+)```", text):
        out.append(_lines(text[position : block.start()], found, begins=_fresh(text, position)))
        out.append(block[1])
        found.append(("code", block[1]))
        position = block.end()
    out.append(_lines(text[position:], found, begins=_fresh(text, position)))
    return Shown("".join(out), found)


def _fresh(text: str, position: int) -> bool:
    return position == 0 or text[position - 1] == "\n"


def _lines(text: str, found: list[tuple[str, str]], *, begins: bool) -> str:
    shown = []
    for number, line in enumerate(text.split("\n")):
        if (number or begins) and re.match(r">\s", line):
            line = line[2:]
            inner = _line(line, found)
            found.append(("quote", inner))
        else:
            inner = _line(line, found)
        shown.append(inner)
    return "\n".join(shown)


def _line(line: str, found: list[tuple[str, str]], before: str = "") -> str:
    """A stretch of one line: code and marks, which may hold other marks. `before` is the character before it."""
    code = re.search(r"`([^`\n]*[^`\s][^`\n]*)`", line)
    inside = code.span() if code is not None else (0, 0)
    pair = _first_pair(line, inside, before)
    if code is not None and (pair is None or code.start() < pair[0]):
        head = line[: code.start()]
        shown = _line(head, found, before) + code[1]
        found.append(("code", code[1]))
        return shown + _line(line[code.end() :], found, "`")
    if pair is None:
        return line
    start, end = pair
    inner = _line(line[start + 1 : end], found, line[start])
    found.append((SIGNS[line[start]], inner))
    return line[:start] + inner + _line(line[end + 1 :], found, line[end])


def _first_pair(line: str, code: tuple[int, int], before: str) -> tuple[int, int] | None:
    """The first mark that opens, and the one that closes it."""
    addresses = [match.span() for match in _ADDRESS.finditer(line)]
    for start, sign in enumerate(line):
        if sign not in SIGNS or _WORD.match(line[start - 1] if start else before):
            continue
        behind = line[start + 1 : start + 2]
        if not behind or behind.isspace() or _within(start, [*addresses, code]):
            continue
        for end in range(start + 2, len(line)):
            closes = line[end] == sign and not line[end - 1].isspace() and not _within(end, [code])
            if closes and not _WORD.match(line[end + 1 : end + 2]):
                return start, end
    return None


def _within(place: int, ranges: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in ranges)
