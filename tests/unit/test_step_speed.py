"""A typical turn is cheap. `tests.benchmarks` has the figures: 7 to 14 µs on the machine of `tests.pace`."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks.microbench_step import turns
from tests.conversations.chat import demo_bot
from tests.pace import assert_within

TURNS = turns(demo_bot())


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer slows every line down")
@pytest.mark.parametrize("case", TURNS)
def test_a_typical_turn_stays_under_thirty_microseconds(case: str) -> None:
    assert_within(30e-6, TURNS[case], number=500, tries=5)
