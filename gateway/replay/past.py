"""What is known of some conversations: their events in the order of their turns, and what was said in each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

import msgspec

from engine.bot import Bot
from engine.effects import Send
from engine.events import (
    AnswerGenerated,
    CallFinished,
    EventBody,
    InboundEvent,
    SearchFinished,
    TimerFired,
)
from engine.state import ConversationState, Outcome
from gateway.opt_out import folded_words
from gateway.turns.ledger import beside_text
from storage.replays import MAX_EVENTS, Publication, StoredConversation, StoredEvent, StoredPast, StoredWords

HEARD_WITHIN: Final = timedelta(seconds=10)
"""How long a server may take to hear that another version was published."""

_decode_event: Final = msgspec.json.Decoder(InboundEvent).decode
_decode_state: Final = msgspec.json.Decoder(ConversationState).decode


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the bot, as the transcript keeps it."""

    text: str
    parts: dict[str, Any] = {}
    """Choices, media, cards and whatever else it carries, as far as there is any."""

    @classmethod
    def of(cls, send: Send) -> Said:
        """As the transcript would keep it."""
        return cls(text=send.message.text, parts=msgspec.json.decode(beside_text(send)))

    def line(self) -> str:
        """In one text: the choices in brackets."""
        titles = [choice["title"] for choice in self.parts.get("choices", ())]
        cards = [f"<{card['title']}>" for card in self.parts.get("cards", ())]
        media = [f"({item['kind']}: {item['url']})" for item in self.parts.get("media", ())]
        request = [f"(asks for {self.parts['request']})"] if "request" in self.parts else []
        offered = [f"[{' | '.join(titles)}]"] if titles else []
        carried = (*media, *cards, *self._carried(), *request)
        return " ".join(part for part in (self.text, *carried, *offered) if part)

    def _carried(self) -> Iterator[str]:
        """What platforms show in forms of their own, in a few words."""
        for link in self.parts.get("links", ()):
            yield f"({link['title']} → {link.get('form') or link.get('url')})"
        for kind, name in (
            ("location", "name"),
            ("contact", "name"),
            ("template", "key"),
            ("reaction", "emoji"),
        ):
            if kind in self.parts:
                yield f"({kind}: {self.parts[kind].get(name) or '–'})"
        if "inline" in self.parts:
            titles = [result["title"] for result in self.parts["inline"].get("results", ())]
            yield f"(offers: {' | '.join(titles) or 'nothing'})"


def said_in(outcome: Outcome) -> tuple[Said, ...]:
    """What the bot says in a turn."""
    return tuple(Said.of(effect) for effect in outcome.effects if isinstance(effect, Send))


def named_in(body: EventBody) -> str:
    """The name of the timer or the call that the event is about, such as `ask#3`; empty for other events."""
    match body:
        case TimerFired():
            return body.timer
        case CallFinished() | SearchFinished() | AnswerGenerated():
            return body.call
        case _:
            return ""


def node_of(name: str) -> str:
    """The node that started a timer or a call: `ask#3` is of `ask`."""
    return name.rpartition("#")[0]


class PastEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event, when its turn was, and what the bot said in it."""

    id: UUID
    at: datetime
    event: InboundEvent
    said: tuple[Said, ...]

    @property
    def body(self) -> EventBody:
        """What happened."""
        return self.event.body


class PastConversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation and the events of it that are kept."""

    stored: StoredConversation
    state: ConversationState
    """Where it stands now."""
    events: tuple[PastEvent, ...]
    gone: int
    """Events before those: the inbox has swept them, or they can't be read."""
    parked: int
    cut: bool
    """There are more events than are replayed: these are the first."""

    @property
    def id(self) -> UUID:
        """Its id."""
        return self.stored.id

    @property
    def opt_out_words(self) -> frozenset[str]:
        """With which its customer opts out, whatever the flow says."""
        stored = self.stored.opt_out_words
        return folded_words(msgspec.json.decode(stored)) if stored else frozenset()


