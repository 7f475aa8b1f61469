"""A web channel on a real port with memory behind it, and a widget's side of a socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from aiohttp import BodyPartReader, ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from adapters.web import token
from gateway.channel import Channel
from gateway.errors import Unavailable
from gateway.web.hub import render
from gateway.web.ports import Entry
from gateway.web.service import WebService
from tests.unit.web_doubles import (
    NOW,
    ORGANIZATION,
    SECRET,
    MemoryTranscript,
    MemoryTurns,
    NotedStatuses,
    web_channel,
)

PATIENCE = 15.0


class Shelf:
    """Files in memory: what visitors uploaded, and what the bot's messages show."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        """Name in the address: bytes and MIME type."""
        self.owners: dict[UUID, tuple[UUID, UUID]] = {}
        """Upload: channel and visitor."""
        self.refuses = ""
        """What uploads are refused with, if they are."""

    def put(self, name: str, body: bytes, mime_type: str) -> str:
        """Keep a file; returns its address on the site."""
        self.files[name] = (body, mime_type)
        return f"/files/{name}"

    def link(self, organization_id: UUID, media_id: UUID) -> str:
        """As the gateway's signed links."""
        return f"/files/{media_id}"

    async def owns(self, media_id: UUID, channel_id: UUID, visitor: UUID) -> bool:
        """Whose an upload is."""
        return self.owners.get(media_id) == (channel_id, visitor)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """A file, as a browser asks for it: whole, or a part of it (RFC 9110, section 14)."""
        body, mime_type = self.files[request.match_info["name"]]
        asked = request.http_range
        start, stop = asked.start or 0, asked.stop or len(body)
        headers = {"Accept-Ranges": "bytes", "Content-Type": mime_type}
        if "Range" not in request.headers:
            return web.Response(body=body, headers=headers)
        headers["Content-Range"] = f"bytes {start}-{min(stop, len(body)) - 1}/{len(body)}"
        return web.Response(status=206, body=body[start:stop], headers=headers)


class Site:
    """A running web channel with memory behind it."""

    def __init__(self, redis_url: str) -> None:
        self.transcript = MemoryTranscript()
        self.turns = MemoryTurns(self.transcript)
        self.statuses = NotedStatuses()
        self.channels: dict[str, Channel] = {"demo": web_channel()}
        self.away = False
        self.shelf = Shelf()
        self.service = WebService(
            transcript=self.transcript,
            redis_url=redis_url,
            clock=lambda: NOW,
            link=self.shelf.link,
            owns=self.shelf.owns,
        )
        self.service.connect(
            accept=self.turns.accept,
            find_channel=self._find,
            statuses=self.statuses,
            demo_route=self._demo,
        )
        app = web.Application(client_max_size=64 * 2**20)
        app.add_routes(
            [
                *self.service.routes(),
                web.get("/shop", self._shop),
                web.get("/files/{name}", self.shelf.get),
                web.post("/widget/{route}/media", self._upload),
            ]
        )
        self.server = TestServer(app)
        self.client: ClientSession

    async def _find(self, route: str) -> Channel | None:
        if self.away:
            raise Unavailable
        return self.channels.get(route)

    async def _demo(self) -> str | None:
        return next(iter(self.channels), None)

    async def _upload(self, request: web.Request) -> web.Response:
        """As the gateway answers an upload: by the content, for the visitor of the token."""
        channel = self.channels[request.match_info["route"]]
        signed = request.headers["Authorization"].removeprefix("Bearer ")
        visitor = token.verify(signed, SECRET, channel.id, NOW)
        assert visitor is not None
        if self.shelf.refuses:
            return web.json_response({"error": "not_taken", "message": self.shelf.refuses}, status=415)
        part = await (await request.multipart()).next()
        assert isinstance(part, BodyPartReader)
        body, media = bytes(await part.read()), uuid4()
        mime_type = part.headers.get("Content-Type", "application/octet-stream")
        self.shelf.put(str(media), body, mime_type)
        self.shelf.owners[media] = (channel.id, visitor)
        family = mime_type.partition("/")[0]
        answer = {
            "media": str(media),
            "kind": family if family in ("image", "audio", "video") else "document",
            "name": part.filename,
            "mime_type": mime_type,
            "size": len(body),
        }
        return web.json_response(answer, status=201)

    async def _shop(self, request: web.Request) -> web.Response:
        """A site's page that embeds the widget; the query has the script's attributes, and the page's language."""
        query = dict(request.query)
        language, policy = query.pop("lang", ""), query.pop("policy", "")
        attributes = " ".join(f'{name}="{value}"' for name, value in query.items())
        script = f'<script src="/widget.js" {attributes} async></script>'
        head = '<meta name="viewport" content="width=device-width,initial-scale=1"><title>The shop</title>'
        page = f'<!doctype html><html lang="{language}"><head>{head}</head><body><h1>Shop</h1>{script}</body></html>'
        headers = {"Content-Security-Policy": policy} if policy else {}
        return web.Response(text=page, content_type="text/html", headers=headers)

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
        frame = render(entry, partial(self.shelf.link, ORGANIZATION))
        self.service.hub.deliver(entry.conversation_id, entry.seq, frame)


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
