"""The web channel, put together: its routes, its hub, its bus, and what runs in the background."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import structlog
from aiohttp import hdrs, web

from adapters.errors import Misconfigured
from adapters.web.adapter import WebAdapter
from gateway import metrics
from gateway.channel import Channel
from gateway.errors import Unavailable
from gateway.web.appearance import WebSettings
from gateway.web.background import Background
from gateway.web.bus import Bus, connect
from gateway.web.hub import Hub
from gateway.web.pages import DemoPage, DemoRoute, Script
from gateway.web.ports import Accept, Clock, FindChannel, Link, Owns, StatusLane, Transcript, no_file
from gateway.web.presence import Presence
from gateway.web.session import INTERNAL_ERROR, Session, Tools
from gateway.web.socket import TRY_AGAIN_LATER
from gateway.web.texts import Texts
from widget import DIST

MAX_MESSAGE_BYTES: Final = 64 * 1024
HEARTBEAT_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 2.0
"""How long a closing handshake may take."""
MAX_SOCKETS: Final = 20_000
"""Open sockets of one process; one more is told to try again, which finds another replica."""
CACHING: Final = {
    "aggressive": "public, max-age=3600, stale-while-revalidate=86400",
    "normal": "public, max-age=60",
    "none": "no-store",
}
"""How long browsers keep a widget's configuration, by `performance.cache_strategy`."""
MAX_CACHED: Final = 1_000

UNKNOWN_BOT: Final = 4404
WRONG_SITE: Final = 4403

_log = structlog.get_logger(__name__)


class _Refused(NamedTuple):
    """A close code and its reason."""

    code: int
    reason: bytes


