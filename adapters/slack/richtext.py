"""Plain text with spans as `rich_text` blocks: nothing that a customer or a flow writes is ever read as markup.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

import msgspec

from adapters.capabilities import Limit
from adapters.slack.capabilities import BLOCK_TEXT, URL
from adapters.text import split_rich
from engine.messages import Span

JSON: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["rich_text_section", "rich_text_preformatted", "rich_text_quote"]

MAX_BLOCK_JSON: Final = 6_000
"""Characters of one block as JSON; a text of many small spans is cut into shorter blocks."""
LEAST_CUT: Final = 50
"""Code points below which a block is not cut any more."""

_STYLES: Final = ("bold", "italic", "strike", "underline", "code")
_ADDRESS = re.compile(r"https?://[^\s<>\"|]+", re.IGNORECASE)
_LINKS = re.compile(r"(?:https?://|mailto:|tel:)[^\s]+", re.IGNORECASE)
_TRAILING: Final = ".,;:!?'\"…)]}»”’"
_encode = msgspec.json.Encoder().encode


def text_blocks(text: str, spans: Sequence[Span]) -> list[JSON]:
    """The blocks that say `text`, each within Slack's limits, in order; none when there is nothing to see."""
    return [block for part, within in split_rich(text, spans, BLOCK_TEXT) for block in _blocks(part, within)]


def rich_text(text: str, spans: Sequence[Span] = ()) -> JSON:
    """One block for all of `text`."""
    return {"type": "rich_text", "elements": _elements(text, spans)}


def escape(text: str) -> str:
    """Text for a field that Slack reads for markup: no mention, link or channel comes of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def json_size(block: JSON) -> int:
    """Characters of a block as JSON."""
    return len(_encode(block).decode())


def is_web_address(url: str) -> bool:
    """Whether a button or an image may carry it."""
    return len(url) <= URL and _ADDRESS.fullmatch(url) is not None


def _blocks(text: str, spans: Sequence[Span]) -> Iterator[JSON]:
    block = rich_text(text, spans)
    if json_size(block) <= MAX_BLOCK_JSON or len(text) <= LEAST_CUT:
        yield block
        return
    half = Limit(max(LEAST_CUT, (len(text) + 1) // 2), "code_points")
    for part, within in split_rich(text, spans, half):
        yield from _blocks(part, within)


def _elements(text: str, spans: Sequence[Span]) -> list[JSON]:
    """The block's parts: code and quotes stand alone, everything else is one section after the other."""
    found: list[tuple[Kind, list[JSON]]] = []
    edges = {edge for span in spans for edge in (span.start, span.end) if 0 < edge < len(text)}
    cuts = [0, *sorted(edges), len(text)]
    for start, end in pairwise(cuts):
        over = [span for span in spans if span.start <= start and span.end >= end]
        kind = _kind(over)
        if not found or found[-1][0] != kind:
            found.append((kind, []))
        found[-1][1].extend(_runs(text[start:end], over, kind))
    found = [
        one for place, one in enumerate(found) if not 0 < place < len(found) - 1 or not _is_break(one[1])
    ]
    _join(found)
    return [{"type": kind, "elements": parts} for kind, parts in found if parts]


def _kind(over: Sequence[Span]) -> Kind:
    kinds = {span.kind for span in over}
    if "pre" in kinds:
        return "rich_text_preformatted"
    return "rich_text_quote" if "quote" in kinds else "rich_text_section"


def _is_break(parts: Sequence[JSON]) -> bool:
    """Whether it is no more than the line break between two parts, each of which has lines of its own."""
    return len(parts) == 1 and parts[0].get("text") == "\n"


def _join(found: list[tuple[Kind, list[JSON]]]) -> None:
    """A part of another kind begins on a line of its own: the line break between them is not said twice."""
    for (_, before), (_, after) in pairwise(found):
        last, first = before[-1], after[0]
        if last["type"] == "text" and last["text"].endswith("\n"):
            _trim(before, -1, last["text"][:-1])
        elif first["type"] == "text" and first["text"].startswith("\n"):
            _trim(after, 0, first["text"][1:])


def _trim(parts: list[JSON], index: int, text: str) -> None:
    """Give a part a shorter text. An empty one is refused, so it goes; the last one of all stays as it is."""
    if text:
        parts[index] = {**parts[index], "text": text}
    elif len(parts) > 1:
        del parts[index]


def _runs(text: str, over: Sequence[Span], kind: Kind) -> Iterator[JSON]:
    """A stretch that looks the same throughout: text, or a link; bare addresses become links of themselves."""
    style = {name: True for name in _STYLES if any(span.kind == name for span in over)}
    styled: JSON = {"style": style} if style and kind != "rich_text_preformatted" else {}
    link = next((span.value for span in over if span.kind == "link"), "")
    if link and len(link) <= URL and _LINKS.fullmatch(link):
        yield {"type": "link", "url": link, "text": text, **styled}
        return
    last = 0
    if "code" not in style and kind != "rich_text_preformatted":
        for match in _ADDRESS.finditer(text):
            url = match[0].rstrip(_TRAILING)
            if len(url) > URL or "://" not in url[:-1]:
                continue
            if match.start() > last:
                yield {"type": "text", "text": text[last : match.start()], **styled}
            yield {"type": "link", "url": url, **styled}
            last = match.start() + len(url)
    if last < len(text):
        yield {"type": "text", "text": text[last:], **styled}
