"""The one neutral markup: `**bold**`, `[text](https://…)`, … become plain text and spans.

    parse("**Hello** `x`")                     # Marked("Hello x", (Span bold 0–5, Span code 6–7))
    parse("Dear **" + escape("*Ana*") + "**")  # Marked("Dear *Ana*", (Span bold 5–10,))

What is written                        what it is
-------------------------------------  ---------------------------------------------------------
`**bold**`  `*italic*`  `_italic_`     as it says; likewise `__underline__`, `~~strike~~`, `||spoiler||`
`` `code` ``                           code, in which nothing else is markup; ``` `` a`b `` ``` holds a backtick
three backticks alone on a line        the lines up to the next such line: pre, with the language behind the first
`[text](https://example.com)`          a link, http or https
`> ` at the beginning of lines         a quote
`\\*`                                  the character itself; before anything but ASCII punctuation a backslash is one

Markup opens before something that is no space and closes behind it; a single `*` or `_` within a word is none
(`2*3*4`, `snake_case`), and none reaches over an empty line. What is not closed stays as it is written: no text is
an error. Lists, headings and tables are plain text, as every platform shows them.

What a value says is no markup, whatever it holds: `escape` it, and `parse` gives it back. It stands in a text like a
word, even when it is empty or begins with a space.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from engine.messages import Span, SpanKind

MAX_SPANS: Final = 200
"""Spans of one text; later ones are left out, and their marks with them."""
MAX_DEPTH: Final = 16
"""Spans within each other."""
MAX_ADDRESS: Final = 2_000
"""Code points of a link's address."""

_SPECIAL: Final = re.compile(r"[\0\s\\`*_~|\[\]()<>]")
"""What means something here. A value has a NUL before each, which nobody writes."""
_EDGE: Final = "\0\1"
"""Stands at both ends of a value, and for nothing."""
_ESCAPED: Final = re.compile(r"\0(.)", re.DOTALL)
_LINE: Final = re.compile(r"(?:[^\n\0]|\0.)*+", re.DOTALL)
_FENCE: Final = re.compile(r"[ \t]{0,3}```[ \t]*([A-Za-z0-9_+#.-]{0,40})[ \t]*")
_QUOTE: Final = re.compile(r"[ \t]{0,3}>(?: |$)")
_TICKS: Final = re.compile(r"\0.|(`+)", re.DOTALL)
_TOKEN: Final = re.compile(
    r"\0.|\\[!-/:-@\[-`{-~]|`+|\*+|_+|~+|\|+|\["
    r"|\](?:\(((?:\0.|[^\s()\0]|\((?:\0.|[^\s()\0])*+\))*+)\))?",
    re.DOTALL,
)
_ADDRESS: Final = re.compile(r"https?://[^\s/?#][^\s]*", re.IGNORECASE)
_UNFIT: Final = re.compile(r"[\s\"<>\\^`{|}\x00-\x1f\x7f]")
_PAIRS: Final[dict[str, SpanKind]] = {
    "**": "bold", "*": "italic", "__": "underline", "_": "italic", "~~": "strike", "||": "spoiler", "[": "link",
}  # fmt: skip
_WITHIN_WORDS: Final = frozenset({"**", "~~", "||"})
"""What may begin or end within a word."""


class Marked(NamedTuple):
    """A text as it is shown, and how it looks. Spans lie within the text, nest, and never cross; the outer first."""

    text: str
    spans: tuple[Span, ...] = ()


def escape(value: str) -> str:
    """`value` as data within a text that `parse` will read."""
    return f"{_EDGE}{_SPECIAL.sub(_with_nul, value)}{_EDGE}"


def parse(source: str) -> Marked:
    """Read a text with markup, in time that grows with its length. Never fails."""
    parts: list[str] = []
    found: list[Span] = []
    length = 0
    for text, spans in _blocks(source):
        found.extend(_moved(span, length) for span in spans)
        parts.append(text)
        length += len(text)
    found.sort(key=lambda span: (span.start, -span.end))
    return Marked("".join(parts), tuple(_bounded(found)))


def shifted(spans: tuple[Span, ...], by: int) -> tuple[Span, ...]:
    """The same spans in a text that has `by` code points more in front."""
    return tuple(_moved(span, by) for span in spans)


