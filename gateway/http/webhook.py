"""Webhook endpoints: read, verify, parse, accept, answer. A 2xx is given after the commit and never before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from aiohttp import web

from adapters.errors import Unverified
from adapters.protocol import Parsed
from gateway import metrics
from gateway.channel import Channel
from gateway.checkpoints import reach
from gateway.consent_news import ConsentNews
from gateway.directory import Directory
from gateway.http.body import read_body
from gateway.statuses import StatusLane
from gateway.template_news import TemplateNews
from gateway.turns.arrival import Accepted

_JSON = "application/json"
REFUSED = b'{"error":"unauthorized","message":"This address and secret belong to no channel."}'
"""One answer for an unknown route and for a wrong secret: a stranger learns nothing from the difference."""


class Webhooks:
    """`POST /webhook/{platform}/{route}` for every platform that calls us."""

    def __init__(
        self,
        directory: Directory,
        accept: Callable[[Channel, Parsed], Awaitable[list[Accepted]]],
        statuses: StatusLane,
        templates: TemplateNews,
        consents: ConsentNews,
        clock: Callable[[], datetime],
    ) -> None:
        self._directory = directory
        self._accept = accept
        self._statuses = statuses
        self._templates = templates
        self._consents = consents
        self._clock = clock

    async def get(self, request: web.Request) -> web.Response:
        """A platform tries the address out: its challenge comes back, or 401 for a stranger."""
        channel = await self._directory.by_route(request.match_info["platform"], request.match_info["route"])
        try:
            if channel is None:
                raise Unverified("no such channel")
            answer = channel.adapter.challenge(request.query, channel.access)
        except Unverified:
            metrics.events(channel.platform if channel else "unknown", "refused").inc()
            return web.Response(status=401, body=REFUSED, content_type=_JSON)
        return web.Response(
            body=answer, content_type="text/plain", headers={"X-Content-Type-Options": "nosniff"}
        )

    async def post(self, request: web.Request) -> web.Response:
        """One body. 200 when everything in it is committed, 401 for a stranger, 503 while the database is away.

        400, 408 and 413 are for a body that breaks off, does not come or is too large.
        """
        body = await read_body(request)
        reach("request.received")
        platform = request.match_info["platform"]
        channel = await self._directory.by_route(platform, request.match_info["route"])
        now = self._clock()
        if channel is None or not _verified(channel, body, request, now):
            metrics.events(channel.platform if channel else "unknown", "refused").inc()
            return web.Response(status=401, body=REFUSED, content_type=_JSON)
        reach("request.verified")
        parsed = channel.adapter.parse(body, channel.access, now)
        reach("request.parsed")
        if parsed.events or parsed.parked:
            await self._accept(channel, parsed)
        if parsed.statuses:
            await self._statuses.report(channel, parsed.statuses)
        if parsed.templates:
            await self._templates.report(channel, parsed.templates)
        if parsed.consents and (strangers := await self._consents.report(channel, parsed.consents)):
            await self._accept(channel, Parsed(parked=strangers))
        reach("request.answered")
        if parsed.answer is None:
            return web.Response()
        return web.Response(body=parsed.answer, content_type=_JSON)


def _verified(channel: Channel, body: bytes, request: web.Request, now: datetime) -> bool:
    try:
        channel.adapter.verify(body, request.headers, channel.access, now)
    except Unverified:
        return False
    return True
