"""Text as platforms count and trim it: clean it, tell whether it is blank, cut it into messages.

Lengths are in a limit's own unit. A cut never falls inside a surrogate pair or inside what a reader sees as one
character (UAX #29, as far as the standard library's tables carry it: combining marks, joiners, variation
selectors, skin tones, flags, tag sequences, Hangul syllables).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from adapters.capabilities import Limit
from engine.messages import Span

REPLACEMENT: Final = "\ufffd"
ELLIPSIS: Final = "…"
_WHOLE: Final = frozenset({"link", "code", "pre"})
"""Spans that are not torn apart."""
MAX_PARTS: Final = 100
"""Messages that one text becomes at most (about 400,000 characters); the last then ends in an ellipsis."""
MAX_CLUSTER: Final = 64
"""Code points that one visible character may have before a cut inside it is accepted."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INVISIBLE = frozenset("\u2800\ufffc\u115f\u1160\u3164\uffa0")
_JOINER = "\u200d"
_EXTENDERS = frozenset("\u200c\u200d\u0e33\u0eb3\uff9e\uff9f")
"""Characters that no category marks: joiners, Thai and Lao AM, half-width kana voicing."""
_SEPARATORS: Final = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])[\"'»”’)\]]*\s+|(?<=[。！？])"),
    re.compile(r"\s+"),
)
"""Where to cut, best first: paragraph, line, sentence, word."""


