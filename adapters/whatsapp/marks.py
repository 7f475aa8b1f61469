"""Formatting in WhatsApp's marks, and plain text that can't turn into any.

WhatsApp reads marks out of the text itself and has no way to escape one. The rule that is used here, wider than what
its apps do where they differ:

- three back quotes to three back quotes are a block, over lines; one to one is code, on one line. Nothing else counts
  in them.
- `*`, `_` or `~` opens where no letter or digit stands before it and no white space behind it, and closes at the next
  one of its kind on the line with no white space before it and no letter or digit behind it. Not inside an address.
- a line that begins with `> ` is a quote.

Hence: a mark that could open gets a hair space (U+200A, white space that one hardly sees) behind it; back quotes
become U+02CB, which looks like them; a `> ` gets a word joiner (U+2060, seen by nobody) before it. Nothing is done to
marks that can't open, such as those in snake_case, and lists stay lists: WhatsApp only indents them.

A stretch that WhatsApp can't show (within a word, around its own mark) stays plain; no word of it is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from msgspec import structs

from engine.messages import Span

HAIR_SPACE: Final = "\u200a"
WORD_JOINER: Final = "\u2060"
GRAVE: Final = "\u02cb"
"""What a literal back quote becomes where two of them could pair up."""

_MARKS: Final = {"bold": "*", "italic": "_", "strike": "~"}
_ALL: Final = "*_~`"
_SPECIAL = re.compile(r"[*_~`]|^>\s", re.MULTILINE)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_ASCII_WORD = re.compile(r"[A-Za-z0-9]")

Range: TypeAlias = tuple[int, int]


def mark(text: str, spans: Sequence[Span] = ()) -> str:
    """`text` in WhatsApp's marks: what `spans` ask for, and nothing else, is formatted."""
    if not spans and _SPECIAL.search(text) is None:
        return text
    return _Marked(text, spans).text()


def with_addresses(text: str, spans: Sequence[Span]) -> tuple[str, tuple[Span, ...]]:
    """`text` with the address of each link behind its words, and the spans at their new places, links gone."""
    links = sorted((span for span in spans if span.kind == "link"), key=lambda span: span.end)
    others = [span for span in spans if span.kind != "link"]
    for link in reversed(links):
        shown = text[link.start : link.end].strip()
        if not link.value or shown == link.value or f"mailto:{shown}" == link.value:
            continue
        added = f" ({link.value})" if shown else link.value
        text = text[: link.end] + added + text[link.end :]
        others = [_moved(span, link.end, len(added)) for span in others]
    return text, tuple(others)


def _moved(span: Span, at: int, by: int) -> Span:
    """A span after `by` characters were put in at `at`; one that ends there does not grow."""
    start = span.start + by if span.start >= at else span.start
    end = span.end + by if span.end > at else span.end
    return structs.replace(span, start=start, end=end)


