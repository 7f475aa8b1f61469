"""Conversations replayed as they were: each turn on the version that it ran on, with what was remembered by then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from engine.state import ConversationState
from gateway.replay.beginning import Beginning, beginning_of, corrected
from gateway.replay.memory import Memory, stored_state
from gateway.replay.past import Past, PastConversation, PastEvent, Said, Turned
from gateway.turns.versions import NoPublishedFlow, run_turn

MAX_PASSES: Final = 5
"""How often counters are corrected whose past is not kept."""
MAX_DELAYS: Final = 8
"""Delays with which servers may have heard of a publication that are tried."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing in which a replay is not as it was."""

    number: int
    """Of the event, from 1, those counted that are gone; 0 for the state in the end."""
    event: PastEvent | None
    then: tuple[Said, ...]
    now: tuple[Said, ...]
    fields: tuple[tuple[str, Any, Any], ...] = ()
    """Of the state: (field, then, now)."""
    reason: str = ""
    """Why there is no outcome to compare."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, replayed as it was."""

    conversation: PastConversation
    beginning: Beginning | None
    """None when it could not be replayed at all."""
    turns: tuple[Turned, ...]
    difference: Difference | None
    guessed: bool
    """The customer was taken as they are now."""
    remembered: bool = False
    """What the bot remembers for all was, in the beginning, taken as it is now."""


def replay(past: Past) -> dict[UUID, Replayed]:
    """Replay the conversations that are asked about. The same past gives the same result."""
    found = _replay(past, timedelta(0))
    for delay in _delays(past, found):
        # Servers hear of a publication a moment later: what came in that moment may have run on the one before.
        again = _replay(past, delay)
        found |= {id: one for id, one in again.items() if found[id].difference and not one.difference}
    return {id: found[id] for id in past.wanted if id in found}


def _delays(past: Past, found: Mapping[UUID, Replayed]) -> list[timedelta]:
    delays: set[timedelta] = set()
    for one in found.values():
        if one.difference is not None:
            timeline = past.timelines[one.conversation.stored.chatbot_id]
            delays.update(timeline.delays(event.at for event in one.conversation.events))
    return sorted(delays)[:MAX_DELAYS]


def _replay(past: Past, delay: timedelta) -> dict[UUID, Replayed]:
    beginnings = {id: beginning_of(past, one) for id, one in past.conversations.items()}
    for _ in range(MAX_PASSES):
        run = _Run(past, beginnings, delay)
        again = {
            id: corrected(begin, past.conversations[id], run.turns[id])
            for id, begin in beginnings.items()
            if begin is not None and not begin.whole
        }
        if all(beginnings[id] == begin for id, begin in again.items()):
            break
        beginnings |= again
    return {id: run.result(one) for id, one in past.conversations.items()}


class _Run:
    """One pass over everything that happened."""

    def __init__(self, past: Past, beginnings: Mapping[UUID, Beginning | None], delay: timedelta) -> None:
        self._past = past
        self._beginnings = beginnings
        self._delay = delay
        self._memory = Memory(past)
        self.turns: dict[UUID, list[Turned]] = {id: [] for id in past.conversations}
        self._failures: dict[UUID, Difference] = {}
        self.states = {id: begin.state for id, begin in beginnings.items() if begin is not None}
        for conversation, index in past.in_order():
            begin = beginnings[conversation.id]
            if begin is not None and index >= begin.index and conversation.id not in self._failures:
                self._turn(conversation, index)

    def result(self, conversation: PastConversation) -> Replayed:
        """How a conversation went, and where it first differs."""
        begin = self._beginnings[conversation.id]
        return Replayed(
            conversation=conversation,
            beginning=begin,
            turns=tuple(self.turns[conversation.id]),
            difference=None if begin is None else self._difference(conversation, begin),
            guessed=conversation.stored.customer_id in self._memory.guessed,
            remembered=conversation.stored.chatbot_id in self._past.remembered,
        )

    def _turn(self, conversation: PastConversation, index: int) -> None:
        event = conversation.events[index]
        flow = self._past.timelines[conversation.stored.chatbot_id].at(event.at, self._delay)
        state = self.states[conversation.id]
        try:
            outcome = run_turn(
                self._past.bots,
                flow,
                state,
                event.event,
                self._memory.customer(conversation),
                event.at,
                shared=self._memory.shared(conversation),
                channel=conversation.stored.platform,
                opt_out_words=conversation.opt_out_words,
            )
        except NoPublishedFlow:
            number = conversation.gone + index + 1
            reason = "the version of then is not there any more, or does not compile"
            self._failures[conversation.id] = Difference(
                number=number, event=event, then=event.said, now=(), reason=reason
            )
            return
        self._memory.carry_out(conversation, outcome.effects)
        self.turns[conversation.id].append(Turned.of(event, outcome))
        following = conversation.events[index + 1 : index + 2]
        # Turns of one batch follow each other in memory, others by way of the database.
        one_batch = following and following[0].at == event.at
        self.states[conversation.id] = outcome.state if one_batch else stored_state(outcome.state)

    def _difference(self, conversation: PastConversation, begin: Beginning) -> Difference | None:
        for index, turned in enumerate(self.turns[conversation.id], conversation.gone + begin.index + 1):
            if turned.now != turned.event.said:
                return Difference(number=index, event=turned.event, then=turned.event.said, now=turned.now)
        failure = self._failures.get(conversation.id)
        if failure is not None or conversation.cut:
            return failure
        fields = tuple(_fields(conversation.state, self.states[conversation.id], whole=begin.whole))
        return Difference(number=0, event=None, then=(), now=(), fields=fields) if fields else None


def _fields(then: ConversationState, now: ConversationState, *, whole: bool) -> list[tuple[str, Any, Any]]:
    """The fields in which two states differ. Unless the replay is whole, `then` may remember more."""
    found = []
    for name in ConversationState.__struct_fields__:
        before, after = getattr(then, name), getattr(now, name)
        if name == "variables" and not whole:
            before = {key: value for key, value in before.items() if key in after}
        if before != after:
            found.append((name, before, after))
    return found
