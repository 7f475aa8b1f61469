"""Faults to order: what goes wrong, for which calls, how often.

| kind     | what the client sees                                                    | accepted |
|----------|-------------------------------------------------------------------------|----------|
| error    | `status` with Graph's error `code` (an HTML page instead if `html`)     | no       |
| refuse   | the connection is dropped before the call is carried out                | no       |
| late     | nothing for `seconds`, then the call is carried out and answered        | yes      |
| slow     | the call is carried out at once, the answer comes after `seconds`       | yes      |
| cut      | the call is carried out, the connection is dropped without an answer    | yes      |
| cut_body | the call is carried out, the connection is dropped in mid-answer        | yes      |
"""

from __future__ import annotations

import random
from typing import Literal

import msgspec

from tests.platforms.whatsapp.errors import GraphError

FaultKind = Literal["error", "refuse", "late", "slow", "cut", "cut_body"]


class Fault(msgspec.Struct, kw_only=True):
    """One entry of the programme. Empty `path` (`messages`, `media`, …) and `to` match all; `times` None never ends."""

    kind: FaultKind
    path: str = ""
    to: str = ""
    probability: float = 1.0
    times: int | None = None
    seconds: float = 1.0
    """How long `slow` and `late` take."""
    status: int = 400
    code: int = 131000
    subcode: int | None = None
    details: str = ""
    html: bool = False
    location: str = ""
    """Where a page with a 3xx sends the client."""
    hits: int = 0
    """How often it struck."""

    def matches(self, path: str, to: str) -> bool:
        """Whether it concerns this call and is not used up."""
        return (
            (self.times is None or self.hits < self.times) and self.path in ("", path) and self.to in ("", to)
        )

    def error(self) -> GraphError:
        """The refusal of an `error`."""
        return GraphError(self.code, self.details, status=self.status, subcode=self.subcode)


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

    def pick(self, path: str, to: str) -> Fault | None:
        """The fault that strikes this call, or None."""
        for fault in self.faults:
            if fault.matches(path, to) and self._random.random() < fault.probability:
                fault.hits += 1
                return fault
        return None
