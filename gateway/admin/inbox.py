"""Giving parked events their turn after all.

The turn runs here, in the operator's process, by the same code and the same locks as in a server; what it sends is
left to the running servers. A retried event goes by the key `retry:<id of the parked row>`: should this process
die between the turn's commit and the removal of the parked row, the next try finds the key and only removes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

import msgspec

from adapters.protocol import Adapter, Parked, Parsed
from adapters.slack.adapter import SlackAdapter
from adapters.telegram.adapter import TelegramAdapter
from adapters.web.adapter import WebAdapter
from adapters.whatsapp.adapter import WhatsAppAdapter
from engine.events import InboundEvent
from gateway.admin.bots import ACTOR
from gateway.bots import BotRegistry
from gateway.channel import Channel
from gateway.consent_news import ConsentNews
from gateway.directory import Directory
from gateway.embedding import load_embedder
from gateway.identity.codes import LinkCodes
from gateway.media.marks import MediaMarks
from gateway.turns.arrival import Accepted, Arrival
from gateway.turns.batch import BatchRunner
from gateway.turns.notices import Notices
from storage.audit import Change
from storage.database import Database
from storage.inbox import ParkedEvent, forget_parked
from storage.keyring import Keyring

_decode_event = msgspec.json.Decoder(InboundEvent).decode


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one parked event."""

    event: ParkedEvent
    result: Literal["done", "parked", "unreadable", "closed"]
    """Turned; parked again for `reason`; still no readable event; its channel is closed."""
    reason: str = ""


class Retrier:
    """Retries parked events of one organization, one after the other, in the order in which they came."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Callable[[], datetime],
        marks: MediaMarks | None = None,
    ) -> None:
        """Without `marks` the files in what is retried are not kept."""
        self._database = database
        self._clock = clock
        self._adapters: dict[str, Adapter] = {
            "telegram": TelegramAdapter(),
            "whatsapp": WhatsAppAdapter(),
            "slack": SlackAdapter(),
            "web": WebAdapter(lambda conversation, seq, frame: None),
        }
        self._directory = Directory(database, keyring, self._adapters, {}, clock)
        self._consents = ConsentNews(database)
        notices = Notices(LinkCodes(keyring))
        # Sends are leased for no time at all: the next server that looks carries them out.
        self._runner = BatchRunner(
            BotRegistry(database, load_embedder), uuid4(), timedelta(0), clock, marks, notices
        )

    async def close(self) -> None:
        """Release connections."""
        for adapter in self._adapters.values():
            await adapter.close()

    async def retry(self, parked: ParkedEvent) -> Retried:
        """Retry one event. Raises what the database raises; the event then stays parked."""
        channel = await self._directory.by_id(parked.channel_id, parked.organization_id)
        if channel is None:
            return Retried(event=parked, result="closed")
        parsed = _read(channel, parked)
        if parsed.consents and not await self._consents.report(channel, parsed.consents):
            await self._forget(parked, "retried")
            return Retried(event=parked, result="done")
        if not parsed.events:
            return Retried(event=parked, result="unreadable", reason=_reasons(parsed))
        accepted = await self._turn(channel, _renamed(parsed.events, parked))
        again = [one.parked for one in accepted if one.parked]
        await self._forget(parked, "parked again" if again else "retried")
        return Retried(event=parked, result="parked" if again else "done", reason="; ".join(again))

    async def _forget(self, parked: ParkedEvent, result: str) -> None:
        change = Change(organization_id=parked.organization_id, actor=ACTOR, now=self._clock())
        async with self._database.transaction([parked.organization_id]) as connection:
            await forget_parked(connection, change, parked, result)

    async def _turn(self, channel: Channel, events: tuple[InboundEvent, ...]) -> list[Accepted]:
        outcome: asyncio.Future[list[Accepted]] = asyncio.get_running_loop().create_future()
        arrival = Arrival(channel, events, outcome=outcome, queued_at=time.perf_counter())
        async with self._database.raw() as connection:
            batch = await self._runner.run(connection, [arrival])
        return batch.accepted[0]


def _read(channel: Channel, parked: ParkedEvent) -> Parsed:
    """The event as it was when its turn failed, or the platform's body, parsed anew by today's adapter."""
    try:
        return Parsed(events=(_decode_event(parked.raw),))
    except msgspec.DecodeError:
        return channel.adapter.parse(parked.raw, channel.access, parked.received_at)


def _renamed(events: Sequence[InboundEvent], parked: ParkedEvent) -> tuple[InboundEvent, ...]:
    names = [
        f"retry:{parked.id}" if index == 0 else f"retry:{parked.id}:{index}" for index in range(len(events))
    ]
    return tuple(
        msgspec.structs.replace(event, external_id=name) for event, name in zip(events, names, strict=True)
    )


def _reasons(parsed: Parsed) -> str:
    pieces: Sequence[Parked] = parsed.parked
    return "; ".join(piece.reason for piece in pieces)


def preview(raw: bytes, limit: int = 60) -> str:
    """The kind of a parked event, without what the customer said."""
    try:
        found: Any = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return f"{len(raw)} bytes, no JSON"
    if not isinstance(found, dict):
        return type(found).__name__
    body = found.get("body")
    if isinstance(body, dict) and isinstance(body.get("type"), str):
        return str(body["type"])[:limit]
    return ", ".join(str(key) for key in found if key != "update_id")[:limit]