class WebService:
    """Serves widgets. `adapter` delivers to them; `routes` belong into the application."""

    def __init__(
        self,
        *,
        transcript: Transcript,
        redis_url: str,
        clock: Clock,
        link: Link = no_file,
        owns: Owns | None = None,
    ) -> None:
        """`link` gives the addresses of kept files; `owns` tells whose an upload is (None: nothing is uploaded)."""
        self._background = Background()
        self._redis = connect(redis_url)
        self._bus = Bus(self._redis, uuid4().hex[:16], random.random)
        self.hub = Hub(transcript, self._bus, self._background, link)
        self._bus.listen(self.hub)
        self._presence = Presence(self._redis, self.hub, self._bus.origin, clock)
        self.adapter = WebAdapter(self.hub.deliver)
        self._owns = owns
        self._transcript = transcript
        self._clock = clock
        self._settings: dict[UUID, tuple[Mapping[str, Any], WebSettings]] = {}
        self._tools: Tools
        self._find_channel: FindChannel
        self._demo: DemoPage
        self._scripts = (Script(), Script(DIST / "widget-parts.js"))
        self._texts = Texts()

    def connect(
        self, *, accept: Accept, find_channel: FindChannel, statuses: StatusLane, demo_route: DemoRoute
    ) -> None:
        """Say where what widgets send goes to; before `routes` and `start`."""
        self._find_channel = find_channel
        self._demo = DemoPage(demo_route, self._framing)
        self._tools = Tools(
            accept=accept,
            adapter=self.adapter,
            background=self._background,
            clock=self._clock,
            hub=self.hub,
            monotonic=time.monotonic,
            owns=self._owns,
            statuses=statuses,
            transcript=self._transcript,
        )

    def routes(self) -> list[web.RouteDef]:
        """The channel's HTTP routes."""
        return [
            web.get("/", self._demo.get),
            web.get("/widget.js", self._scripts[0].get),
            web.get("/widget-parts.js", self._scripts[1].get),
            web.get("/widget/{route}/config", self.config),
            web.get("/widget/{route}/socket", self.socket),
        ]

    async def start(self) -> None:
        """Begin to listen on the bus and to watch the transcript."""
        for work in (self._bus.run(), self.hub.run(), self._presence.run()):
            self._background.spawn(work)

    async def close_sockets(self) -> None:
        """Send every widget to another replica."""
        self.hub.close()

    async def stop(self) -> None:
        """Let go of everything."""
        await self._background.close()
        await self._redis.aclose()

    async def check(self) -> None:
        """Raises when Valkey does not answer; widgets are then served by polling."""
        await self._redis.ping()

    async def config(self, request: web.Request) -> web.Response:
        """GET /widget/{route}/config?language=de: how the widget looks, before it has a reason to open a socket.

        `words` are the widget's own words in the nearest language that there is.
        """
        channel = await self._find_channel(request.match_info["route"])
        if channel is None:
            return _told(404, "unknown_bot", "There is no such bot.")
        settings = self._settings_of(channel)
        if request.headers.get(hdrs.ORIGIN) and not _allowed(settings, request):
            return _told(403, "wrong_site", "This site may not embed this bot.")
        body = {
            "bot": {"name": channel.bot_name},
            **settings.for_widget(uploads=self._owns is not None),
            **self._texts.of(request.query.get("language", "")),
        }
        headers = {
            **settings.security.cross_origin(request.headers.get(hdrs.ORIGIN)),
            hdrs.CACHE_CONTROL: CACHING[settings.performance.cache_strategy],
        }
        return web.json_response(body, headers=headers)

    async def _framing(self, route: str) -> str:
        """Which pages may show the demo page of a channel in a frame, as its settings say."""
        try:
            channel = await self._find_channel(route)
            directives = {} if channel is None else self._settings_of(channel).security.csp_directives
        except (Unavailable, Misconfigured):
            return "'self'"
        return directives.get("frame-ancestors", "'self'")

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """GET /widget/{route}/socket: the widget's WebSocket.

        A browser's script learns why it was refused only from a close code, so that is how it is told.
        """
        wire = web.WebSocketResponse(
            compress=False,
            heartbeat=HEARTBEAT_SECONDS,
            max_msg_size=MAX_MESSAGE_BYTES,
            timeout=CLOSE_SECONDS,
            decode_text=False,
        )
        if not wire.can_prepare(request).ok:
            raise _not_an_upgrade(await self._find_channel(request.match_info["route"]))
        await wire.prepare(request)
        admitted = await self._admit(request)
        if isinstance(admitted, Session):
            gauge = metrics.websockets_open()
            gauge.inc()
            try:
                # From here on the socket is mostly idle: every frame of this stack is memory times sockets.
                await admitted.run(wire)
            except Exception:
                _log.exception("widget session failed")
                await wire.close(code=INTERNAL_ERROR, message=b"internal error")
            finally:
                gauge.dec()
        else:
            await wire.close(code=admitted.code, message=admitted.reason)
        return wire

    async def _admit(self, request: web.Request) -> Session | _Refused:
        """A session for this request, or the close code that tells why there is none."""
        if len(self.hub) >= MAX_SOCKETS:
            return _Refused(TRY_AGAIN_LATER, b"full")
        try:
            channel = await self._find_channel(request.match_info["route"])
            if channel is None:
                return _Refused(UNKNOWN_BOT, b"unknown bot")
            settings = self._settings_of(channel)
        except Unavailable:
            return _Refused(TRY_AGAIN_LATER, b"unavailable")
        except Misconfigured as error:
            _log.error("web channel is misconfigured", reason=error.reason)
            return _Refused(INTERNAL_ERROR, b"misconfigured")
        if not _allowed(settings, request):
            return _Refused(WRONG_SITE, b"this site may not embed this bot")
        return Session(self._tools, channel, settings)

    def _settings_of(self, channel: Channel) -> WebSettings:
        """The channel's settings, read once for each version of them. Raises `Misconfigured`."""
        cached = self._settings.get(channel.id)
        if cached is not None and cached[0] is channel.settings:
            return cached[1]
        settings = WebSettings.read(channel.settings)
        if len(self._settings) >= MAX_CACHED:
            self._settings.clear()
        self._settings[channel.id] = (channel.settings, settings)
        return settings


def _allowed(settings: WebSettings, request: web.Request) -> bool:
    return settings.security.allows(request.headers.get(hdrs.ORIGIN), request.host)


def _any_site() -> dict[str, str]:
    return {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}


def _told(status: int, error: str, message: str) -> web.Response:
    """A refusal that a script of another site may read."""
    return web.json_response({"error": error, "message": message}, status=status, headers=_any_site())


def _not_an_upgrade(channel: Channel | None) -> web.HTTPException:
    if channel is None:
        return web.HTTPNotFound(text="There is no such bot.")
    return web.HTTPUpgradeRequired(text="This address speaks WebSocket.", headers={hdrs.UPGRADE: "websocket"})
