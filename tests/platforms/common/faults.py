"""Faults to order: what goes wrong, for which calls, how often.

| kind       | what the client sees                                                    | accepted |
|------------|-------------------------------------------------------------------------|----------|
| rate_limit | the platform's answer to too many calls                                 | no       |
| error      | the platform's refusal, as ordered (an HTML page instead if `html`)     | no       |
| refuse     | the connection is dropped before the call is carried out                | no       |
| late       | nothing for `seconds`, then the call is carried out and answered        | yes      |
| slow       | the call is carried out at once, the answer comes after `seconds`       | yes      |
| cut        | the call is carried out, the connection is dropped without an answer    | yes      |
| cut_body   | the call is carried out, the connection is dropped in mid-answer        | yes      |
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import msgspec
from aiohttp import web

FaultKind = Literal["rate_limit", "error", "refuse", "late", "slow", "cut", "cut_body"]
Whom: TypeAlias = str | int | None
"""To whom a call goes, as the platform names it."""


class AnyFault(msgspec.Struct, kw_only=True):
    """What an entry of the programme has on every platform. `times` None never ends."""

    kind: FaultKind
    probability: float = 1.0
    times: int | None = None
    seconds: float = 1.0
    """How long `slow` and `late` take; for `rate_limit`, how long the client is asked to wait."""
    status: int = 500
    html: bool = False
    location: str = ""
    """Where a page with a 3xx sends the client."""
    hits: int = 0
    """How often it struck."""

    def concerns(self, method: str, whom: Whom) -> bool:
        """Whether it is meant for this call."""
        raise NotImplementedError


F = TypeVar("F", bound=AnyFault)


class Strike(msgspec.Struct, Generic[F], kw_only=True, frozen=True):
    """A fault that struck: when (`time.monotonic()`), and whom."""

    fault: F
    whom: Whom
    monotonic: float


class Programme(Generic[F]):
    """The faults in force, in order; the first that matches and draws strikes."""

    def __init__(self, kind: type[F], seed: int = 0) -> None:
        self.faults: list[F] = []
        self.strikes: list[Strike[F]] = []
        self._kind = kind
        self._random = random.Random(seed)

    def add(self, *faults: F) -> None:
        """Append to the programme."""
        self.faults.extend(faults)

    def order(self, faults: Sequence[Any]) -> None:
        """Append what was read from JSON. Raises `msgspec.ValidationError`."""
        self.add(*msgspec.convert(faults, list[self._kind]))  # type: ignore[name-defined]

    def clear(self) -> None:
        """No more faults."""
        self.faults.clear()
        self.strikes.clear()

    def pick(self, method: str, whom: Whom) -> F | None:
        """The fault that strikes this call, or None."""
        for fault in self.faults:
            is_left = fault.times is None or fault.hits < fault.times
            if is_left and fault.concerns(method, whom) and self._random.random() < fault.probability:
                fault.hits += 1
                self.strikes.append(Strike(fault=fault, whom=whom, monotonic=time.monotonic()))
                return fault
        return None


async def strike(
    request: web.BaseRequest,
    fault: AnyFault,
    refusal: Callable[[], web.Response],
    carry_out: Callable[[], Awaitable[web.Response]],
) -> web.StreamResponse:
    """Let a fault happen to a call."""
    match fault.kind:
        case "rate_limit" | "error":
            return _page(fault) if fault.html else refusal()
        case "refuse":
            return _dropped(request)
        case "late":
            await asyncio.sleep(fault.seconds)
    answer = await carry_out()
    match fault.kind:
        case "slow":
            await asyncio.sleep(fault.seconds)
        case "cut":
            return _dropped(request)
        case "cut_body":
            return await _half(request, answer)
    return answer


def _page(fault: AnyFault) -> web.Response:
    """What the edge before a platform shows when the platform itself is away."""
    text = f"<html><head><title>{fault.status}</title></head><body><h1>{fault.status}</h1></body></html>"
    headers = {"Location": fault.location} if fault.location else None
    return web.Response(status=fault.status, text=text, content_type="text/html", headers=headers)


def _dropped(request: web.BaseRequest) -> web.Response:
    """Break the connection; the response that is returned meets a closed transport and goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _half(request: web.BaseRequest, answer: web.Response) -> web.StreamResponse:
    """Announce the whole answer and write half of it."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    half = web.StreamResponse(headers={**answer.headers, "Content-Length": str(len(body))})
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half
