"""What must hold of every step, whatever the flow and whatever happens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import msgspec

from engine.bot import Bot
from engine.effects import Effect, Send
from engine.errors import EngineError
from engine.events import InboundEvent
from engine.gathering import MAX_PIECES
from engine.messages import OutboundMessage
from engine.nodes.tools import SHOWN_WHOLE
from engine.state import ConversationState, Customer, Outcome, TraceEntry
from engine.step import step
from engine.turn import MAX_HELD, MAX_STACK
from tests.conversations.random_events import MARK
from tests.conversations.random_flows import FALLBACK
from tests.pace import assert_within

MAX_TRACE_A_NODE: Final = 10
"""Entries that one node of these flows can leave."""
MAX_EFFECTS_A_NODE: Final = 3
MAX_STATE: Final = 200_000
"""Bytes of a state as JSON."""
OPT_OUT_WORDS: Final = frozenset({"stop"})
"""Of the channel."""
MAX_SECONDS: Final = 5.0
"""Of CPU, one step."""
DECLARED: Final = re.compile(
    r"a loop: \d+ nodes entered|the call failed: |no result in time|no recipient has an e-mail address"
)
"""Errors that are no exceptions."""


class Broken(AssertionError):
    """Something that must always hold does not."""


def demand(holds: object, what: str) -> None:
    """Raise Broken unless it holds."""
    if not holds:
        raise Broken(what)


def checked_step(
    bot: Bot,
    state: ConversationState,
    event: InboundEvent,
    customer: Customer,
    now: datetime,
    shared: Mapping[str, Any] = MappingProxyType({}),
) -> Outcome:
    """A step, done twice. Raises Broken when it breaks a rule that holds of every one, AssertionError when slow."""
    before = msgspec.json.encode(state)
    work = partial(
        step, bot, state, event, customer, now, shared=shared, channel="web", opt_out_words=OPT_OUT_WORDS
    )
    outcome, again = assert_within(MAX_SECONDS, work), work()
    demand(msgspec.json.encode(again) == msgspec.json.encode(outcome), "the same step came out differently")
    demand(msgspec.json.encode(state) == before, "the step changed the state that it was given")
    check_state(outcome.state)
    check_trace(bot, outcome.trace)
    check_effects(bot, outcome.effects)
    return outcome


def check_state(state: ConversationState) -> None:
    """The state is bounded, and reads back as it was written."""
    encoded = msgspec.json.encode(state)
    demand(msgspec.json.decode(encoded, type=ConversationState) == state, "the state reads back differently")
    demand(len(encoded) < MAX_STATE, f"the state has {len(encoded)} bytes")
    demand(len(state.stack) <= MAX_STACK, f"{len(state.stack)} calls and loops within each other")
    demand(len(state.held) <= MAX_HELD, "too much is held")
    demand(state.album is None or 0 < len(state.album.items) <= MAX_PIECES, "an album of too many pieces")


def check_trace(bot: Bot, trace: tuple[TraceEntry, ...]) -> None:
    """The account is bounded, quotes nobody, and tells of no mistake of the engine's own."""
    demand(len(trace) <= 2 * bot.max_steps * MAX_TRACE_A_NODE, f"a trace of {len(trace)} entries")
    quoted = MARK.encode() in msgspec.json.encode(trace)
    demand(not quoted, f"the trace quotes the customer: {[entry for entry in trace if MARK in repr(entry)]}")
    for entry in trace:
        demand(entry.kind != "error" or expected(entry.detail), f"an error of the engine's own: {entry}")
    fallbacks = [e for e in trace if e.kind == "fallback" and e.at == FALLBACK == bot.fallback]
    demand(len(fallbacks) <= 1, f"the fallback came {len(fallbacks)} times")


def check_effects(bot: Bot, effects: tuple[Effect, ...]) -> None:
    """What is to be done is bounded, can be stored, and comes in order."""
    demand(len(effects) <= 2 * bot.max_steps * MAX_EFFECTS_A_NODE, f"{len(effects)} effects")
    encoded = msgspec.json.encode(effects)
    demand(
        msgspec.json.decode(encoded, type=tuple[Effect, ...]) == effects, "the effects read back differently"
    )
    for effect in effects:
        if isinstance(effect, Send):
            check_message(effect.message)
    delays = [effect.delay_ms for effect in effects if isinstance(effect, Send)]
    demand(delays == sorted(delays), "a message overtakes another")


def check_message(message: OutboundMessage) -> None:
    """How a text looks is said of the text, and what is shown of a menu is part of it."""
    ends = [len(message.text)]
    for span in message.spans:
        while len(ends) > 1 and ends[-1] <= span.start:
            ends.pop()
        demand(0 <= span.start < span.end <= ends[-1], f"a span that is not within the text: {span}")
        ends.append(span.end)
    paging = message.paging
    demand(
        paging is None or len(message.choices) > SHOWN_WHOLE,
        "a menu is paged that every platform shows whole",
    )


def expected(detail: str) -> bool:
    """Whether an error is one that a flow can make: an EngineError, or a declared text."""
    return detail.partition(":")[0] in _ENGINE_ERRORS or DECLARED.match(detail) is not None


def _names(error: type[EngineError]) -> set[str]:
    return {error.__name__}.union(*(_names(other) for other in error.__subclasses__()))


_ENGINE_ERRORS: Final = frozenset(_names(EngineError))
