"""Who a customer is on a channel, on an asyncpg connection inside the caller's transaction.

Merging customers is in `storage.merges`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from storage.queries import load

_SQL = load("identities")

MAX_ALIASES: Final = 8
"""Other ids of one sender that are looked at; platforms tell three."""


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes under an id that begins a conversation, with the other ids that the platform tells."""

    organization_id: UUID
    channel_id: UUID
    contact_key: str
    sender: str
    aliases: tuple[str, ...]
    profile: str
    """JSON object."""

    @property
    def others(self) -> tuple[str, ...]:
        """The ids beside the sender's."""
        return tuple(dict.fromkeys(alias for alias in self.aliases if alias != self.sender))[:MAX_ALIASES]


class Renamed(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation whose customer has another id on the channel from now on."""

    organization_id: UUID
    channel_id: UUID
    conversation_id: UUID
    old: str
    new: str
    gone: tuple[str, ...]
    """Ids that stood beside the old one, and went with it."""
    moves: bool
    """Whether the conversation is under the old id itself, and not a group's in which the customer speaks."""


class Consented(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer last said to a purpose; `customer_id` is the id under which it was said."""

    purpose: str
    granted: bool
    text: str
    recorded_at: datetime
    customer_id: UUID


async def recognise(connection: Any, strangers: Sequence[Stranger], now: datetime) -> None:
    """Before first contacts are created: who is known under another id goes on as the same customer, in the same
    conversation. The caller holds the advisory locks of all their ids.
    """
    beside = [(one, alias, rank) for one in strangers for rank, alias in enumerate(one.others)]
    if beside:
        joined = [
            (one.organization_id, one.channel_id, one.sender, alias, rank, one.profile)
            for one, alias, rank in beside
        ]
        await connection.execute(_SQL["join_under_aliases"], *zip(*joined, strict=True), now)
    alone = [(one, "", 0) for one in strangers if not one.others]
    private = [
        (one.organization_id, one.channel_id, one.contact_key, alias, rank)
        for one, alias, rank in (*beside, *alone)
        if one.contact_key == one.sender
    ]
    if private:
        await connection.execute(_SQL["continue_under_aliases"], *zip(*private, strict=True), now)


async def add_aliases(connection: Any, strangers: Sequence[Stranger], now: datetime) -> None:
    """After first contacts are created: their other ids are known as theirs."""
    rows = [
        (one.organization_id, one.channel_id, one.sender, alias) for one in strangers for alias in one.others
    ]
    if rows:
        await connection.execute(_SQL["add_aliases"], *zip(*rows, strict=True), now)


async def rename(connection: Any, renamed: Renamed, now: datetime) -> tuple[UUID, UUID] | None:
    """Move an identity to its new id, and forget those that went with the old one.

    Where the new id is known already, the old one is forgotten; when it was another customer's, both are returned
    (old, new): they are one person, to be merged.
    """
    found = {
        row["external_id"]: row
        for row in await connection.fetch(
            _SQL["find_identities"], renamed.channel_id, [renamed.old, renamed.new]
        )
    }
    old, new = found.get(renamed.old), found.get(renamed.new)
    pair = None
    if old is not None:
        numbers = [f"+{id}" for id in (renamed.old, *renamed.gone)]
        number = f"+{renamed.new}" if renamed.new.isascii() and renamed.new.isdecimal() else None
        await connection.execute(_SQL["change_number"], old["customer_id"], numbers, number, now)
        if new is None:
            await connection.execute(_SQL["rename_identity"], old["id"], renamed.new)
        elif new["customer_id"] == old["customer_id"]:
            await connection.execute(_SQL["rename_identity"], new["id"], renamed.new)
        else:
            pair = (old["customer_id"], new["customer_id"])
    gone = [id for id in (renamed.old, *renamed.gone) if id != renamed.new]
    await connection.execute(_SQL["forget_identities"], renamed.channel_id, gone, renamed.old)
    return pair


async def readdress(connection: Any, renamed: Renamed, now: datetime) -> None:
    """Move a conversation to its customer's new id; what waits to be sent in it goes there."""
    await connection.execute(_SQL["readdress"], renamed.conversation_id, renamed.channel_id, renamed.new, now)


async def customers_of(connection: Any, conversation_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Whose these conversations are: the customer of each."""
    rows = await connection.fetch(_SQL["customers_of"], conversation_ids)
    return {row["id"]: row["customer_id"] for row in rows}


async def consents_of(connection: Any, customer_id: UUID) -> list[Consented]:
    """What a customer last agreed to or refused, by purpose, under any id that was merged into this one."""
    rows = await connection.fetch(_SQL["consents_of"], customer_id)
    return [Consented(**row) for row in rows]
