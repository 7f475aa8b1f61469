"""What arrives at the turn loop: the pieces of one body, which commit together or not at all."""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec

from adapters.protocol import Parked
from engine.events import InboundEvent
from gateway.channel import Channel


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event. Its row is committed."""

    conversation_id: UUID | None
    seq: int | None
    """The sequence number of the customer's message in its conversation; None where the event is no message."""
    duplicate: bool = False
    parked: str = ""
    """Why the event ran no turn; empty when it did."""


class Arrival:
    """One body's events on their way through a turn; `outcome` resolves after the commit."""

    __slots__ = ("channel", "events", "finishes", "outcome", "parked", "queued_at", "retried")

    def __init__(
        self,
        channel: Channel,
        events: tuple[InboundEvent, ...],
        *,
        parked: tuple[Parked, ...] = (),
        finishes: UUID | None = None,
        outcome: asyncio.Future[list[Accepted]],
        queued_at: float,
    ) -> None:
        self.channel = channel
        self.events = events
        self.parked = parked
        self.finishes = finishes
        """The effect that these events answer; its row goes with the turn's commit."""
        self.outcome = outcome
        self.retried = False
        """Whether its batch met a broken connection already and is on its second one."""
        self.queued_at = queued_at
        """Monotonic seconds."""
