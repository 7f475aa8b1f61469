"""WhatsApp's rate limits, for those who want to meet them without ordering faults."""

from __future__ import annotations

from collections import deque
from typing import Final

from tests.platforms.whatsapp.errors import GraphError, too_many

PER_SECOND: Final = 80
PAIR_BURST: Final = 45
PAIR_SECONDS: Final = 6.0


class Limits:
    """One number's: a second in all, and a bucket of 45 that fills by one every 6 s for each customer."""

    def __init__(self) -> None:
        self._all: deque[float] = deque()
        self._pairs: dict[str, tuple[float, float]] = {}

    def check(self, customer: str, now: float) -> None:
        """Count a message; raises what WhatsApp answers when it is too much."""
        while self._all and self._all[0] <= now - 1.0:
            self._all.popleft()
        if len(self._all) >= PER_SECOND:
            raise too_many()
        left, at = self._pairs.get(customer, (float(PAIR_BURST), now))
        left = min(float(PAIR_BURST), left + (now - at) / PAIR_SECONDS)
        if left < 1.0:
            raise GraphError(
                131056, "Message failed to send because there were too many messages sent.", status=429
            )
        self._pairs[customer] = (left - 1.0, now)
        self._all.append(now)
