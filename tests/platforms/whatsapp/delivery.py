"""Webhooks as Meta posts them: signed, a few at once, each until a 2xx. In order only within one queue.

Not modelled: that Meta gives up after seven days.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import deque
from typing import Final

import aiohttp
import msgspec

from tests.platforms.common.server import webhook_session
from tests.platforms.whatsapp.errors import GraphError
from tests.platforms.whatsapp.world import JSON, Number, World

SIGNATURE_HEADER: Final = "X-Hub-Signature-256"
RETRY_SCHEDULE: Final = (0.1, 0.5, 2.0, 8.0, 32.0)
"""Seconds before each next attempt; the last one repeats. Meta's own go on for seven days."""
ANSWER_SECONDS: Final = 30.0
AT_ONCE: Final = 16


class Attempt(msgspec.Struct, kw_only=True):
    """One POST to a webhook. `status` 0: no answer."""

    n: int
    number: str
    queue: str
    attempt: int
    status: int
    error: str = ""
    started: float
    """`time.monotonic()`, as `finished`."""
    finished: float


def signature(secret: str, body: bytes) -> str:
    """The header's value."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Courier:
    """Posts bodies, for all numbers. Settings may be changed at any time."""

    def __init__(self, world: World) -> None:
        self.retry_schedule: tuple[float, ...] = RETRY_SCHEDULE
        self.lose_answers = 0.0
        """Probability that a 2xx is lost on its way, so that the body comes again."""
        self.attempts: list[Attempt] = []
        self.delivered: list[tuple[Number, str, bytes]] = []
        self.pending = 0
        self._world = world
        self._places = asyncio.Semaphore(AT_ONCE)
        self._queues: dict[tuple[str, str], deque[bytes]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def feed(self, number: Number, queue: str, body: JSON) -> None:
        """Queue a body; without a webhook it is forgotten, as at Meta."""
        if not number.webhook_url and not self._world.account_webhook:
            return
        self.post_raw(number, queue, msgspec.json.encode(body))

    def post_raw(self, number: Number, queue: str, body: bytes) -> None:
        """Queue bytes as they are."""
        self.pending += 1
        key = (number.id, queue)
        waiting = self._queues.get(key)
        if waiting is not None:
            waiting.append(body)
            return
        waiting = self._queues[key] = deque([body])
        worker = asyncio.create_task(self._work(number, queue, waiting))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    def repeat(self, n: int) -> None:
        """Let a delivered body come once more, as Meta does after an answer that got lost."""
        number, queue, body = self.delivered[n]
        self.post_raw(number, queue, body)

    async def verify(self, url: str, token: str) -> None:
        """The GET with which Meta tries an address out. Raises what Meta answers when it fails."""
        challenge = "1158201444"
        query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
        try:
            async with self._open().get(url, params=query, allow_redirects=False) as response:
                said = await response.text()
                if response.status == 200 and said == challenge:
                    return
                details = f"HTTP Status Code = {response.status}; HTTP Message = {response.reason}"
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            details = "no answer"
        raise GraphError(
            2200,
            message=f"(#2200) Callback verification failed with the following errors: {details}",
        )

    async def close(self) -> None:
        """Stop everything; what was not delivered is forgotten."""
        for worker in list(self._workers):
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._queues.clear()
        self.pending = 0
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _work(self, number: Number, queue: str, waiting: deque[bytes]) -> None:
        while waiting:
            await self._deliver(number, queue, waiting[0])
            self.delivered.append((number, queue, waiting.popleft()))
            self.pending -= 1
            self._world.changed.set()
        del self._queues[(number.id, queue)]

    async def _deliver(self, number: Number, queue: str, body: bytes) -> None:
        attempt = 0
        while True:
            attempt += 1
            async with self._places:
                if await self._post(number, queue, body, attempt):
                    return
            await asyncio.sleep(self.retry_schedule[min(attempt - 1, len(self.retry_schedule) - 1)])

    async def _post(self, number: Number, queue: str, body: bytes, attempt: int) -> bool:
        started = time.monotonic()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(self._world.app_secret, body),
        }
        url = number.webhook_url or self._world.account_webhook
        status, error = 0, ""
        try:
            async with self._open().post(url, data=body, headers=headers, allow_redirects=False) as response:
                await response.read()
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as failure:
            error = type(failure).__name__
        ok = 200 <= status < 300
        if ok and self.lose_answers and self._world.random.random() < self.lose_answers:
            ok, error = False, "the answer was lost on purpose"
        self.attempts.append(
            Attempt(
                n=len(self.attempts), number=number.id, queue=queue, attempt=attempt, status=status, error=error,
                started=started, finished=time.monotonic(),
            )
        )  # fmt: skip
        self._world.changed.set()
        return ok

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = webhook_session(ANSWER_SECONDS)
        return self._session
