"""The guarantees under crashes, in a minute: every labelled point, random kills, PostgreSQL, Valkey.

`make chaos` is the long form. docs/chaos.md says how to read what it prints.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gateway.checkpoints import POINTS
from tests.acceptance.conftest import StartGateway
from tests.chaos.checker import Fault
from tests.chaos.load import wait_until
from tests.chaos.processes import Process, RelayProcess
from tests.chaos.relay import BEFORE_GATEWAY, BEFORE_INTEGRATION, BEFORE_PLATFORM, EVERY
from tests.chaos.run import Run
from tests.chaos.scenarios import crash_points, in_turn, kill_at_random, kill_valkey, restart_postgres
from tests.chaos.world import Servers

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

RATE = 80.0
RANDOM_KILLS = 6
SEED = 20_261


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """PostgreSQL, Valkey and a mock Bot API that nobody else uses: they are killed."""
    with Servers() as servers:
        yield servers


async def test_the_guarantees_hold_whatever_is_killed(servers: Servers) -> None:
    run = Run(servers, rate=RATE, seed=SEED)
    disturb = in_turn(
        crash_points(tuple(POINTS), 1, SEED, latest=10),
        kill_at_random(RANDOM_KILLS, SEED, seconds=0.5, group_every=4),
        restart_postgres(1, SEED, seconds=1.0),
        kill_valkey(1, SEED, seconds=1.0),
    )
    async with run.prepared():
        await run.play(disturb)
        report = await run.finish()

    assert [str(violation) for violation in report.violations] == []
    assert run.ended_by_themselves == []
    assert report.events == report.accepted > 500
    assert report.calls > 30
    assert report.held > 0
    assert report.kills >= len(POINTS) + RANDOM_KILLS + 2


async def test_a_broken_guarantee_is_reported(servers: Servers) -> None:
    """Relays lie on every side of the gateway; nothing is killed, so nothing excuses what they do."""
    run = Run(servers, rate=RATE, events=400, seed=SEED)
    with ExitStack() as stack:
        run.telegram_url = _relay(stack, servers.telegram.url, BEFORE_PLATFORM)
        run.integration_url = _relay(stack, servers.integration.url, BEFORE_INTEGRATION, every=6)
        async with run.prepared():
            await run.start_gateway()
            run.webhook_url = _relay(stack, run.gateway_url, BEFORE_GATEWAY)
            run.start_load()
            await run.customers_done(60)
            report = await run.finish(seconds=4.0)

    found = {violation.fault for violation in report.violations}
    assert found >= {
        Fault.EVENT_LOST,
        Fault.DOUBLE_TURN,
        Fault.SEQUENCE_GAP,
        Fault.REPLY_LOST,
        Fault.DUPLICATE_SEND,
        Fault.ORDER_BREAK,
        Fault.CALL_LOST,
        Fault.CALL_REKEYED,
        Fault.DUPLICATE_CALL,
        Fault.RESULT_LOST,
    }


def _relay(stack: ExitStack, target: str, lies: tuple[str, ...], every: int = EVERY) -> str:
    relay = RelayProcess(target, lies, every)
    stack.callback(relay.stop)
    return relay.start().url


async def test_a_killed_worker_is_replaced(start_gateway: StartGateway) -> None:
    gateway = await asyncio.to_thread(start_gateway)
    before = gateway.worker_pids()

    gateway.kill_worker(before[0])

    assert await wait_until(lambda: len(set(gateway.worker_pids()) - {before[0]}) == 2, seconds=10)
    assert before[1] in gateway.worker_pids()
    assert [death.status for death in gateway.deaths] == [9]
    assert await asyncio.to_thread(_healthy, gateway.url)
    assert await asyncio.to_thread(Process.stop, gateway) == 0


def _healthy(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
        return bool(answer.status == 200)
