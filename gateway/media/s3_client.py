"""Signed requests to one bucket: tried again where that does no harm, never sent anywhere else.

No redirect is followed: it would take the signature, and what it signs, to another host.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from io import BytesIO
from typing import Final

import aiohttp
import msgspec
import stamina
from aiohttp.abc import AbstractResolver
from yarl import URL

from adapters.http import KEEPALIVE_SECONDS, READ_SECONDS, read_timeout
from gateway.media.errors import MediaError, NotThere, StoreAway, StoreMisconfigured
from gateway.media.s3_address import S3Address
from gateway.media.sigv4 import EMPTY_SHA256, encoded_path, encoded_query, signed_headers

CONNECTIONS: Final = 64
ATTEMPTS: Final = 5
GIVE_UP_SECONDS: Final = 60.0
FIRST_WAIT_SECONDS: Final = 0.2
MAX_WAIT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 64 * 1024
"""Of an answer that is no file."""

_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_MISSING: Final = frozenset({"NoSuchKey", "NoSuchUpload", ""})
_NOTHING: Final[Mapping[str, str]] = {}


class _Again(StoreAway):
    """It may work if it is asked once more."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A successful answer, read whole."""

    headers: Mapping[str, str]
    body: str


class S3Client:
    """Requests to the bucket at `address`. `close` it in the end."""

    def __init__(
        self,
        address: S3Address,
        clock: Callable[[], datetime],
        *,
        first_wait: float = FIRST_WAIT_SECONDS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """`resolver`: None for the system's."""
        self._address = address
        self._clock = clock
        self._first_wait = first_wait
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self, method: str, key: str, query: Mapping[str, str] = _NOTHING, body: bytes = b""
    ) -> Answer:
        """One request, its answer read. Raises `NotThere`, `StoreAway` and `StoreMisconfigured`."""
        async for attempt in self._attempts():
            with attempt:
                async with self._exchange(method, key, query, body, _NOTHING) as response:
                    return await _read(response)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def get(self, key: str, start: int, end: int | None) -> AsyncIterator[aiohttp.ClientResponse]:
        """The object's bytes from `start` to before `end`, as a response to be read. Raises as `call` does."""
        headers = (
            {"range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        )
        exchange = None
        async for attempt in self._attempts():
            with attempt:
                exchange = self._exchange("GET", key, _NOTHING, b"", headers)
                response = await exchange.__aenter__()
        assert exchange is not None
        try:
            yield response
        finally:
            await exchange.__aexit__(None, None, None)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _attempts(self) -> AsyncIterator[stamina.Attempt]:
        return stamina.retry_context(
            on=_Again,
            attempts=ATTEMPTS,
            timeout=GIVE_UP_SECONDS,
            wait_initial=self._first_wait,
            wait_max=MAX_WAIT_SECONDS,
            wait_jitter=self._first_wait,
        ).__aiter__()

    @asynccontextmanager
    async def _exchange(
        self, method: str, key: str, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One try. The response is a success; what breaks while it is read is `StoreAway`, too."""
        address = self._address
        path = address.path_of(key)
        signed = signed_headers(
            method,
            host=address.request_host,
            path=path,
            query=query,
            headers=headers,
            payload_sha256=hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256,
            credentials=address.credentials,
            now=self._clock(),
        )
        url = f"{address.scheme}://{address.request_host}{encoded_path(path)}"
        question = f"?{encoded_query(query)}" if query else ""
        try:
            async with self._open().request(
                method,
                URL(url + question, encoded=True),
                headers=signed,
                data=BytesIO(body) if body else None,
                allow_redirects=False,
            ) as response:
                if not 200 <= response.status < 300:
                    raise await _failure(response)
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _Again(f"the bucket can't be reached: {type(error).__name__}") from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_SECONDS, resolver=self._resolver
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=read_timeout(READ_SECONDS),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _read(response: aiohttp.ClientResponse) -> Answer:
    body = await response.content.read(MAX_ANSWER_BYTES)
    while chunk := await response.content.read(MAX_ANSWER_BYTES - len(body) or 1):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise StoreMisconfigured("the answer is none of an S3 service")
    text = body.decode("utf-8", "replace")
    if "<Error>" in text:  # CompleteMultipartUpload answers 200 before it knows
        raise _Again(f"the bucket could not do it: {_code(text)}")
    return Answer(headers={name.lower(): value for name, value in response.headers.items()}, body=text)


async def _failure(response: aiohttp.ClientResponse) -> MediaError:
    code = _code((await response.content.read(MAX_ANSWER_BYTES)).decode("utf-8", "replace"))
    status = response.status
    if status in _AGAIN or code in ("RequestTimeout", "SlowDown"):
        return _Again(f"the bucket is busy or away: {status} {code}".rstrip())
    if status == 404 and code in _MISSING:
        return NotThere("the file is not in the bucket")
    if 300 <= status < 400:
        return StoreMisconfigured(f"the bucket is elsewhere ({status} {code}): name its own host and region")
    return StoreMisconfigured(f"the bucket refused it: {status} {code}".rstrip())


def _code(body: str) -> str:
    found = _CODE.search(body)
    return found[1] if found else ""
