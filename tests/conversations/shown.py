"""How golden conversations show what a turn came to: short enough to read, complete enough to notice a change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from engine.effects import CancelTimer, Effect, Send, StartTimer
from engine.messages import Card, OutboundMessage, Span
from engine.state import ConversationState, TraceEntry

MAX_LINES: Final = 30
"""Of a trace, in a file."""
_CLOCK: Final = ("last_event_at", "heard_at", "flow", "schema")
"""What the clock says, and what is the same in every turn."""


def shown_messages(effects: Iterable[Effect]) -> list[str]:
    """`+1000 ms, typing: text [choice | choice]`, and what else a message shows in braces."""
    return [_sent(effect) for effect in effects if isinstance(effect, Send)]


def shown_timers(effects: Iterable[Effect]) -> list[str]:
    """`+name until` for a timer that was started, `-name` for one that was cancelled."""
    return list(_timers(effects))


def shown_effects(effects: Iterable[Effect]) -> list[dict[str, Any]]:
    """The other effects, as they are stored."""
    return [
        msgspec.to_builtins(effect)
        for effect in effects
        if not isinstance(effect, Send | StartTimer | CancelTimer)
    ]


def shown_state(state: ConversationState) -> dict[str, Any]:
    """The state, but for what the clock says and what is the same in every turn."""
    shown: dict[str, Any] = msgspec.to_builtins(state)
    return {key: value for key, value in shown.items() if key not in _CLOCK}


def shown_trace(trace: Sequence[TraceEntry]) -> list[str]:
    """One line an entry; of a very long account the beginning and the end."""
    lines = [_line(entry) for entry in trace]
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[: MAX_LINES // 2], f"… {len(lines) - MAX_LINES} more …", *lines[-MAX_LINES // 2 :]]


def _sent(send: Send) -> str:
    typing = ", typing" if send.typing else ""
    delay = f"+{send.delay_ms} ms{typing}: " if send.delay_ms or send.typing else ""
    label = f" {{named {send.label}}}" if send.label else ""
    replaces = f" {{instead of {send.replaces}}}" if send.replaces else ""
    return delay + " ".join(filter(None, _parts(send.message))) + label + replaces


def _parts(message: OutboundMessage) -> Iterator[str]:
    if message.edits:
        yield f"{{in place of the message {message.edits}}}"
    if message.reply_to:
        yield f"{{answers {message.reply_to}}}"
    yield message.text
    if message.spans:
        yield f"{{{', '.join(_span(message.text, span) for span in message.spans)}}}"
    titles = (f"{c.title} ({c.description})" if c.description else c.title for c in message.choices)
    if message.choices:
        yield f"[{' | '.join(titles)}]"
    for media in message.media:
        yield f"{{{media.kind} {media.url}{f' {media.name}' if media.name else ''}: {media.alt}}}"
    for card in message.cards:
        yield f"{{card {'; '.join(_card(card))}}}"
    if message.request:
        yield f"{{asks for the {message.request}}}"
    if message.paging is not None:
        paging = message.paging
        shown = f", page {paging.page + 1} ({paging.more} / {paging.back})" if paging.page else ""
        yield f"{{paged as {paging.key}{shown}}}"
    for link in message.links:
        yield f"{{{link.kind} {link.title} → {link.form or link.url}}}"
    for kind in ("location", "contact", "template", "reaction", "inline"):
        if (part := getattr(message, kind)) is not None:
            yield f"{{{kind} {json.dumps(msgspec.to_builtins(part), ensure_ascii=False)}}}"


def _span(text: str, span: Span) -> str:
    value = f" ({span.value})" if span.value else ""
    return f"{span.kind}: {text[span.start : span.end]!r}{value}"


def _card(card: Card) -> Iterator[str]:
    yield from filter(None, (card.title, card.subtitle, card.image, card.url))
    if card.buttons:
        yield f"[{' | '.join(f'{b.title} → {b.url}' if b.url else b.title for b in card.buttons)}]"


def _timers(effects: Iterable[Effect]) -> Iterator[str]:
    for effect in effects:
        if isinstance(effect, StartTimer):
            yield f"+{effect.timer} {effect.due_at:%Y-%m-%d %H:%M:%S}"
        elif isinstance(effect, CancelTimer):
            yield f"-{effect.timer}"


def _line(entry: TraceEntry) -> str:
    """`condition business_hours = true`. How sure an intent is has tests of its own."""
    known = entry.value is not None and entry.kind != "intent"
    value = f" = {json.dumps(entry.value, ensure_ascii=False)}" if known else ""
    detail = entry.detail.partition(";")[0] if entry.kind == "intent" else entry.detail
    return f"{entry.kind}{f' {entry.at}' if entry.at else ''}{f': {detail}' if detail else ''}{value}"
