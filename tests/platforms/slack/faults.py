"""Faults to order: what goes wrong, for which calls, how often.

| kind       | what the client sees                                                    | accepted |
|------------|-------------------------------------------------------------------------|----------|
| rate_limit | 429 with Retry-After                                                    | no       |
| error      | `code` as `{"ok": false}` with `status` (an HTML page if `html`)        | no       |
| refuse     | the connection is dropped before the call is carried out                | no       |
| late       | nothing for `seconds`, then the call is carried out and answered        | yes      |
| slow       | the call is carried out at once, the answer comes after `seconds`       | yes      |
| cut        | the call is carried out, the connection is dropped without an answer    | yes      |
| cut_body   | the call is carried out, the connection is dropped in mid-answer        | yes      |
"""

from __future__ import annotations

import random
from typing import Any, Literal

import msgspec

from tests.platforms.slack.errors import ApiError, rate_limited

FaultKind = Literal["rate_limit", "error", "refuse", "late", "slow", "cut", "cut_body"]


class Fault(msgspec.Struct, kw_only=True):
    """One entry of the programme. Empty `method` and `channel` match every call; `times` None never ends."""

    kind: FaultKind
    method: str = ""
    channel: str = ""
    probability: float = 1.0
    times: int | None = None
    seconds: float = 1.0
    """How long `slow` and `late` take; for `rate_limit`, what Retry-After says."""
    code: str = "internal_error"
    status: int = 200
    needed: str = ""
    """With `missing_scope`: the scope."""
    html: bool = False
    location: str = ""
    """Where a page with a 3xx sends the client."""
    hits: int = 0
    """How often it struck."""

    def matches(self, method: str, channel: str) -> bool:
        """Whether it concerns this call and is not used up."""
        return (
            (self.times is None or self.hits < self.times)
            and self.method in ("", method)
            and self.channel in ("", channel)
        )

    def error(self) -> ApiError:
        """The refusal of a `rate_limit` or `error`."""
        if self.kind == "rate_limit":
            return rate_limited(self.seconds)
        more: dict[str, Any] = {"needed": self.needed, "provided": "chat:write"} if self.needed else {}
        return ApiError(self.code, status=self.status, headers=None, **more)


class Programme:
    """The faults in force, in order; the first that matches and draws strikes."""

    def __init__(self, seed: int = 0) -> None:
        self.faults: list[Fault] = []
        self._random = random.Random(seed)

    def add(self, *faults: Fault) -> None:
        """Append to the programme."""
        self.faults.extend(faults)

    def clear(self) -> None:
        """No more faults."""
        self.faults.clear()

    def pick(self, method: str, channel: str) -> Fault | None:
        """The fault that strikes this call, or None."""
        for fault in self.faults:
            if fault.matches(method, channel) and self._random.random() < fault.probability:
                fault.hits += 1
                return fault
        return None
