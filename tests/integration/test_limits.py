"""The buckets in Valkey: the same arithmetic as in Python, shared by workers, and kept alone while it is away."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from adapters.capabilities import Rate
from adapters.protocol import ChannelAccess
from adapters.web.adapter import WebAdapter
from gateway.channel import Channel
from gateway.limits.bucket import Ask, Outcome, bucket, reserve
from gateway.limits.limiter import Limiter
from gateway.limits.shared import SharedBuckets
from gateway.web.bus import connect
from storage.embedded import EmbeddedValkey
from tests.integration.road import until


class Lane:
    """Whoever waits."""

    wakes: float | None = None


def channel(*rates: Rate, id: int = 1) -> Channel:
    """A channel of a platform with these rates."""
    adapter = WebAdapter(lambda conversation, seq, frame: None)
    adapter.capabilities = replace(WebAdapter.capabilities, rates=rates)
    access = ChannelAccess(channel_id=UUID(int=id), secrets={}, settings={})
    return Channel(
        id=UUID(int=id), organization_id=UUID(int=9), chatbot_id=UUID(int=9), platform="web", route="r",
        name="t", bot_name="b", flow_id=None, adapter=adapter, access=access,
    )  # fmt: skip


@asynccontextmanager
async def limiters(url: str, count: int) -> AsyncIterator[list[Limiter]]:
    """So many workers' limiters on one Valkey."""
    clients = [connect(url) for _ in range(count)]
    made = [Limiter(client) for client in clients]
    for one in made:
        one.start()
    try:
        yield made
    finally:
        for one, client in zip(made, clients, strict=True):
            await one.stop()
            await client.aclose()


async def go(limiter: Limiter, on: Channel, recipient: str, left: list[float]) -> None:
    """Wait for a slot, and note when it came."""
    limits = limiter.limits_of(on)
    assert limits is not None
    await limiter.acquire(limits, recipient, Lane())
    left.append(time.monotonic())


def early(left: list[float], began: float, per_second: float, burst: int) -> list[int]:
    """Which calls left before there was a token for them. A busy machine makes calls late, and never early."""
    return [
        number
        for number, moment in enumerate(sorted(left))
        if moment < began + (number - burst + 1) / per_second - 0.001
    ]


def alone(limiter: Limiter) -> bool:
    """Whether the worker keeps the limits by itself."""
    return limiter.away


async def test_the_script_answers_as_the_arithmetic_does(redis_url: str) -> None:
    """One call answers all requests at one moment of the server's clock, so the waits can be compared."""
    dice = random.Random(4)
    async with Redis.from_url(redis_url) as client:
        shared = SharedBuckets(client)
        seen: set[Outcome] = set()
        for round in range(30):
            channels = [
                tuple(
                    bucket(f"ratelimit:c{round}.{number}.{part}", dice.uniform(0.5, 50), dice.randint(1, 9))
                    for part in range(dice.randint(0, 2))
                )
                for number in range(2)
            ]
            people = [
                (bucket(f"ratelimit:r{round}.{number}", dice.uniform(0.1, 5), dice.randint(1, 3)),)
                for number in range(4)
            ]
            asks = []
            for _ in range(dice.randint(1, 40)):
                ask = Ask(f"ratelimit:p{round}", dice.choice(people), dice.choice(channels))
                ask.reserved = dice.random() < 0.3
                asks.append(ask)
            full_at: dict[str, float] = {}
            expected = [reserve(full_at, ask, 1e15) for ask in asks]
            answers = await shared.ask(asks)
            assert [answer.outcome for answer in answers] == [answer.outcome for answer in expected]
            for answer, wanted in zip(answers, expected, strict=True):
                assert answer.seconds == pytest.approx(wanted.seconds, abs=2e-5)
            seen |= {answer.outcome for answer in answers}
    assert seen == set(Outcome), "the requests were of every kind"


async def test_every_key_ends_by_itself(redis_url: str) -> None:
    async with limiters(redis_url, 1) as [limiter], Redis.from_url(redis_url) as client:
        on = channel(
            Rate(scope="channel", per_second=10, burst=2), Rate(scope="recipient", per_second=0.5, burst=1)
        )
        await go(limiter, on, "7", [])
        limiter.pause(on, 5.0)
        await until(lambda: client.exists(f"ratelimit:pause:{on.id}"))
        keys = [key async for key in client.scan_iter("ratelimit:*")]
        assert len(keys) == 3
        for key in keys:
            assert 0 < await client.pttl(key) <= 5_000


