"""The parcel service: takes messages over HTTP, numbers them, and tells by key which it has taken."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
from aiohttp import web

Fault = Literal["cut", "busy", "blocked", "window", "refused", "gone", "slow"]
"""`cut` takes the message and drops the connection; `slow` answers late; the others refuse with that word."""


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was taken."""

    id: str
    to: str
    text: str
    key: str
    call: int
    edits: str
    template: str
    method: str
    at: float
    """`time.monotonic()`"""


class MockParcel:
    """`async with MockParcel().running() as mock: … mock.url …`"""

    def __init__(self) -> None:
        self.taken: list[Delivered] = []
        self.looks: list[tuple[str, int]] = []
        """What was looked for, by key and call."""
        self.tries: list[tuple[float, str, int]] = []
        """Every request to send, taken or not: when, to whom, and the status that was answered (0 for none)."""
        self.faults: deque[Fault] = deque()
        """What happens to the next requests, in order."""
        self.changed = asyncio.Event()
        self.url = ""

    def texts(self, to: str) -> list[str]:
        """What somebody was sent, announcements left out."""
        return [one.text for one in self.taken if one.to == to and one.method == "send"]

    async def wait(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Until something that was taken makes `condition` true. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[MockParcel]:
        """Started, and stopped in the end."""
        app = web.Application()
        app.add_routes([web.post("/{method}", self._post), web.get("/parcel/{key}/{call}", self._find)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()
        method = request.match_info["method"]
        fault = self.faults.popleft() if self.faults and method == "send" else None
        refused = {"busy": 429, "blocked": 429, "window": 403, "refused": 400, "gone": 410}.get(fault or "")
        if refused is not None:
            self.tries.append((time.monotonic(), body["to"], refused))
            return web.json_response({"error": fault, "wait": body.get("wait", 1.0)}, status=refused)
        taken = self._take(method, body)
        if fault == "cut" and request.transport is not None:
            self.tries.append((time.monotonic(), body["to"], 0))
            request.transport.abort()
            return web.Response()
        if fault == "slow":
            await asyncio.sleep(0.5)
        self.tries.append((time.monotonic(), body["to"], 200))
        return web.json_response({"id": taken.id})

    def _take(self, method: str, body: dict[str, Any]) -> Delivered:
        taken = Delivered(
            id=f"p{len(self.taken) + 1}",
            to=body["to"],
            text=body.get("text", ""),
            key=body["key"],
            call=body["call"],
            edits=body.get("edits", ""),
            template=body.get("template", ""),
            method=method,
            at=time.monotonic(),
        )
        self.taken.append(taken)
        self.changed.set()
        return taken

    async def _find(self, request: web.Request) -> web.Response:
        key, call = request.match_info["key"], int(request.match_info["call"])
        self.looks.append((key, call))
        for taken in self.taken:
            if (taken.key, taken.call, taken.method) == (key, call, "send"):
                return web.json_response({"id": taken.id})
        return web.json_response({}, status=404)