def clean(text: str) -> str:
    """`text` without NUL and lone surrogates, which PostgreSQL and UTF-8 refuse; each becomes U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSTORABLE.sub(REPLACEMENT, text)


def is_blank(text: str) -> bool:
    """Whether nothing of `text` can be seen; Telegram refuses such a message."""
    if "!" <= text[:1] <= "~":  # the usual case, without a look at any table
        return False
    return not any(
        character not in _INVISIBLE and unicodedata.category(character) not in ("Cc", "Cf", "Zs", "Zl", "Zp")
        for character in text
    )


def split(text: str, limit: Limit) -> list[str]:
    """Cut `text` into parts within `limit`, trimmed, none blank; [] if it is all blank.

    Cuts at a paragraph, line, sentence or word in the later half of a part where there is one. Only white
    space is lost, at the cuts, where platforms would trim it anyway.
    """
    return [part for part, _ in split_rich(text, (), limit)]


def split_rich(text: str, spans: Sequence[Span], limit: Limit) -> list[tuple[str, tuple[Span, ...]]]:
    """As `split`, with what each part looks like. Links and code stay whole where they fit into a part at all."""
    whole = [(span.start, span.end) for span in spans if span.kind in _WHOLE]
    ranges = _ranges(text, limit, [(begin, end) for begin, end in whole if limit.allows(text[begin:end])])
    if not ranges:
        return []
    *others, (start, end, complete) = ranges
    parts = [(text[start:end], _within(spans, start, end)) for start, end, _ in others]
    last = text[start:end]
    if not complete:
        last = fitting(last, Limit(limit.size - limit.measure(ELLIPSIS), limit.unit)) + ELLIPSIS
        end = start + len(last) - len(ELLIPSIS)
    return [*parts, (last, _within(spans, start, end))]


def _ranges(text: str, limit: Limit, whole: Sequence[tuple[int, int]]) -> list[tuple[int, int, bool]]:
    """The parts as (start, end, whether all that follows is in the parts behind it)."""
    ranges: list[tuple[int, int, bool]] = []
    stop = len(text.rstrip())
    start = len(text) - len(text.lstrip())
    while start < stop:
        rest = text[start:stop]
        if is_blank(rest):
            break
        head = fitting(rest, limit)
        if len(head) == len(rest):
            ranges.append((start, stop, True))
            break
        if len(ranges) == MAX_PARTS:
            ranges[-1] = (*ranges[-1][:2], False)
            break
        cut = _cut(rest, len(head), [(begin - start, end - start) for begin, end in whole])
        part = rest[:cut].rstrip()
        if not is_blank(part):
            ranges.append((start, start + len(part), True))
        start += cut
        start += len(text) - start - len(text[start:].lstrip())
    return ranges


def _within(spans: Sequence[Span], start: int, end: int) -> tuple[Span, ...]:
    """The spans of a part, counted from its beginning."""
    if not spans:
        return ()
    return tuple(
        structs.replace(span, start=max(span.start, start) - start, end=min(span.end, end) - start)
        for span in spans
        if max(span.start, start) < min(span.end, end)
    )


def shorten(text: str, size: int) -> str:
    """`text` in at most `size` code points, ending in an ellipsis if it was longer."""
    if len(text) <= size:
        return text
    return text[: _boundary_before(text, size - 1)].rstrip() + "…"


def fitting(text: str, limit: Limit) -> str:
    """The longest beginning of `text` within `limit`; it may end inside a visible character."""
    if limit.allows(text):
        return text
    match limit.unit:
        case "code_points":
            return text[: limit.size]
        case "bytes":
            return text[: limit.size].encode("utf-8", "surrogatepass")[: limit.size].decode("utf-8", "ignore")
        case "utf16":
            head = text[: limit.size]
            if head.isascii():
                return head
            return head.encode("utf-16-le", "surrogatepass")[: 2 * limit.size].decode("utf-16-le", "ignore")


def _cut(text: str, end: int, whole: Sequence[tuple[int, int]]) -> int:
    """Where to end a part that may not reach beyond `end`: 1 to `end`. Not within what stays `whole`, if it can be."""
    window = text[:end]
    for separator in _SEPARATORS:
        cut = 0
        for match in separator.finditer(window, end // 2):
            if _is_boundary(text, match.end()) and _around(match.end(), whole) is None:
                cut = match.end()
        if cut:
            return cut
    cut = _boundary_before(text, end)
    begin = _around(cut, whole)
    if begin is not None and begin > 0 and not is_blank(text[:begin]):
        return begin
    return cut


def _around(index: int, whole: Sequence[tuple[int, int]]) -> int | None:
    """The beginning of what a cut at `index` would tear apart; None when it tears nothing."""
    return min((begin for begin, end in whole if begin < index < end), default=None)


def _boundary_before(text: str, end: int) -> int:
    """The last boundary between visible characters at or before `end`, or `end` if none is near."""
    for index in range(end, max(end - MAX_CLUSTER, 0), -1):
        if _is_boundary(text, index):
            return index
    return end


def _is_boundary(text: str, index: int) -> bool:
    """Whether `text` may be cut before `index`."""
    if index <= 0 or index >= len(text):
        return True
    before, after = text[index - 1], text[index]
    if after < "\u0300":
        return not (before == "\r" and after == "\n") and before != _JOINER
    if _extends(after) or before == _JOINER or unicodedata.combining(before) == 9:
        return False
    if _is_flag_half(before) and _is_flag_half(after):
        return _flag_halves_before(text, index) % 2 == 0
    return not _joins_hangul(before, after)


def _extends(character: str) -> bool:
    """Whether it belongs to the character before it: marks, joiners, skin tones, tags."""
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or character in _EXTENDERS
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, index: int) -> int:
    """How many flag halves (regional indicators) stand directly before `index`, counted up to MAX_CLUSTER."""
    count = 0
    while count < MAX_CLUSTER and count < index and _is_flag_half(text[index - 1 - count]):
        count += 1
    return count


def _joins_hangul(before: str, after: str) -> bool:
    """Whether two jamo make one syllable block; a precomposed one takes vowels and finals too."""
    if not "\u1160" <= after <= "\u11ff" and not "\u1100" <= after <= "\u115f":
        return False
    if "\u1100" <= after <= "\u115f":
        return "\u1100" <= before <= "\u115f"
    return "\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
