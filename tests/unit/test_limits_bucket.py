"""The arithmetic of the buckets: never above the rate, nobody starves, and nothing is kept for ever."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.bucket import (
    HORIZON_SECONDS,
    MICROSECONDS,
    Ask,
    LocalBuckets,
    Outcome,
    bucket,
    reserve,
)

SLACK = 1e-6
"""Seconds that floating point may be off by."""


def served(
    arrivals: list[tuple[float, int]], channel: tuple[float, int], recipient: tuple[float, int]
) -> tuple[list[float], dict[int, list[float]], list[int]]:
    """When the calls of (moment, recipient) leave: in all, by recipient, and in which order they were let go.

    A recipient has one call at a time, as in a lane; whoever is told to wait asks again when the wait is over.
    """
    full_at: dict[str, float] = {}
    asks: list[tuple[float, int, int, Ask]] = []
    for number, (moment, who) in enumerate(sorted(arrivals)):
        ask = Ask("pause", (bucket(f"r{who}", *recipient),), (bucket("c", *channel),))
        asks.append((moment * MICROSECONDS, number, who, ask))
    left: list[float] = []
    by_recipient: dict[int, list[float]] = defaultdict(list)
    free_at: dict[int, float] = defaultdict(float)
    order: list[int] = []
    for _ in range(10_000):
        if not asks:
            break
        asks.sort(key=lambda entry: entry[:2])
        now, number, who, ask = asks.pop(0)
        if now < free_at[who] and not ask.reserved:
            asks.append((free_at[who], number, who, ask))
            continue
        answer = reserve(full_at, ask, now)
        later = now + answer.seconds * MICROSECONDS
        if answer.outcome is Outcome.GO:
            left.append(later / MICROSECONDS)
            by_recipient[who].append(later / MICROSECONDS)
            free_at[who] = later
            order.append(number)
            continue
        if answer.outcome is Outcome.RECIPIENT:
            ask.reserved = True
            free_at[who] = later
        asks.append((later, number, who, ask))
    assert not asks, "somebody starves"
    return sorted(left), by_recipient, order


def most_in(times: list[float], seconds: float) -> int:
    """The most of the times within a window of that length, its end not included."""
    best = start = 0
    for index, moment in enumerate(times):
        while times[start] <= moment - seconds + SLACK:
            start += 1
        best = max(best, index - start + 1)
    return best


rates = st.tuples(st.floats(0.2, 200), st.integers(1, 20))
arrivals = st.lists(st.tuples(st.floats(0, 5), st.integers(0, 4)), min_size=1, max_size=60)


@given(arrivals, rates, rates)
def test_neither_a_channel_nor_a_recipient_is_ever_called_more_often_than_its_rate_and_burst(
    arrivals: list[tuple[float, int]], channel: tuple[float, int], recipient: tuple[float, int]
) -> None:
    left, by_recipient, _ = served(arrivals, channel, recipient)
    assert len(left) == len(arrivals)
    for times, (per_second, burst) in [(left, channel), *((one, recipient) for one in by_recipient.values())]:
        for window in (0.5, 1.0, 3.0, 10.0):
            assert most_in(times, window) <= per_second * window + burst + SLACK


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), rates)
def test_a_free_bucket_makes_nobody_wait_and_a_used_one_no_longer_than_its_tokens_take(
    moments: list[float], rate: tuple[float, int]
) -> None:
    per_second, burst = rate
    left, _, _ = served([(moment, 0) for moment in moments], rate, (1_000_000.0, 1_000))
    for before, (moment, gone) in enumerate(zip(sorted(moments), left, strict=True)):
        assert gone <= moment + max(0, before - burst + 1) / per_second + 0.01
    assert left[0] <= min(moments) + SLACK


@given(st.integers(1, 60), rates)
def test_calls_to_many_recipients_leave_in_the_order_in_which_they_asked(
    count: int, rate: tuple[float, int]
) -> None:
    """Each recipient asks once, so nothing but the channel holds them."""
    _, _, order = served([(0.0, number) for number in range(count)], rate, (1_000.0, 1))
    assert order == list(range(count))


def test_the_check_finds_a_bucket_that_lets_too_many_through() -> None:
    """The control: without the arithmetic, sixty calls leave at once."""
    assert most_in([0.0] * 60, 1.0) > 20 * 1.0 + 20


def test_a_channel_gives_slots_away_for_one_horizon_and_no_further() -> None:
    """So a worker that ends with a thousand waiting costs the channel a second, not minutes."""
    full_at: dict[str, float] = {}
    answers = [reserve(full_at, Ask("p", (), (bucket("c", 10, 1),)), 0.0) for _ in range(1_000)]
    assert sum(answer.outcome is Outcome.GO for answer in answers) == 10 * HORIZON_SECONDS + 1
    assert full_at["c"] <= (HORIZON_SECONDS + 0.1) * MICROSECONDS + 1
    assert answers[-1].outcome is Outcome.LATER
    assert 0 < answers[-1].seconds <= 0.1


def test_while_a_recipient_waits_the_channel_keeps_its_slots_for_others() -> None:
    full_at: dict[str, float] = {}
    slow, channel = (bucket("r", 0.1, 1),), (bucket("c", 10, 1),)
    assert reserve(full_at, Ask("p", slow, channel), 0.0).outcome is Outcome.GO
    assert reserve(full_at, Ask("p", slow, channel), 0.0) == (Outcome.RECIPIENT, 10.0)
    assert full_at["c"] == MICROSECONDS / 10


def test_a_paused_channel_gives_nothing_until_the_pause_is_over() -> None:
    local = LocalBuckets()
    ask = Ask("pause", (), (bucket("c", 10, 10),))
    local.pause("pause", 3.0, 100.0)
    local.pause("pause", 1.0, 100.0)  # a shorter one does not end it
    assert local.ask([ask], 100.0) == [(Outcome.LATER, 3.0)]
    assert local.ask([ask], 103.0) == [(Outcome.GO, 0.0)]


def test_a_channel_begins_without_a_burst_when_valkey_goes_away() -> None:
    local = LocalBuckets()
    answers = local.ask([Ask("p", (), (bucket("c", 10, 10),)) for _ in range(3)], 100.0)
    assert [round(answer.seconds, 3) for answer in answers] == [0.0, 0.1, 0.2]


def test_buckets_kept_alone_have_an_end() -> None:
    local = LocalBuckets(most=100)
    for number in range(1_000):
        local.ask([Ask("p", (bucket(f"r{number}", 0.001, 1),), ())], 100.0)
    assert len(local) <= 101
    assert local.ask([Ask("p", (bucket("r999", 0.001, 1),), ())], 100.0)[0].outcome is Outcome.RECIPIENT
    for number in range(1_000, 1_200):
        local.ask([Ask("p", (bucket(f"r{number}", 0.001, 1),), ())], 100_000.0)
    assert len(local) <= 101, "what is full again is forgotten"


def test_windows_are_counted_as_they_should_be() -> None:
    assert most_in([0.0, 0.5, 1.0, 1.5], 1.0) == 2
