"""Which buckets a channel's calls take tokens of: the platform's table, or what the channel's settings say instead.

`settings.rate_limits` names a scope (`channel`, `recipient`) and its rate, or none at all:

    {"rate_limits": {"channel": {"per_second": 1000, "burst": 1000}, "recipient": null}}
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from adapters.capabilities import Rate
from gateway.limits.bucket import Ask, Bucket, bucket

SETTING: Final = "rate_limits"
MAX_PER_SECOND: Final = 100_000.0
MIN_PER_SECOND: Final = 1 / 86_400
"""One a day."""
MAX_BURST: Final = 1_000_000

_SCOPES: Final = ("channel", "recipient")
_FORM: Final = '{"per_second": 80, "burst": 80}, or null for no limit'


class Limits:
    """The limits of one channel, ready for the hot road."""

    __slots__ = ("_recipient", "channel", "id", "pause", "per_second")

    def __init__(self, channel_id: UUID, rates: Iterable[Rate]) -> None:
        self.id = channel_id
        self.pause = f"ratelimit:pause:{channel_id}"
        mine = [rate for rate in rates if rate.scope == "channel"]
        self.channel = tuple(
            bucket(f"ratelimit:channel:{channel_id}{_number(index)}", rate.per_second, rate.burst)
            for index, rate in enumerate(mine)
        )
        self.per_second = min((rate.per_second for rate in mine), default=MAX_PER_SECOND)
        """How many calls the channel lets through in the long run."""
        theirs = [rate for rate in rates if rate.scope == "recipient"]
        self._recipient = tuple(
            bucket(_number(index), rate.per_second, rate.burst) for index, rate in enumerate(theirs)
        )

    def ask(self, recipient: str) -> Ask:
        """The request for one call to `recipient`."""
        if not self._recipient:
            return Ask(self.pause, (), self.channel)
        # A digest keeps keys short, and telephone numbers out of Valkey.
        digest = blake2b(
            recipient.encode("utf-8", "surrogatepass"), digest_size=16, key=self.id.bytes
        ).hexdigest()
        name = f"ratelimit:recipient:{digest}"
        mine = tuple(Bucket(name + one.name, one.interval, one.tolerance) for one in self._recipient)
        return Ask(self.pause, mine, self.channel)


def rates_of(table: Iterable[Rate], settings: Mapping[str, Any]) -> tuple[tuple[Rate, ...], list[str]]:
    """The rates of a channel, and what is wrong with its settings; a wrong entry leaves the table's rate."""
    chosen = list(table)
    given = settings.get(SETTING)
    if given is None:
        return tuple(chosen), []
    if not isinstance(given, Mapping):
        return tuple(chosen), [f"{SETTING} is no object; write channel and recipient, each as {_FORM}"]
    problems = [
        f"{SETTING}.{name} is no scope; there are channel and recipient"
        for name in given
        if name not in _SCOPES
    ]
    for scope in _SCOPES:
        if scope not in given:
            continue
        rate, problem = _rate(scope, given[scope])
        if problem:
            problems.append(problem)
            continue
        chosen = [one for one in chosen if one.scope != scope] + ([rate] if rate else [])
    return tuple(chosen), problems


def _rate(scope: Any, given: Any) -> tuple[Rate | None, str]:
    if given is None:
        return None, ""
    place = f"{SETTING}.{scope}"
    if not isinstance(given, Mapping) or not {"per_second"} <= given.keys() <= {"per_second", "burst"}:
        return None, f"{place} is not of the form {_FORM}"
    per_second, burst = given["per_second"], given.get("burst", 1)
    if not _is_number(per_second) or not MIN_PER_SECOND <= per_second <= MAX_PER_SECOND:
        return None, f"{place}.per_second is no number from {MIN_PER_SECOND:.6f} to {MAX_PER_SECOND:.0f}"
    if isinstance(burst, bool) or not isinstance(burst, int) or not 1 <= burst <= MAX_BURST:
        return None, f"{place}.burst is no whole number from 1 to {MAX_BURST}"
    return Rate(scope=scope, per_second=float(per_second), burst=burst), ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(index: int) -> str:
    """How a further bucket of the same scope is told apart."""
    return f":{index}" if index else ""