async def test_workers_share_a_channels_rate(redis_url: str) -> None:
    """Two workers with sixty calls each stay, together, at forty a second and a burst of ten."""
    on = channel(Rate(scope="channel", per_second=40, burst=10))
    left: list[float] = []
    async with limiters(redis_url, 2) as workers:
        began = time.monotonic()
        await asyncio.gather(*(go(workers[n % 2], on, str(n), left) for n in range(120)))
    assert early(left, began, 40, 10) == []
    assert left[-1] - began <= 120 / 40 + 2.0, "nothing of the rate is left unused for long"


async def test_a_limiter_alone_would_let_twice_as_much_through(redis_url: str) -> None:
    """The control of the test above: two workers that do not share (their channels differ) are twice as fast."""
    left: list[float] = []
    async with limiters(redis_url, 2) as workers:
        began = time.monotonic()
        rate = Rate(scope="channel", per_second=40, burst=10)
        mine = [channel(rate, id=1), channel(rate, id=2)]
        await asyncio.gather(*(go(workers[n % 2], mine[n % 2], str(n), left) for n in range(120)))
    assert len(early(left, began, 40, 10)) > 10


async def test_a_recipient_waits_for_its_slot_and_nobody_waits_with_it(redis_url: str) -> None:
    on = channel(
        Rate(scope="channel", per_second=100, burst=10), Rate(scope="recipient", per_second=2, burst=1)
    )
    one: list[float] = []
    others: list[float] = []
    async with limiters(redis_url, 1) as [limiter]:
        began = time.monotonic()

        async def lane() -> None:
            for _ in range(3):
                await go(limiter, on, "7", one)

        await asyncio.gather(lane(), *(go(limiter, on, f"other{n}", others) for n in range(10)))
    assert early(one, began, 2, 1) == []
    assert max(others) < one[2], "the others have gone while it waited"


async def test_a_pause_told_by_one_worker_holds_in_all(redis_url: str) -> None:
    on = channel(Rate(scope="channel", per_second=1000, burst=1000))
    left: list[float] = []
    async with limiters(redis_url, 2) as [first, second]:
        first.pause(on, 0.8)
        paused = time.monotonic()
        await asyncio.sleep(0.1)
        await asyncio.gather(*(go(second, on, str(n), left) for n in range(20)))
    assert min(left) - paused >= 0.8 - 0.01
    assert max(left) - paused < 3.0


async def test_waiting_can_be_given_up_and_holds_up_nobody(redis_url: str) -> None:
    on = channel(Rate(scope="channel", per_second=20, burst=1))
    left: list[float] = []
    async with limiters(redis_url, 1) as [limiter]:
        waiting = [asyncio.create_task(go(limiter, on, str(n), left)) for n in range(60)]
        await until(lambda: len(left) >= 2)
        for task in waiting[30:]:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert len(left) == 30
        await go(limiter, on, "late", left)
    assert left[-1] - left[-2] < 1.5, "what was given up left at most a second's slots unused"


async def test_a_worker_keeps_the_limits_alone_while_valkey_is_away(tmp_path: Path) -> None:
    on = channel(Rate(scope="channel", per_second=50, burst=5))
    left: list[float] = []
    with EmbeddedValkey(tmp_path) as server:
        async with limiters(server.url, 1) as [limiter]:
            await go(limiter, on, "first", left)
            assert alone(limiter) is False
            await asyncio.to_thread(server.stop)
            began = time.monotonic()
            await asyncio.gather(*(go(limiter, on, str(n), left) for n in range(50)))
            assert alone(limiter) is True
            assert early(left[1:], began, 50, 5) == [], "the rate holds"
            assert left[-1] - began < 5.0, "nobody waits for what is away"
            with EmbeddedValkey(tmp_path):
                await until(lambda: not alone(limiter))
                await go(limiter, on, "back", left)
    assert len(left) == 52


async def test_a_server_that_forgot_the_script_is_told_it_again(redis_url: str) -> None:
    on = channel(Rate(scope="channel", per_second=50, burst=5))
    left: list[float] = []
    async with limiters(redis_url, 1) as [limiter], Redis.from_url(redis_url) as client:
        await go(limiter, on, "7", left)
        await client.script_flush()
        await go(limiter, on, "7", left)
        assert not limiter.away
    assert len(left) == 2


async def test_a_platform_without_rates_has_no_limits(redis_url: str) -> None:
    async with limiters(redis_url, 1) as [limiter]:
        assert limiter.limits_of(channel()) is None
