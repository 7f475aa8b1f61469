"""Reads from the database all that a replay needs, compiled versions included."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from engine.bot import Bot
from gateway.bots import BotRegistry
from gateway.embedding import shared_embedder
from gateway.errors import NotFound
from gateway.replay.past import HEARD_WITHIN, Past, PastConversation, Timeline, conversations_of
from storage.database import Database
from storage.replays import (
    MAX_CONVERSATIONS,
    find_conversations,
    list_conversations,
    load_past,
    load_publications,
    load_remembered,
)


async def find_conversation(database: Database, organization_id: UUID, beginning: str) -> UUID:
    """The conversation whose id begins so. Raises NotFound."""
    found = await find_conversations(database, organization_id, beginning)
    if len(found) == 1:
        return found[0]
    why = "several conversations begin" if found else "no conversation begins"
    raise NotFound(f"{why} with {beginning[:40]!r}; see: gateway conversation list")


async def open_past(
    database: Database, organization_id: UUID, conversation_ids: Collection[UUID], now: datetime
) -> Past:
    """The past of these conversations. Where a bot remembers for all, that of its other conversations with it."""
    wanted = tuple(dict.fromkeys(conversation_ids))[:MAX_CONVERSATIONS]
    past = await _read(database, organization_id, wanted, wanted, now)
    if not any(_remembers(bot) for bot in past.bots.values()):
        return past
    others: list[UUID] = []
    for chatbot_id in past.timelines:
        lines = await list_conversations(database, organization_id, chatbot_id, MAX_CONVERSATIONS)
        others.extend(line.id for line in lines)
    if not set(others) <= past.conversations.keys():
        more = await _read(database, organization_id, [*wanted, *others], wanted, now)
        past = more if more.left_out <= past.left_out else past
    return await _with_memory(database, organization_id, past)


async def _with_memory(database: Database, organization_id: UUID, past: Past) -> Past:
    """With what bots are taken to remember, unless all that they ever heard is there."""
    remembered = {}
    for chatbot_id in past.timelines:
        variables, number = await load_remembered(database, organization_id, chatbot_id)
        heard = [one for one in past.conversations.values() if one.stored.chatbot_id == chatbot_id]
        if len(heard) < number or any(one.gone or one.cut for one in heard):
            remembered[chatbot_id] = variables
    return msgspec.structs.replace(past, remembered=remembered)


async def open_last(
    database: Database, organization_id: UUID, chatbot_id: UUID, number: int, now: datetime
) -> Past:
    """The past of a bot's last conversations, those with the newest messages."""
    lines = await list_conversations(database, organization_id, chatbot_id, number)
    return await open_past(database, organization_id, [line.id for line in lines], now)


async def _read(
    database: Database,
    organization_id: UUID,
    ids: Collection[UUID],
    wanted: tuple[UUID, ...],
    now: datetime,
) -> Past:
    stored = await load_past(database, organization_id, ids)
    conversations = conversations_of(stored, now)
    timelines = {
        chatbot_id: Timeline(*await load_publications(database, organization_id, chatbot_id))
        for chatbot_id in {one.stored.chatbot_id for one in conversations.values()}
    }
    flows = _versions(conversations, timelines)
    registry = BotRegistry(database, shared_embedder)
    return Past(
        conversations=conversations,
        timelines=timelines,
        bots=await registry.load(dict.fromkeys(flows, organization_id)),
        wanted=tuple(id for id in wanted if id in conversations),
        left_out=sum(id not in conversations for id in wanted),
    )


def _versions(
    conversations: Mapping[UUID, PastConversation], timelines: Mapping[UUID, Timeline]
) -> frozenset[UUID]:
    """Every version that any of the conversations may have run on."""
    found: set[UUID] = set()
    for one in conversations.values():
        if one.events:
            moments = [event.at for event in one.events]
            first, last = min(moments) - HEARD_WITHIN, max(moments)
            found |= timelines[one.stored.chatbot_id].between(first, last)
    return frozenset(found)


def _remembers(bot: Bot) -> bool:
    return any(variable.scope == "bot" for variable in bot.variables.values())
