"""`GET /media/{token}`: the file that a signed link names, as harmless as a stranger's file can be shown.

Whoever has the link may read, from any site. An unknown, forged or expired link, and one whose file is forgotten, are
answered alike.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol
from urllib.parse import quote
from uuid import UUID

from aiohttp import hdrs, web
from aiohttp.typedefs import LooseHeaders

from gateway.away import AWAY
from gateway.channel import Channel
from gateway.errors import Unavailable
from gateway.http.app import SERVER
from gateway.logs import get_logger
from gateway.media.errors import NotThere, StoreAway, StoreMisconfigured
from gateway.media.keeper import FetchLater, Keeper
from gateway.media.links import PATH, MediaLinks
from gateway.media.pictures import MEASURED
from gateway.media.ranges import Unsatisfiable, wanted
from gateway.media.store import MediaStore
from gateway.media.tokens import Named
from storage.media import Media

WAIT_SECONDS: Final = 10.0
"""How long a reader waits for a file that is just being fetched."""
RETRY_SECONDS: Final = 5
MAX_WAITING: Final = 64
"""Readers that wait for fetches at the same time; more are told to come back."""
MAX_AGE_SECONDS: Final = 24 * 3600

PDF: Final = "application/pdf"
_CSP: Final = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
_PDF_CSP: Final = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'"
"""Browsers' PDF viewers do not open in a sandbox; they are one."""
_PLAIN: Final = frozenset(
    {"audio/mpeg", "audio/mp4", "audio/ogg", "audio/aac", "audio/wav", "audio/flac", "audio/webm"}
)
_FILMS: Final = frozenset({"video/mp4", "video/webm", "video/ogg", "video/quicktime", "video/3gpp"})
INLINE: Final = MEASURED | _PLAIN | _FILMS | {PDF}
"""What is shown in place; everything else is saved. No type of these runs a script."""

_log = get_logger(__name__)


class FindChannel(Protocol):
    """How a file's channel is found."""

    def __call__(self, channel_id: UUID, organization_id: UUID) -> Awaitable[Channel | None]:
        """The active channel, or None."""


class MediaPages:
    """The route of one worker."""

    def __init__(
        self,
        links: MediaLinks,
        keeper: Keeper,
        store: MediaStore,
        find_channel: FindChannel,
        clock: Callable[[], datetime],
    ) -> None:
        self._links = links
        self._keeper = keeper
        self._store = store
        self._find_channel = find_channel
        self._clock = clock
        self._waiting = 0

    def routes(self) -> list[web.RouteDef]:
        """The route."""
        return [web.get(f"{PATH}{{token}}", self.get)]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """GET and HEAD: 200, 206, 304, 404, 410 (not kept), 416, 503 (not there yet)."""
        named = self._links.read_link(request.match_info["token"])
        if named is None:
            return _unknown()
        try:
            media = await self._keeper.find(named.organization_id, named.media_id)
            if media is not None and media.status == "pending":
                media = await self._fetched(media)
        except AWAY as error:
            raise Unavailable from error
        if media is None:
            return _unknown()
        match media.status:
            case "pending":
                return self._not_yet(media)
            case "refused":
                return _lost(f"This file was not kept: {media.reason}.")
            case "gone":
                return _lost("This file is no longer there.")
            case "stored":
                return await self._show(request, media, named)

    async def _fetched(self, media: Media) -> Media | None:
        """The file as it is once it has been fetched; unchanged when that takes too long or does not work now."""
        if self._waiting >= MAX_WAITING or self._keeper.rest_of(media.id) > 0:
            return media
        channel = await self._find_channel(media.channel_id, media.organization_id)
        if channel is None:
            return media
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await self._keeper.fetch(channel, media)
        except (FetchLater, TimeoutError):
            return media
        finally:
            self._waiting -= 1

    def _not_yet(self, media: Media) -> web.Response:
        seconds = max(RETRY_SECONDS, math.ceil(self._keeper.rest_of(media.id)))
        body = {"error": "not_yet", "message": "This file is still on its way; try again shortly."}
        return web.json_response(body, status=503, headers={**_any_site(), hdrs.RETRY_AFTER: str(seconds)})

    async def _show(self, request: web.Request, media: Media, named: Named) -> web.StreamResponse:
        assert media.place is not None
        size, tag = media.size or 0, f'"{media.sha256}"'
        headers = {**_headers(media, named, self._clock()), hdrs.ETAG: tag}
        if _has(request.headers.get(hdrs.IF_NONE_MATCH), tag):
            return web.Response(status=304, headers=headers)
        try:
            part = wanted(request.headers, size, tag)
        except Unsatisfiable:
            return web.Response(status=416, headers={**headers, hdrs.CONTENT_RANGE: f"bytes */{size}"})
        start, end = part or (0, size)
        if part is not None:
            headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{size}"
        headers |= {hdrs.CONTENT_LENGTH: str(end - start), hdrs.CONTENT_TYPE: _content_type(media.mime_type)}
        try:
            async with self._store.open(media.place, start, end) as chunks:
                return await _send(request, 206 if part else 200, headers, chunks)
        except NotThere:
            _log.error("a stored file is gone", media=str(media.id))
            await self._keeper.lose(media, "gone", "the store has lost it")
            return _lost("This file is no longer there.")
        except (StoreAway, StoreMisconfigured) as error:
            _log.error("a stored file can't be read", media=str(media.id), reason=str(error))
            raise Unavailable from error


