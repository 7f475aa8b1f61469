"""One batch in memory: run the pure step for each event, in order, and note what is to be written. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

import msgspec

from adapters.protocol import Parked
from engine.compile import Bot
from engine.effects import CancelTimer, Send, StartTimer
from engine.events import ContactabilityChanged, InboundEvent
from engine.state import ConversationState, Customer, Outcome
from engine.step import step
from gateway.channel import Channel
from gateway.turns.arrival import Accepted, Arrival
from gateway.turns.ledger import Ledger, OpenConversation
from gateway.turns.transcript import describe
from storage.ids import derived, new_id
from storage.turns import ContactKey, EventKey, KnownEvent, LockedConversation

_encode = msgspec.json.Encoder().encode


class NoPublishedFlow(Exception):
    """The channel's bot has no published flow. Publish one: gateway bot publish FILE --bot SLUG"""

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").strip())


class Decider:
    """Runs the step over the arrivals of one batch."""

    def __init__(
        self,
        conversations: Mapping[ContactKey, LockedConversation],
        states: Mapping[ContactKey, ConversationState],
        known: Mapping[EventKey, KnownEvent],
        bots: Mapping[UUID, Bot],
        now: datetime,
    ) -> None:
        self._locked = conversations
        self._states = states
        self._known = dict(known)
        self._bots = bots
        self._open: dict[ContactKey, OpenConversation] = {}
        self.ledger = Ledger(now)
        self.turns = 0
        self.failures: list[tuple[UUID, Exception]] = []
        """Inbox ids of the events whose step raised."""
        self.troubles: list[tuple[UUID, Outcome]] = []
        """Conversations whose flow went wrong in a way that the trace tells."""

    def run(self, arrival: Arrival) -> list[Accepted]:
        """Decide on one body."""
        channel = arrival.channel
        accepted = [self._event(channel, event) for event in arrival.events]
        accepted += [self._parked(channel, parked) for parked in arrival.parked]
        if arrival.finishes is not None:
            self.ledger.rows.finished.append(arrival.finishes)
        return accepted

    def finish(self) -> Ledger:
        """Close the batch."""
        self.ledger.close(list(self._open.values()))
        return self.ledger

    def _event(self, channel: Channel, event: InboundEvent) -> Accepted:
        known = self._known.get((channel.id, event.external_id))
        if known is not None:
            return Accepted(conversation_id=known.conversation_id, seq=known.seq, duplicate=True)
        inbox_id = new_id()
        conversation = self._conversation(channel, event.conversation_key)
        customer = _customer(self._locked[(channel.id, event.conversation_key)])
        try:
            outcome = self._step(channel, conversation.state, event, customer)
        except Exception as error:  # one event that fails must not disturb the batch: it is parked, and told
            self.failures.append((inbox_id, error))
            reason = f"{type(error).__name__}: {error}"
            self._remember(channel, event.external_id, conversation.id, None)
            self.ledger.record(
                channel, inbox_id, event.external_id, conversation.id, parked=reason, raw=_encode(event)
            )
            return Accepted(conversation_id=conversation.id, seq=None, parked=reason)
        return self._moved(channel, conversation, inbox_id, event, outcome)

    def _moved(
        self,
        channel: Channel,
        conversation: OpenConversation,
        inbox_id: UUID,
        event: InboundEvent,
        outcome: Outcome,
    ) -> Accepted:
        self.turns += 1
        conversation.version += 1
        said = describe(event.body)
        seq = None
        if said is not None:
            meant = next((entry for entry in outcome.trace if entry.kind == "intent"), None)
            seq = self.ledger.heard(channel, conversation, inbox_id, said, event.message, meant)
        conversation.state = outcome.state
        conversation.status = _status(outcome.state)
        self._effects(channel, conversation, inbox_id, outcome)
        if isinstance(event.body, ContactabilityChanged):
            self.ledger.reachability.append((conversation.customer_id, event.body.reachable))
        if any(entry.kind == "error" for entry in outcome.trace):
            self.troubles.append((conversation.id, outcome))
        self._remember(channel, event.external_id, conversation.id, seq)
        self.ledger.record(
            channel, inbox_id, event.external_id, conversation.id, event=_encode(event), seq=seq
        )
        return Accepted(conversation_id=conversation.id, seq=seq)

    def _effects(
        self, channel: Channel, conversation: OpenConversation, inbox_id: UUID, outcome: Outcome
    ) -> None:
        for ordinal, effect in enumerate(outcome.effects, 1):
            match effect:
                case Send():
                    self.ledger.send(channel, conversation, derived(inbox_id, ordinal), ordinal, effect)
                case StartTimer():
                    id = derived(inbox_id, ordinal)
                    self.ledger.start_timer(channel, conversation, id, ordinal, effect.timer, effect.due_at)
                case CancelTimer():
                    self.ledger.cancel_timer(conversation, effect.timer)
                case _:
                    assert_never(effect)

    def _step(
        self, channel: Channel, state: ConversationState, event: InboundEvent, customer: Customer
    ) -> Outcome:
        now = self.ledger.now
        bot = self._bot(channel, state)
        outcome = step(bot, state, event, customer, now)
        active = self._bots.get(channel.flow_id) if channel.flow_id else None
        if active is not None and active is not bot and any(entry.kind == "start" for entry in outcome.trace):
            # The flow began anew while pinned to an older version: it begins on the published one.
            # The step is pure, so the first outcome is simply dropped.
            outcome = step(active, state, event, customer, now)
        return outcome

    def _bot(self, channel: Channel, state: ConversationState) -> Bot:
        """The version that the conversation is pinned to while a flow runs, else the published one."""
        pinned = self._bots.get(UUID(state.flow)) if state.node and state.flow else None
        bot = pinned or (self._bots.get(channel.flow_id) if channel.flow_id else None)
        if bot is None:
            raise NoPublishedFlow
        return bot

    def _parked(self, channel: Channel, parked: Parked) -> Accepted:
        known = self._known.get((channel.id, parked.external_id))
        if known is not None:
            return Accepted(conversation_id=known.conversation_id, seq=known.seq, duplicate=True)
        self._remember(channel, parked.external_id, None, None)
        self.ledger.record(channel, new_id(), parked.external_id, None, parked=parked.reason, raw=parked.raw)
        return Accepted(conversation_id=None, seq=None, parked=parked.reason)

    def _conversation(self, channel: Channel, contact_key: str) -> OpenConversation:
        key = (channel.id, contact_key)
        conversation = self._open.get(key)
        if conversation is None:
            locked = self._locked[key]
            conversation = OpenConversation(contact_key, locked, self._states[key])
            self._open[key] = conversation
        return conversation

    def _remember(
        self, channel: Channel, external_id: str, conversation_id: UUID | None, seq: int | None
    ) -> None:
        self._known[(channel.id, external_id)] = KnownEvent(conversation_id=conversation_id, seq=seq)


def _status(state: ConversationState) -> str:
    match state.control:
        case "waiting":
            return "waiting"
        case "human":
            return "with_agent"
        case "bot":
            return "active" if state.node else "closed"


def _customer(locked: LockedConversation) -> Customer:
    columns: Mapping[str, Any] = locked.customer
    attributes = columns["metadata"]
    return Customer(
        id=str(locked.customer_id),
        first_name=columns["first_name"] or "",
        last_name=columns["last_name"] or "",
        email=columns["email"] or "",
        phone=columns["phone"] or "",
        language=columns["language"] or "",
        timezone=columns["timezone"] or "",
        attributes=msgspec.json.decode(attributes) if attributes and attributes != "{}" else {},
    )
