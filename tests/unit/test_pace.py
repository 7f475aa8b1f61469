"""The speed limits of the other tests: they give way to a slow machine, and to nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain, repeat

import pytest

from tests.pace import MOST, REFERENCE_SECONDS, assert_within, cpu_seconds, slowness, slowness_of


def busy(seconds: float) -> None:
    """Use the CPU for so long, or a little longer."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def paces(*given: float) -> Callable[[], float]:
    """A machine whose slowness is known: one after the other, and the last one for good."""
    return chain(given, repeat(given[-1])).__next__


class Work:
    """Takes these CPU seconds, one after the other, and says how often it was done."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = seconds
        self.times = 0

    def __call__(self) -> int:
        busy(self._seconds[self.times])
        self.times += 1
        return self.times


def test_slow_work_is_reported_however_slow_the_machine_is() -> None:
    with pytest.raises(AssertionError, match=r"s of CPU in the best of 3 tries; the limit is 0.001 s × \d"):
        assert_within(0.001, lambda: busy(0.02))


def test_the_message_shows_figure_limit_and_slowness_of_the_best_try() -> None:
    work = Work(0.05, 0.02)
    with pytest.raises(AssertionError, match=r"^0\.02\d* s of .* 2 tries; the limit is 0\.01 s × 1\.50, "):
        assert_within(0.01, work, tries=2, pace=paces(1.5))


def test_work_within_the_limit_is_done_once_and_gives_its_result() -> None:
    work = Work(0.0)
    assert assert_within(0.5, work) == 1
    assert work.times == 1


def test_the_best_try_counts() -> None:
    assert assert_within(0.01, Work(0.02, 0.02, 0.0), pace=paces(1)) == 3
    with pytest.raises(AssertionError):
        assert_within(0.01, Work(0.02, 0.02, 0.0), tries=2, pace=paces(1))


@pytest.mark.parametrize("measured", [(4.0,), (1.0, 4.0, 1.0)], ids=["after", "before"])
def test_a_slow_machine_widens_the_limit(measured: tuple[float, ...]) -> None:
    assert_within(0.01, Work(0.05, 0.02, 0.05), pace=paces(*measured))


def test_a_slow_moment_does_not_excuse_an_earlier_try() -> None:
    with pytest.raises(AssertionError):
        assert_within(0.01, Work(0.02, 0.05), tries=2, pace=paces(1, 4))


def test_the_limit_is_for_one_of_many_calls() -> None:
    assert assert_within(0.002, Work(*[0.0] * 19, 0.02), number=20, pace=paces(1)) == 20
    with pytest.raises(AssertionError, match=r"^0\.002"):
        assert_within(0.001, Work(*[0.002] * 20), number=20, tries=1, pace=paces(1))


def test_what_the_work_raises_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        assert_within(0.5, lambda: 1 // 0)


def test_waiting_is_not_work() -> None:
    seconds, _ = cpu_seconds(lambda: time.sleep(0.2))
    assert seconds < 0.1


@pytest.mark.parametrize(("times", "found"), [(0.3, 1), (1, 1), (2.5, 2.5), (100, MOST)])
def test_slowness_is_bounded_on_both_sides(times: float, found: float) -> None:
    assert slowness_of(times * REFERENCE_SECONDS) == pytest.approx(found)


def test_this_machine_has_a_slowness() -> None:
    assert 1 <= slowness() <= MOST
