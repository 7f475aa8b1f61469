"""Which buckets a channel's calls take tokens of: the platform's table, or what the channel's settings say instead.

`settings.rate_limits` names a scope (`channel`, `recipient`) and its rate, or that there is none; null is as good as
not named:

    {"rate_limits": {"channel": {"per_second": 1000, "burst": 1000}, "recipient": "unlimited"}}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from adapters.capabilities import Rate
from adapters.protocol import Adapter
from gateway.limits.bucket import Ask, Bucket, bucket

SETTING: Final = "rate_limits"
MAX_PER_SECOND: Final = 100_000.0
MIN_PER_SECOND: Final = 1 / 86_400
"""One a day."""
MAX_BURST: Final = 1_000_000
MAX_KINDS: Final = 16
"""Kinds of recipients whose buckets are worked out once."""

_SCOPES: Final = ("channel", "recipient")
UNLIMITED: Final = "unlimited"
_FORM: Final = '{"per_second": 80, "burst": 80}, or "unlimited"'


Sizes: TypeAlias = tuple[Bucket, ...]
"""Buckets of a recipient whose names are still to come."""


@runtime_checkable
class RatesByRecipient(Protocol):
    """An adapter whose platform is slower with some recipients than with others, such as groups."""

    def rates_for(self, recipient: str) -> tuple[Rate, ...]:
        """The rates that hold for sends to `recipient`."""


@runtime_checkable
class SharedRecipients(Protocol):
    """An adapter whose conversations share what the platform counts, such as the threads of one channel."""

    def rate_key(self, recipient: str) -> str:
        """What of `recipient` the platform counts by."""


class Limits:
    """The limits of one channel, ready for the hot road."""

    __slots__ = ("_key_of", "_rates_for", "_recipient", "_sizes", "channel", "id", "pause", "per_second")

    def __init__(
        self,
        channel_id: UUID,
        rates: Iterable[Rate],
        *,
        rates_for: Callable[[str], tuple[Rate, ...]] | None = None,
        key_of: Callable[[str], str] = str,
    ) -> None:
        self.id = channel_id
        self.pause = f"ratelimit:pause:{channel_id}"
        mine = [rate for rate in rates if rate.scope == "channel"]
        self.channel = tuple(
            bucket(f"ratelimit:channel:{channel_id}{_number(index)}", rate.per_second, rate.burst)
            for index, rate in enumerate(mine)
        )
        self.per_second = min((rate.per_second for rate in mine), default=MAX_PER_SECOND)
        """How many calls the channel lets through in the long run."""
        self._rates_for = rates_for
        self._key_of = key_of
        self._sizes: dict[tuple[Rate, ...], Sizes] = {}
        self._recipient = self._sizes_of(tuple(rates))

    def ask(self, recipient: str) -> Ask:
        """The request for one call to `recipient`."""
        sizes = self._recipient if self._rates_for is None else self._sizes_of(self._rates_for(recipient))
        if not sizes:
            return Ask(self.pause, (), self.channel)
        # A digest keeps keys short, and telephone numbers out of Valkey.
        key = self._key_of(recipient).encode("utf-8", "surrogatepass")
        name = f"ratelimit:recipient:{blake2b(key, digest_size=16, key=self.id.bytes).hexdigest()}"
        theirs = tuple(Bucket(name + size.name, size.interval, size.tolerance) for size in sizes)
        return Ask(self.pause, theirs, self.channel)

    def _sizes_of(self, rates: tuple[Rate, ...]) -> Sizes:
        known = self._sizes.get(rates)
        if known is None:
            theirs = [rate for rate in rates if rate.scope == "recipient"]
            known = tuple(
                bucket(_number(index), rate.per_second, rate.burst) for index, rate in enumerate(theirs)
            )
            if len(self._sizes) < MAX_KINDS:
                self._sizes[rates] = known
        return known


def limits_of(
    channel_id: UUID, adapter: Adapter, settings: Mapping[str, Any]
) -> tuple[Limits | None, list[str]]:
    """The limits of a channel (None on a platform that has none), and what is wrong with its settings."""
    table = adapter.capabilities.rates
    rates, problems = rates_of(table, settings)
    if not table and not rates:
        return None, problems
    of_table = [rate for rate in table if rate.scope == "recipient"]
    as_given = [rate for rate in rates if rate.scope == "recipient"]
    return (
        Limits(
            channel_id,
            rates,
            rates_for=adapter.rates_for
            if isinstance(adapter, RatesByRecipient) and of_table == as_given
            else None,
            key_of=adapter.rate_key if isinstance(adapter, SharedRecipients) else str,
        ),
        problems,
    )


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
        if given.get(scope) is None:
            continue
        rate, problem = _rate(scope, given[scope])
        if problem:
            problems.append(problem)
            continue
        chosen = [one for one in chosen if one.scope != scope] + ([rate] if rate else [])
    return tuple(chosen), problems


def _rate(scope: Any, given: Any) -> tuple[Rate | None, str]:
    if given == UNLIMITED:
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
