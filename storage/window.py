"""What decides whether a message may go out now, on an asyncpg connection inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from storage.queries import load

_SQL = load("window")
MARKETING: Final = "marketing"
MESSAGES: Final = "messages"


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A template as the platform has approved it, or not."""

    category: str
    status: str
    reason: str


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer has agreed to, as last said; a purpose that was never asked for is not there."""

    opted_out: bool
    granted: Mapping[str, bool]

    @property
    def to_marketing(self) -> bool:
        """Whether marketing messages are wanted: asked for by themselves, or with messages of any kind."""
        if self.opted_out or not self.granted.get(MESSAGES, True):
            return False
        return self.granted.get(MARKETING, self.granted.get(MESSAGES, False))

    @property
    def against_marketing(self) -> bool:
        """Whether the customer has said that they want none, be it asked for or not."""
        return not (self.granted.get(MARKETING, True) and self.granted.get(MESSAGES, True))


async def heard_at(connection: Any, conversation_id: UUID) -> datetime | None:
    """When the customer last said something."""
    heard: datetime | None = await connection.fetchval(_SQL["heard_at"], conversation_id)
    return heard


async def earlier_message(connection: Any, conversation_id: UUID, seq: int, label: str) -> str:
    """The platform's id of the latest message of that label before number `seq`; empty when there is none."""
    return await connection.fetchval(_SQL["earlier_message"], conversation_id, seq, label) or ""


async def find_template(connection: Any, channel_id: UUID, name: str, language: str) -> Approval | None:
    """What the platform says of a template; None when that was never asked for."""
    row = await connection.fetchrow(_SQL["template"], channel_id, name, language)
    return None if row is None else Approval(**row)


async def count_template(
    connection: Any, organization_id: UUID, channel_id: UUID, category: str, day: date, most: int | None
) -> bool:
    """Count one more template of a category on a day; False when `most` went out already, and nothing is counted."""
    count = await connection.fetchval(
        _SQL["count_template"], organization_id, channel_id, category, day, most
    )
    return count is not None


async def find_consent(connection: Any, conversation_id: UUID) -> Consent:
    """What the customer of a conversation has agreed to."""
    rows = await connection.fetch(_SQL["consents"], conversation_id, [MARKETING, MESSAGES])
    return Consent(
        opted_out=any(row["opted_out"] for row in rows),
        granted={row["purpose"]: row["granted"] for row in rows if row["purpose"] is not None},
    )
