"""The integration that the bot calls: says back what it was told, slowly now and then, and notes each request.

    python -m tests.chaos.integration

`POST /calls` is the call, `GET /_control/log` what was noted since the last `POST /_control/reset`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import time
from typing import Final

import msgspec
from aiohttp import web

from tests.chaos.history import Request

CALLS_PATH: Final = "/calls"
KEY_HEADER: Final = "Idempotency-Key"
SLOW: Final = 0.15
"""The share of calls that take long enough to be under way when something dies."""
FAST_SECONDS: Final = (0.005, 0.03)
SLOW_SECONDS: Final = (0.3, 1.5)


class Integration:
    """An HTTP server's handlers and its log."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._log: list[Request] = []

    async def call(self, request: web.Request) -> web.Response:
        """Say it back. A caller that hangs up has called all the same."""
        at = time.monotonic()
        said = msgspec.json.decode(await request.read())["said"]
        seconds = self._dice.uniform(*(SLOW_SECONDS if self._dice.random() < SLOW else FAST_SECONDS))
        key = request.headers.get(KEY_HEADER, "")
        self._log.append(Request(key=key, event=said, at=at, seconds=seconds))
        await asyncio.sleep(seconds)
        return web.Response(body=msgspec.json.encode({"said": said}), content_type="application/json")

    async def log(self, request: web.Request) -> web.Response:
        """Everything, as `tests.chaos.history.Request`."""
        del request
        return web.Response(body=msgspec.json.encode(self._log), content_type="application/json")

    async def reset(self, request: web.Request) -> web.Response:
        """Begin a new log."""
        del request
        self._log = []
        return web.Response()


async def _serve(integration: Integration) -> None:
    app = web.Application()
    app.router.add_post(CALLS_PATH, integration.call)
    app.router.add_get("/_control/log", integration.log)
    app.router.add_post("/_control/reset", integration.reset)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await runner.cleanup()


def main() -> None:
    """Serve until SIGINT or SIGTERM; prints the address."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.integration")
    parser.add_argument("--seed", type=int, default=1, help="for how long each answer takes")
    asyncio.run(_serve(Integration(parser.parse_args().seed)))


if __name__ == "__main__":
    main()
