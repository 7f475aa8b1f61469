"""Faults to order: what goes wrong, for which calls, how often.

| kind       | what the client sees                                                    | accepted |
|------------|-------------------------------------------------------------------------|----------|
| rate_limit | 429 with parameters.retry_after                                         | no       |
| error      | `status` with `description` (HTML page instead of JSON if `html`)       | no       |
| refuse     | the connection is dropped before the call is carried out                | no       |
| late       | nothing for `seconds`, then the call is carried out and answered        | yes      |
| slow       | the call is carried out at once, the answer comes after `seconds`       | yes      |
| cut        | the call is carried out, the connection is dropped without an answer    | yes      |
| cut_body   | the call is carried out, the connection is dropped in mid-answer        | yes      |
"""

from __future__ import annotations

import random
import time
from typing import Any, Literal

import msgspec

from tests.platforms.telegram.errors import ApiError, too_many_requests

FaultKind = Literal["rate_limit", "error", "refuse", "late", "slow", "cut", "cut_body"]

_DESCRIPTIONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Fault(msgspec.Struct, kw_only=True):
    """One entry of the programme. Empty `method` and `chat` None match every call; `times` None never ends."""

    kind: FaultKind
    method: str = ""
    chat: int | None = None
    probability: float = 1.0
    times: int | None = None
    seconds: float = 1.0
    """How long `slow` and `late` take; for `rate_limit`, what retry_after says."""
    status: int = 500
    description: str = ""
    parameters: dict[str, Any] | None = None
    html: bool = False
    location: str = ""
    """Where a page with a 3xx sends the client."""
    hits: int = 0
    """How often it struck."""

    def matches(self, method: str, chat: int | None) -> bool:
        """Whether it concerns this call and is not used up."""
        return (
            (self.times is None or self.hits < self.times)
            and (not self.method or self.method.lower() == method)
            and (self.chat is None or self.chat == chat)
        )

    def error(self) -> ApiError:
        """The refusal of a `rate_limit` or `error`."""
        if self.kind == "rate_limit":
            return too_many_requests(self.seconds)
        description = self.description or _DESCRIPTIONS.get(self.status, "Error")
        return ApiError(self.status, description, self.parameters)


class Strike(msgspec.Struct, kw_only=True, frozen=True):
    """A fault that struck: when (`time.monotonic()`), and whom."""

    fault: Fault
    chat: int | None
    monotonic: float


class Programme:
    """The faults in force, in order; the first that matches and draws strikes."""

    def __init__(self, seed: int = 0) -> None:
        self.faults: list[Fault] = []
        self.strikes: list[Strike] = []
        self._random = random.Random(seed)

    def add(self, *faults: Fault) -> None:
        """Append to the programme."""
        self.faults.extend(faults)

    def clear(self) -> None:
        """No more faults."""
        self.faults.clear()
        self.strikes.clear()

    def pick(self, method: str, chat: int | None) -> Fault | None:
        """The fault that strikes this call (`method` in lower case), or None."""
        for fault in self.faults:
            if fault.matches(method, chat) and self._random.random() < fault.probability:
                fault.hits += 1
                self.strikes.append(Strike(fault=fault, chat=chat, monotonic=time.monotonic()))
                return fault
        return None
