"""Random flows meet random events, and after each step everything that must always hold is looked at.

    python -m tests.conversations.machine --runs 2000 --steps 50 --seed 1

prints what was done and how large things became, or the first run that broke a rule, with its seed.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
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
    StartTimer,
    UpdateCustomer,
)
from engine.events import EventBody, TimerFired
from engine.lint import lint
from engine.state import Control, ConversationState, Customer, Outcome
from engine.ways import ways
from tests.conversations.chat import WORKING_HOURS, event_of
from tests.conversations.invariants import Broken, checked_step, demand
from tests.conversations.random_events import MARK, EventMaker
from tests.conversations.random_flows import FlowMaker

MAX_RUN_S: Final = 60
SILENCE: Final = 12
"""Events in a row that are no word of the customer's."""


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
        self.state = ConversationState()
        self._customer = Customer(
            id="1", first_name=f"{MARK} Ana", language=random.choice(("", "en", "de-AT", "ar")),
            timezone=random.choice(("", "Europe/Berlin", "No/Where")),
        )  # fmt: skip
        self._shared: dict[str, Any] = {}
        self.running: set[str] = set()
        self._silent = 0
        self.calls: list[str] = []
        self._types: dict[str, str] = {}
        self.bot = self._new_bot()

    def run(self, steps: int) -> None:
        """Let that many events happen."""
        for _ in range(steps):
            if self._random.random() < 0.02:
                self.publish()
            if self._random.random() < 0.2:
                self.hand_over(self._random.choice(("human", "bot")))
            self.wait(self._events.seconds())
            self.happen(self._next())

    def publish(self) -> None:
        """Another version is published, and the conversation migrates to it."""
        self.bot = self._new_bot()

    def hand_over(self, control: Control) -> None:
        """Somebody takes a conversation that waits for a human, or gives it back."""
        if self.state.control != "bot":
            self.state = msgspec.structs.replace(self.state, control=control)

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)

    def _next(self) -> EventBody:
        """The next event; now and then the customer is silent for long, and only timers fire."""
        running = sorted(self.running)
        self._silent = self._silent - 1 if self._silent else SILENCE * (self._random.random() < 0.03)
        if self._silent and running:
            return TimerFired(timer=self._random.choice(running))
        return self._events.event(self.bot, self.state, running, self.calls)

    def _new_bot(self) -> Bot:
        definition = FlowMaker(self._random).definition()
        self._figures.remarks += len(lint(definition))
        ways(definition)
        self._types = {node["id"]: node["type"] for node in definition["nodes"]}
        for name, flow in definition["flows"].items():
            self._types |= {f"{name}/{node['id']}": node["type"] for node in flow["nodes"]}
        return compile_flow(definition, flow_id=str(self._random.randrange(100)))

    def happen(self, body: EventBody) -> None:
        """Let an event happen. Raises Broken when a rule does not hold."""
        message = self._random.choice(("", "17"))
        event = event_of(body, self._now, message=message, context=self._events.context())
        began = time.perf_counter()
        outcome = checked_step(self.bot, self.state, event, self._customer, self._now, self._shared)
        self._figures.add(outcome, self._types, (time.perf_counter() - began) / 2)
        if isinstance(body, TimerFired):
            self.running.discard(body.timer)
        self._follow(outcome.effects)
        self._check_state(outcome.state)
        self.state = outcome.state

    def _follow(self, effects: tuple[Effect, ...]) -> None:
        """What the gateway would make of them."""
        for effect in effects:
            match effect:
                case StartTimer():
                    self.running.add(effect.timer)
                case CancelTimer():
                    self.running.discard(effect.timer)
                case CallIntegration() | Search() | Generate():
                    self.calls.append(effect.call)
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
            not state.burst or state.burst in self.running, f"the burst's timer {state.burst} does not run"
        )
        waiting = state.waiting
        album = state.album
        demand(
            album is None or album.timer in self.running,
            f"the album's timer {album and album.timer} does not run",
        )
        read_later = state.burst or album or (waiting is not None and waiting.call)
        demand(not state.held or read_later, "something is held that nothing will read")
        if waiting is not None and waiting.node in self.bot.nodes:
            demand(
                not waiting.timer or waiting.timer in self.running, f"the timer {waiting.timer} does not run"
            )
            demand(not waiting.call or waiting.call in self.calls, f"the call {waiting.call} was never made")


class Endless(BaseException):
    """A run does not end; no handler of the engine's is to catch it."""


def run(seed: int, steps: int, figures: Figures) -> None:
    """One run. Raises Broken, with how to repeat it, when a rule is broken or the run does not end."""
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(MAX_RUN_S)
    try:
        Machine(Random(seed), figures).run(steps)
    except (Exception, Endless) as error:
        what = f"--runs 1 --steps {steps} --seed {seed}: {type(error).__name__}: {error}"
        raise Broken(what[:500]) from error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _give_up(*_: object) -> None:
    raise Endless(f"no end after {MAX_RUN_S} s")


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
