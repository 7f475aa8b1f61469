"""Load tests: many visitors at once talk to a running server through its web channel, as widgets do.

Each visitor opens a socket, plays one of the document's integration tests, thinking before each message, and begins
again as another visitor until the time is over. A response time is the time from sending to the bot's first sign of
an answer: its message, or the typing indicator that stands for it. A delay that the flow itself makes before a
message without that indicator is not the server's, and is taken off.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

import aiohttp

from gateway.flows.load_plan import Line, LoadError, Plan
from gateway.flows.load_result import Result
from gateway.flows.load_widget import Refused, Widget

__all__ = ["LoadError", "Plan", "Result", "drive"]

CONNECT_AT_ONCE: Final = 50
CONNECT_SECONDS: Final = 120.0
"""For all visitors together to have a socket."""
FINISH_SECONDS: Final = 10.0
"""For what is under way when the time is over."""
LAG_SECONDS: Final = 0.1
PAUSE_SECONDS: Final = 1.0
"""Before a visitor whom the server refused tries again."""
_LOST: Final = (aiohttp.ClientError, ConnectionError, TimeoutError, OSError, Refused)


async def drive(url: str, route: str, plan: Plan, *, tell: Callable[[str], None]) -> Result:
    """Run the plan against the server at `url` (http or https); it ends by itself. Raises LoadError."""
    base = url.rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise LoadError(f"{url!r} is no address of a server; write it like https://chat.example.com")
    result = Result(plan=plan)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers={"Origin": base}
    ) as session:
        await _require_bot(session, base, route)
        tell(f"Connecting {plan.test.concurrent_users} visitors …")
        await _Crowd(session, f"{base}/widget/{route}/socket", plan, result).run(tell)
    return result


async def _require_bot(session: aiohttp.ClientSession, base: str, route: str) -> None:
    try:
        async with session.get(f"{base}/widget/{route}/config", allow_redirects=False) as response:
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise LoadError(f"there is no server at {base}: {error}") from None
    if status == 404:
        raise LoadError(f"the server at {base} has no bot {route!r} on its web channel")
    if status != 200:
        raise LoadError(f"the server at {base} answers {status} for the bot {route!r}")


class _Crowd:
    """All visitors."""

    def __init__(self, session: aiohttp.ClientSession, address: str, plan: Plan, result: Result) -> None:
        self._session = session
        self._address = address
        self._plan = plan
        self._result = result
        self._gate = asyncio.Semaphore(CONNECT_AT_ONCE)
        self._deadline = math.inf

    async def run(self, tell: Callable[[str], None]) -> None:
        users, test = self._plan.test.concurrent_users, self._plan.test
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                first = await asyncio.gather(*(self._connect() for _ in range(users)))
        except _LOST as error:
            raise LoadError(
                f"the server did not take {users} sockets: {error or type(error).__name__}"
            ) from None
        tell(f"They talk for {test.duration_seconds} s …")
        began = time.monotonic()
        self._deadline = began + test.duration_seconds
        watch = asyncio.create_task(self._watch())
        tasks = [asyncio.create_task(self._visit(number, socket)) for number, socket in enumerate(first)]
        _, late = await asyncio.wait(tasks, timeout=test.duration_seconds + FINISH_SECONDS)
        self._result.seconds = min(time.monotonic() - began, float(test.duration_seconds))
        for task in (*late, watch):
            task.cancel()
        for lost in await asyncio.gather(*tasks, watch, return_exceptions=True):
            if isinstance(lost, Exception):
                self._result.errors[str(lost) or type(lost).__name__] += 1

    async def _connect(self) -> Widget:
        async with self._gate:
            widget = Widget(await self._session.ws_connect(self._address, autoping=True, compress=0))
            await widget.hello()
            return widget

    async def _visit(self, number: int, widget: Widget | None) -> None:
        """One visitor after the other, until the time is over."""
        think = self._plan.test.think_time_ms / 1000
        # Spread over the first think time, so that they do not all speak in the same instant.
        await self._rest(think * number / self._plan.test.concurrent_users)
        turn = number
        while time.monotonic() < self._deadline:
            script = self._plan.scripts[turn % len(self._plan.scripts)]
            turn += 1
            try:
                widget = widget or await self._connect()
                await self._converse(widget, script, think)
            except _LOST as error:
                self._result.errors[str(error) or type(error).__name__] += 1
                await self._rest(max(think, PAUSE_SECONDS))
            if widget is not None:
                await widget.close()
                widget = None

    async def _converse(self, widget: Widget, script: Sequence[Line], think: float) -> None:
        for line in script:
            await self._rest(think)
            if time.monotonic() >= self._deadline:
                return
            self._result.sent += 1
            answered = await widget.exchange(line)
            if answered is not None:
                self._result.times.add(answered)

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, min(seconds, self._deadline - time.monotonic())))

    async def _watch(self) -> None:
        while True:  # as long as the test runs
            began = time.perf_counter()
            await asyncio.sleep(LAG_SECONDS)
            self._result.lag.add((time.perf_counter() - began - LAG_SECONDS) * 1000)