class Timeline:
    """Which version a bot spoke from when on."""

    def __init__(self, publications: Sequence[Publication], active: UUID | None) -> None:
        self._first = publications[0].before if publications else active
        self._entries = [(entry.at, entry.id) for entry in publications]

    def at(self, moment: datetime, delay: timedelta = timedelta(0)) -> UUID | None:
        """The published version at a moment, on a server that hears of it `delay` later."""
        found = self._first
        for at, flow in self._entries:
            if at + delay > moment:
                break
            found = flow
        return found

    def delays(self, moments: Iterable[datetime]) -> Iterator[timedelta]:
        """With which delays these moments, soon after a publication, would still see the version before."""
        for moment in moments:
            for at, _ in self._entries:
                if timedelta(0) <= moment - at <= HEARD_WITHIN:
                    yield moment - at + timedelta(microseconds=1)

    def between(self, first: datetime, last: datetime) -> frozenset[UUID]:
        """Every version that was spoken from one moment to another."""
        spoken = {self.at(first - HEARD_WITHIN), *(flow for at, flow in self._entries if first <= at <= last)}
        spoken |= {self.at(first), self.at(last)}
        return frozenset(flow for flow in spoken if flow is not None)


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Some conversations, and all that their replay needs."""

    conversations: Mapping[UUID, PastConversation]
    timelines: Mapping[UUID, Timeline]
    """By bot."""
    bots: Mapping[UUID, Bot]
    """Compiled versions."""
    wanted: tuple[UUID, ...]
    """The conversations that are asked about; the others are there for what they made customers and bots remember."""
    remembered: Mapping[UUID, Mapping[str, Any]] = {}
    """By bot, what it is taken to remember for all in the beginning, where not all that made it so is kept."""
    left_out: int = 0
    """Conversations that are asked about but have too many events together."""

    def in_order(self) -> list[tuple[PastConversation, int]]:
        """Every event of every conversation, as (conversation, index), in the order in which they happened."""
        found: list[tuple[datetime, PastConversation, int]] = []
        for conversation in self.conversations.values():
            # Clocks of servers differ a little; within a conversation its own order counts.
            moments = accumulate((event.at for event in conversation.events), max)
            found.extend((moment, conversation, index) for index, moment in enumerate(moments))
        found.sort(key=lambda item: item[0])  # stable: a conversation's own order stays
        return [(conversation, index) for _, conversation, index in found]


class Turned(msgspec.Struct, frozen=True, kw_only=True):
    """One turn, replayed."""

    event: PastEvent
    outcome: Outcome
    now: tuple[Said, ...]
    """What the bot says this time."""

    @classmethod
    def of(cls, event: PastEvent, outcome: Outcome) -> Turned:
        """The turn of an event."""
        return cls(event=event, outcome=outcome, now=said_in(outcome))


def conversations_of(stored: StoredPast, now: datetime) -> dict[UUID, PastConversation]:
    """The conversations of what was read, without those that were not read to their end. `now` tells what expired."""
    events: dict[UUID, list[StoredEvent]] = {}
    for event in stored.events:
        events.setdefault(event.conversation_id, []).append(event)
    words: dict[UUID, dict[UUID, list[StoredWords]]] = {}
    for said in stored.said:
        words.setdefault(said.conversation_id, {}).setdefault(said.event_id, []).append(said)
    end = stored.events[-1].received_at if stored.truncated else None
    return {
        one.id: _conversation(
            one, events.get(one.id, []), words.get(one.id, {}), stored.parked.get(one.id, 0), now
        )
        for one in stored.conversations
        if end is None or (one.last_message_at or one.created_at) < end
    }


def _conversation(
    stored: StoredConversation,
    rows: list[StoredEvent],
    words: Mapping[UUID, list[StoredWords]],
    parked: int,
    now: datetime,
) -> PastConversation:
    cut = len(rows) >= MAX_EVENTS and stored.state_version > len(rows)
    if len(rows) < stored.state_version and not cut:
        # Some are swept, and of those that have expired others may be at any moment: those after them are whole.
        rows = [row for row in rows if row.expires_at >= now]
    events: list[PastEvent] = []
    for row in _in_order(rows, words):
        try:
            event = _decode_event(row.event)
        except msgspec.DecodeError:  # written by a version of the gateway that knew another form
            events.clear()
            continue
        said = [
            Said(text=one.content, parts=msgspec.json.decode(one.payload or "{}"))
            for one in words.get(row.id, ())
            if one.by_bot
        ]
        events.append(PastEvent(id=row.id, at=row.received_at, event=event, said=tuple(said)))
    begun_late = cut and rows[0].received_at - stored.created_at > HEARD_WITHIN
    return PastConversation(
        stored=stored,
        state=_decode_state(stored.state),
        events=tuple(events),
        gone=int(begun_late) if cut else max(0, stored.state_version - len(events)),
        parked=parked,
        cut=cut,
    )


def _in_order(rows: list[StoredEvent], words: Mapping[UUID, list[StoredWords]]) -> list[StoredEvent]:
    """In the order of their turns: where messages number them, by those, whatever two servers' clocks say."""
    numbers = {row.id: min(word.seq for word in words[row.id]) for row in rows if words.get(row.id)}
    spoken = iter(sorted((row for row in rows if row.id in numbers), key=lambda row: numbers[row.id]))
    return [next(spoken) if row.id in numbers else row for row in rows]
