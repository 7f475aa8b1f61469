"""The labelled points: free when nothing is armed, exact when something is."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.checkpoints import POINTS, arm, reach
from gateway.errors import ConfigurationError
from tests.pace import assert_within

REPOSITORY = Path(__file__).parents[2]

WALK = """
import sys
from gateway.checkpoints import arm, reach
arm()
for number in range(1, 11):
    print(number, flush=True)
    reach("turn.locked")
    reach("turn.written")
"""


def walk(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WALK],
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_every_point_has_a_description_and_there_are_enough() -> None:
    assert len(POINTS) >= 12
    assert all(description for description in POINTS.values())


def test_nothing_happens_unarmed() -> None:
    result = walk()
    assert (result.returncode, result.stdout.split()[-1]) == (0, "10")


def test_reach_costs_next_to_nothing_unarmed() -> None:
    """About 50 ns, with the lambda's own call."""
    assert_within(300e-9, lambda: reach("turn.locked"), number=20_000, tries=20)


def test_the_process_dies_at_the_nth_reach() -> None:
    result = walk(GATEWAY_CRASH_AT="turn.locked:7")
    assert (result.returncode, result.stdout.split()[-1]) == (-signal.SIGKILL, "7")


def test_the_first_of_several_plans_wins() -> None:
    result = walk(GATEWAY_CRASH_AT="turn.locked:9, turn.written:3")
    assert (result.returncode, result.stdout.split()[-1]) == (-signal.SIGKILL, "3")


def test_a_pause_stops_the_whole_process_once() -> None:
    before = time.monotonic()
    result = walk(GATEWAY_PAUSE_AT="turn.locked:2:0.6")
    assert result.returncode == 0
    assert time.monotonic() - before >= 0.6


@pytest.mark.parametrize(
    "variables",
    [
        {"GATEWAY_CRASH_AT": "turn.lokced:1"},
        {"GATEWAY_CRASH_AT": "turn.locked"},
        {"GATEWAY_CRASH_AT": "turn.locked:0"},
        {"GATEWAY_CRASH_AT": "turn.locked:x"},
        {"GATEWAY_PAUSE_AT": "turn.locked:1"},
        {"GATEWAY_PAUSE_AT": "turn.locked:1:-3"},
        {"GATEWAY_PAUSE_AT": "turn.locked:1:soon"},
        {"GATEWAY_PAUSE_AT": "turn.locked:1:nan"},
    ],
)
def test_a_wrong_plan_is_refused_by_name(variables: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        arm(variables)
    assert caught.value.problems[0].place == next(iter(variables))
