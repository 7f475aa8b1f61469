"""The HTTP client session that every adapter sends with, tuned once and in one place.

What it leaves out is what the measured cost of a send is made of (`docs/decisions/0006-…`): cookies,
a total deadline per request, default headers. What it keeps is what an honest error needs: a timeout
for connecting (nothing was sent) apart from one for reading (something may have been).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from adapters.errors import Misconfigured, TryLater

CONNECTIONS = 256
"""Open connections of one session in all; more callers than that wait for a free one."""

POOL_SECONDS = 30.0
"""How long a caller waits for a free connection and for opening it, together."""

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
"""The longest silence while an answer is awaited."""

KEEPALIVE_SECONDS = 15.0
"""Shorter than what servers keep an idle connection for (nginx: 75 s), so that a send seldom meets one that
is just being closed: such a send ends in doubt (`Uncertain`) although nothing was carried out."""

DNS_SECONDS = 300

_UNWANTED_HEADERS = ("User-Agent", "Accept", "Accept-Encoding")


def read_timeout(seconds: float) -> ClientTimeout:
    """The session's timeouts, with another longest silence; for long polling."""
    return ClientTimeout(
        total=None, connect=POOL_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=seconds, ceil_threshold=5
    )


def open_session(
    *, headers: Mapping[str, str] | None = None, connections: int = CONNECTIONS, proxy: str | None = None
) -> ClientSession:
    """A session for API calls: one host or few, small bodies, no cookies, no redirects wanted.

    Call it inside a running event loop and close what it returns. `headers` go with every request, which
    is cheaper than naming them in each. `proxy` is an HTTP proxy's URL; the environment is not asked.
    Answers are not decompressed by request, because no compression is offered.
    """
    return ClientSession(
        connector=TCPConnector(
            limit=connections, keepalive_timeout=KEEPALIVE_SECONDS, ttl_dns_cache=DNS_SECONDS
        ),
        cookie_jar=DummyCookieJar(),
        timeout=read_timeout(READ_SECONDS),
        headers=headers,
        skip_auto_headers=_UNWANTED_HEADERS,
        proxy=proxy,
        trust_env=False,
    )


class ApiSession:
    """An adapter's one session for all channels. Opens at the first call, inside the running loop."""

    def __init__(self, name: str, headers: Mapping[str, str] | None = None) -> None:
        self._name = name
        self._headers = headers
        self._session: ClientSession | None = None
        self._closed = False

    def open(self) -> ClientSession:
        """The open session. Raises `TryLater` once it is closed: another process may make the call."""
        if self._closed:
            raise TryLater(f"the {self._name} client is closed", code="closed")
        if self._session is None:
            self._session = open_session(headers=self._headers)
        return self._session

    async def close(self) -> None:
        """Release connections, for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()


def api_base(settings: Mapping[str, Any], default: str) -> str:
    """An API's address without a trailing slash: the setting `api_base`, or `default`. Raises `Misconfigured`."""
    base = settings.get("api_base") or default
    if not isinstance(base, str) or not base.startswith(("https://", "http://")):
        raise Misconfigured("the setting api_base is not an http(s) address")
    return base.rstrip("/")
