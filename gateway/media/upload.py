"""`POST /widget/{route}/media`: a visitor of a website uploads a file, which the widget then names in a frame.

The request carries the session's token (`Authorization: Bearer …`), and the file as its body or in a form. Nothing is
believed of what it says about the file.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from aiohttp import hdrs, web
from msgspec import structs

from adapters.errors import Misconfigured
from adapters.web import token
from gateway.channel import Channel
from gateway.errors import Unavailable
from gateway.logs import get_logger
from gateway.media.errors import NotAllowed, TooLarge
from gateway.media.intake import Intake
from gateway.media.links import MediaLinks
from gateway.media.rules import Rules, rules_of
from gateway.media.upload_body import BrokenOff, NoFile, content_of
from gateway.media.upload_rates import UploadRates
from gateway.web.appearance import WebSettings

MAX_UPLOADS: Final = 32
"""Uploads of one worker under way; one more is told to come back."""
UPLOAD_SECONDS: Final = 600.0
PREFLIGHT_SECONDS: Final = 7200

FindChannel: TypeAlias = Callable[[str], Awaitable[Channel | None]]
"""The active web channel of a route, or None. Raises `Unavailable`."""

_log = get_logger(__name__)


class _Refusal(Exception):
    """An answer that ends a request."""

    def __init__(self, status: int, error: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": error, "message": message}
        self.headers: dict[str, str] = (
            {} if retry_after is None else {hdrs.RETRY_AFTER: str(math.ceil(retry_after))}
        )


class VisitorUploads:
    """The route of one worker. `max_bytes` is the deployment's bound for a file."""

    def __init__(
        self,
        intake: Intake,
        links: MediaLinks,
        find_channel: FindChannel,
        max_bytes: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._intake = intake
        self._links = links
        self._find_channel = find_channel
        self._max_bytes = max_bytes
        self._clock = clock
        self._rates = UploadRates()
        self._under_way = 0

    def routes(self) -> list[web.RouteDef]:
        """The route, and the question that browsers ask before it."""
        path = "/widget/{route}/media"
        return [web.post(path, self.post), web.options(path, self.preflight)]

    async def preflight(self, request: web.Request) -> web.Response:
        """Any site may ask; whether it may upload is told by the upload itself."""
        headers: dict[str, str] = {
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: "POST",
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Type",
            hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_SECONDS),
        }
        return web.Response(status=204, headers=_any_site() | headers)

    async def post(self, request: web.Request) -> web.Response:
        """201 with `{"media", "kind", "name", "mime_type", "size", "url"}`; else an error and its reason.

        400 (no file, broken off), 401 (no session), 403 (no uploads, wrong site), 404 (no such bot), 413 (too large),
        415 (a type that is not taken), 429 (too many), 503 (away, busy).
        """
        try:
            return await self._answer(request)
        except _Refusal as refusal:
            return web.json_response(
                refusal.body, status=refusal.status, headers=_any_site() | refusal.headers
            )

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            channel, visitor, rules = await self._admit(request)
            self._under_way += 1
            try:
                async with asyncio.timeout(UPLOAD_SECONDS):
                    content = await content_of(request)
                    id, stored = await self._intake.take(channel, visitor, rules, content)
            finally:
                self._under_way -= 1
        except Unavailable as error:
            raise _Refusal(
                503, "unavailable", "Not available right now.", float(error.retry_after)
            ) from error
        except TooLarge as error:
            raise _Refusal(413, "too_large", _sentence(error)) from error
        except NotAllowed as error:
            raise _Refusal(415, "not_taken", _sentence(error)) from error
        except (BrokenOff, NoFile) as error:
            raise _Refusal(400, "bad_upload", _sentence(error)) from error
        except TimeoutError as error:
            raise _Refusal(400, "bad_upload", "The file took too long.") from error
        answer = {
            "media": str(id),
            "kind": stored.kind,
            "name": content.name,
            "mime_type": stored.mime_type,
            "size": stored.size,
            "url": self._links.link(channel.organization_id, id),
        }
        return web.json_response(answer, status=201, headers=_any_site())

    async def _admit(self, request: web.Request) -> tuple[Channel, UUID, Rules]:
        channel = await self._find_channel(request.match_info["route"])
        if channel is None:
            raise _Refusal(404, "unknown_bot", "There is no such bot.")
        try:
            settings = WebSettings.read(channel.settings)
            secret = token.session_secret(channel.access.secrets)
            rules = _rules(channel, settings, self._max_bytes)
        except Misconfigured as error:
            _log.error("web channel is misconfigured", channel=str(channel.id), reason=error.reason)
            raise _Refusal(503, "misconfigured", "This chat is not set up.") from None
        if not settings.security.allows(request.headers.get(hdrs.ORIGIN), request.host):
            raise _Refusal(403, "wrong_site", "This site may not embed this bot.")
        if not settings.behavior.file_upload.enabled:
            raise _Refusal(403, "no_files", "This chat takes no files.")
        scheme, _, signed = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        visitor = (
            token.verify(signed.strip(), secret, channel.id, self._clock()) if scheme == "Bearer" else None
        )
        if visitor is None:
            raise _Refusal(401, "no_session", "The session's token is missing, or its time is over.")
        if self._under_way >= MAX_UPLOADS:
            raise _Refusal(503, "busy", "Too many files at once; wait a little.", 2.0)
        if wait := self._rates.take(channel.id, visitor, time.monotonic()):
            raise _Refusal(429, "too_many", "Too many files; wait a little.", wait)
        return channel, visitor, rules


def _rules(channel: Channel, settings: WebSettings, max_bytes: int) -> Rules:
    """The channel's rules, with the web channel's defaults where its settings say nothing."""
    upload = settings.behavior.file_upload
    named = {**channel.settings, "behavior": {"file_upload": {"allowed_types": list(upload.allowed_types)}}}
    rules = rules_of(named, max_bytes)
    return structs.replace(rules, max_bytes=min(rules.max_bytes, upload.max_size))


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _any_site() -> dict[str, str]:
    return {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}
