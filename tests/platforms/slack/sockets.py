"""Socket Mode: tickets, open sockets, and envelopes that come again until they are acknowledged.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from aiohttp import WSMsgType, web

from tests.platforms.slack.errors import ApiError
from tests.platforms.slack.world import JSON

MAX_CONNECTIONS: Final = 10
ACK_SECONDS: Final = 3.0
MAX_TRIES: Final = 4


class Acknowledged(msgspec.Struct, kw_only=True):
    """An envelope's way: `payload` is what the app answered with."""

    id: str
    kind: str
    retry: int
    payload: Any = None
    finished: float


class Sockets:
    """The app's open sockets; each envelope goes to one of them."""

    def __init__(self, noticed: Callable[[], None]) -> None:
        self.ack_seconds = ACK_SECONDS
        self.acknowledged: list[Acknowledged] = []
        self.sent = 0
        """Envelopes sent, repeats included."""
        self._noticed = noticed
        self._tickets: set[str] = set()
        self._open: list[web.WebSocketResponse] = []
        self._numbers = itertools.count(1)
        self._turn = itertools.count()
        self._somebody = asyncio.Event()
        """Set while a socket is open."""
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """Open sockets."""
        return len(self._open)

    def ticket(self, base: str) -> JSON:
        """The answer of apps.connections.open: an address for one socket."""
        if len(self._open) >= MAX_CONNECTIONS:
            raise ApiError("too_many_websockets")
        ticket = f"ticket-{next(self._numbers)}"
        self._tickets.add(ticket)
        return {"url": f"{base.replace('http', 'ws', 1)}/_socket?ticket={ticket}&app_id=A0AKAPP001"}

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """One socket, from hello to its end. A ticket is good once."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._open.append(socket)
        self._somebody.set()
        await socket.send_json(
            {"type": "hello", "num_connections": len(self._open), "connection_info": {"app_id": "A0AKAPP001"}}
        )
        self._noticed()
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._hear(message.data)
        finally:
            self._forget(socket)
            self._noticed()
        return socket

    def carry(self, kind: str, payload: JSON, *, takes_answer: bool = False) -> None:
        """Send an envelope, again and again until it is acknowledged; interactions and commands only once."""
        task = asyncio.create_task(self._carry(kind, payload, takes_answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def disconnect(self, reason: str = "refresh_requested", *, close: bool = True) -> None:
        """Tell every socket that it ends, and end it."""
        for socket in list(self._open):
            self._forget(socket)  # nothing more is sent to it
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "mock"}})
            if close:
                await socket.close()

    async def close(self) -> None:
        """Stop everything."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in list(self._open):
            await socket.close()

    async def _carry(self, kind: str, payload: JSON, takes_answer: bool) -> None:
        for retry in range(MAX_TRIES if kind == "events_api" else 1):
            await self._somebody.wait()
            socket = self._open[next(self._turn) % len(self._open)]
            envelope_id = f"envelope-{next(self._numbers)}"
            frame: JSON = {
                "envelope_id": envelope_id,
                "type": kind,
                "payload": payload,
                "accepts_response_payload": takes_answer,
            }
            if kind == "events_api":
                frame |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
            answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting[envelope_id] = answered
            self.sent += 1
            try:
                await socket.send_json(frame)
                answer = await asyncio.wait_for(answered, self.ack_seconds)
            except (TimeoutError, ConnectionError):
                continue
            finally:
                del self._waiting[envelope_id]
            self.acknowledged.append(
                Acknowledged(
                    id=envelope_id, kind=kind, retry=retry, payload=answer, finished=time.monotonic()
                )
            )
            self._noticed()
            return

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self._open:
            self._open.remove(socket)
        if not self._open:
            self._somebody.clear()

    def _hear(self, text: str) -> None:
        frame = msgspec.json.decode(text)
        waiting = self._waiting.get(frame.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(frame.get("payload"))
