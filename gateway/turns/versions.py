"""On which version of a flow a turn runs. Servers decide so when it happens, and a replay afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.bot import Bot
from engine.events import InboundEvent
from engine.state import ConversationState, Customer, Outcome
from engine.step import NO_WORDS, step


class NoPublishedFlow(Exception):
    """The channel's bot has no published flow. Publish one: gateway bot publish FILE --bot SLUG"""

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").strip())


def run_turn(
    bots: Mapping[UUID, Bot],
    flow_id: UUID | None,
    state: ConversationState,
    event: InboundEvent,
    customer: Customer,
    now: datetime,
    *,
    shared: Mapping[str, Any],
    channel: str,
    opt_out_words: frozenset[str] = NO_WORDS,
) -> Outcome:
    """One step on the version that is right for it; `flow_id` is the published one. Raises NoPublishedFlow.

    `opt_out_words` are the channel's own (folded), which opt out whatever the flow says.
    """
    published = bots.get(flow_id) if flow_id else None
    bot = _version(bots, published, state)
    outcome = step(
        bot, state, event, customer, now, shared=shared, channel=channel, opt_out_words=opt_out_words
    )
    if (
        bot is not published
        and published is not None
        and any(entry.kind == "start" for entry in outcome.trace)
    ):
        # The flow began anew while pinned to an older version: it begins on the published one.
        # The step is pure, so the first outcome is simply dropped.
        outcome = step(
            published,
            state,
            event,
            customer,
            now,
            shared=shared,
            channel=channel,
            opt_out_words=opt_out_words,
        )
    return outcome


def _version(bots: Mapping[UUID, Bot], published: Bot | None, state: ConversationState) -> Bot:
    """The version that the conversation is pinned to while a flow runs, else the published one.

    A published version that takes over conversations under way does so where it knows the place.
    """
    pinned = bots.get(UUID(state.flow)) if state.node and state.flow else None
    if pinned is None or pinned is published:
        if published is None:
            raise NoPublishedFlow
        return published
    if published is not None and published.migrates and published.can_take(state):
        return published
    return pinned
