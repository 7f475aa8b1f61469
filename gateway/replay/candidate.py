"""Conversations replayed on another version: what customers did, with that version's own timers and calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from engine.bot import Bot
from engine.effects import CancelTimer, StartTimer
from engine.events import (
    AnswerGenerated,
    CallFinished,
    EventBody,
    InboundEvent,
    SearchFinished,
    TimerFired,
)
from engine.state import Control, ConversationState, TraceEntry
from engine.step import step
from gateway.replay.beginning import beginning_of
from gateway.replay.memory import Memory, stored_state
from gateway.replay.past import Past, PastConversation, PastEvent, Said, node_of, said_in

LATE: Final = timedelta(seconds=10)
"""How long after it was due a timer may have fired, and still be the one that is due."""
MAX_OWN_TIMERS: Final = 1_000
"""Timers of a conversation that fire now and did not fire then."""
_IDS: Final = frozenset({"id"})


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One event on the other version."""

    number: int
    """Of the event, from 1, those counted that are gone; 0 for what did not happen then: a timer of its own."""
    at: datetime
    body: EventBody
    then: tuple[Said, ...]
    now: tuple[Said, ...]
    trace: tuple[TraceEntry, ...]
    """Of now. Empty when nothing waits for the event any more."""

    @property
    def same(self) -> bool:
        """Whether the customer sees no difference: the ids of choices are nothing that they see."""
        return [_seen(said) for said in self.then] == [_seen(said) for said in self.now]


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, replayed on the other version."""

    conversation: PastConversation
    skipped: int | None
    """Events before the first that was replayed; None when nothing could be."""
    steps: tuple[Step, ...]
    state: ConversationState
    """Where it ends."""

    @property
    def control(self) -> tuple[Control, Control]:
        """Who answered in the end: (then, now)."""
        return self.conversation.state.control, self.state.control

    @property
    def differences(self) -> tuple[Step, ...]:
        """What the customer would have seen otherwise."""
        return tuple(step for step in self.steps if not step.same)

    @property
    def same(self) -> bool:
        """Whether the customer sees no difference, and the same side answers in the end."""
        return not self.differences and (self.conversation.cut or self.control[0] == self.control[1])


def try_out(past: Past, bot: Bot, now: datetime) -> dict[UUID, Tried]:
    """Replay the conversations that are asked about on `bot`; its timers run until `now`."""
    memory = Memory(past)
    trials: dict[UUID, _Trial] = {}
    for conversation, index in past.in_order():
        trial = trials.get(conversation.id)
        if trial is None:
            trial = trials[conversation.id] = _Trial(past, conversation, bot, memory)
        trial.take(index)
    empty = (_Trial(past, one, bot, memory) for one in past.conversations.values() if one.id not in trials)
    trials |= {trial.conversation.id: trial for trial in empty}
    return {id: trials[id].end(now) for id in past.wanted}


class _Trial:
    """One conversation on its way through the other version."""

    def __init__(self, past: Past, conversation: PastConversation, bot: Bot, memory: Memory) -> None:
        self.conversation = conversation
        self._bot = bot
        self._memory = memory
        self._begin = beginning_of(past, conversation)
        self._state = self._begin.state if self._begin is not None else ConversationState()
        self._timers: dict[str, StartTimer] = {}
        self._steps: list[Step] = []
        self._own = 0

    def take(self, index: int) -> None:
        """What happened then happens now, after the timers that come before it."""
        if self._begin is None or index < self._begin.index:
            return
        event = self.conversation.events[index]
        number = self.conversation.gone + index + 1
        self._fire_until(event.at - LATE, keep=_timers_ahead(self.conversation.events[index : index + 20]))
        body = self._as_now(event.body)
        if body is None and not event.said:
            body = event.body  # what was ignored then is ignored now
        if body is None:
            self._steps.append(
                Step(number=number, at=event.at, body=event.body, then=event.said, now=(), trace=())
            )
            return
        self._turn(number, event.at, msgspec.structs.replace(event.event, body=body), event)

    def end(self, now: datetime) -> Tried:
        """Nothing more happened."""
        if not self.conversation.cut:
            self._fire_until(now, keep=frozenset())
        begin = self._begin
        return Tried(
            conversation=self.conversation,
            skipped=None if begin is None else self.conversation.gone + begin.index,
            steps=tuple(self._steps),
            state=self._state,
        )

    def _fire_until(self, until: datetime, keep: frozenset[str]) -> None:
        """Fire what is due, but leave what a recorded event is about to fire."""
        while self._own < MAX_OWN_TIMERS:
            due = [
                timer
                for timer in self._timers.values()
                if timer.due_at <= until and node_of(timer.timer) not in keep
            ]
            if not due:
                return
            timer = min(due, key=lambda timer: timer.due_at)
            self._own += 1
            sender = self.conversation.events[-1].event
            body = TimerFired(timer=timer.timer)
            self._turn(0, timer.due_at, msgspec.structs.replace(sender, body=body), None)

    def _as_now(self, body: EventBody) -> EventBody | None:
        """The event under the names of now; None for a timer or a result that nothing waits for."""
        match body:
            case TimerFired():
                own = next((name for name in self._timers if node_of(name) == node_of(body.timer)), None)
                return None if own is None else TimerFired(timer=own)
            case CallFinished() | SearchFinished() | AnswerGenerated():
                waiting = self._state.waiting
                if waiting is None or not waiting.call or node_of(waiting.call) != node_of(body.call):
                    return None
                return msgspec.structs.replace(body, call=waiting.call)
            case _:
                return body

    def _turn(self, number: int, at: datetime, event: InboundEvent, past: PastEvent | None) -> None:
        if isinstance(event.body, TimerFired):
            self._timers.pop(event.body.timer, None)
        outcome = step(
            self._bot,
            self._state,
            event,
            self._memory.customer(self.conversation),
            at,
            shared=self._memory.shared(self.conversation),
            channel=self.conversation.stored.platform,
            opt_out_words=self.conversation.opt_out_words,
        )
        self._memory.carry_out(self.conversation, outcome.effects)
        self._state = stored_state(outcome.state)
        for effect in outcome.effects:
            match effect:
                case StartTimer():
                    self._timers[effect.timer] = effect
                case CancelTimer():
                    self._timers.pop(effect.timer, None)
                case _:
                    pass
        said = said_in(outcome)
        then = past.said if past is not None else ()
        if past is not None or said:
            self._steps.append(
                Step(number=number, at=at, body=event.body, then=then, now=said, trace=outcome.trace)
            )


def _timers_ahead(events: Sequence[PastEvent]) -> frozenset[str]:
    """The nodes whose timers are the next to fire, before the customer does anything."""
    return frozenset(_ahead(events))


def _ahead(events: Sequence[PastEvent]) -> Iterator[str]:
    for event in events:
        if not isinstance(event.body, TimerFired):
            return
        yield node_of(event.body.timer)


def _seen(said: Said) -> Any:
    return said.text, _without_ids(said.parts)


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_ids(item) for key, item in value.items() if key not in _IDS}
    if isinstance(value, list):
        return [_without_ids(item) for item in value]
    return value
