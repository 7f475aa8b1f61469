"""Where the replay of a conversation begins: at its beginning, or where a session began whose past is not needed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.events import CommandReceived
from engine.state import ConversationState
from engine.step import START
from gateway.replay.past import Past, PastConversation, Turned, named_in, node_of
from gateway.turns.transcript import describe


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """The first event that is replayed, and the state before it."""

    index: int
    """Into the kept events."""
    state: ConversationState = ConversationState()
    whole: bool = True
    """It is the conversation's own beginning."""


def beginning_of(past: Past, conversation: PastConversation) -> Beginning | None:
    """Where to begin; None when nothing that is kept begins a session by itself."""
    if not conversation.gone:
        return Beginning(index=0)
    for index, event in enumerate(conversation.events):
        if isinstance(event.body, CommandReceived) and event.body.command.casefold() == START:
            return Beginning(index=index, whole=False)
        if index and describe(event.body) is not None and _was_silent(past, conversation, index):
            return Beginning(index=index, whole=False)
    return None


def corrected(beginning: Beginning, conversation: PastConversation, turns: Sequence[Turned]) -> Beginning:
    """The same with better counters, after these turns: how far they had come by then is not kept.

    Timers and calls are numbered through a conversation, and only those of the right number are heard. The first
    that was not heard tells how far the numbers are off; if all were, they must end as they are stored.
    """
    end = turns[-1].outcome.state if turns else beginning.state
    off = _off(beginning, turns)
    if off is None:
        off = conversation.state.timers - end.timers
    history = conversation.state.history - end.history
    counted = msgspec.structs.replace(
        beginning.state,
        timers=max(0, beginning.state.timers + off),
        history=max(0, beginning.state.history + history),
    )
    return msgspec.structs.replace(beginning, state=counted)


def _off(beginning: Beginning, turns: Sequence[Turned]) -> int | None:
    before = beginning.state
    for turned in turns:
        name = named_in(turned.event.body)
        if name and all(entry.kind == "ignored" for entry in turned.outcome.trace):
            waiting = before.waiting
            own = (before.burst, *((waiting.timer, waiting.call) if waiting is not None else ()))
            for other in own:
                if other and other != name and node_of(other) == node_of(name):
                    return _number(name) - _number(other)
        before = turned.outcome.state
    return None


def _number(name: str) -> int:
    number = name.rpartition("#")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else 0


def _was_silent(past: Past, conversation: PastConversation, index: int) -> bool:
    """Whether the session had timed out when the event came, on the version of then."""
    event, before = conversation.events[index], conversation.events[index - 1]
    flow = past.timelines[conversation.stored.chatbot_id].at(event.at)
    bot = past.bots.get(flow) if flow is not None else None
    return bot is not None and 0 < bot.timeout < (event.at - before.at).total_seconds()
