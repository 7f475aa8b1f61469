"""Ids that change: the rows of a turn's transaction that follow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.identity.effect import KIND, UnifyCustomer, encode
from storage import identities
from storage.ids import new_id
from storage.turns import TurnRows


async def rename(connection: Any, rows: TurnRows, now: datetime) -> None:
    """Before a batch is written: move identities. Two customers who turn out to be one are left to be merged."""
    for renamed in rows.renamed:
        pair = await identities.rename(connection, renamed, now)
        if pair is not None:
            effect = UnifyCustomer(customer=pair[0], other=pair[1], reason="identity")
            rows.effects.append(
                (new_id(), renamed.organization_id, renamed.conversation_id, renamed.channel_id, "work", KIND)
                + (0, None, encode(effect).decode(), now)
            )


async def readdress(connection: Any, rows: TurnRows, now: datetime) -> None:
    """After it is written: move conversations."""
    for renamed in rows.renamed:
        if renamed.moves:
            await identities.readdress(connection, renamed, now)
