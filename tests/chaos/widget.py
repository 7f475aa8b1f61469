"""A widget without a browser: it keeps its place, offers again what is not acknowledged, and comes back."""

from __future__ import annotations

import asyncio
import base64
import itertools
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import aiohttp
import msgspec

from tests.chaos.history import Event, Frame
from tests.chaos.load import ALONE, GIVE_UP_SECONDS, Log, Pace, Patience, wait_until

MAX_UNACKNOWLEDGED: Final = 2
PING_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 4.0
"""After this long without a frame the server counts as gone."""
RESEND_SECONDS: Final = 1.0
RECEIPTS: Final = 0.1
"""The share of messages that a receipt answers."""


class Widget:
    """One visitor. `run` connects until `close`; `talk` says what there is to say."""

    def __init__(self, session: aiohttp.ClientSession, url: str, chat: str, pace: Pace, log: Log) -> None:
        self._session = session
        self._url = url
        self._chat = chat
        self._pace = pace
        self._log = log
        self._token: str | None = None
        self._conversation = ""
        self._known: dict[int, str] = {}
        self._place = 0
        self._unacknowledged: dict[str, Event] = {}
        self._texts: set[str] = set()
        self._connection = 0
        self._since = 0
        self._resumes = 0
        self._wire: aiohttp.ClientWebSocketResponse | None = None
        self._heard = 0.0
        self._resend_at: float | None = None
        self._gap_since: float | None = None
        self._closed = False

    @property
    def place(self) -> int:
        """The number up to which it has every message."""
        return self._place

    def close(self) -> None:
        """Come back no more."""
        self._closed = True

    async def talk(self) -> None:
        """Say what there is to say, until there are no more turns and all of it is acknowledged."""
        patience = Patience(self._pace.random)
        for ordinal in itertools.count(1):
            drawn = await self._pace.turn()
            if drawn is None:
                break
            kind = patience.kind(drawn)
            room = 1 if kind in ALONE else MAX_UNACKNOWLEDGED
            await wait_until(lambda room=room: len(self._unacknowledged) < room)  # type: ignore[misc]
            id = str(uuid4())
            event = self._log.offer(self._chat, ordinal, kind, id)
            self._unacknowledged[id] = event
            await self._say(id, event)
            awaited = patience.awaited(event)
            await wait_until(lambda awaited=awaited: self._texts.issuperset(awaited))  # type: ignore[misc]
        await wait_until(lambda: not self._unacknowledged, GIVE_UP_SECONDS)

    async def run(self) -> None:
        """Keep a connection until closed."""
        while not self._closed:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with self._session.ws_connect(
                    self._url, timeout=aiohttp.ClientWSTimeout(ws_close=0.5), compress=0
                ) as wire:
                    await self._serve(wire)
            self._wire = None
            await asyncio.sleep(self._pace.random.uniform(0.05, 0.3))

    async def _serve(self, wire: aiohttp.ClientWebSocketResponse) -> None:
        self._connection += 1
        self._since = self._place
        self._resumes = 0
        self._heard = time.monotonic()
        hello: dict[str, Any] = {"type": "hello", "seq": self._place, "conversation": self._conversation}
        await wire.send_json(hello | ({"token": self._token} if self._token else {}))
        keeper = asyncio.create_task(self._keep(wire))
        try:
            async for message in wire:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                self._heard = time.monotonic()
                await self._take(wire, msgspec.json.decode(message.data))
        finally:
            keeper.cancel()

    async def _keep(self, wire: aiohttp.ClientWebSocketResponse) -> None:
        """Ping, notice silence, offer again, ask for what is missing."""
        with suppress(ConnectionError, aiohttp.ClientError):
            while not self._closed:
                await asyncio.sleep(PING_SECONDS)
                now = time.monotonic()
                if now - self._heard > SILENCE_SECONDS:
                    break
                await wire.send_json({"type": "ping"})
                if self._resend_at is not None and now >= self._resend_at:
                    await self._offer_again()
                await self._mind_the_gap(wire, now)
        await wire.close()

    async def _mind_the_gap(self, wire: aiohttp.ClientWebSocketResponse, now: float) -> None:
        """As the real widget does: a number that stays missing is asked for."""
        if self._unacknowledged or not self._known or max(self._known) == self._place:
            self._gap_since = None
        elif self._gap_since is None:
            self._gap_since = now
        elif now - self._gap_since > 2.0:
            self._gap_since = None
            self._since = self._place
            self._resumes += 1
            await wire.send_json({"type": "resume", "seq": self._place})

    async def _take(self, wire: aiohttp.ClientWebSocketResponse, frame: Mapping[str, Any]) -> None:
        match frame["type"]:
            case "welcome":
                self._greeted(frame)
                self._wire = wire
                await self._offer_again()
            case "ack":
                self._acknowledged(frame)
            case "message":
                self._learn("message", frame["seq"], frame["text"])
                self._texts.add(frame["text"])
                await self._receipt(wire, frame)
            case "error" if frame.get("retry"):
                self._resend_at = time.monotonic() + RESEND_SECONDS
            case "error":
                raise AssertionError(f"the widget was refused: {frame}")

    def _greeted(self, frame: Mapping[str, Any]) -> None:
        self._token = frame["token"]
        self._log.visitors[_visitor(frame["token"])] = self._chat
        self._conversation = frame["conversation"] or self._conversation

    def _acknowledged(self, frame: Mapping[str, Any]) -> None:
        self._conversation = frame.get("conversation") or self._conversation
        event = self._unacknowledged.pop(frame["id"], None)
        if event is None:
            return
        event.acknowledged_at = time.monotonic()
        if frame.get("seq") is not None:
            self._learn("ack", frame["seq"], event.name)

    def _learn(self, what: str, seq: int, text: str) -> None:
        place = {"chat": self._chat, "connection": self._connection, "since": self._since}
        frame = {"resumes": self._resumes, "what": what, "seq": seq, "text": text, "at": time.monotonic()}
        self._log.frames.append(msgspec.convert(place | frame, Frame))
        self._known[seq] = text
        while self._place + 1 in self._known:
            self._place += 1

    async def _receipt(self, wire: aiohttp.ClientWebSocketResponse, frame: Mapping[str, Any]) -> None:
        """Now and then, in any order: `read` may come before a late `delivered`."""
        if self._pace.random.random() < RECEIPTS:
            state = self._pace.random.choice(("read", "delivered"))
            await wire.send_json({"type": "receipt", "seq": frame["seq"], "state": state})

    async def _say(self, id: str, event: Event) -> None:
        if self._wire is not None:
            with suppress(ConnectionError, aiohttp.ClientError):
                await self._wire.send_json({"type": "text", "id": id, "text": event.name})

    async def _offer_again(self) -> None:
        self._resend_at = None
        for id, event in list(self._unacknowledged.items()):
            await self._say(id, event)


def _visitor(token: str) -> str:
    """Whom a session token names; its signature is the server's business."""
    payload = token.split(".")[1]
    decoded = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    return str(msgspec.json.decode(decoded)["sub"])
