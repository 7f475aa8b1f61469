"""The machine driven by Hypothesis: a run that breaks a rule is shrunk to the fewest and simplest events.

    python -m tests.conversations.stateful --runs 2000 --steps 50

prints how many runs and steps there were, or the shrunk run that broke a rule.
"""

from __future__ import annotations

import argparse
import time
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.events import ChoiceMade, EventBody, TextReceived, TimerFired
from tests.conversations.machine import Figures, Machine
from tests.conversations.random_events import SECONDS, TEXTS, EventMaker

SEEDS = st.integers(0, 2**32 - 1)


class Conversation(RuleBasedStateMachine):
    """A random flow, and whatever may happen to a conversation with it; each step is checked as it is made."""

    figures = Figures()
    machine: Machine

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        self.machine = Machine(Random(seed), self.figures)

    @rule(text=st.sampled_from(TEXTS) | st.text(max_size=200), seconds=st.sampled_from(SECONDS))
    def say(self, text: str, seconds: int) -> None:
        self._happen(TextReceived(text=text), seconds)

    @precondition(lambda self: self.machine.bot.choices)
    @rule(data=st.data())
    def press(self, data: Any) -> None:
        choice = data.draw(st.sampled_from(sorted(self.machine.bot.choices)))
        self._happen(ChoiceMade(choice=choice), 0)

    @precondition(lambda self: self.machine.running)
    @rule(data=st.data(), seconds=st.sampled_from(SECONDS))
    def fire(self, data: Any, seconds: int) -> None:
        timer = data.draw(st.sampled_from(sorted(self.machine.running)))
        self._happen(TimerFired(timer=timer), seconds)

    @rule(seed=SEEDS, seconds=st.sampled_from(SECONDS))
    def anything(self, seed: int, seconds: int) -> None:
        machine = self.machine
        maker = EventMaker(Random(seed))
        self._happen(maker.event(machine.bot, machine.state, sorted(machine.running), machine.calls), seconds)

    @rule(control=st.sampled_from(["bot", "human"]))
    def hand_over(self, control: Any) -> None:
        self.machine.hand_over(control)

    @rule()
    def publish(self) -> None:
        self.machine.publish()

    def _happen(self, body: EventBody, seconds: int) -> None:
        self.machine.wait(seconds)
        self.machine.happen(body)


def stateful_settings(runs: int, steps: int, *, same: bool = False) -> settings:
    """Hypothesis' settings for so many runs of so many steps; `same` draws the same ones each time."""
    return settings(
        derandomize=same,
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def main() -> None:
    """Run the long form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=50)
    arguments = parser.parse_args()
    began = time.perf_counter()
    run_state_machine_as_test(Conversation, settings=stateful_settings(arguments.runs, arguments.steps))
    figures = Conversation.figures
    print(
        f"{arguments.runs} runs of at most {arguments.steps} steps, {figures.steps} events, 0 rules broken, "
        f"{time.perf_counter() - began:.0f} s; largest state {figures.largest_state / 1024:.0f} KiB, "
        f"longest trace {figures.longest_trace}, slowest step {figures.slowest * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