def _blocks(source: str) -> Iterator[tuple[str, list[Span]]]:
    """The parts that markup does not reach across, each as (text, spans within it)."""
    lines = _lines(source)
    closing = [
        index for index, line in enumerate(lines) if (fence := _FENCE.fullmatch(line)) and not fence[1]
    ]
    at = 0
    while at < len(lines):
        end, (text, spans) = _block(lines, at, closing)
        at = end
        yield (text + "\n" if end < len(lines) else text), spans


def _lines(source: str) -> list[str]:
    """The lines as they are written; a line feed in a value begins none."""
    lines = []
    at = 0
    while True:
        line = _LINE.match(source, at)
        end = line.end() if line is not None else at
        if end < len(source) and source[end] != "\n":  # a lone NUL at the very end
            end += 1
        lines.append(source[at:end])
        if end >= len(source):
            return lines
        at = end + 1


def _block(lines: list[str], at: int, closing: Sequence[int]) -> tuple[int, tuple[str, list[Span]]]:
    """One block that begins at line `at`: (the line behind it, what it is)."""
    if (fence := _FENCE.fullmatch(lines[at])) is not None:
        place = bisect_left(closing, at + 1)
        if place < len(closing):
            text = _literal("\n".join(lines[at + 1 : closing[place]]))
            return closing[place] + 1, (text, _span("pre", 0, len(text), fence[1]))
    kind, end = _kind(lines[at]), at + 1
    while (
        end < len(lines) and kind != "empty" and _kind(lines[end]) == kind and not _opens(lines, end, closing)
    ):
        end += 1
    if kind != "quote":
        return end, _inline("\n".join(lines[at:end]))
    text, spans = _inline("\n".join(_QUOTE.sub("", line, count=1) for line in lines[at:end]))
    return end, (text, [*_span("quote", 0, len(text)), *spans])


def _kind(line: str) -> str:
    return "quote" if _QUOTE.match(line) else "text" if line.strip() else "empty"


def _opens(lines: list[str], at: int, closing: Sequence[int]) -> bool:
    """Whether a fenced block begins at that line."""
    return bool(closing) and closing[-1] > at and _FENCE.fullmatch(lines[at]) is not None


class _Open(NamedTuple):
    """A mark that may yet be closed: which one, and its place among the pieces."""

    mark: str
    piece: int


