"""Gathers a run's history: what the mock platform and the integration received, and what the database holds in the
end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import aiohttp
import asyncpg
import msgspec

from tests.chaos.history import (
    Arrival,
    Conversation,
    Disturbance,
    Effect,
    History,
    Inbox,
    Message,
    Request,
    StatusChange,
)
from tests.chaos.load import Log

POLL_SECONDS: Final = 0.2

_INBOX = "SELECT id::text, external_id, conversation_id::text AS conversation, status FROM inbox ORDER BY id"
_MESSAGES = """
SELECT id::text, conversation_id::text AS conversation, seq, sender_type AS sender, content AS text, status
FROM messages ORDER BY conversation_id, seq
"""
_CONVERSATIONS = "SELECT id::text, contact_key, state_version, message_count FROM conversations ORDER BY id"
_EFFECTS = """
SELECT id::text, conversation_id::text AS conversation, lane, status, coalesce(last_error, '') AS error
FROM effects ORDER BY id
"""
_STATUSES = "SELECT message::text, before, after FROM chaos_statuses ORDER BY n"
_UNFINISHED = """
SELECT (SELECT count(*) FROM effects WHERE status = 'pending')
     + (SELECT count(*) FROM messages WHERE status = 'queued')
"""
_END_IDLE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction' AND state_change < now() - interval '1 second'
"""
_COUNTS = "SELECT contact_key, message_count FROM conversations"


class Platform:
    """The mock's log of accepted sends, fetched as it grows."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._next = 0
        self._fetching = asyncio.Lock()
        self.arrivals: list[Arrival] = []
        self.seen: set[str] = set()

    async def forget(self) -> None:
        """Begin a new log."""
        async with self._session.post(f"{self._url}/_control/reset") as response:
            response.raise_for_status()

    async def fetch(self) -> None:
        """Read what is new."""
        async with self._fetching:
            await self._fetch()

    async def _fetch(self) -> None:
        while True:  # pages; ends with the log
            async with self._session.get(
                f"{self._url}/_control/log", params={"since": self._next}
            ) as response:
                page = msgspec.json.decode(await response.read())
            for entry in page["log"]:
                if entry["method"] == "sendMessage":
                    self.arrivals.append(
                        Arrival(chat=f"t{entry['chat']}", text=entry["text"], at=entry["monotonic"])
                    )
                    self.seen.add(entry["text"])
            if not page["log"]:
                return
            self._next = page["next"]

    async def watch(self) -> None:
        """Read until cancelled."""
        while True:
            await self.fetch()
            await asyncio.sleep(POLL_SECONDS)


class Calls:
    """The integration's log of requests."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def forget(self) -> None:
        """Begin a new log."""
        async with self._session.post(f"{self._url}/_control/reset") as response:
            response.raise_for_status()

    async def fetch(self) -> list[Request]:
        """All of it, in the order of arrival."""
        async with self._session.get(f"{self._url}/_control/log") as response:
            return msgspec.json.decode(await response.read(), type=list[Request])


class Observer:
    """A superuser's look into the database: it sees every tenant."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def _fetch(self, *queries: str) -> list[list[Any]]:
        connection = await asyncpg.connect(self._url)
        try:
            return [await connection.fetch(query) for query in queries]
        finally:
            await connection.close()

    async def drained(self, seconds: float) -> bool:
        """Wait until nothing is left to do; False when something still is after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(OSError, asyncpg.PostgresError):
                ((record,),) = await self._fetch(_UNFINISHED)
                if record[0] == 0:
                    return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def end_idle_transactions(self) -> None:
        """Break the connections of workers that stand still within a transaction: their locks are let go."""
        await self._fetch(_END_IDLE)

    async def message_counts(self) -> dict[str, int]:
        """How many messages each contact's conversation has."""
        (rows,) = await self._fetch(_COUNTS)
        return {row["contact_key"]: row["message_count"] for row in rows}

    async def history(
        self,
        log: Log,
        arrivals: Iterable[Arrival],
        requests: Iterable[Request],
        disturbances: Iterable[Disturbance],
    ) -> History:
        """Everything, in the shape that the checker reads."""
        inbox, messages, conversations, effects, statuses = await self._fetch(
            _INBOX, _MESSAGES, _CONVERSATIONS, _EFFECTS, _STATUSES
        )
        return History(
            events=log.events,
            frames=log.frames,
            answers=dict(log.answers),
            arrivals=list(arrivals),
            requests=list(requests),
            disturbances=list(disturbances),
            inbox=[Inbox(**row) for row in inbox],
            messages=[Message(**row) for row in messages],
            conversations=[_conversation(row, log) for row in conversations],
            effects=[Effect(**row) for row in effects],
            statuses=[StatusChange(**row) for row in statuses],
        )


def _conversation(row: Any, log: Log) -> Conversation:
    key = row["contact_key"]
    chat = f"t{key}" if key.isdecimal() else log.visitors.get(key, "")
    return Conversation(
        id=row["id"], chat=chat, state_version=row["state_version"], message_count=row["message_count"]
    )
