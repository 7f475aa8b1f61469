"""The arithmetic of the buckets, on the numbers that a bucket is: the time at which it will be full again.

A bucket of `burst` tokens that refills at `per_second` is one number, kept as the generic cell rate algorithm does:
`full_at`, in microseconds. Every token that is taken moves it by the interval between two tokens; a token can be had
from `full_at − tolerance` on. So a request learns at once when its own slot is, takes it, and need not ask again.

`gateway.limits.shared` has the same in Lua; the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

MICROSECONDS: Final = 1_000_000.0
HORIZON_SECONDS: Final = 1.0
"""How far ahead slots of a channel are given away. What waits longer waits in its worker, in line, so that slots
which nobody uses any more (a worker that ends, a channel that is paused) cost the channel no more than this."""
ROUNDING: Final = 1.0
"""Microseconds that are no wait: a floating point number of today's microseconds is exact to a quarter of one."""
MAX_BUCKETS: Final = 100_000
"""Buckets that a worker keeps by itself while Valkey is away; those that are full are forgotten first."""


class Bucket(NamedTuple):
    """One bucket: its key, the microseconds between two tokens, and how far ahead of them a burst may run."""

    name: str
    interval: float
    tolerance: float


class Ask:
    """A request for one call: the buckets that it takes a token of, all or none."""

    __slots__ = ("channel", "pause", "recipient", "reserved")

    def __init__(self, pause: str, recipient: tuple[Bucket, ...], channel: tuple[Bucket, ...]) -> None:
        self.pause = pause
        """The key that says until when nothing leaves on the channel."""
        self.recipient = recipient
        self.channel = channel
        self.reserved = False
        """The recipient's tokens are taken already; only the channel's are wanted."""


class Outcome(IntEnum):
    """What became of a request."""

    GO = 0
    """Everything is taken; the call may leave after the wait."""
    RECIPIENT = 1
    """The recipient's tokens are taken; ask for the channel's after the wait."""
    LATER = 2
    """Nothing new is taken: the channel has no slot within the horizon. Ask again after the wait."""


class Answer(NamedTuple):
    """The outcome of a request, and the wait that goes with it, in seconds."""

    outcome: Outcome
    seconds: float


def bucket(name: str, per_second: float, burst: int) -> Bucket:
    """The bucket of a rate."""
    interval = MICROSECONDS / per_second
    return Bucket(name, interval, interval * (burst - 1))


def reserve(full_at: MutableMapping[str, float], ask: Ask, now: float) -> Answer:
    """Answer one request at `now` (microseconds), and take what the answer says.

    A recipient's wait must not use up the channel's slots meanwhile, so it comes first: the channel's slot is asked
    for when the recipient's has come.
    """
    if not ask.reserved:
        slot = _slot(full_at, ask.recipient, now)
        if slot - now >= ROUNDING:
            _take(full_at, ask.recipient, slot)
            return Answer(Outcome.RECIPIENT, (slot - now) / MICROSECONDS)
    paused = full_at.get(ask.pause, 0.0) - now
    if paused > 0:
        return Answer(Outcome.LATER, paused / MICROSECONDS)
    slot = _slot(full_at, ask.channel, now)
    ahead = slot - now - HORIZON_SECONDS * MICROSECONDS
    if ahead >= ROUNDING:
        return Answer(Outcome.LATER, ahead / MICROSECONDS)
    _take(full_at, ask.channel, slot)
    if ask.reserved:
        for (
            one
        ) in ask.recipient:  # its tokens are used later than they were taken for: the next ones move along
            full_at[one.name] = max(full_at.get(one.name, now), slot + one.interval)
    else:
        _take(full_at, ask.recipient, slot)
    return Answer(Outcome.GO, (slot - now) / MICROSECONDS)


def _slot(full_at: MutableMapping[str, float], buckets: Iterable[Bucket], now: float) -> float:
    """The first moment at which each of the buckets has a token."""
    slot = now
    for one in buckets:
        slot = max(slot, full_at.get(one.name, now) - one.tolerance)
    return slot


def _take(full_at: MutableMapping[str, float], buckets: Iterable[Bucket], slot: float) -> None:
    for one in buckets:
        full_at[one.name] = max(full_at.get(one.name, slot), slot) + one.interval


class LocalBuckets:
    """The buckets of one worker while Valkey is away. Times are the worker's monotonic seconds."""

    def __init__(self, most: int = MAX_BUCKETS) -> None:
        self._full_at: dict[str, float] = {}
        self._most = most

    def __len__(self) -> int:
        return len(self._full_at)

    def ask(self, asks: Sequence[Ask], now: float) -> list[Answer]:
        """Answer requests in their order, at `now`."""
        moment = now * MICROSECONDS
        for ask in asks:
            for one in ask.channel:
                # Nobody knows what the replicas have just used of it: it begins without a burst.
                self._full_at.setdefault(one.name, moment + one.tolerance)
        answers = [reserve(self._full_at, ask, moment) for ask in asks]
        if len(self._full_at) > self._most:
            self._forget(moment)
        return answers

    def pause(self, name: str, seconds: float, now: float) -> None:
        """Nothing that asks with this pause's name goes for so long."""
        until = (now + seconds) * MICROSECONDS
        self._full_at[name] = max(self._full_at.get(name, until), until)

    def clear(self) -> None:
        """Forget everything: the shared buckets are back."""
        self._full_at.clear()

    def _forget(self, moment: float) -> None:
        """A bucket that is full is as good as none. If too many are not, those that soon will be go first."""
        kept = {name: full_at for name, full_at in self._full_at.items() if full_at > moment}
        if len(kept) > self._most:
            kept = dict(sorted(kept.items(), key=lambda item: item[1])[len(kept) - self._most // 2 :])
        self._full_at = kept
