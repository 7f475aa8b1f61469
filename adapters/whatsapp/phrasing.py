"""A neutral text as the texts of WhatsApp messages: marked, and cut where a message may end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from adapters.capabilities import Limit
from adapters.text import clean, is_blank, split_rich
from adapters.whatsapp.capabilities import TEXT
from adapters.whatsapp.marks import mark, with_addresses
from engine.messages import Span

BLANK: Final = "…"
"""What is sent in place of a text that has nothing to see; WhatsApp refuses an empty one."""
_SHARES: Final = (1.0, 0.75, 0.5, 0.33)
"""Parts of a limit that the unmarked text is cut to, until it fits with its marks."""


def parts_of(text: str, spans: Sequence[Span], limit: Limit = TEXT) -> list[str]:
    """The marked texts, in order, each within `limit`; [] when there is nothing to see."""
    text, spans = with_addresses(clean(text), spans)
    for share in _SHARES:
        size = Limit(int(limit.size * share), limit.unit)
        parts = [mark(part, own) for part, own in split_rich(text, spans, size)]
        if all(limit.allows(part) for part in parts):
            return parts
    return [mark(part) for part, _ in split_rich(text, (), Limit(limit.size // 3, limit.unit))]


def one_of(text: str, spans: Sequence[Span], limit: Limit) -> str | None:
    """The marked text if it fits into one piece; None if it does not."""
    if is_blank(text):
        return ""
    text, spans = with_addresses(clean(text.rstrip()), spans)
    marked = mark(text, spans)
    return marked if limit.allows(marked) else None


def before_and_last(text: str, spans: Sequence[Span], limit: Limit) -> tuple[list[str], str]:
    """The texts to send before, and the last piece within `limit` (for a body that buttons stand under)."""
    whole = one_of(text, spans, limit)
    if whole is not None:
        return [], whole or BLANK
    text, spans = with_addresses(clean(text.rstrip()), spans)
    for share in _SHARES:
        parts = split_rich(text, spans, Limit(int(limit.size * share), limit.unit))
        last, own = parts[-1]
        marked = mark(last, own)
        start = len(text) - len(last)
        if limit.allows(marked) and text.endswith(last):
            return parts_of(text[:start], _first(spans, start)), marked
    return parts_of(text, spans), BLANK


def _first(spans: Sequence[Span], end: int) -> tuple[Span, ...]:
    """The spans of a text's first `end` characters."""
    return tuple(structs.replace(span, end=min(span.end, end)) for span in spans if span.start < end)
