"""Updates to webhooks, as Telegram delivers them: each queue serially, queues in parallel, until a 2xx.

Not modelled: updates that expire after 24 hours, and the webhook that is closed after 23 hours of 410.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import msgspec

from tests.platforms.common.server import webhook_session
from tests.platforms.telegram.world import Bot, Update, Webhook

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
RETRY_SCHEDULE: Final = (0.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Seconds before each next attempt; the last one repeats. Telegram's own ends at 60 to 120."""
MAX_RETRY_AFTER: Final = 3600.0
ANSWER_SECONDS: Final = 60.0
MAX_ANSWER: Final = 1 << 20

Execute = Callable[[Bot, str, dict[str, Any]], None]


class Attempt(msgspec.Struct, kw_only=True):
    """One POST to a webhook. `status` 0: no answer."""

    update_id: int
    bot: int
    attempt: int
    status: int
    error: str = ""
    started: float
    """`time.monotonic()`, as `finished`."""
    finished: float


class Delivery:
    """The workers of one bot's webhook."""

    def __init__(self, bot: Bot, hook: Webhook, courier: Courier) -> None:
        self._bot = bot
        self._hook = hook
        self._courier = courier
        self._places = asyncio.Semaphore(hook.max_connections)
        self._queues: dict[tuple[str, int], deque[Update]] = {}
        self._workers: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin with everything that waits, in order, and go on with what comes."""
        for update in list(self._bot.pending.values()):
            self.feed(update)
        self._bot.on_update = self.feed

    async def stop(self) -> None:
        """Stop at once; what was not delivered goes on waiting."""
        self._bot.on_update = lambda update: None
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def feed(self, update: Update) -> None:
        """Queue an update; its queue's worker starts if it was idle."""
        queue = self._queues.get(update.queue)
        if queue is not None:
            queue.append(update)
            return
        queue = self._queues[update.queue] = deque([update])
        worker = asyncio.create_task(self._work(update.queue, queue))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work(self, key: tuple[str, int], queue: deque[Update]) -> None:
        while queue:
            await self._deliver(queue[0])
            queue.popleft()
        del self._queues[key]

    async def _deliver(self, update: Update) -> None:
        attempt = failures = 0
        while update.id in self._bot.pending:
            attempt += 1
            async with self._places:
                ok, retry_after = await self._courier.post(self._bot, self._hook, update, attempt)
            if ok:
                self._bot.confirm([update.id])
                return
            schedule = self._courier.retry_schedule
            wait = retry_after or schedule[min(failures, len(schedule) - 1)]
            failures += 0 if retry_after else 1
            await asyncio.sleep(wait)


class Courier:
    """Posts updates and reads answers, for all bots. Settings may be changed at any time."""

    def __init__(self, execute: Execute, seed: int = 0) -> None:
        self.retry_schedule: tuple[float, ...] = RETRY_SCHEDULE
        self.retry_after_scale = 1.0
        """Multiplies the Retry-After that a webhook asks for, to run through it faster."""
        self.lose_answers = 0.0
        """Probability that a 2xx is lost on its way, so that the update comes again."""
        self.attempts: list[Attempt] = []
        self._execute = execute
        self._random = random.Random(seed)
        self._session: aiohttp.ClientSession | None = None
        self._deliveries: dict[str, Delivery] = {}

    async def reset(self, bot: Bot) -> None:
        """(Re)start or stop a bot's deliveries after its webhook changed."""
        old = self._deliveries.pop(bot.token, None)
        if old is not None:
            await old.stop()
        if bot.webhook is not None:
            delivery = self._deliveries[bot.token] = Delivery(bot, bot.webhook, self)
            delivery.start()

    async def close(self) -> None:
        """Stop everything."""
        for delivery in self._deliveries.values():
            await delivery.stop()
        self._deliveries.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, bot: Bot, hook: Webhook, update: Update, attempt: int) -> tuple[bool, float]:
        """One attempt: whether it counts as delivered, and the Retry-After to honour (0: none)."""
        started = time.monotonic()
        status, retry_after, answer, error = await self._exchange(hook, update)
        ok = 200 <= status < 300
        if ok and self.lose_answers and self._random.random() < self.lose_answers:
            ok, error = False, "the answer was lost on purpose"
        self.attempts.append(
            Attempt(
                update_id=update.id,
                bot=bot.id,
                attempt=attempt,
                status=status,
                error=error,
                started=started,
                finished=time.monotonic(),
            )
        )
        bot.world.changed.set()
        if ok:
            self._carry_out(bot, answer)
        else:
            hook.last_error_date = int(time.time())
            hook.last_error_message = error
        return ok, retry_after

    async def _exchange(self, hook: Webhook, update: Update) -> tuple[int, float, bytes, str]:
        if self._session is None:
            self._session = webhook_session(ANSWER_SECONDS)
        headers = {"Content-Type": "application/json"}
        if hook.secret:
            headers[SECRET_HEADER] = hook.secret
        try:
            async with self._session.post(
                hook.url, data=update.body, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.content.read(MAX_ANSWER)
                error = f"Wrong response from the webhook: {response.status} {response.reason}"
                return response.status, self._retry_after(response), answer, error
        except aiohttp.ClientConnectorError:
            return 0, 0.0, b"", "Connection refused"
        except TimeoutError:
            return 0, 0.0, b"", "Read timeout expired"
        except (aiohttp.ClientError, OSError) as error:
            return 0, 0.0, b"", f"Webhook connection closed ({type(error).__name__})"

    def _retry_after(self, response: aiohttp.ClientResponse) -> float:
        value = response.headers.get("Retry-After", "")
        return min(float(value), MAX_RETRY_AFTER) * self.retry_after_scale if value.isdecimal() else 0.0

    def _carry_out(self, bot: Bot, answer: bytes) -> None:
        """A webhook may answer with one method call; Telegram tells it nothing about the outcome."""
        try:
            call = msgspec.json.decode(answer) if answer else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if isinstance(call, dict) and isinstance(call.get("method"), str):
            self._execute(bot, call.pop("method").lower(), call)
