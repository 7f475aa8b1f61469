"""Makes the calls: connects only where it may, follows redirects by hand, tries again where that does no harm.

Every error text is one of this package's own: what a library says could hold an address or a secret.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver

from engine.effects import CallIntegration
from engine.events import CallFinished
from gateway.work import response, retries
from gateway.work.addresses import AddressPolicy
from gateway.work.errors import Failed, Refused
from gateway.work.request import Request, prepare, redirected, secret_names
from gateway.work.resolver import GuardedResolver, PooledResolver

MAX_REDIRECTS: Final = 5
MAX_ATTEMPTS: Final = 10
MAX_TIMEOUT_SECONDS: Final = 120.0
MAX_PAUSES_SECONDS: Final = 30.0
"""What the waits between a call's attempts may come to; a server that wants a longer one is not asked again."""
MAX_RESPONSE_BYTES: Final = 1024 * 1024
READ_BYTES: Final = 64 * 1024
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_HEADERS_OF_OURS: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


class _Progress(msgspec.Struct):
    """How far an attempt has come."""

    sent: bool = False
    """Whether the server may have seen a request."""


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The response that a call ends with, or would if it were not tried again."""

    status: int
    headers: Mapping[str, str]
    content_type: str
    body: bytes
    unreadable: str = ""


class HttpClient:
    """Calls of one worker. `close` it in the end."""

    def __init__(
        self,
        policy: AddressPolicy,
        clock: Callable[[], datetime],
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
        jitter: retries.Jitter = random.uniform,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._resolver = GuardedResolver(resolver or PooledResolver(), policy)
        self._tls = tls
        self._jitter = jitter
        self._session: aiohttp.ClientSession | None = None

    async def call(self, effect: CallIntegration, id: UUID, secrets: Mapping[str, str]) -> CallFinished:
        """Make the call: at most `attempts` × `timeout_ms` and MAX_PAUSES_SECONDS. What goes wrong is in the result."""
        try:
            request = prepare(effect, str(id), secrets, self._policy)
            answer = await self._attempts(effect, request)
            used = [secrets[name] for name in secret_names(effect)]
            return _finished(effect.call, answer, used)
        except (Refused, Failed) as error:
            return CallFinished(call=effect.call, error=str(error))

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    async def _attempts(self, effect: CallIntegration, request: Request) -> _Answer:
        attempts = max(1, min(effect.attempts, MAX_ATTEMPTS))
        seconds = max(0.001, min(effect.timeout_ms / 1000, MAX_TIMEOUT_SECONDS))
        pauses = MAX_PAUSES_SECONDS
        for attempt in range(1, attempts + 1):
            result: _Answer | Failed
            try:
                result = await self._attempt(effect, request, seconds)
                again, retry_after = _after_answer(request, result)
            except Failed as error:
                result = error
                again, retry_after = retries.after_failure(request, sent=error.sent), ""
            wait = retries.backoff(attempt, retry_after, self._clock(), self._jitter)
            pauses -= wait
            if not again or attempt == attempts or pauses < 0:
                if isinstance(result, Failed):
                    raise result
                return result
            await asyncio.sleep(wait)
        raise AssertionError("the loop above returns or raises")

    async def _attempt(self, effect: CallIntegration, request: Request, seconds: float) -> _Answer:
        """One try, redirects included. Raises `Failed` and `Refused`."""
        progress = _Progress()
        try:
            async with asyncio.timeout(seconds):
                for _ in range(MAX_REDIRECTS + 1):
                    answer = await self._exchange(request, effect.max_bytes, progress)
                    location = answer.headers.get("location")
                    if answer.status not in REDIRECTS or location is None:
                        return answer
                    request = redirected(request, answer.status, location, self._policy)
        except TimeoutError:
            raise Failed("timeout", sent=progress.sent) from None
        except aiohttp.ClientError as error:
            raise Failed(_describe(error), sent=progress.sent) from None
        except OSError:
            raise Failed("the connection failed", sent=progress.sent) from None
        raise Refused(f"more than {MAX_REDIRECTS} redirects")

    async def _exchange(self, request: Request, max_bytes: int, progress: _Progress) -> _Answer:
        async with self._open().request(
            request.method,
            request.url,
            headers=[(header.name, header.value) for header in request.headers],
            data=request.body or None,
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as answer:
            if answer.status in REDIRECTS and "location" in answer.headers:
                return _answer(answer, b"")
            try:
                encoding = "" if request.method == "HEAD" else answer.headers.get("content-encoding", "")
                body = await response.read(answer.content, encoding, min(max_bytes, MAX_RESPONSE_BYTES))
            except response.Unreadable as error:
                return _answer(answer, b"", unreadable=str(error))
            return _answer(answer, body)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_note_sent)
            # A connection is used once: each is made to an address that was checked for it, none that was
            # closed meanwhile leaves open whether a POST was heard, and no bot rides on another's.
            connector = aiohttp.TCPConnector(
                resolver=self._resolver, use_dns_cache=False, force_close=True, limit=0, ssl=self._tls or True
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=_NO_TIMEOUT,
                auto_decompress=False,
                read_bufsize=READ_BYTES,
                skip_auto_headers=_HEADERS_OF_OURS,
                trust_env=False,
                trace_configs=[trace],
            )
            # The library would make an idempotent request once more by itself; a flow's `attempts` say how often.
            self._session._retry_connection = False
        return self._session


async def _note_sent(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
    del session, params
    context.trace_request_ctx.sent = True


def _after_answer(request: Request, answer: _Answer) -> tuple[bool, str]:
    """Whether to ask again, and after how long the server says."""
    return retries.after_status(request, answer.status), answer.headers.get("retry-after", "")


def _answer(answer: aiohttp.ClientResponse, body: bytes, *, unreadable: str = "") -> _Answer:
    return _Answer(
        status=answer.status,
        headers={name.lower(): value for name, value in answer.headers.items()},
        content_type=answer.headers.get("content-type", ""),
        body=body,
        unreadable=unreadable,
    )


def _finished(call: str, answer: _Answer, secrets: Collection[str]) -> CallFinished:
    body, error = None, answer.unreadable
    if not error:
        try:
            body = response.decode(answer.body, answer.content_type, secrets)
        except response.Unreadable as unreadable:
            error = str(unreadable)
    if not error and not 200 <= answer.status < 300:
        error = f"status {answer.status}"
    headers = response.headers(answer.headers, secrets)
    return CallFinished(call=call, status=answer.status, body=body, headers=headers, error=error)


def _describe(error: aiohttp.ClientError) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "the host name is not known"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "the server's certificate is not valid"
        case aiohttp.ClientConnectorError():
            return "the server can't be reached"
        case aiohttp.ClientResponseError():
            return "the response is malformed"
        case _:
            return "the connection was lost"
