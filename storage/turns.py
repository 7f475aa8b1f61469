"""A turn's transaction: lock, load, write. Nothing here begins or commits; `gateway.turns` owns both ends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from storage import identities
from storage.identities import Renamed, Stranger
from storage.media import Adopted, Received
from storage.queries import load

_SQL = load("turn")

MAX_VARIABLES_BYTES = 65_536
"""JSON of the variables of one customer, and of one bot. Whoever merges looks first (`gateway.turns.memory`)."""
_MAX_STORED_BYTES = 2 * MAX_VARIABLES_BYTES
"""The last word, by PostgreSQL's own spelling, which has spaces, and with what others merged meanwhile."""

ContactKey: TypeAlias = tuple[UUID, str]
"""A conversation within its channel: (channel id, conversation key)."""
EventKey: TypeAlias = tuple[UUID, str]
"""An event within its channel: (channel id, external id)."""


class StaleTurn(Exception):
    """A conversation's version moved under a turn: this worker was paused, and another went on."""


class LockedConversation(msgspec.Struct, kw_only=True):
    """A conversation under this transaction's lock, with the columns that a turn reads."""

    id: UUID
    customer_id: UUID
    state: str
    state_version: int
    message_count: int
    status: str
    heard_at: datetime | None
    """When the customer last said something."""
    customer: Mapping[str, Any]


class KnownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that the inbox has already."""

    conversation_id: UUID | None
    seq: int | None


class Newcomer(msgspec.Struct, frozen=True, kw_only=True):
    """What first contact creates. Two newcomers of one sender share `customer_id`."""

    organization_id: UUID
    channel_id: UUID
    chatbot_id: UUID
    contact_key: str
    conversation_id: UUID
    customer_id: UUID
    sender: str
    first_name: str
    last_name: str
    language: str
    profile: str
    """JSON object."""
    phone: str = ""
    """In international form; the platform vouches for it, as for the address."""
    email: str = ""
    timezone: str = ""
    aliases: tuple[str, ...] = ()
    """Other ids of the same person on this channel."""


class Leased(msgspec.Struct, frozen=True, kw_only=True):
    """Which ordered effects a batch's worker may carry out at once."""

    mine: frozenset[UUID]
    """The batch's own effects that are leased to the worker."""
    ahead: Mapping[UUID, frozenset[UUID]]
    """For a conversation, earlier effects that the worker holds by the table: they leave first."""


class CustomerChange(msgspec.Struct, kw_only=True):
    """What a batch changes of a customer; None leaves a column as it is."""

    reachable: bool | None = None
    language: str | None = None
    opted_out: bool | None = None
    phone: str | None = None
    """Verified."""
    email: str | None = None
    """Verified."""
    variables: dict[str, Any] = {}
    """Merged into those that are there; a value of None forgets one."""


class SharedVariables(msgspec.Struct, frozen=True, kw_only=True):
    """A bot's variables after a batch: JSON. `refused` when the batch's own would have made them too large."""

    variables: str
    refused: bool


class TurnRows:
    """The rows that a batch writes: tuples in the order of the columns in turn.sql."""

    __slots__ = (
        "adopted",
        "bots",
        "cancelled",
        "conversations",
        "customers",
        "effects",
        "finished",
        "inbox",
        "interactions",
        "media",
        "messages",
        "renamed",
    )

    def __init__(self) -> None:
        self.conversations: list[tuple[UUID, str, int, int, int, str, datetime | None]] = []
        """id, state (JSON), version before, version after, message count, status, heard at"""
        self.inbox: list[tuple[Any, ...]] = []
        """id, organization, channel, external id, conversation, status, event, raw, error, seq"""
        self.messages: list[tuple[Any, ...]] = []
        """id, organization, conversation, channel, seq, sender, type, content, payload, status, external id,
        intent, confidence"""
        self.finished: list[UUID] = []
        """effects that the batch's events answer"""
        self.cancelled: list[tuple[UUID, str]] = []
        """conversation, timer"""
        self.effects: list[tuple[Any, ...]] = []
        """id, organization, conversation, channel, lane, kind, position, key, payload, due"""
        self.interactions: list[tuple[Any, ...]] = []
        """id, organization, customer, conversation, channel, bot, kind, name, data (JSON)"""
        self.customers: dict[UUID, CustomerChange] = {}
        self.bots: dict[UUID, dict[str, Any]] = {}
        """variables to merge into a bot's; a value of None forgets one"""
        self.media: list[Received] = []
        self.adopted: list[Adopted] = []
        self.renamed: list[Renamed] = []


async def begin(connection: Any, organization_ids: Collection[UUID]) -> None:
    """Open a transaction that may touch these organizations' rows and no others."""
    named = ",".join(str(organization_id) for organization_id in organization_ids)
    await connection.execute(f"BEGIN; SELECT set_config('app.organization_ids', '{{{named}}}', true)")


