"""Speed limits that follow the machine: a shared one takes up to three times as long at times, for the same work.

A limit is stated for a quiet machine and stays the goal. Work that exceeds it is judged by what a fixed workload
takes at the same moment. A machine that is faster than the reference makes no limit stricter, and one that is
beyond `MOST` makes it no wider: there a figure says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import repeat
from typing import Final, TypeVar

REFERENCE_SECONDS: Final = 0.0047
"""CPU seconds of the workload on the quiet machine that the limits were set on (Python 3.11, an EPYC of 2024)."""
MOST: Final = 6.0
ROUNDS: Final = 3
"""Of the workload; the best one counts, so that a hiccup excuses nothing."""
Result = TypeVar("Result")


def workload() -> int:
    """What an interpreter does all day: texts, dictionaries, calls, numbers and a sort."""
    found: dict[str, int] = {}
    for number in range(30_000):
        word = f"w{number % 500}"
        found[word] = found.get(word, 0) + len(word)
    return sum(count for _, count in sorted(found.items()))


def slowness() -> float:
    """How many times slower than the reference this machine is just now, from 1 to `MOST`; takes some 15 ms."""
    return slowness_of(min(cpu_seconds(workload)[0] for _ in range(ROUNDS)))


def slowness_of(seconds: float) -> float:
    """The slowness of a machine that takes so many CPU seconds for the workload."""
    return min(MOST, max(1.0, seconds / REFERENCE_SECONDS))


def cpu_seconds(work: Callable[[], Result], number: int = 1) -> tuple[float, Result]:
    """CPU seconds of one call, the mean of `number` in a row, and what the last one returned."""
    started = time.process_time()
    for _ in repeat(None, number - 1):
        work()
    result = work()
    return (time.process_time() - started) / number, result


def assert_within(
    seconds: float,
    work: Callable[[], Result],
    *,
    number: int = 1,
    tries: int = 3,
    pace: Callable[[], float] = slowness,
) -> Result:
    """Assert that `work` takes at most so many CPU seconds, times the machine's slowness. Returns its last result.

    The best of `tries` counts, each judged by the slowness just before or after it, whichever is greater. `work`
    has to do all of its work each time: what it remembers from one try would make the next one look fast. What
    takes microseconds is called `number` times in each try; `seconds` are those of one call.
    """
    before, best = 1.0, (float("inf"), 0.0, 0.0)
    for _ in range(tries):
        taken, result = cpu_seconds(work, number)
        if taken <= seconds:
            return result
        after = pace()
        slower = max(before, after)
        if taken <= seconds * slower:
            return result
        best = min(best, (taken / slower, taken, slower))
        before = after
    _, taken, slower = best
    raise AssertionError(
        f"{taken:.3g} s of CPU in the best of {tries} tries; the limit is {seconds:.3g} s"
        f" × {slower:.2f}, for the machine is that much slower than the reference now"
    )
