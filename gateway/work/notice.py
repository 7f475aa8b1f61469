"""What a batch leaves behind for later is looked at once, right after its commit: new work starts at once, and a
timer that is due in a moment is waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from storage.deliveries import DueWork

_ID, _ORGANIZATION, _CHANNEL, _LANE, _DUE = 0, 1, 3, 4, 9
"""Places in a row of `storage.turns.TurnRows.effects`."""


class Notice:
    """Tells the parts of a worker that wait for rows. Called with the effects of a committed batch."""

    def __init__(
        self, offer: Callable[[Iterable[DueWork]], None], set_alarm: Callable[[datetime], None]
    ) -> None:
        self._offer = offer
        self._set_alarm = set_alarm

    def __call__(self, effects: Sequence[tuple[Any, ...]]) -> None:
        work = []
        for row in effects:
            lane = row[_LANE]
            if lane == "work":
                work.append(
                    DueWork(id=row[_ID], organization_id=row[_ORGANIZATION], channel_id=row[_CHANNEL])
                )
            elif lane == "timer":
                self._set_alarm(row[_DUE])
        if work:
            self._offer(work)
