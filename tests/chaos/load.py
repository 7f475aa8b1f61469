"""Customers who write: chats on Telegram through the webhook, and widgets on their sockets, at a bounded rate."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import aiohttp
import msgspec

from tests.chaos.flow import Kind, later_replies, name, replies
from tests.chaos.history import Event, Frame

GIVE_UP_SECONDS: Final = 120.0
"""So long an event is offered, and the reply of a timer or a call waited for."""
ANSWER_SECONDS: Final = 6.0
"""So long a webhook's answer is waited for."""
FIRST_RETRY_SECONDS: Final = 0.05
MAX_RETRY_SECONDS: Final = 0.5
REPEATED: Final = 0.05
"""The share of acknowledged updates that Telegram delivers again all the same."""
AT_ONCE: Final = 0.02
"""The share that it delivers twice at the same moment."""
SHARES: Final[dict[Kind, float]] = {"echo": 0.80, "timer": 0.08, "doubtful": 0.04, "call": 0.08}
ALONE: Final[frozenset[Kind]] = frozenset({"timer", "call", "aside"})
"""Kinds before which everything else has to be acknowledged: a refused message that is accepted late would stop the
timer, or be heard together with the aside."""
IMPATIENT: Final = 0.5
"""The share of calls during which the customer says one thing more."""

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"


class Pace:
    """Hands out turns to speak, `rate` in a second over all customers, until told to stop or all are used."""

    def __init__(self, rate: float, events: int | None, seed: int) -> None:
        self.random = random.Random(seed)
        self.rate = rate
        self._left = events
        self._next = 0.0
        self._stopped = False

    def stop(self) -> None:
        """No more turns: every customer finishes what is under way."""
        self._stopped = True

    @property
    def over(self) -> bool:
        """Whether nobody gets a turn any more."""
        return self._stopped or self._left == 0

    async def turn(self) -> Kind | None:
        """Wait for a turn; what to say then, or None when there are no more."""
        if self.over:
            return None
        if self._left is not None:
            self._left -= 1
        now = time.monotonic()
        self._next = max(self._next, now) + 1 / self.rate
        await asyncio.sleep(self._next - now)
        return self.random.choices(tuple(SHARES), tuple(SHARES.values()))[0]


class Log:
    """What the customers did and were told, for the history."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.frames: list[Frame] = []
        self.answers: Counter[int] = Counter()
        """HTTP status codes of the webhook; 0 for no answer."""
        self.visitors: dict[str, str] = {}
        """Visitor id of a widget → its chat."""

    def offer(self, chat: str, ordinal: int, kind: Kind, external_id: str) -> Event:
        """A customer is about to say something for the first time."""
        event = Event(
            name=name(chat, ordinal, kind), chat=chat, ordinal=ordinal, kind=kind, external_id=external_id,
            offered_at=time.monotonic(),
        )  # fmt: skip
        self.events.append(event)
        return event


async def wait_until(condition: Callable[[], bool], seconds: float = GIVE_UP_SECONDS) -> bool:
    """Look every few milliseconds; False when time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


class Patience:
    """What one customer waits for before saying more: the last reply of a timer or of a call.

    A call is waited for at once, or only after an aside, which the bot hears when the result is there.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._call = ""
        """The last reply of a call that an aside follows."""

    def kind(self, drawn: Kind) -> Kind:
        """What is said next, when `drawn` was to be."""
        return "aside" if self._call else drawn

    def awaited(self, event: Event) -> tuple[str, ...]:
        """Replies to wait for, now that `event` is acknowledged."""
        match event.kind:
            case "timer":
                return later_replies(event.name, event.kind)[-1:]
            case "call" if self._dice.random() < IMPATIENT:
                self._call = later_replies(event.name, event.kind)[-1]
                return ()
            case "call":
                return later_replies(event.name, event.kind)[-1:]
            case "aside":
                awaited, self._call = (self._call, replies(event.name, event.kind)[-1]), ""
                return awaited
            case _:
                return ()


class TelegramChats:
    """Telegram's side: a queue for each chat, each update offered until it is acknowledged."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, secret: str, pace: Pace, log: Log, seen: set[str]
    ) -> None:
        self._session = session
        self._url = url
        self._headers = {SECRET_HEADER: secret, "Content-Type": "application/json"}
        self._pace = pace
        self._log = log
        self._seen = seen
        """Texts that the platform has received."""
        self._update_ids = itertools.count(500_000_001)

    async def run(self, chat_id: int) -> None:
        """One customer, until there are no more turns."""
        chat, dice = f"t{chat_id}", self._pace.random
        patience = Patience(dice)
        for ordinal in itertools.count(1):
            drawn = await self._pace.turn()
            if drawn is None:
                return
            kind = patience.kind(drawn)
            update_id = next(self._update_ids)
            event = self._log.offer(chat, ordinal, kind, str(update_id))
            body = _update(update_id, chat_id, ordinal, event.name)
            if not await self._deliver(event, body, twice=dice.random() < AT_ONCE):
                return
            awaited = patience.awaited(event)
            await wait_until(lambda awaited=awaited: self._seen.issuperset(awaited))  # type: ignore[misc]
            if dice.random() < REPEATED:
                await self._post(body)

    async def _deliver(self, event: Event, body: bytes, *, twice: bool) -> bool:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        wait = FIRST_RETRY_SECONDS
        while time.monotonic() < deadline:
            posts = [self._post(body)] * 1 if not twice else [self._post(body), self._post(body)]
            if any(200 <= status < 300 for status in await asyncio.gather(*posts)):
                event.acknowledged_at = time.monotonic()
                return True
            await asyncio.sleep(wait * self._pace.random.uniform(0.5, 1.0))
            wait = min(wait * 2, MAX_RETRY_SECONDS)
        return False

    async def _post(self, body: bytes) -> int:
        status = 0
        try:
            async with self._session.post(self._url, data=body, headers=self._headers) as response:
                await response.read()
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            pass  # as Telegram: no answer is no acknowledgement
        self._log.answers[status] += 1
        return status


def _update(update_id: int, chat_id: int, ordinal: int, text: str) -> bytes:
    person = {"id": chat_id, "first_name": "Ada", "language_code": "en"}
    message = {
        "message_id": ordinal,
        "date": int(time.time()),
        "chat": {"id": chat_id, "type": "private", "first_name": "Ada"},
        "from": {**person, "is_bot": False},
        "text": text,
    }
    return msgspec.json.encode({"update_id": update_id, "message": message})


def open_session() -> aiohttp.ClientSession:
    """The customers' HTTP client."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=2.0)
    return aiohttp.ClientSession(
        timeout=timeout, connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    )
