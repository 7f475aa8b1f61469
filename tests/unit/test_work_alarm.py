"""The alarm ends a rest when something is due, and not before."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from gateway.alarm import HORIZON_SECONDS, LEAST_REST_SECONDS, MAX_ALARMS, Alarm


def now() -> datetime:
    return datetime.now(UTC)


def soon(seconds: float) -> datetime:
    return now() + timedelta(seconds=seconds)


async def rested(alarm: Alarm, seconds: float) -> float:
    began = time.perf_counter()
    await alarm.rest(seconds)
    return time.perf_counter() - began


async def test_without_alarms_it_rests_for_the_whole_time() -> None:
    assert 0.15 <= await rested(Alarm(now), 0.15) < 2


async def test_an_alarm_ends_the_rest_at_its_time() -> None:
    alarm = Alarm(now)
    due = soon(0.1)
    alarm.set(due)
    assert 0.08 <= await rested(alarm, 5) < 2
    assert now() >= due


async def test_an_alarm_that_is_set_during_the_rest_ends_it() -> None:
    alarm = Alarm(now)
    alarm.set(soon(3))
    rest = asyncio.create_task(rested(alarm, 5))
    await asyncio.sleep(0.05)
    alarm.set(soon(0.05))
    assert 0.08 <= await rest < 2


async def test_an_alarm_rings_once() -> None:
    alarm = Alarm(now)
    alarm.set(soon(0))
    assert await rested(alarm, 5) < 2
    assert await rested(alarm, 0.15) >= 0.15


async def test_many_alarms_do_not_ring_without_a_pause() -> None:
    alarm = Alarm(now)
    for number in range(1_000):
        alarm.set(soon(number / 10_000))
    rests = 0
    began = time.perf_counter()
    while time.perf_counter() - began < 0.1:
        await alarm.rest(5)
        rests += 1
    assert rests <= 0.1 / LEAST_REST_SECONDS + 1


async def test_what_is_far_away_or_too_many_is_left_to_the_sweeps() -> None:
    alarm = Alarm(now)
    alarm.set(soon(HORIZON_SECONDS + 1))
    assert alarm.waiting == 0
    for _ in range(MAX_ALARMS + 10):
        alarm.set(soon(4))
    assert alarm.waiting == MAX_ALARMS
