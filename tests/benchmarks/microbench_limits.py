"""What the rate limits add to a send: `python -m tests.benchmarks.microbench_limits` prints CPU microseconds a send.

The worker's part only (the client's work included), against the embedded Valkey, by how many sends ask together.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from uuid import UUID

from adapters.capabilities import Rate
from gateway.limits.limiter import Limiter
from gateway.limits.rates import Limits
from gateway.web.bus import connect
from storage.embedded import EmbeddedValkey

FREE = (
    Rate(scope="channel", per_second=100_000, burst=1_000_000),
    Rate(scope="recipient", per_second=100_000, burst=1_000),
)
"""Nobody has to wait: only the asking is measured."""
SENDS = 20_000
ROUNDS = 3


class Lane:
    """Whoever waits."""

    wakes: float | None = None


async def cost(url: str, together: int) -> float:
    """CPU microseconds a send when so many ask at the same time, each a conversation of its own."""
    client = connect(url)
    limiter = Limiter(client)
    limiter.start()
    limits = Limits(UUID(int=1), FREE)
    lane = Lane()
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for start in range(0, SENDS, together):
            await asyncio.gather(*(limiter.acquire(limits, str(start + n), lane) for n in range(together)))
        best = min(best, (time.process_time() - started) / SENDS)
    await limiter.stop()
    await client.aclose()
    return best * 1e6


async def tasks(together: int) -> float:
    """What the tasks alone cost, which a lane has anyway."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(0, SENDS, together):
            await asyncio.gather(*(asyncio.sleep(0) for _ in range(together)))
        best = min(best, (time.process_time() - started) / SENDS)
    return best * 1e6


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="gw-") as folder, EmbeddedValkey(Path(folder)) as server:
        print("sends that ask together   CPU µs a send")
        for together in (1, 5, 20, 100, 500):
            mine = asyncio.run(cost(server.url, together)) - asyncio.run(tasks(together))
            print(f"{together:>23}   {mine:>13.1f}")


if __name__ == "__main__":
    main()
