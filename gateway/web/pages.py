"""What the web channel serves over plain HTTP: the widget's scripts and the demo page. Both need nothing else."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from aiohttp import hdrs, web

from widget import DIST

SCRIPT_SECONDS: Final = 300
"""How long a browser uses the script without asking; after that it asks with the ETag."""

MIN_VERSION: Final = 8
"""Hexadecimal digits of its digest by which a script's address names its content."""
_FOR_GOOD: Final = "public, max-age=31536000, immutable"

DemoRoute: TypeAlias = Callable[[], Awaitable[str | None]]
"""The public id of the channel that the demo page shows, or None when there is no web channel."""

Framing: TypeAlias = Callable[[str], Awaitable[str]]
"""The `frame-ancestors` of the demo page of a route."""

_HERE: Final = Path(__file__).parent
_ROUTE: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,255}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_SECURE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


class Script:
    """One of the widget's scripts: read once, served with an ETag, compressed once."""

    def __init__(self, path: Path = DIST / "widget.js") -> None:
        self._body = path.read_bytes()
        self._gzipped = gzip.compress(self._body, 9, mtime=0)
        self.etag = sha256(self._body).hexdigest()[:32]

    async def get(self, request: web.Request) -> web.Response:
        """GET /widget.js, from any site. An address that names this very content (`?v=`) may be kept for good."""
        version = request.query.get("v", "")
        kept = len(version) >= MIN_VERSION and self.etag.startswith(version)
        headers = {
            **_SECURE_HEADERS,
            hdrs.ETAG: f'"{self.etag}"',
            hdrs.CACHE_CONTROL: _FOR_GOOD if kept else f"public, max-age={SCRIPT_SECONDS}, must-revalidate",
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
            hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if any(tag.value in (self.etag, "*") for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers[hdrs.CONTENT_TYPE] = "text/javascript; charset=utf-8"
        if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            headers[hdrs.CONTENT_ENCODING] = "gzip"
            return web.Response(body=self._gzipped, headers=headers)
        return web.Response(body=self._body, headers=headers)


class DemoPage:
    """`/`: a page with the widget, open. `/?bot=<id>` shows another web channel."""

    def __init__(self, demo_route: DemoRoute, framing: Framing) -> None:
        self._demo_route = demo_route
        self._framing = framing
        self._style = (_HERE / "demo.css").read_text()
        self._page = (_HERE / "demo.html").read_text()
        digest = b64encode(sha256(self._style.encode()).digest()).decode()
        self._style_source = f"'sha256-{digest}'"

    async def get(self, request: web.Request) -> web.Response:
        """GET /"""
        wanted = request.query.get("bot", "")
        route = wanted if _ROUTE.fullmatch(wanted) else await self._demo_route()
        return web.Response(
            text=self._html(route),
            content_type="text/html",
            charset="utf-8",
            headers={
                **_SECURE_HEADERS,
                hdrs.CACHE_CONTROL: "no-store",
                "Content-Security-Policy": self._policy(
                    request.host, await self._framing(route) if route else "'self'"
                ),
            },
        )

    def _html(self, route: str | None) -> str:
        if route is None:
            script, status = (
                "",
                "No bot is published on a web channel yet. Run <code>gateway bot publish</code>.",
            )
        else:
            config = {"behavior": {"auto_open": True, "auto_open_delay": 350}}
            encoded = b64encode(msgspec.json.encode(config)).decode()
            script = f'<script src="widget.js" data-bot-id="{escape(route)}" data-config="{encoded}" async></script>'
            status = "The server is running. Say hello in the chat window."
        snippet = f'<script src="https://your-host/widget.js"\n  data-bot-id="{route or "…"}" async></script>'
        page = self._page.replace("{{style}}", self._style)
        return (
            page.replace("{{status}}", status)
            .replace("{{snippet}}", escape(snippet))
            .replace("{{script}}", script)
        )

    def _policy(self, host: str, framing: str) -> str:
        # Older browsers do not count a WebSocket to the page's own host as 'self'.
        sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                f"style-src {self._style_source}",
                f"connect-src 'self'{sockets}",
                "img-src 'self' data: blob: https:",
                "media-src 'self' blob: https:",
                "base-uri 'none'",
                "form-action 'none'",
                f"frame-ancestors {framing}",
            )
        )
