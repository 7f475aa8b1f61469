"""What is done to the gateway while customers write."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

from tests.chaos.history import Disturbance
from tests.chaos.load import wait_until
from tests.chaos.processes import ProcessFailed
from tests.chaos.run import Run

KILLS_PER_START: Final = 6
"""The supervisor waits longer after each early death of a worker; a new one begins without waits."""
REACH_SECONDS: Final = 12.0
"""A point that is not reached in this time is tried with a smaller count."""
MAX_STARTS: Final = 40
LATEST: Final = 40

RARE: Final = (
    "sweep.found", "sweep.claimed", "timer.accepted", "work.claimed", "work.done", "socket.published",
)  # fmt: skip
"""Points that a worker passes a few times a second at most."""

Disturb: TypeAlias = Callable[[Run], Coroutine[Any, Any, None]]


def nth(point: str, dice: random.Random, latest: int = LATEST) -> int:
    """At which reach of a point to strike, from the first to the `latest`."""
    return dice.randint(1, min(latest, 3) if point in RARE else latest)


async def crash_at(run: Run, point: str, kills: int, dice: random.Random, latest: int = LATEST) -> int:
    """Kill workers at a labelled point until that has happened `kills` times; returns how often it has."""
    done = 0
    count = nth(point, dice, latest)
    for _ in range(MAX_STARTS):
        before = time.monotonic()
        try:
            gateway = await run.start_gateway(GATEWAY_CRASH_AT=f"{point}:{count}")
        except ProcessFailed:  # a worker came there before the other was ready, so none of them stayed
            run.disturbed(
                Disturbance(trouble="kill", what="group at its start", start=before, end=time.monotonic())
            )
            count += 2
            continue
        wanted = min(KILLS_PER_START, kills - done)
        await wait_until(lambda: len(gateway.deaths) >= wanted, REACH_SECONDS)  # noqa: B023 - awaited here
        here = await run.kill_group()
        done += here
        if done >= kills:
            break
        count = nth(point, dice, latest) if here else max(1, count // 4)
    return done


def crash_points(points: tuple[str, ...], kills: int, seed: int, latest: int = LATEST) -> Disturb:
    """Kill at each of the points, one after the other."""

    async def disturb(run: Run) -> None:
        dice = random.Random(seed)
        for point in points:
            if await crash_at(run, point, kills, dice, latest) < kills:
                run.ended_by_themselves.append(f"the point {point} was not reached {kills} times")
        await run.start_gateway()

    return disturb


def kill_at_random(kills: int, seed: int, *, seconds: float = 1.2, group_every: int = 8) -> Disturb:
    """kill -9 of one worker after the other, and now and then of the whole group."""

    async def disturb(run: Run) -> None:
        dice = random.Random(seed)
        gateway = await run.start_gateway()
        done = 0
        while done < kills:  # each round kills one
            await asyncio.sleep(dice.uniform(0.3, 1.7) * seconds)
            run.count_kills()
            pids = gateway.worker_pids()
            if done % group_every == group_every - 1:
                done += 1
                await run.kill_group()
                gateway = await run.start_gateway()
            elif pids:
                gateway.kill_worker(dice.choice(pids))
                done += 1
        await asyncio.sleep(0.5)
        run.count_kills()

    return disturb


def restart_postgres(times: int, seed: int, *, seconds: float = 3.0) -> Disturb:
    """`pg_ctl restart -m immediate` again and again."""

    async def disturb(run: Run) -> None:
        dice = random.Random(seed)
        await run.start_gateway()
        for _ in range(times):
            await asyncio.sleep(dice.uniform(0.5, 1.5) * seconds)
            run.disturbed(await run.servers.restart_postgres())

    return disturb


def kill_valkey(times: int, seed: int, *, seconds: float = 2.0) -> Disturb:
    """Kill Valkey, leave it away for up to two seconds, start it empty."""

    async def disturb(run: Run) -> None:
        dice = random.Random(seed)
        await run.start_gateway()
        for _ in range(times):
            await asyncio.sleep(dice.uniform(0.5, 1.5) * seconds)
            run.disturbed(await run.servers.kill_valkey(dice.uniform(0.0, 2.0)))

    return disturb


def stop_gently(times: int, seed: int, *, seconds: float = 3.0) -> Disturb:
    """SIGTERM and a new start, again and again. Nothing is killed, so nothing excuses a duplicate."""

    async def disturb(run: Run) -> None:
        dice = random.Random(seed)
        gateway = await run.start_gateway()
        for _ in range(times):
            await asyncio.sleep(dice.uniform(0.5, 1.5) * seconds)
            code = await asyncio.to_thread(gateway.stop)
            run.count_kills()
            if code != 0:
                run.ended_by_themselves.append(f"the gateway stopped with status {code}")
            gateway = await run.start_gateway()

    return disturb


def pause_at(points: tuple[str, ...], pause: float, seed: int) -> Disturb:
    """Let every worker stand still at a point for longer than its lease, and take its transactions away.

    What it held goes to the others meanwhile; when it wakes, it must neither commit nor note anything.
    """

    async def disturb(run: Run) -> None:
        dice = random.Random(seed)
        for point in points:
            start = time.monotonic()
            await run.start_gateway(GATEWAY_PAUSE_AT=f"{point}:{nth(point, dice)}:{pause:g}")
            await asyncio.sleep(2.5)
            await run.observer.end_idle_transactions()
            await asyncio.sleep(pause + 2.0)
            # Each of the two workers stood still somewhere in this time.
            for worker in ("first", "second"):
                moment = time.monotonic()
                run.disturbed(
                    Disturbance(trouble="pause", what=f"{worker} worker at {point}", start=start, end=moment)
                )
            await run.kill_group()
        await run.start_gateway()

    return disturb


def in_turn(*parts: Disturb) -> Disturb:
    """One after the other, on one history. Each part starts a gateway of its own."""

    async def disturb(run: Run) -> None:
        for part in parts:
            if run.gateway is not None:
                await run.kill_group()
            await part(run)

    return disturb
