"""Who is here, for people who look: `websocket:{id}:info` and `organization:{id}:active_sessions` in Valkey.

Best effort: nothing of the gateway reads these keys back, and when Valkey is away they are simply late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.web.background import heed_cancel
from gateway.web.hub import Hub
from gateway.web.ports import Clock
from gateway.web.socket import Socket

ROUND_SECONDS: Final = 5.0
"""How often arrivals and departures are written."""
REFRESH_ROUNDS: Final = 12
"""Rounds after which everybody is written again."""
TTL_SECONDS: Final = 180
"""How long an entry outlives a process that died: three refreshes."""
CHUNK: Final = 500


class Presence:
    """Writes the keys of this replica's sockets."""

    def __init__(self, redis: Redis, hub: Hub, replica: str, clock: Clock) -> None:
        self._redis = redis
        self._hub = hub
        self._replica = replica
        self._clock = clock
        self._round = 0
        self._written: dict[UUID, Socket] = {}

    async def run(self) -> None:
        """Write the changes every few seconds, until cancelled."""
        while True:  # as long as the process serves
            await asyncio.sleep(ROUND_SECONDS)
            await self.write()
            heed_cancel()

    async def write(self) -> None:
        """One round. Never raises for Valkey's sake; what failed is written by the next refresh."""
        self._round += 1
        now = self._clock()
        here = {socket.id: socket for socket in self._hub}
        refresh = self._round % REFRESH_ROUNDS == 0
        added = [socket for id, socket in here.items() if refresh or id not in self._written]
        removed = [socket for id, socket in self._written.items() if id not in here]
        self._written = here
        try:
            for start in range(0, len(added), CHUNK):
                await self._add(added[start : start + CHUNK], now)
            for start in range(0, len(removed), CHUNK):
                await self._remove(removed[start : start + CHUNK])
        except (RedisError, OSError):
            self._written = {}  # everybody again, next time

    async def _add(self, sockets: list[Socket], now: datetime) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for socket in sockets:
                pipeline.set(f"websocket:{socket.id}:info", self._info(socket), ex=TTL_SECONDS)
            for organization_id, scores in _sessions(sockets, now).items():
                key = f"organization:{organization_id}:active_sessions"
                pipeline.zadd(key, scores)
                pipeline.zremrangebyscore(key, "-inf", now.timestamp() - TTL_SECONDS)
                pipeline.expire(key, TTL_SECONDS)
            await pipeline.execute()

    async def _remove(self, sockets: list[Socket]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for socket in sockets:
                pipeline.delete(f"websocket:{socket.id}:info")
                if not self._hub.holds(socket.key):
                    pipeline.zrem(f"organization:{socket.organization_id}:active_sessions", str(socket.key))
            await pipeline.execute()

    def _info(self, socket: Socket) -> bytes:
        return msgspec.json.encode(
            {
                "organization_id": socket.organization_id,
                "channel_id": socket.channel_id,
                "conversation_id": socket.conversation_id,
                "visitor": socket.visitor,
                "replica": self._replica,
            }
        )


def _sessions(sockets: list[Socket], now: datetime) -> Mapping[UUID, dict[str, float]]:
    """For each organization its sessions, with the time at which they were last seen."""
    sessions: dict[UUID, dict[str, float]] = {}
    for socket in sockets:
        sessions.setdefault(socket.organization_id, {})[str(socket.key)] = now.timestamp()
    return sessions
