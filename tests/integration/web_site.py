"""A web channel on a real port with memory behind it, and a widget's side of a socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from gateway.channel import Channel
from gateway.errors import Unavailable
from gateway.web.hub import render
from gateway.web.ports import Entry
from gateway.web.service import WebService
from tests.unit.web_doubles import NOW, MemoryTranscript, MemoryTurns, NotedStatuses, web_channel

PATIENCE = 5.0


class Site:
    """A running web channel with memory behind it."""

    def __init__(self, redis_url: str) -> None:
        self.transcript = MemoryTranscript()
        self.turns = MemoryTurns(self.transcript)
        self.statuses = NotedStatuses()
        self.channels: dict[str, Channel] = {"demo": web_channel()}
        self.away = False
        self.service = WebService(transcript=self.transcript, redis_url=redis_url, clock=lambda: NOW)
        self.service.connect(
            accept=self.turns.accept,
            find_channel=self._find,
            statuses=self.statuses,
            demo_route=self._demo,
        )
        app = web.Application()
        app.add_routes([*self.service.routes(), web.get("/shop", self._shop)])
        self.server = TestServer(app)
        self.client: ClientSession

    async def _find(self, route: str) -> Channel | None:
        if self.away:
            raise Unavailable
        return self.channels.get(route)

    async def _demo(self) -> str | None:
        return next(iter(self.channels), None)

    async def _shop(self, request: web.Request) -> web.Response:
        """A site's page that embeds the widget; the query has the script's attributes."""
        attributes = " ".join(f'{name}="{value}"' for name, value in request.query.items())
        script = f'<script src="/widget.js" {attributes} async></script>'
        head = '<meta name="viewport" content="width=device-width,initial-scale=1">'
        page = f"<!doctype html><html><head>{head}</head><body><h1>Shop</h1>{script}</body></html>"
        return web.Response(text=page, content_type="text/html")

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Give the demo channel other settings."""
        self.channels["demo"] = web_channel(settings)

    async def widget(self, route: str = "demo", **headers: str) -> Widget:
        """A new socket, without a hello."""
        url = self.server.make_url(f"/widget/{route}/socket")
        return Widget(await self.client.ws_connect(url, headers=headers))

    async def visitor(self, **hello: Any) -> Widget:
        """A new socket after its hello."""
        widget = await self.widget()
        await widget.hello(**hello)
        return widget

    def deliver(self, entry: Entry) -> None:
        """What delivery does with a bot's message."""
        self.service.hub.deliver(entry.conversation_id, entry.seq, render(entry))


class Widget:
    """The client's side of one socket."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.token = ""

    async def send(self, **frame: Any) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def hello(self, **fields: Any) -> dict[str, Any]:
        await self.send(type="hello", **fields)
        welcome = await self.get("welcome")
        self.token = welcome["token"]
        return welcome

    async def get(self, kind: str) -> dict[str, Any]:
        """The next frame, which has to be of this kind."""
        frame: dict[str, Any] = json.loads(await self.socket.receive_str(timeout=PATIENCE))
        assert frame["type"] == kind, frame
        return frame

    async def say(self, text: str, id: str = "") -> dict[str, Any]:
        """Write a text; returns its ack."""
        await self.send(type="text", id=id or str(uuid4()), text=text)
        return await self.get("ack")

    async def closed(self) -> int:
        """The close code that arrives next."""
        message = await self.socket.receive(timeout=PATIENCE)
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED), message
        assert self.socket.close_code is not None
        return self.socket.close_code


@asynccontextmanager
async def running_site(redis_url: str, port: int | None = None) -> AsyncIterator[Site]:
    """A site that serves, and its end."""
    site = Site(redis_url)
    await site.server.start_server(port=port) if port else await site.server.start_server()
    await site.service.start()
    async with ClientSession() as site.client:
        yield site
    await site.service.close_sockets()
    await site.server.close()
    await site.service.stop()
