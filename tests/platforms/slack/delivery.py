"""What the app is told: signed requests over HTTP, or envelopes over a socket, with Slack's retries.

Events come again after anything but a 2xx within 3 s: at once, after a minute, after five. Interactions and commands
come once; whoever pressed the button reads that it failed.

https://docs.slack.dev/apis/events-api#retries
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import msgspec

from adapters.slack.verify import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.platforms.common.server import webhook_session
from tests.platforms.slack.signing import signature
from tests.platforms.slack.world import JSON

RETRY_SCHEDULE: Final = (0.0, 60.0, 300.0)
"""Seconds before each next try; there is no fourth."""
ANSWER_SECONDS: Final = 3.0
MAX_ANSWER: Final = 1 << 20


class Attempt(msgspec.Struct, kw_only=True):
    """One request. `status` 0: no answer in time."""

    id: str
    """The event's id, or the kind of interaction."""
    retry: int
    """0 for the first."""
    status: int
    answer: str = ""
    error: str = ""
    started: float
    """`time.monotonic()`, as `finished`."""
    finished: float


class Courier:
    """Posts to one address. Settings may be changed at any time."""

    def __init__(self, secret: str, noticed: Callable[[], None]) -> None:
        self.url = ""
        """Where events, interactions and commands go; nothing is delivered while it is empty."""
        self.secret = secret
        self.retry_schedule: tuple[float, ...] = RETRY_SCHEDULE
        self.scale = 1.0
        """Multiplies the waits between tries, to run through them faster."""
        self.lose_answers = 0
        """How many 2xx are lost on their way, so that the event comes again."""
        self.skew = 0
        """Seconds that Slack's clock is ahead of ours."""
        self.attempts: list[Attempt] = []
        self._noticed = noticed
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def event(self, body: JSON) -> None:
        """Deliver an event until it is taken, or given up."""
        self._start(self._deliver(str(body["event_id"]), msgspec.json.encode(body)))

    async def interaction(self, payload: JSON) -> Attempt:
        """Deliver a press, a form, a shortcut: once."""
        form = urlencode({"payload": msgspec.json.encode(payload).decode()}).encode()
        return await self.post(str(payload["type"]), form, "application/x-www-form-urlencoded")

    async def command(self, form: JSON) -> Attempt:
        """Deliver a slash command: once."""
        return await self.post("command", urlencode(form).encode(), "application/x-www-form-urlencoded")

    async def verify_url(self, challenge: str) -> Attempt:
        """Try the address out, as Slack does when it is entered."""
        body = {"type": "url_verification", "token": "legacy", "challenge": challenge}
        return await self.post("url_verification", msgspec.json.encode(body), "application/json")

    async def post(self, id: str, body: bytes, kind: str, retry: int = 0, reason: str = "") -> Attempt:
        """One signed request."""
        timestamp = str(int(time.time()) + self.skew)
        headers = {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: signature(body, timestamp, self.secret),
        }
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        started = time.monotonic()
        status, answer, error = await self._exchange(body, headers)
        if 200 <= status < 300 and self.lose_answers > 0:
            self.lose_answers -= 1
            status, error = 0, "http_timeout"
        attempt = Attempt(
            id=id,
            retry=retry,
            status=status,
            answer=answer,
            error=error,
            started=started,
            finished=time.monotonic(),
        )
        self.attempts.append(attempt)
        self._noticed()
        return attempt

    async def close(self) -> None:
        """Stop everything."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _start(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, id: str, body: bytes) -> None:
        reason = ""
        for retry in range(len(self.retry_schedule) + 1):
            if retry:
                await asyncio.sleep(self.retry_schedule[retry - 1] * self.scale)
            attempt = await self.post(id, body, "application/json", retry, reason)
            if 200 <= attempt.status < 300:
                return
            reason = attempt.error

    async def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, str]:
        if self._session is None:
            self._session = webhook_session(ANSWER_SECONDS)
        try:
            async with self._session.post(
                self.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                answer = (await response.content.read(MAX_ANSWER)).decode("utf-8", "replace")
                return response.status, answer, "" if response.status < 300 else "http_error"
        except TimeoutError:
            return 0, "", "http_timeout"
        except (aiohttp.ClientError, OSError):
            return 0, "", "connection_failed"
