"""Slack's Socket Mode, for machines without a public address: envelopes enter by the same door as a webhook's bodies.

One replica holds a channel's socket at a time (`gateway.leases`). An envelope is acknowledged only once
its turn is committed; what is not acknowledged Slack sends again. Slack announces that it will close a socket, which
happens every few hours: the next one is opened before the old one is let go, so that nothing falls between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import aiohttp
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from adapters.errors import SendFailed
from adapters.http import open_session
from adapters.protocol import ChannelAccess, Parsed
from adapters.slack.envelopes import SocketFrame, acknowledgement, read_envelope
from gateway.away import AWAY
from gateway.channel import Channel
from gateway.delivery.claims import Channels
from gateway.errors import Unavailable
from gateway.leases import Leases, backoff, wait_after
from gateway.logs import get_logger
from gateway.turns.arrival import Accepted
from storage.database import Database
from storage.routing import Place

PLATFORM = "slack"
RENEW_SECONDS = 15.0
"""How often the lease is taken again; well within `leases.LEASE`."""
SHORT_LIFE = timedelta(seconds=5)
"""A socket that ends sooner than this, and the one after it as well, is trouble to wait out."""
PAUSE_SECONDS = 0.1
"""Between two sockets at least, whatever Slack says."""
HEARTBEAT_SECONDS = 20.0
"""How often a silent socket is asked whether it is still there."""
IN_FLIGHT = 200
"""Envelopes of one socket on their way to a commit; while there are as many, no more are read."""
FAREWELL_SECONDS = 10.0
"""How long a socket that Slack is about to close is still read."""
MAX_FRAME_BYTES = 4 * 1024 * 1024

_REFRESHED = frozenset({"warning", "refresh_requested"})
_log = get_logger(__name__)


class Source(Protocol):
    """A platform that hands out sockets."""

    async def open_socket(self, access: ChannelAccess) -> str:
        """The address of a new socket. Raises `SendFailed`."""


class SocketMode:
    """Listens to Slack channels without a webhook, as many as this replica can get the lease of."""

    def __init__(
        self,
        database: Database,
        channels: Channels,
        accept: Callable[[Channel, Parsed], Awaitable[list[Accepted]]],
        source: Source,
        *,
        owner: UUID,
        clock: Callable[[], datetime],
    ) -> None:
        self._leases = Leases(database, PLATFORM, self._hold, owner=owner, clock=clock)
        self._channels = channels
        self._accept = accept
        self._source = source
        self._clock = clock
        self._session: ClientSession | None = None

    async def run(self) -> None:
        """Look for channels and listen to them, until cancelled; then let go of them."""
        try:
            await self._leases.run()
        finally:
            if self._session is not None:
                await self._session.close()

    async def _hold(self, place: Place) -> None:
        """Keep one channel's socket open for as long as this replica has its lease."""
        if await self._leases.take(place) is None:
            return
        listening = asyncio.create_task(self._listen_on(place))
        try:
            while not listening.done() and await self._leases.take(place) is not None:
                await asyncio.wait({listening}, timeout=RENEW_SECONDS)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen_on(self, place: Place) -> None:
        """Socket after socket, until the channel is gone. Trouble is waited out, longer each time."""
        failures = 0
        farewells: set[asyncio.Task[None]] = set()
        try:
            while (channel := await self._channels.by_id(place.id, place.organization_id)) is not None:
                socket = Socket(place, self._channels, self._accept, self._clock)
                opened_at = self._clock()
                try:
                    await socket.open(self._sessions(), await self._source.open_socket(channel.access))
                    if await socket.listen():
                        farewell = asyncio.create_task(socket.take_leave())
                        farewells.add(farewell)
                        farewell.add_done_callback(farewells.discard)
                    lived = self._clock() - opened_at > SHORT_LIFE
                    failures = 0 if socket.greeted and (lived or socket.is_refreshed) else failures + 1
                except (SendFailed, aiohttp.ClientError, OSError, TimeoutError) as error:
                    failures += 1
                    _log.warning("no socket", channel=str(place.id), error=_words(error))
                    await asyncio.sleep(wait_after(error, failures))
                    continue
                await asyncio.sleep(backoff(failures - 1) if failures > 1 else PAUSE_SECONDS)
        except AWAY as error:
            _log.warning("socket let go", channel=str(place.id), error=f"{type(error).__name__}: {error}")
        finally:
            for farewell in farewells:
                farewell.cancel()
            await asyncio.gather(*farewells, return_exceptions=True)

    def _sessions(self) -> ClientSession:
        if self._session is None:
            self._session = open_session()
        return self._session


