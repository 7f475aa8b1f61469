"""Random flows meet random events, and after each step everything that must always hold is looked at.

    python -m tests.conversations.machine --runs 2000 --steps 50 --seed 1

prints what was done and how large things became, or the first run that broke a rule, with its seed.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from types import MappingProxyType
from typing import Any, Final

import msgspec

from engine.bot import Bot
from engine.compile import compile_flow
from engine.effects import (
    CallIntegration,
    CancelTimer,
    Effect,
    Generate,
    Remember,
    Search,
    Send,
    StartTimer,
    UpdateCustomer,
)
from engine.errors import EngineError
from engine.events import EventBody, InboundEvent, TimerFired
from engine.lint import lint
from engine.state import ConversationState, Customer, Outcome, TraceEntry
from engine.step import step
from engine.turn import MAX_HELD, MAX_STACK
from engine.ways import ways
from tests.conversations.chat import WORKING_HOURS, event_of
from tests.conversations.random_events import MARK, EventMaker
from tests.conversations.random_flows import FALLBACK, FlowMaker

MAX_TRACE_A_NODE: Final = 10
"""Entries that one node of these flows can leave."""
MAX_EFFECTS_A_NODE: Final = 3
MAX_STATE: Final = 200_000
"""Bytes of a state as JSON."""
MAX_SECONDS: Final = 5.0
"""One step, even on a busy machine."""
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


@dataclass
class Figures:
    """What the runs came to."""

    steps: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    largest_state: int = 0
    longest_trace: int = 0
    deepest_stack: int = 0
    remarks: int = 0
    nodes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome, types: dict[str, str], seconds: float) -> None:
        """Count a step."""
        self.steps += 1
        self.seconds += seconds
        self.slowest = max(self.slowest, seconds)
        self.longest_trace = max(self.longest_trace, len(outcome.trace))
        self.deepest_stack = max(self.deepest_stack, len(outcome.state.stack))
        self.effects.update(type(effect).__name__ for effect in outcome.effects)
        for entry in outcome.trace:
            self.kinds[entry.kind] += 1
            if entry.kind == "node":
                self.nodes[types.get(entry.at, "?")] += 1
            if entry.kind == "error":
                self.errors[entry.detail.partition(":")[0]] += 1


class Machine:
    """One conversation with one random flow."""

    def __init__(self, random: Random, figures: Figures) -> None:
        self._random = random
        self._figures = figures
        self._events = EventMaker(random)
        self._now = WORKING_HOURS
        self._state = ConversationState()
        self._customer = Customer(
            id="1", first_name=f"{MARK} Ana", language=random.choice(("", "en", "de-AT", "ar")),
            timezone=random.choice(("", "Europe/Berlin", "No/Where")),
        )  # fmt: skip
        self._shared: dict[str, Any] = {}
        self._running: set[str] = set()
        self._calls: list[str] = []
        self._types: dict[str, str] = {}
        self._bot = self._new_bot()

    def run(self, steps: int) -> None:
        """Let that many events happen."""
        for _ in range(steps):
            if self._random.random() < 0.02:
                self._bot = self._new_bot()  # another version is published, and the conversation migrates
            if self._state.control != "bot" and self._random.random() < 0.2:
                control = self._random.choice(("human", "bot"))
                self._state = msgspec.structs.replace(self._state, control=control)
            self._now += timedelta(seconds=self._events.seconds())
            body = self._events.event(self._bot, self._state, sorted(self._running), self._calls)
            self._step(body)

    def _new_bot(self) -> Bot:
        definition = FlowMaker(self._random).definition()
        self._figures.remarks += len(lint(definition))
        ways(definition)
        self._types = {node["id"]: node["type"] for node in definition["nodes"]}
        for name, flow in definition["flows"].items():
            self._types |= {f"{name}/{node['id']}": node["type"] for node in flow["nodes"]}
        return compile_flow(definition, flow_id=str(self._random.randrange(100)))

    def _step(self, body: EventBody) -> None:
        event = event_of(body, self._now)
        began = time.perf_counter()
        outcome = checked_step(self._bot, self._state, event, self._customer, self._now, self._shared)
        self._figures.add(outcome, self._types, (time.perf_counter() - began) / 2)
        if isinstance(body, TimerFired):
            self._running.discard(body.timer)
        self._follow(outcome.effects)
        self._check_state(outcome.state)
        self._state = outcome.state

    def _follow(self, effects: tuple[Effect, ...]) -> None:
        """What the gateway would make of them."""
        for effect in effects:
            match effect:
                case StartTimer():
                    self._running.add(effect.timer)
                case CancelTimer():
                    self._running.discard(effect.timer)
                case CallIntegration() | Search() | Generate():
                    self._calls.append(effect.call)
                case UpdateCustomer():
                    changes = {
                        "language": effect.language or self._customer.language,
                        "opted_out": self._customer.opted_out
                        if effect.opted_out is None
                        else effect.opted_out,
                    }
                    self._customer = msgspec.structs.replace(self._customer, **changes)
                case Remember(scope="customer"):
                    kept = {**self._customer.variables, **effect.values}
                    self._customer = msgspec.structs.replace(self._customer, variables=kept)
                case Remember():
                    self._shared = {**self._shared, **effect.values}

    def _check_state(self, state: ConversationState) -> None:
        """What waits can come about: its timer runs, its call was made."""
        self._figures.largest_state = max(self._figures.largest_state, len(msgspec.json.encode(state)))
        demand(
            not state.burst or state.burst in self._running, f"the burst's timer {state.burst} does not run"
        )
        waiting = state.waiting
        read_later = state.burst or (waiting is not None and waiting.call)
        demand(not state.held or read_later, "something is held that nothing will read")
        if waiting is not None and waiting.node in self._bot.nodes:
            demand(
                not waiting.timer or waiting.timer in self._running, f"the timer {waiting.timer} does not run"
            )
            demand(not waiting.call or waiting.call in self._calls, f"the call {waiting.call} was never made")


def checked_step(
    bot: Bot,
    state: ConversationState,
    event: InboundEvent,
    customer: Customer,
    now: datetime,
    shared: Mapping[str, Any] = MappingProxyType({}),
) -> Outcome:
    """A step, done twice. Raises Broken when it breaks a rule that holds of every one."""
    before = msgspec.json.encode(state)
    began = time.perf_counter()
    outcome = step(bot, state, event, customer, now, shared=shared, channel="web")
    took = time.perf_counter() - began
    demand(took < MAX_SECONDS, f"a step took {took:.1f} s")
    again = step(bot, state, event, customer, now, shared=shared, channel="web")
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
    delays = [effect.delay_ms for effect in effects if isinstance(effect, Send)]
    demand(delays == sorted(delays), "a message overtakes another")


def expected(detail: str) -> bool:
    """Whether an error is one that a flow can make: an EngineError, or a declared text."""
    return detail.partition(":")[0] in _ENGINE_ERRORS or DECLARED.match(detail) is not None


def _names(error: type[EngineError]) -> set[str]:
    return {error.__name__}.union(*(_names(other) for other in error.__subclasses__()))


_ENGINE_ERRORS: Final = frozenset(_names(EngineError))


def run(seed: int, steps: int, figures: Figures) -> None:
    """One run. Raises Broken, with how to repeat it, when a rule is broken."""
    try:
        Machine(Random(seed), figures).run(steps)
    except Exception as error:
        raise Broken(
            f"--runs 1 --steps {steps} --seed {seed}: {type(error).__name__}: {error}"[:500]
        ) from error


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    figures, began = Figures(), time.perf_counter()
    broken = 0
    for seed in range(arguments.seed, arguments.seed + arguments.runs):
        try:
            run(seed, arguments.steps, figures)
        except Broken as error:
            broken += 1
            print(error)
    print(
        f"{arguments.runs} runs, {figures.steps} steps, {time.perf_counter() - began:.1f} s, {broken} broken"
    )
    print(
        f"a step {figures.seconds / max(figures.steps, 1) * 1e6:.0f} µs, the slowest {figures.slowest * 1e3:.1f} ms; "
        f"largest state {figures.largest_state} bytes; longest trace {figures.longest_trace}; "
        f"deepest stack {figures.deepest_stack}; {figures.remarks} remarks"
    )
    for title, counted in (
        ("nodes", figures.nodes), ("trace", figures.kinds), ("effects", figures.effects), ("errors", figures.errors)
    ):  # fmt: skip
        print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in counted.most_common()))
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
