"""One batch against the database: lock, decide, write, commit. Whatever fails leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from engine.compile import Bot
from engine.events import InboundEvent
from engine.state import ConversationState
from gateway import metrics
from gateway.channel import Channel
from gateway.checkpoints import reach
from gateway.delivery.outgoing import Outgoing
from gateway.identity import renaming
from gateway.identity.numbers import verified_address, verified_number
from gateway.logs import get_logger
from gateway.media.marks import MediaMarks
from gateway.turns.arrival import Accepted, Arrival
from gateway.turns.decide import Decider, is_overheard
from gateway.turns.notices import Notices
from storage import media, turns
from storage.ids import new_id
from storage.turns import ContactKey, Newcomer, SharedVariables, TurnRows

_log = get_logger(__name__)

_encode = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder(ConversationState).decode


class Bots(Protocol):
    """Compiled flows by the id of their stored version."""

    async def load(self, flows: Mapping[UUID, UUID]) -> Mapping[UUID, Bot]:
        """The compiled flows among `flows` (flow version id → organization id); what can't be had is left out."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What a committed batch came to."""

    accepted: Sequence[list[Accepted]]
    """For each arrival, what became of its events."""
    outgoing: Sequence[Outgoing]
    """Sends that this worker holds the lease of, in order."""
    ahead: Mapping[UUID, frozenset[UUID]]
    """For a conversation, earlier sends that this worker holds by the table."""
    queued: Mapping[UUID, UUID]
    """Conversations (with their organization) whose sends queue behind somebody else's, to be claimed."""
    decider: Decider


class BatchRunner:
    """Runs batches for one worker."""

    def __init__(
        self,
        bots: Bots,
        owner: UUID,
        lease: timedelta,
        clock: Callable[[], datetime],
        marks: MediaMarks | None = None,
        notices: Notices | None = None,
    ) -> None:
        """Without `marks` the files that customers send are not kept; without `notices` no link code is read."""
        self._marks = marks
        self._notices = notices
        self._bots = bots
        self._owner = owner
        self._lease = lease
        self._clock = clock

    async def run(self, connection: Any, arrivals: Sequence[Arrival]) -> Batch:
        """Run one transaction. Raises what the database raises; the caller rolls back."""
        now = self._clock()
        await turns.begin(connection, {arrival.channel.organization_id for arrival in arrivals})
        reach("turn.begun")
        decider = await self._decider(connection, arrivals, now)
        started = time.perf_counter()
        accepted = [decider.run(arrival) for arrival in arrivals]
        ledger = decider.finish()
        metrics.turn_seconds("step").observe(time.perf_counter() - started)
        reach("turn.stepped")
        if ledger.rows.renamed:
            await renaming.rename(connection, ledger.rows, now)
        leased = await turns.write(connection, ledger.rows, now=now, owner=self._owner, lease=self._lease)
        shared = await _write_beside(connection, ledger.rows, now)
        if ledger.rows.renamed:
            await renaming.readdress(connection, ledger.rows, now)
        await self._write_media(connection, ledger.rows, now)
        reach("turn.written")
        await connection.execute("COMMIT")
        reach("turn.committed")
        decider.memory.committed(shared)
        outgoing = [send for send in ledger.outgoing if send.id in leased.mine]
        for send in outgoing:
            send.lease_until = send.due_at + self._lease
        queued = {
            send.conversation_id: send.channel.organization_id
            for send in ledger.outgoing
            if send.id not in leased.mine
        }
        return Batch(accepted=accepted, outgoing=outgoing, ahead=leased.ahead, queued=queued, decider=decider)

    async def _write_media(self, connection: Any, rows: TurnRows, now: datetime) -> None:
        if self._marks is None or not (rows.media or rows.adopted):
            return
        expires_at = self._marks.expiry(now)
        if rows.media:
            await media.receive(connection, rows.media, now, expires_at)
        if rows.adopted:
            await media.adopt(connection, rows.adopted, expires_at)

    async def _decider(self, connection: Any, arrivals: Sequence[Arrival], now: datetime) -> Decider:
        contacts: dict[ContactKey, tuple[Channel, InboundEvent]] = {}
        addressed: set[ContactKey] = set()
        """Conversations that may begin: not all that is said in them is overheard."""
        events: list[tuple[UUID, str]] = []
        for arrival in arrivals:
            channel = arrival.channel
            for event in arrival.events:
                contact = (channel.id, event.conversation_key)
                contacts.setdefault(contact, (channel, event))
                if contact not in addressed and not is_overheard(event):
                    addressed.add(contact)
                    contacts[contact] = (channel, event)
                events.append((channel.id, event.external_id))
            events.extend((channel.id, parked.external_id) for parked in arrival.parked)
        locked, known = await turns.lock(connection, contacts, events)
        missing = [contact for contact in contacts if contact not in locked and contact in addressed]
        newcomers = _newcomers(contacts[contact] for contact in missing)
        if newcomers:
            await turns.create(connection, newcomers, now)
            locked, known = await turns.lock(connection, contacts, events)
        reach("turn.locked")
        states = {contact: _decode_state(conversation.state) for contact, conversation in locked.items()}
        return Decider(
            locked,
            states,
            known,
            await self._bots.load(_flows(contacts, states)),
            now,
            self._marks,
            self._notices,
            {newcomer.customer_id: newcomer.sender for newcomer in newcomers},
        )


async def _write_beside(connection: Any, rows: TurnRows, now: datetime) -> Mapping[UUID, SharedVariables]:
    """What few turns leave behind. Bots come last: all their conversations wait for their rows until the commit."""
    if rows.interactions:
        await turns.record_interactions(connection, rows, now)
    if rows.customers:
        for customer in await turns.change_customers(connection, rows.customers, now):
            _log.warning("variables not kept: too large", customer=str(customer))
    if not rows.bots:
        return {}
    shared = await turns.change_bots(connection, rows.bots, now)
    for chatbot, variables in shared.items():
        if variables.refused:
            _log.warning("variables not kept: too large", bot=str(chatbot))
    return shared


def _newcomers(first_events: Iterable[tuple[Channel, InboundEvent]]) -> list[Newcomer]:
    customers: dict[tuple[UUID, str], UUID] = {}
    newcomers = []
    for channel, event in first_events:
        sender = event.sender
        newcomers.append(
            Newcomer(
                organization_id=channel.organization_id,
                channel_id=channel.id,
                chatbot_id=channel.chatbot_id,
                contact_key=event.conversation_key,
                conversation_id=new_id(),
                customer_id=customers.setdefault((channel.id, sender.external_id), new_id()),
                sender=sender.external_id,
                first_name=sender.first_name,
                last_name=sender.last_name,
                language=sender.language,
                profile=_encode({"username": sender.username}).decode() if sender.username else "{}",
                phone=(verified_number(sender.phone) or "") if sender.phone else "",
                email=(verified_address(sender.email) or "") if sender.email else "",
                timezone=sender.timezone,
                aliases=sender.aliases,
            )
        )
    return newcomers


def _flows(
    contacts: Mapping[ContactKey, tuple[Channel, InboundEvent]],
    states: Mapping[ContactKey, ConversationState],
) -> dict[UUID, UUID]:
    """The flow versions that the batch needs: the published ones, and those that conversations are pinned to."""
    flows: dict[UUID, UUID] = {}
    for contact, (channel, _) in contacts.items():
        if channel.flow_id:
            flows[channel.flow_id] = channel.organization_id
        state = states.get(contact)  # none for a conversation that is only overheard
        if state is not None and state.flow and state.node:
            flows[UUID(state.flow)] = channel.organization_id
    return flows
