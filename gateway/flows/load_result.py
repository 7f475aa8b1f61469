"""How a server did in a load test."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.flows.load_plan import Plan

MAX_ERROR_SHARE: Final = 0.01
BUSY_MS: Final = 50.0
_GROWTH: Final = math.log(1.01)


@dataclass(slots=True)
class Times:
    """Durations in milliseconds, in steps of one per cent: a long test needs no more memory than a short one."""

    count: int = 0
    most: float = 0.0
    _steps: Counter[int] = field(default_factory=Counter)

    def add(self, ms: float) -> None:
        """Note one."""
        self.count += 1
        self.most = max(self.most, ms)
        self._steps[math.ceil(math.log(max(ms, 0.01)) / _GROWTH)] += 1

    def percentile(self, share: float) -> float:
        """The duration that `share` per cent do not exceed, to one per cent; 0 when there are none."""
        left = math.ceil(self.count * share / 100)
        for step in sorted(self._steps):
            left -= self._steps[step]
            if left <= 0:
                return min(self.most, math.exp(step * _GROWTH))
        return self.most


@dataclass(slots=True)
class Result:
    """How the server did."""

    plan: Plan
    times: Times = field(default_factory=Times)
    errors: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    seconds: float = 0.0
    lag: Times = field(default_factory=Times)
    """How late this process itself was: what it measures can't be better than that."""

    @property
    def measured(self) -> float:
        """The response time that is compared with the expected one, in milliseconds."""
        return self.times.percentile(self.plan.test.percentile)

    @property
    def passed(self) -> bool:
        """Whether there were answers, hardly any errors, and the response time is as expected."""
        few = sum(self.errors.values()) <= self.sent * MAX_ERROR_SHARE
        return self.times.count > 0 and few and self.measured <= self.plan.test.expected_response_time_ms

    def lines(self) -> list[str]:
        """In words."""
        test, times = self.plan.test, self.times
        rate = self.sent / self.seconds if self.seconds else 0.0
        found = [
            f"{test.concurrent_users} visitors for {self.seconds:.0f} s: {self.sent} messages ({rate:.1f} a second), "
            f"{times.count} answered, {sum(self.errors.values())} errors.",
            f"Response time in ms: p50 {times.percentile(50):.0f}, p95 {times.percentile(95):.0f}, "
            f"p99 {times.percentile(99):.0f}, max {times.most:.0f}.",
        ]
        found += [f"  {count} × {error}" for error, count in self.errors.most_common(10)]
        if self.plan.left_out:
            found.append(
                f"Left out, because a website's visitor can't do it: {self.plan.left_out} of the steps."
            )
        if self.lag.percentile(99) > BUSY_MS:
            found.append(
                f"This machine was itself late by {self.lag.percentile(99):.0f} ms (p99); "
                "run the test from another one, or with fewer users."
            )
        found.append(
            f"{'Passed' if self.passed else 'Failed'}: p{test.percentile:g} is {self.measured:.0f} ms, "
            f"expected {test.expected_response_time_ms:g} ms at most, and errors in {MAX_ERROR_SHARE:.0%} at most."
        )
        return found

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        times = self.times
        return {
            "passed": self.passed,
            "users": self.plan.test.concurrent_users,
            "seconds": round(self.seconds, 1),
            "messages": self.sent,
            "messages_per_second": round(self.sent / self.seconds, 1) if self.seconds else 0.0,
            "answered": times.count,
            "errors": dict(self.errors),
            "response_time_ms": {
                **{f"p{share}": round(times.percentile(share), 1) for share in (50, 95, 99)},
                "max": round(times.most, 1),
            },
            "expected_response_time_ms": self.plan.test.expected_response_time_ms,
            "percentile": self.plan.test.percentile,
            "own_lag_ms_p99": round(self.lag.percentile(99), 1),
        }
