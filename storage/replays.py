"""Reads what replays need: conversations, what was said, and events as long as they are kept. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from storage.database import SET_TENANTS, Database, tenant_setting
from storage.deliveries import transaction
from storage.ids import MAX_ORDINAL
from storage.queries import load

_SQL: Final = load("replay")

MAX_CONVERSATIONS: Final = 5_000
"""Conversations that are read at once."""
MAX_EVENTS: Final = 10_000
"""Events that are read of one conversation, the oldest first."""
MAX_EVENTS_IN_ALL: Final = 200_000
"""Events that are read at once."""
_SKEW: Final = timedelta(minutes=1)
"""How far the clocks of a conversation's workers may be apart."""


class ConversationLine(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, for a list."""

    id: UUID
    bot: str
    platform: str
    status: str
    message_count: int
    events: int
    """Turns, from its beginning on."""
    created_at: datetime
    last_message_at: datetime | None


class TranscriptLine(msgspec.Struct, frozen=True, kw_only=True):
    """A message; `payload` is JSON of what it carries besides its text."""

    seq: int
    sender_type: str
    message_type: str
    content: str
    payload: str | None
    status: str
    error: str | None
    intent: str | None
    confidence: float | None
    created_at: datetime


class StoredConversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation with its customer, both as they are now. `state`, `metadata`, `variables` are JSON."""

    id: UUID
    chatbot_id: UUID
    channel_id: UUID
    customer_id: UUID
    platform: str
    status: str
    state: str
    state_version: int
    """How many events were turned, from its beginning on."""
    created_at: datetime
    last_message_at: datetime | None
    customer_since: datetime
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    language: str | None
    timezone: str | None
    metadata: str
    variables: str
    opted_out: bool
    opt_out_words: str | None
    """JSON list of the words with which customers opt out on the channel, as it is now."""


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was turned; `event` is JSON, `received_at` the turn's own clock."""

    conversation_id: UUID
    id: UUID
    event: str
    received_at: datetime
    expires_at: datetime


class StoredWords(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a turn: the customer's, or one of the bot's."""

    conversation_id: UUID
    id: UUID
    seq: int
    by_bot: bool
    content: str
    payload: str | None

    @property
    def event_id(self) -> UUID:
        """The event in whose turn it was said (`storage.ids.derived`)."""
        return UUID(int=self.id.int & ~MAX_ORDINAL)


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """A version was made the active one."""

    id: UUID
    version: str
    at: datetime
    before: UUID | None


class StoredPast(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept of some conversations: events in order of arrival, messages in order of their numbers."""

    conversations: list[StoredConversation]
    events: list[StoredEvent]
    said: list[StoredWords]
    parked: dict[UUID, int]
    truncated: bool
    """Not all of the events were read: there are more than MAX_EVENTS_IN_ALL."""


async def list_conversations(
    database: Database, organization_id: UUID, chatbot_id: UUID | None, limit: int
) -> list[ConversationLine]:
    """The conversations with the newest messages, the newest first."""
    records = await _fetch(database, organization_id, "list", chatbot_id, min(limit, MAX_CONVERSATIONS))
    return [ConversationLine(**record) for record in records]


async def find_conversations(database: Database, organization_id: UUID, beginning: str) -> list[UUID]:
    """The conversations whose id begins so, two at most; none for what can't be the beginning of an id."""
    if not beginning or set(beginning.lower()) - set("0123456789abcdef-"):
        return []
    records = await _fetch(database, organization_id, "find", f"{beginning.lower()}%")
    return [record["id"] for record in records]


async def load_transcript(
    database: Database, organization_id: UUID, conversation_id: UUID, limit: int
) -> list[TranscriptLine]:
    """The newest messages of a conversation, in their order."""
    records = await _fetch(database, organization_id, "transcript", conversation_id, limit)
    return [TranscriptLine(**record) for record in reversed(records)]


async def load_past(
    database: Database, organization_id: UUID, conversation_ids: Collection[UUID], *, siblings: bool = True
) -> StoredPast:
    """What is kept of these conversations and, with `siblings`, of the same customers' others."""
    ids = list(conversation_ids)
    # One snapshot: a turn that commits in between must not tear a state from its events.
    snapshot = {"isolation": "repeatable_read", "readonly": True}
    async with database.raw() as connection, connection.transaction(**snapshot):
        await connection.execute(SET_TENANTS, tenant_setting({organization_id}))
        found = await connection.fetch(_SQL["conversations"], ids, siblings, MAX_CONVERSATIONS)
        conversations = [StoredConversation(**record) for record in found]
        if not conversations:
            return StoredPast(conversations=[], events=[], said=[], parked={}, truncated=False)
        ids = [conversation.id for conversation in conversations]
        since = min(conversation.created_at for conversation in conversations) - _SKEW
        until = max(one.last_message_at or one.created_at for one in conversations) + _SKEW
        events = await connection.fetch(_SQL["events"], ids, since, until, MAX_EVENTS, MAX_EVENTS_IN_ALL + 1)
        parked = await connection.fetch(_SQL["parked"], ids)
        kept_since = min((record["received_at"] for record in events), default=until) - _SKEW
        said = await connection.fetch(_SQL["said"], ids, kept_since)
    return StoredPast(
        conversations=conversations,
        events=[StoredEvent(**record) for record in events[:MAX_EVENTS_IN_ALL]],
        said=[StoredWords(**record) for record in said],
        parked={record["conversation_id"]: record["parked"] for record in parked},
        truncated=len(events) > MAX_EVENTS_IN_ALL,
    )


async def load_publications(
    database: Database, organization_id: UUID, chatbot_id: UUID
) -> tuple[list[Publication], UUID | None]:
    """When which version of a bot was published, the oldest first; and the active one."""
    records = await _fetch(database, organization_id, "publications", chatbot_id)
    active = await _fetch(database, organization_id, "active", chatbot_id)
    publications = [
        Publication(**{**record, "before": UUID(record["before"]) if record["before"] else None})
        for record in records
    ]
    return publications, active[0]["id"] if active else None


async def load_remembered(
    database: Database, organization_id: UUID, chatbot_id: UUID
) -> tuple[dict[str, Any], int]:
    """What a bot remembers for all, and how many conversations it has."""
    (record,) = await _fetch(database, organization_id, "remembered", chatbot_id)
    variables: dict[str, Any] = msgspec.json.decode(record["variables"])
    return variables, record["conversations"]


async def _fetch(database: Database, organization_id: UUID, name: str, *arguments: Any) -> list[Any]:
    async with database.raw() as connection, transaction(connection, {organization_id}):
        records: list[Any] = await connection.fetch(_SQL[name], *arguments)
    return records