class Socket:
    """One connection of one channel."""

    def __init__(
        self,
        place: Place,
        channels: Channels,
        accept: Callable[[Channel, Parsed], Awaitable[list[Accepted]]],
        clock: Callable[[], datetime],
    ) -> None:
        self._place = place
        self._channels = channels
        self._accept = accept
        self._clock = clock
        self._socket: ClientWebSocketResponse | None = None
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._under_way: set[asyncio.Task[None]] = set()
        self.greeted = False
        """Slack has said hello: the socket works."""
        self.is_refreshed = False
        """Slack has announced that it ends, for no other reason than its age."""

    async def open(self, session: ClientSession, url: str) -> None:
        """Connect. Raises what aiohttp raises; none of it is shown, for the address lets anybody listen."""
        self._socket = await session.ws_connect(
            url, heartbeat=HEARTBEAT_SECONDS, max_msg_size=MAX_FRAME_BYTES, compress=0
        )

    async def listen(self) -> bool:
        """Read envelopes until the socket ends (False), or Slack says that it soon will (True)."""
        is_ending = False
        try:
            is_ending = await self._read()
        finally:
            if not is_ending:
                await self._end()
        return is_ending

    async def take_leave(self) -> None:
        """Go on reading a socket that is about to be closed, until it is, or for `FAREWELL_SECONDS`."""
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                while await self._read():
                    pass
        except TimeoutError:
            pass
        finally:
            await self._end()

    async def _read(self) -> bool:
        assert self._socket is not None
        async for message in self._socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue
            frame = read_envelope(message.data)
            match frame.kind:
                case "hello":
                    self.greeted = True
                case "disconnect":
                    self.is_refreshed = frame.reason in _REFRESHED
                    _log.info("socket ends", channel=str(self._place.id), reason=frame.reason[:64])
                    return True
                case "envelope":
                    await self._room.acquire()
                    task = asyncio.create_task(self._take(frame))
                    self._under_way.add(task)
                    task.add_done_callback(self._done)
                case "unknown":
                    _log.warning("frame not read", channel=str(self._place.id))
        return False

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._room.release()

    async def _take(self, frame: SocketFrame) -> None:
        """Store what an envelope carries, then acknowledge it. Tasks begin in the order of the frames, and what a
        conversation hears is queued in that order, for a channel that is known is found without waiting.
        """
        try:
            channel = await self._channels.by_id(self._place.id, self._place.organization_id)
            if channel is None:
                return  # disabled a moment ago
            parsed = channel.adapter.parse(frame.body, channel.access, self._clock())
            if parsed.events or parsed.parked:
                await self._accept(channel, parsed)
            assert self._socket is not None
            await self._socket.send_str(acknowledgement(frame, parsed.answer))
        except (Unavailable, aiohttp.ClientError, *AWAY) as error:
            # Not acknowledged: Slack sends it again, and what is committed already counts once.
            _log.warning("envelope not acknowledged", channel=str(self._place.id), error=type(error).__name__)

    async def _end(self) -> None:
        """Acknowledge what is under way, then close."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=FAREWELL_SECONDS)
        for task in self._under_way:
            task.cancel()
        if self._socket is not None:
            await self._socket.close()


def _words(error: Exception) -> str:
    """The address of a socket must not reach a log: of the connection's own errors only the kind is told."""
    return str(error) if isinstance(error, SendFailed) else type(error).__name__
