"""Reads files by their addresses on the web, for adapters that upload them: only where a bot's calls may go.

The same policy as for the calls of flows: every address is checked when it is connected to, redirects are followed by
hand and checked again, nothing personal is sent, and no error shows an address.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import unquote

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver

from adapters import errors
from adapters.protocol import Content
from gateway.media.store import CHUNK_BYTES
from gateway.work.addresses import AddressPolicy
from gateway.work.errors import Refused
from gateway.work.http import MAX_REDIRECTS, REDIRECTS
from gateway.work.request import USER_AGENT, Header, Request, redirected
from gateway.work.resolver import GuardedResolver, PooledResolver

CONNECT_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 30.0
TOTAL_SECONDS: Final = 600.0
MAX_NAME: Final = 150
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_HEADERS: Final = (
    Header(name="user-agent", value=USER_AGENT),
    Header(name="accept", value="*/*"),
    Header(name="accept-encoding", value="identity"),
)


class Downloads:
    """Downloads of one worker, of at most `max_bytes` each. `close` it in the end."""

    def __init__(
        self,
        policy: AddressPolicy,
        max_bytes: int,
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._max_bytes = max_bytes
        self._resolver = GuardedResolver(resolver or PooledResolver(), policy)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Content]:
        """Read the file at `url`. Raises `SendFailed`: `Refused` for what will never do, else `TryLater`."""
        response = await self._get(url)
        try:
            size = response.content_length
            if size is not None and size > self._max_bytes:
                raise errors.Refused(f"the file has more than {self._max_bytes} bytes")
            yield Content(
                chunks=self._chunks(response),
                mime_type=response.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower(),
                size=size,
                name=unquote(response.url.raw_path.rpartition("/")[2])[-MAX_NAME:],
            )
        finally:
            response.close()

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    async def _get(self, url: str) -> aiohttp.ClientResponse:
        try:
            request = Request(method="GET", url=self._policy.check_url(url), headers=_HEADERS)
            for _ in range(MAX_REDIRECTS + 1):
                response = await self._exchange(request)
                location = response.headers.get(hdrs.LOCATION)
                if response.status not in REDIRECTS or location is None:
                    return _successful(response)
                response.close()
                request = redirected(request, response.status, location, self._policy)
        except Refused as error:
            raise errors.Refused(f"the file's address is not read: {error.args[0]}") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise errors.TryLater(f"the file can't be read: {type(error).__name__}") from None
        raise errors.Refused(f"the file's address is not read: more than {MAX_REDIRECTS} redirects")

    async def _exchange(self, request: Request) -> aiohttp.ClientResponse:
        headers = {header.name: header.value for header in request.headers}
        return await self._open_session().get(request.url, headers=headers, allow_redirects=False)

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        count = 0
        try:
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                count += len(chunk)
                if count > self._max_bytes:
                    raise errors.Refused(f"the file has more than {self._max_bytes} bytes")
                yield chunk
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise errors.TryLater(f"the file broke off: {type(error).__name__}") from None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            # As for calls: a connection is used once, and made to an address that was checked for it.
            connector = aiohttp.TCPConnector(
                resolver=self._resolver,
                use_dns_cache=False,
                force_close=True,
                limit=64,
                ssl=self._tls or True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS
                ),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def _successful(response: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
    if response.status == 200:
        return response
    response.close()
    reason = f"the file's address answers {response.status}"
    raise errors.TryLater(reason) if response.status in _AGAIN else errors.Refused(reason)
