"""One batch in memory: run the pure step for each event, in order, and note what is to be written. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never
from uuid import UUID

import msgspec

from adapters.protocol import Parked
from engine.compile import Bot
from engine.effects import (
    CallIntegration,
    CancelTimer,
    Generate,
    Record,
    Remember,
    Search,
    Send,
    SendEmail,
    StartTimer,
    UpdateCustomer,
)
from engine.events import ContactabilityChanged, HumanReplied, InboundEvent
from engine.state import ConversationState, Outcome, TraceEntry
from gateway.channel import Channel
from gateway.media.marks import Marked, MediaMarks
from gateway.turns.arrival import Accepted, Arrival
from gateway.turns.ledger import Ledger, OpenConversation
from gateway.turns.memory import Memory
from gateway.turns.notices import Notices
from gateway.turns.transcript import describe
from gateway.turns.versions import run_turn
from storage.ids import derived, new_id
from storage.turns import MAX_VARIABLES_BYTES, ContactKey, EventKey, KnownEvent, LockedConversation

OVERHEARD = "overheard: the bot has no part in this conversation"
_encode = msgspec.json.Encoder().encode


class Decider:
    """Runs the step over the arrivals of one batch."""

    def __init__(
        self,
        conversations: Mapping[ContactKey, LockedConversation],
        states: Mapping[ContactKey, ConversationState],
        known: Mapping[EventKey, KnownEvent],
        bots: Mapping[UUID, Bot],
        now: datetime,
        marks: MediaMarks | None = None,
        notices: Notices | None = None,
        newcomers: Mapping[UUID, str] | None = None,
    ) -> None:
        """`newcomers` are the customers that may have been created for this batch, with their id on the channel."""
        self._marks = marks
        self._notices = notices or Notices()
        self._newcomers = dict(newcomers or {})
        self._locked = conversations
        self._states = states
        self._known = dict(known)
        self._bots = bots
        self._open: dict[ContactKey, OpenConversation] = {}
        self.ledger = Ledger(now)
        self.memory = Memory(self.ledger.rows)
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
        if is_overheard(event) and not self._has_begun((channel.id, event.conversation_key)):
            overheard = Parked(external_id=event.external_id, reason=OVERHEARD, raw=_encode(event))
            return self._parked(channel, overheard)
        inbox_id = new_id()
        conversation = self._conversation(channel, event.conversation_key)
        newcomer = self._newcomers.pop(conversation.customer_id, None)
        if newcomer is not None:
            self._notices.welcome(self.ledger, channel, conversation, inbox_id, newcomer)
        event, linked = self._notices.take_code(channel, event, self.ledger)
        arrived = event
        files: list[Marked] = []
        try:
            if self._marks is not None:
                event, files = self._marks.mark(channel, event, inbox_id, self.ledger.now)
            locked = self._locked[(channel.id, event.conversation_key)]
            self.memory.customer(locked)
            self._notices.note(
                self.ledger, self.memory, channel, conversation, locked, event, inbox_id, linked
            )
            customer = self.memory.customer(locked)
            outcome = run_turn(
                self._bots,
                channel.flow_id,
                conversation.state,
                event,
                customer,
                self.ledger.now,
                shared=self.memory.variables(channel),
                channel=channel.platform,
                opt_out_words=channel.opt_out_words,
            )
        except Exception as error:  # one event that fails must not disturb the batch: it is parked, and told
            self.failures.append((inbox_id, error))
            reason = f"{type(error).__name__}: {error}"
            self._remember(channel, event.external_id, conversation.id, None)
            self.ledger.record(
                channel, inbox_id, event.external_id, conversation.id, parked=reason, raw=_encode(arrived)
            )
            return Accepted(conversation_id=conversation.id, seq=None, parked=reason)
        accepted = self._moved(channel, conversation, inbox_id, event, outcome)
        self.ledger.files(channel, conversation, files)
        return accepted

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
        elif isinstance(event.body, HumanReplied):
            seq = self.ledger.answered(channel, conversation, inbox_id, event.body, event.message)
        conversation.state = outcome.state
        conversation.status = _status(outcome.state)
        refused = self._effects(channel, conversation, inbox_id, outcome)
        if refused:
            outcome = msgspec.structs.replace(outcome, trace=(*outcome.trace, *refused))
        if isinstance(event.body, ContactabilityChanged):
            self.memory.reachable(conversation.customer_id, event.body.reachable)
        if any(entry.kind == "error" for entry in outcome.trace):
            self.troubles.append((conversation.id, outcome))
        self._remember(channel, event.external_id, conversation.id, seq)
        self.ledger.record(
            channel, inbox_id, event.external_id, conversation.id, event=_encode(event), seq=seq
        )
        return Accepted(conversation_id=conversation.id, seq=seq)

    def _effects(
        self, channel: Channel, conversation: OpenConversation, inbox_id: UUID, outcome: Outcome
    ) -> list[TraceEntry]:
        """Note what the effects come to; what could not be done is returned, as errors."""
        ledger, memory = self.ledger, self.memory
        refused = []
        for ordinal, effect in enumerate(outcome.effects, 1):
            match effect:
                case Send():
                    ledger.send(channel, conversation, derived(inbox_id, ordinal), ordinal, effect)
                case StartTimer():
                    id = derived(inbox_id, ordinal)
                    ledger.start_timer(channel, conversation, id, ordinal, effect.timer, effect.due_at)
                case CancelTimer():
                    ledger.cancel_timer(conversation, effect.timer)
                case CallIntegration() | Search() | Generate() | SendEmail():
                    ledger.work(channel, conversation, derived(inbox_id, ordinal), ordinal, effect)
                case Record():
                    ledger.put_on_record(channel, conversation, derived(inbox_id, ordinal), effect)
                case UpdateCustomer():
                    memory.update(conversation.customer_id, effect)
                case Remember():
                    if not memory.remember(channel, conversation.customer_id, effect):
                        refused.append(_too_large(effect))
                case _:
                    assert_never(effect)
        return refused

    def _parked(self, channel: Channel, parked: Parked) -> Accepted:
        known = self._known.get((channel.id, parked.external_id))
        if known is not None:
            return Accepted(conversation_id=known.conversation_id, seq=known.seq, duplicate=True)
        self._remember(channel, parked.external_id, None, None)
        self.ledger.record(channel, new_id(), parked.external_id, None, parked=parked.reason, raw=parked.raw)
        return Accepted(conversation_id=None, seq=None, parked=parked.reason)

    def _has_begun(self, key: ContactKey) -> bool:
        """Whether the bot has a part in a conversation: a turn has run in it."""
        conversation, locked = self._open.get(key), self._locked.get(key)
        if conversation is not None:
            return conversation.version > 0
        return locked is not None and locked.state_version > 0

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


def is_overheard(event: InboundEvent) -> bool:
    """Whether it may only go on with a conversation, and not begin one."""
    return event.context is not None and event.context.overheard


def _status(state: ConversationState) -> str:
    match state.control:
        case "waiting":
            return "waiting"
        case "human":
            return "with_agent"
        case "bot":
            return "active" if state.node else "closed"


def _too_large(effect: Remember) -> TraceEntry:
    detail = f"the {effect.scope}'s variables would be larger than {MAX_VARIABLES_BYTES} bytes: not kept"
    return TraceEntry(kind="error", at="remember", detail=detail)