async def _send(
    request: web.Request, status: int, headers: LooseHeaders, chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=headers)
    response.headers[hdrs.SERVER] = SERVER  # what is prepared here no middleware can change
    if request.method == hdrs.METH_HEAD:
        await response.prepare(request)
        return response
    first = await anext(chunks, b"")  # before anything is promised
    await response.prepare(request)
    try:
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
    except (StoreAway, NotThere) as error:
        # The length was promised: only a broken connection tells the reader that this is not all of it.
        _log.warning("a file broke off while it was read", reason=str(error))
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        pass  # the reader has gone
    return response


def _headers(media: Media, named: Named, now: datetime) -> dict[str, str]:
    left = int((named.expires_at - now).total_seconds())
    inline = media.mime_type in INLINE
    return {
        **_any_site(),
        hdrs.ACCEPT_RANGES: "bytes",
        hdrs.CACHE_CONTROL: f"private, max-age={max(0, min(left, MAX_AGE_SECONDS))}",
        hdrs.CONTENT_DISPOSITION: disposition("inline" if inline else "attachment", media.name),
        "Content-Security-Policy": _PDF_CSP if media.mime_type == PDF else _CSP,
        hdrs.LAST_MODIFIED: (media.stored_at or media.created_at)
        .astimezone(UTC)
        .strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }


def disposition(how: str, name: str) -> str:
    """RFC 6266: the name in ASCII for old readers, and whole as RFC 5987 has it. No path, no control character."""
    tame = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())[:150].strip(" .")
    if not tame:
        return how
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-()") else "_" for c in tame)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(tame.encode('utf-8', 'replace'), safe='')}"


def _content_type(mime_type: str) -> str:
    """Texts are told to be UTF-8: a browser that guesses could be led to guess a script."""
    return f"{mime_type}; charset=utf-8" if mime_type.startswith("text/") else mime_type


def _any_site() -> dict[str, str]:
    """For every answer: shown within any site (the widget's pages), and never anything but what it says it is."""
    return {
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }


def _has(header: str | None, tag: str) -> bool:
    """RFC 9110, section 13.1.2, with weak comparison."""
    if header is None:
        return False
    return header.strip() == "*" or tag in (item.strip().removeprefix("W/") for item in header.split(","))


def _unknown() -> web.Response:
    return _told(404, "not_found", "This link leads nowhere, or its time is over.")


def _lost(message: str) -> web.Response:
    return _told(410, "gone", message)


def _told(status: int, error: str, message: str) -> web.Response:
    headers: Mapping[str, str] = {**_any_site(), hdrs.CACHE_CONTROL: "no-store"}
    return web.json_response({"error": error, "message": message}, status=status, headers=headers)
