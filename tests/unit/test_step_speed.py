"""A typical turn is cheap. Measured in CPU time, with room for a busy machine; `tests.benchmarks` has the figures."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks.microbench_step import measure
from tests.conversations.chat import demo_bot

MAX_US = 30
FIGURES = measure(demo_bot(), turns=500)


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer slows every line down")
@pytest.mark.parametrize("case", FIGURES)
def test_a_typical_turn_stays_under_thirty_microseconds(case: str) -> None:
    assert FIGURES[case] < MAX_US