class _Inline:
    """Reads one block. `pieces` are its text in order; marks that turned out to be marks are empty."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.pieces: list[str] = []
        self.pairs: list[tuple[int, int, SpanKind, str]] = []
        """(opening piece, closing piece, kind, value): the inner ones first."""
        self._stack: list[_Open] = []
        self._open = dict.fromkeys(_PAIRS, 0)
        self._ticks: dict[int, list[int]] | None = None

    def read(self) -> None:
        source, pieces, at = self._source, self.pieces, 0
        while (token := _TOKEN.search(source, at)) is not None:
            start, end = token.span()
            if start > at:
                pieces.append(source[at:start])
            mark = source[start]
            if mark in "\0\\":
                kept = source[start + 1 : end]
                pieces.append("" if mark == "\0" and kept == "\1" else kept)
            elif mark == "`":
                end = self._code(start, end)
            elif mark == "[":
                self._begin("[")
            elif mark == "]":
                end = end if self._link(token[1]) else self._text("]", start)
            else:
                self._run(mark, start, end)
            at = end
        pieces.append(source[at:])

    def _code(self, start: int, end: int) -> int:
        """Code from `start` to the next run of as many backticks; returns where to read on."""
        if self._ticks is None:
            self._ticks = {}
            for run in _TICKS.finditer(self._source):
                if run[1]:
                    self._ticks.setdefault(len(run[1]), []).append(run.start())
        runs = self._ticks.get(end - start, [])
        place = bisect_left(runs, end)
        if place == len(runs):
            self.pieces.append(self._source[start:end])
            return end
        code = self._source[end : runs[place]]
        if code[:1] == code[-1:] == " " and code.strip():
            code = code[1:-1]
        self.pieces += ["", _literal(code), ""]
        self.pairs.append((len(self.pieces) - 3, len(self.pieces) - 1, "code", ""))
        return runs[place] + (end - start)

    def _run(self, character: str, start: int, end: int) -> None:
        """A run of marks of one kind: closes what is open, opens the rest."""
        source, size = self._source, end - start
        if size > 3 or (size != 2 and character not in "*_"):
            self.pieces.append(source[start:end])
            return
        before, after = source[start - 1 : start], source[end : end + 1]
        while size:
            mark = "" if _blank(before) else self._closed_by(character, size, _of_word(after))
            if mark:
                self._end(mark, "")
            else:
                mark = character * min(size, 2)
                if _blank(after) or (mark not in _WITHIN_WORDS and _of_word(before)):
                    self.pieces.append(mark)
                else:
                    self._begin(mark)
            size -= len(mark)

    def _closed_by(self, character: str, size: int, in_word: bool) -> str:
        """The innermost open mark that `size` of the character close; empty for none."""
        one, two = character, character * 2
        single = self._open.get(one, 0) and size != 2 and not in_word
        double = self._open[two] and size > 1 and not (in_word and two not in _WITHIN_WORDS)
        if single and double:
            return next(opened.mark for opened in reversed(self._stack) if opened.mark in (one, two))
        return two if double else one if single else ""

    def _begin(self, mark: str) -> None:
        self._stack.append(_Open(mark, len(self.pieces)))
        self._open[mark] += 1
        self.pieces.append(mark)

    def _end(self, mark: str, value: str) -> None:
        """Close the innermost `mark`; what was opened within it and never closed stays as it is written."""
        while True:
            opened = self._stack.pop()
            self._open[opened.mark] -= 1
            if opened.mark == mark:
                break
        self.pieces[opened.piece] = ""
        self.pairs.append((opened.piece, len(self.pieces), _PAIRS[mark], value))
        self.pieces.append("")

    def _link(self, target: str | None) -> bool:
        """Whether a bracket that was opened is closed by an address."""
        address = _address(target) if target is not None and self._open["["] else ""
        if not address:
            return False
        self._end("[", address)
        if self._open["["]:  # no link within a link
            self._stack = [opened for opened in self._stack if opened.mark != "["]
            self._open["["] = 0
        return True

    def _text(self, text: str, start: int) -> int:
        """A mark that means nothing here; returns where to read on."""
        self.pieces.append(text)
        return start + len(text)


def _inline(source: str) -> tuple[str, list[Span]]:
    """One block without line marks: its text and spans, the outer before the inner."""
    block = _Inline(source)
    block.read()
    places, length = [], 0
    for piece in block.pieces:
        places.append(length)
        length += len(piece)
    spans = [
        span
        for first, last, kind, value in reversed(block.pairs)
        for span in _span(kind, places[first], places[last], value)
    ]
    return "".join(block.pieces), spans


def _address(target: str) -> str:
    """A link's address; empty when it is none that platforms open."""
    address = _UNFIT.sub(_percent, _literal(target))
    return address if len(address) <= MAX_ADDRESS and _ADDRESS.fullmatch(address) else ""


def _bounded(spans: Sequence[Span]) -> Iterator[Span]:
    """Neither too many nor too deep; `spans` in order."""
    ends: list[int] = []
    for span in spans[:MAX_SPANS]:
        while ends and ends[-1] <= span.start:
            ends.pop()
        if len(ends) < MAX_DEPTH:
            ends.append(span.end)
            yield span


def _span(kind: SpanKind, start: int, end: int, value: str = "") -> list[Span]:
    return [Span(kind=kind, start=start, end=end, value=value)] if end > start else []


def _moved(span: Span, by: int) -> Span:
    return Span(kind=span.kind, start=span.start + by, end=span.end + by, value=span.value) if by else span


def _literal(text: str) -> str:
    """Without what `escape` added."""
    return _ESCAPED.sub(_without_nul, text) if "\0" in text else text


def _with_nul(special: re.Match[str]) -> str:
    return f"\0{special[0]}"


def _without_nul(escaped: re.Match[str]) -> str:
    return "" if escaped[1] == "\1" else escaped[1]


def _percent(character: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in character[0].encode("utf-8", "replace"))


def _blank(neighbour: str) -> bool:
    """Whether nothing or a space stands there."""
    return not neighbour or neighbour.isspace()


def _of_word(neighbour: str) -> bool:
    """Whether a single mark beside it is within a word: scripts without spaces between words have no such words."""
    return neighbour.isalnum() and neighbour < "\u2e80"
