"""How often visitors may upload. A worker counts by itself: with several of them, a visitor has as many buckets."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final
from uuid import UUID

VISITOR_BURST: Final = 10
VISITOR_SECONDS: Final = 6.0
"""Seconds for one more upload of a visitor, after the burst."""
CHANNEL_BURST: Final = 100
CHANNEL_SECONDS: Final = 0.25
"""The same for all visitors of a channel together: who wants more visitors only has to forget who they are."""
MAX_BUCKETS: Final = 20_000


class UploadRates:
    """Token buckets by visitor and by channel, each kept as the time at which it will be full again (monotonic
    seconds)."""

    def __init__(self) -> None:
        self._full_at: OrderedDict[UUID, float] = OrderedDict()

    def take(self, channel: UUID, visitor: UUID, now: float) -> float:
        """Take one upload; returns 0, or for how many seconds there is none (then nothing is taken)."""
        wanted = ((visitor, VISITOR_BURST, VISITOR_SECONDS), (channel, CHANNEL_BURST, CHANNEL_SECONDS))
        full_at = {key: max(self._full_at.get(key, now), now) for key, _, _ in wanted}
        wait = max(full_at[key] + interval - burst * interval - now for key, burst, interval in wanted)
        if wait > 1e-6:
            return wait
        for key, _, interval in wanted:
            self._full_at[key] = full_at[key] + interval
            self._full_at.move_to_end(key)
        while len(self._full_at) > MAX_BUCKETS:
            self._full_at.popitem(last=False)
        return 0.0
