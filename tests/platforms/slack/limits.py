"""Slack's rate limits, for those who want to meet them without ordering faults."""

from __future__ import annotations

from collections import deque
from typing import Final

PER_CHANNEL_BURST: Final = 5
PER_CHANNEL_SECONDS: Final = 5.0
"""About one message a second in a channel; short bursts pass."""
HISTORY_PER_MINUTE: Final = 50
"""Tier 3. An app that is distributed outside the Marketplace gets 1, of 15 messages."""


class Limits:
    """Sliding windows of calls, in seconds of the clock that is handed in."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], deque[float]] = {}

    def wait(self, method: str, channel: str, now: float, *, commercial: bool = False) -> float:
        """Seconds to wait before a call is allowed; 0 counts it as made."""
        if method == "chat.postMessage":
            return self._wait((method, channel), PER_CHANNEL_BURST, PER_CHANNEL_SECONDS, now)
        if method in ("conversations.history", "conversations.replies"):
            return self._wait((method, ""), 1 if commercial else HISTORY_PER_MINUTE, 60.0, now)
        return 0.0

    def _wait(self, key: tuple[str, str], count: int, span: float, now: float) -> float:
        times = self._windows.setdefault(key, deque())
        while times and times[0] <= now - span:
            times.popleft()
        if len(times) >= count:
            return times[0] + span - now
        times.append(now)
        return 0.0
