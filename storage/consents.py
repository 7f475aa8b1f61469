"""Proofs of consent that come by no turn. Every function runs in the caller's transaction and never commits it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import consents, conversations, customer_identities


async def record_consent(
    connection: AsyncConnection,
    *,
    id: UUID,
    organization_id: UUID,
    chatbot_id: UUID,
    channel_id: UUID,
    customer: Sequence[str],
    purpose: str,
    granted: bool,
    text: str,
    at: datetime,
) -> bool:
    """Put on record what a customer, known by one of these ids on the channel, said to `purpose` at that time.

    The same `id` counts once. False when nobody with such an id has ever had a conversation on the channel.
    """
    known = select(customer_identities.c.customer_id).where(
        customer_identities.c.channel_id == channel_id, customer_identities.c.external_id.in_(customer)
    )
    latest = (
        select(conversations.c.customer_id, conversations.c.id)
        .where(conversations.c.channel_id == channel_id, conversations.c.customer_id.in_(known))
        .order_by(conversations.c.created_at.desc())
        .limit(1)
    )
    found = (await connection.execute(latest)).first()
    if found is None:
        return False
    await connection.execute(
        insert(consents)
        .values(
            id=id,
            organization_id=organization_id,
            customer_id=found.customer_id,
            conversation_id=found.id,
            channel_id=channel_id,
            chatbot_id=chatbot_id,
            purpose=purpose,
            granted=granted,
            text=text,
            recorded_at=at,
        )
        .on_conflict_do_nothing(index_elements=["id"])
    )
    return True