async def lock(
    connection: Any, contacts: Collection[ContactKey], events: Collection[EventKey]
) -> tuple[dict[ContactKey, LockedConversation], dict[EventKey, KnownEvent]]:
    """Lock and load the conversations that exist; tell which events are known."""
    records = await connection.fetch(_SQL["lock"], *_columns(contacts, 2), *_columns(events, 2))
    conversations: dict[ContactKey, LockedConversation] = {}
    known: dict[EventKey, KnownEvent] = {}
    for record in records:
        external_id = record["external_id"]
        if external_id is not None:
            known[(record["channel_id"], external_id)] = KnownEvent(
                conversation_id=record["conversation_id"], seq=record["seq"]
            )
            continue
        conversations[(record["channel_id"], record["contact_key"])] = LockedConversation(
            id=record["conversation_id"],
            customer_id=record["customer_id"],
            state=record["state"],
            state_version=record["state_version"],
            message_count=record["message_count"],
            status=record["status"],
            heard_at=record["heard_at"],
            customer=record,
        )
    return conversations, known


async def create(connection: Any, newcomers: Iterable[Newcomer], now: datetime) -> None:
    """Create customers, identities and conversations of first contacts; what exists already stays."""
    rows = sorted(newcomers, key=lambda newcomer: (newcomer.channel_id, newcomer.contact_key))
    locks = {_lock_key(row.channel_id, id) for row in rows for id in (row.sender, *row.aliases)}
    await connection.execute(_SQL["serialise_newcomers"], sorted(locks))
    strangers = [_stranger(row) for row in rows if row.aliases or row.phone]
    if strangers:
        await identities.recognise(connection, strangers, now)
    columns = _columns([msgspec.structs.astuple(row)[:-1] for row in rows], 14)
    await connection.execute(_SQL["create_conversations"], *columns, now)
    if strangers:
        await identities.add_aliases(connection, strangers, now)


async def write(connection: Any, rows: TurnRows, *, now: datetime, owner: UUID, lease: timedelta) -> Leased:
    """Write a batch. Returns which of its effects are leased to `owner`. Raises `StaleTurn`."""
    messages = _columns(rows.messages, 13)
    *conversations, heard_at = _columns(rows.conversations, 7)
    record = await connection.fetchrow(
        _SQL["write"],
        *conversations,
        now,
        *_columns(rows.inbox, 10),
        *messages[:11],
        rows.finished,
        *_columns(rows.cancelled, 2),
        *_columns(rows.effects, 10),
        owner,
        lease,
        *messages[11:],
        heard_at,
    )
    if record["moved"] != len(rows.conversations):
        raise StaleTurn
    ahead: dict[UUID, set[UUID]] = {}
    for id, conversation_id in zip(record["ahead_ids"], record["ahead_conversations"], strict=True):
        ahead.setdefault(conversation_id, set()).add(id)
    return Leased(mine=frozenset(record["mine"]), ahead={key: frozenset(ids) for key, ids in ahead.items()})


async def record_interactions(connection: Any, rows: TurnRows, now: datetime) -> None:
    """Put on record what the batch's flows recorded; consents also as proof."""
    await connection.execute(_SQL["record_interactions"], *_columns(rows.interactions, 9), now)


async def change_customers(
    connection: Any, changes: Mapping[UUID, CustomerChange], now: datetime
) -> frozenset[UUID]:
    """Change customers. Returns those whose variables would have become too large and stayed as they were."""
    rows = [
        (id, change.reachable, change.language, change.opted_out, _json(change.variables))
        + (change.phone, change.email)
        for id, change in changes.items()
    ]
    columns = _columns(rows, 7)
    refused = await connection.fetch(
        _SQL["change_customers"], *columns[:5], now, _MAX_STORED_BYTES, *columns[5:]
    )
    return frozenset(record["id"] for record in refused)


async def change_bots(
    connection: Any, changes: Mapping[UUID, Mapping[str, Any]], now: datetime
) -> dict[UUID, SharedVariables]:
    """Merge variables into bots'; each row stays locked until the commit. Returns what they are from then on."""
    rows = [(id, _json(values)) for id, values in changes.items()]
    records = await connection.fetch(_SQL["change_bots"], *_columns(rows, 2), now, _MAX_STORED_BYTES)
    return {
        record["id"]: SharedVariables(variables=record["variables"], refused=record["refused"])
        for record in records
    }


def _stranger(row: Newcomer) -> Stranger:
    return Stranger(
        organization_id=row.organization_id,
        channel_id=row.channel_id,
        contact_key=row.contact_key,
        sender=row.sender,
        aliases=row.aliases,
        profile=row.profile,
    )


def _lock_key(channel_id: UUID, sender: str) -> int:
    digest = blake2b(channel_id.bytes + sender.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode() if value else "{}"


def _columns(rows: Collection[Sequence[Any]], count: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * count
