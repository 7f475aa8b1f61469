"""The road with a channel of the parcel service beside Telegram's, and workers that speak with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from adapters.capabilities import Capabilities
from engine.effects import Send
from engine.messages import OutboundMessage
from gateway.delivery.outgoing import OutgoingPayload
from storage.audit import Change
from storage.channels import create_channel
from storage.ids import new_id
from tests.integration.road import Road, Running
from tests.platforms.parcel import MockParcel, ParcelAdapter

PARCEL: Final = "parcelparcelparcel"
"""The channel's route."""


async def open_parcels(road: Road, **settings: Any) -> None:
    """A channel of the parcel service."""
    change = Change(organization_id=road.ids.organization, actor="test", now=datetime.now(UTC))
    async with road.database.transaction([road.ids.organization]) as connection:
        await create_channel(
            connection, change, road.keyring, chatbot_id=road.ids.bot, type="slack", name="Parcels",
            route=PARCEL, config={}, secret_paths=[], settings=settings,
        )  # fmt: skip


@asynccontextmanager
async def parcel_worker(
    road: Road, parcel: MockParcel, table: Capabilities, **settings: Any
) -> AsyncIterator[Running]:
    """A worker that speaks with the parcel service as with a platform of that table."""
    async with road.worker(**settings) as running:
        adapter = ParcelAdapter(parcel.url, table)
        running.worker.adapters["slack"] = adapter
        try:
            yield running
        finally:
            await running.stop()
            await adapter.close()


async def post(running: Running, **body: Any) -> None:
    """The service calls our webhook."""
    url = f"http://127.0.0.1:{running.port}/webhook/slack/{PARCEL}"
    async with running._session.post(url, data=msgspec.json.encode(body)) as response:
        assert response.status == 200


async def say(running: Running, id: str, text: str, who: str = "ada") -> None:
    """A customer writes."""
    await post(running, said=[{"id": id, "from": who, "text": text}])


async def messages(road: Road) -> list[Any]:
    """The bot's messages, in order: words, status, the platform's id."""
    return await road.rows(
        "SELECT id, content, status, external_id, error, metadata FROM messages "
        "WHERE sender_type = 'bot' ORDER BY conversation_id, seq"
    )


async def leave(road: Road, message: OutboundMessage, who: str = "ada", **send: Any) -> None:
    """A send of the conversation that nobody has begun, as a turn of a worker that is gone left it behind."""
    found = (
        await road.rows(
            "SELECT id, channel_id, state_version, message_count FROM conversations WHERE contact_key = $1",
            who,
        )
    )[0]
    seq = found["message_count"] + 1
    payload = OutgoingPayload(send=Send(message=message, **send), seq=seq)
    parts: Mapping[str, Any] = {"label": send["label"]} if send.get("label") else {}
    id, now = new_id(), datetime.now(UTC)
    await road.observer.execute(
        "INSERT INTO messages (id, organization_id, conversation_id, channel_id, seq, sender_type, message_type, "
        "content, payload, status, created_at) VALUES ($1, $2, $3, $4, $5, 'bot', 'text', $6, $7, 'queued', $8)",
        id, road.ids.organization, found["id"], found["channel_id"], seq, message.text,
        msgspec.json.encode(parts).decode(), now,
    )  # fmt: skip
    await road.observer.execute(
        "UPDATE conversations SET message_count = $2, state_version = state_version + 1 WHERE id = $1",
        found["id"], seq,
    )  # fmt: skip
    await road.observer.execute(
        "INSERT INTO effects (id, organization_id, conversation_id, channel_id, lane, kind, position, payload, "
        "due_at, created_at) VALUES ($1, $2, $3, $4, 'delivery', 'send', $5, $6, $7, $7)",
        id, road.ids.organization, found["id"], found["channel_id"], (found["state_version"] + 1) * 4096,
        msgspec.json.encode(payload).decode(), now,
    )  # fmt: skip


async def heard(road: Road, hours_ago: float, who: str = "ada") -> None:
    """The customer last wrote that long ago."""
    await road.observer.execute(
        "UPDATE conversations SET heard_at = now() - make_interval(secs => $2) WHERE contact_key = $1",
        who, hours_ago * 3600,
    )  # fmt: skip
