"""The buckets in Valkey: many requests, one script, one round trip.

Time is the server's, so that no replica's clock matters. A key lives as long as its bucket is not full. All keys are
handed over as `KEYS`; ids in them are digests, so nothing that a platform calls a recipient can be read there, or
be taken for a cluster's hash tag. Like the bus, this is made for one server (with replicas), not for a cluster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from gateway.limits.bucket import HORIZON_SECONDS, MICROSECONDS, Answer, Ask, Bucket, Outcome

RESERVE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local horizon = tonumber(ARGV[1])
local buckets = cjson.decode(ARGV[2])
local full_at, changed, answers = redis.call('MGET', unpack(KEYS)), {}, {}

local function time_of(key)
  return tonumber(full_at[key] or 0)
end
local function slot_of(keys)
  local slot = now
  for _, key in ipairs(keys) do
    slot = math.max(slot, time_of(key) - buckets[key][2])
  end
  return slot
end
local function set(key, time)
  full_at[key] = time
  changed[key] = true
end
local function take(keys, slot)
  for _, key in ipairs(keys) do
    set(key, math.max(time_of(key), slot) + buckets[key][1])
  end
end
local function answer(outcome, wait)
  answers[#answers + 1] = outcome
  answers[#answers + 1] = math.ceil(wait)
end
local function reserve(ask)
  local reserved, pause, recipient, channel = unpack(ask)
  if not reserved then
    local slot = slot_of(recipient)
    if slot - now >= 1 then
      take(recipient, slot)
      return answer(1, slot - now)
    end
  end
  local paused = time_of(pause) - now
  if paused > 0 then
    return answer(2, paused)
  end
  local slot = slot_of(channel)
  if slot - now - horizon >= 1 then
    return answer(2, slot - now - horizon)
  end
  take(channel, slot)
  if reserved then
    for _, key in ipairs(recipient) do
      set(key, math.max(time_of(key), slot + buckets[key][1]))
    end
  else
    take(recipient, slot)
  end
  return answer(0, slot - now)
end

for _, ask in ipairs(cjson.decode(ARGV[3])) do
  reserve(ask)
end
for key in pairs(changed) do
  local ttl = math.ceil((full_at[key] - now) / 1000) + 1000
  redis.call('SET', KEYS[key], string.format('%.0f', full_at[key]), 'PX', ttl)
end
return answers
"""
"""KEYS: the buckets and pauses. ARGV: the horizon in microseconds; for each key [interval, tolerance]; the requests,
each [reserved, its pause, its recipient's buckets, its channel's], by number. Returns outcome, wait, outcome, wait…"""

PAUSE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local time = now + tonumber(ARGV[1])
if time > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', time), 'PX', math.ceil((time - now) / 1000))
end
return 1
"""
"""KEYS: a pause. ARGV: how long it lasts from now, in microseconds. A longer one that is under way stays."""

_HORIZON: Final = str(int(HORIZON_SECONDS * MICROSECONDS))
_encode: Final = msgspec.json.Encoder().encode


class Script:
    """A script by its digest; sent whole where the server does not know it (any more)."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, keys: Sequence[str], *arguments: str | bytes) -> Any:
        """Run it. Raises what the client raises."""
        try:
            return await redis.evalsha(self._digest, len(keys), *keys, *arguments)
        except NoScriptError:
            return await redis.eval(self._source, len(keys), *keys, *arguments)


class SharedBuckets:
    """The buckets of all replicas."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._reserve = Script(RESERVE)
        self._pause = Script(PAUSE)

    async def ask(self, asks: Sequence[Ask]) -> list[Answer]:
        """Answer requests in their order. Raises what the client raises."""
        keys = _Keys()
        wanted = [
            (
                ask.reserved,
                keys.number(ask.pause),
                [keys.number_of(one) for one in ask.recipient],
                [keys.number_of(one) for one in ask.channel],
            )
            for ask in asks
        ]
        told: list[int] = await self._reserve.run(
            self._redis, keys.names, _HORIZON, _encode(keys.sizes), _encode(wanted)
        )
        return [
            Answer(Outcome(outcome), wait / MICROSECONDS)
            for outcome, wait in zip(told[::2], told[1::2], strict=True)
        ]

    async def pause(self, name: str, seconds: float) -> None:
        """Nothing that asks with this pause's name goes for so long. Raises what the client raises."""
        await self._pause.run(self._redis, (name,), str(int(seconds * MICROSECONDS)))

    async def probe(self) -> None:
        """Raises what the client raises when the buckets can't be had."""
        await self.ask([Ask("ratelimit:probe", (), ())])


class _Keys:
    """The keys of one run of the script, each once, and their numbers from 1."""

    __slots__ = ("_numbers", "names", "sizes")

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.names: list[str] = []
        self.sizes: list[tuple[float, float]] = []

    def number(self, name: str, size: tuple[float, float] = (0.0, 0.0)) -> int:
        number = self._numbers.get(name)
        if number is None:
            self.names.append(name)
            self.sizes.append(size)
            number = self._numbers[name] = len(self.names)
        return number

    def number_of(self, one: Bucket) -> int:
        return self.number(one.name, (one.interval, one.tolerance))
