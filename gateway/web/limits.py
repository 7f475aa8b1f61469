"""How often one socket may speak."""

from __future__ import annotations

from typing import Final

BURST: Final = 20
PER_SECOND: Final = 5.0
MAX_REFUSED: Final = 200
"""Frames refused before the socket is closed: it is not a widget that backs off."""


class Bucket:
    """A token bucket: BURST frames at once, PER_SECOND in the long run. Times are monotonic seconds."""

    __slots__ = ("_at", "_tokens", "refused")

    def __init__(self, now: float) -> None:
        self._tokens = float(BURST)
        self._at = now
        self.refused = 0
        """Frames refused since the bucket was last full."""

    def take(self, now: float) -> bool:
        """Whether one more frame is allowed at `now`."""
        self._tokens = min(float(BURST), self._tokens + (now - self._at) * PER_SECOND)
        self._at = now
        if self._tokens == BURST:
            self.refused = 0
        if self._tokens < 1.0:
            self.refused += 1
            return False
        self._tokens -= 1.0
        return True