class _Marked:
    """One text being marked."""

    def __init__(self, text: str, spans: Sequence[Span]) -> None:
        self._text = text
        self._before: dict[int, str] = {}
        """What is put in before a place: closing marks, then opening ones."""
        self._opens: list[tuple[int, str]] = []
        code = self._code(spans)
        blocks = [(span.start, span.end) for span in spans if span.kind == "pre"]
        self._code_ranges = code
        self._protected = code + [match.span() for match in _ADDRESS.finditer(text)]
        pieces = [piece for kind in _MARKS for piece in self._pieces(kind, spans, code)]
        self._insert([*pieces, *((start, end, self._fence(start, end, blocks)) for start, end in code)])
        self._quote(spans)

    def text(self) -> str:
        """The marked text."""
        graves = bool(self._code_ranges) or self._text.count("`") > 1
        out: list[str] = []
        for index, character in enumerate(self._text):
            if index in self._before:
                out.append(self._before[index])
            if character == "`" and graves:
                out.append(GRAVE)
                continue
            if self._is_quote(index):
                out.append(WORD_JOINER)
            out.append(character)
            if character in "*_~" and self._could_open(index, character):
                out.append(HAIR_SPACE)
        out.append(self._before.get(len(self._text), ""))
        return "".join(out)

    def _code(self, spans: Sequence[Span]) -> list[Range]:
        """The ranges that become code or a block: trimmed of line breaks, apart, none blank."""
        found: list[Range] = []
        for start, end in _merged((span.start, span.end) for span in spans if span.kind in ("code", "pre")):
            start, end = self._trimmed(start, min(end, len(self._text)))
            if start < end and self._text[start:end].strip("`"):
                found.append((start, end))
        return found

    def _fence(self, start: int, end: int, blocks: Sequence[Range]) -> str:
        block = any(first < end and start < last for first, last in blocks)
        return "```" if block or "\n" in self._text[start:end] else "`"

    def _trimmed(self, start: int, end: int) -> Range:
        while start < end and self._text[start].isspace():
            start += 1
        while start < end and self._text[end - 1].isspace():
            end -= 1
        return start, end

    def _pieces(
        self, kind: str, spans: Sequence[Span], code: Sequence[Range]
    ) -> Iterable[tuple[int, int, str]]:
        """The stretches of a kind that can be shown: line by line, outside code, trimmed, between words."""
        sign = _MARKS[kind]
        for start, end in _merged((span.start, span.end) for span in spans if span.kind == kind):
            for first, last in _outside(start, min(end, len(self._text)), code):
                for begin, stop in self._lines(first, last):
                    begin, stop = self._trimmed(begin, stop)
                    if begin < stop and self._can_hold(begin, stop, sign):
                        yield begin, stop, sign

    def _lines(self, start: int, end: int) -> Iterable[Range]:
        while start < end:
            stop = self._text.find("\n", start, end)
            stop = end if stop < 0 else stop
            yield start, stop
            start = stop + 1

    def _can_hold(self, start: int, end: int, sign: str) -> bool:
        text = self._text
        return (
            sign not in text[start:end]
            and text[start] not in _ALL
            and text[end - 1] not in _ALL
            and not text[start - 1 : start].isalnum()
            and not text[end : end + 1].isalnum()
        )

    def _insert(self, pieces: Iterable[tuple[int, int, str]]) -> None:
        """Put the marks in: outer ones open first and close last."""
        ordered = sorted(pieces, key=lambda piece: (piece[0], -piece[1], -len(piece[2]), piece[2]))
        closing: dict[int, str] = {}
        opening: dict[int, str] = {}
        for start, end, sign in ordered:
            opening[start] = opening.get(start, "") + sign
            closing[end] = sign + closing.get(end, "")
            self._opens.append((start, sign))
        for place in opening.keys() | closing.keys():
            self._before[place] = closing.get(place, "") + opening.get(place, "")

    def _quote(self, spans: Sequence[Span]) -> None:
        """Begin the lines that a quote covers from their beginning."""
        for first, last in _merged((span.start, span.end) for span in spans if span.kind == "quote"):
            for start, end in self._lines(first, min(last, len(self._text))):
                inside = any(begin < start < stop for begin, stop in self._code_ranges)
                if start < end and self._text[start - 1 : start] in ("", "\n") and not inside:
                    self._before[start] = "> " + self._before.get(start, "")

    def _is_quote(self, index: int) -> bool:
        """Whether a line begins here with what would be read as a quote."""
        text = self._text
        return (
            text[index] == ">"
            and text[index + 1 : index + 2].isspace()
            and text[index - 1 : index] in ("", "\n")
            and index not in self._before
        )

    def _could_open(self, index: int, sign: str) -> bool:
        """Whether a literal mark could open something that closes on this line."""
        if any(first <= index < last for first, last in self._protected):
            return False
        before = self._before.get(index, "") or self._text[index - 1 : index]
        behind = self._before.get(index + 1, "") or self._text[index + 1 : index + 2]
        if not behind or behind[0].isspace() or _ASCII_WORD.match(before[-1:]):
            return False
        stop = self._text.find("\n", index)
        stop = len(self._text) if stop < 0 else stop
        return self._text.find(sign, index + 1, stop) >= 0 or any(
            index < place <= stop and sign in own for place, own in self._opens
        )


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """Ranges in order, those that touch or overlap as one."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _outside(start: int, end: int, others: Sequence[Range]) -> Iterable[Range]:
    """What is left of a range without the others, which are in order."""
    for first, last in others:
        if last <= start or first >= end:
            continue
        if start < first:
            yield start, first
        start = max(start, last)
    if start < end:
        yield start, end
