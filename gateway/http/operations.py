"""Health and metrics for operators and load balancers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from gateway.metrics import render_metrics

CHECK_SECONDS = 2.0
"""How long a readiness check may take before it counts as failed."""

Check = Callable[[], Awaitable[None]]


class Operations:
    """`/healthz` says that the process runs; `/readyz` that it can do its work; `/metrics` counts."""

    def __init__(self, required: Mapping[str, Check], helpful: Mapping[str, Check]) -> None:
        self._required = required
        self._helpful = helpful
        self.draining = False

    async def healthz(self, request: web.Request) -> web.Response:
        """The process answers. Checks nothing else: a restart does not bring a database back."""
        return web.json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        """200 when requests can be accepted; a missing Valkey is told, and does not take the replica out."""
        required = {name: await _result(check) for name, check in self._required.items()}
        helpful = {name: await _result(check) for name, check in self._helpful.items()}
        ready = not self.draining and all(result == "ok" for result in required.values())
        body = (
            {"status": "draining" if self.draining else "ok" if ready else "unavailable"} | required | helpful
        )
        return web.json_response(body, status=200 if ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus' text format, over all workers."""
        content_type, body = render_metrics(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})


async def _result(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception:  # whatever is wrong, the answer is the same; the logs say more
        return "unavailable"
    return "ok"
