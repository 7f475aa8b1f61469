"""Telegram's rate limits, for those who want to meet them without ordering faults."""

from __future__ import annotations

from collections import deque
from typing import Final

PER_SECOND: Final = 30
"""Messages of one bot in a second, in all."""
PER_CHAT_BURST: Final = 5
PER_CHAT_SECONDS: Final = 5.0
"""About one a second in a chat; Telegram lets short bursts pass."""
PER_GROUP_MINUTE: Final = 20


class Limits:
    """Sliding windows of send times, in seconds of the clock that is handed in."""

    def __init__(self) -> None:
        self._all: deque[float] = deque()
        self._chats: dict[int, deque[float]] = {}
        self._groups: dict[int, deque[float]] = {}

    def wait(self, chat: int, now: float) -> float:
        """Seconds to wait before a message to `chat` is allowed; 0 counts it as sent."""
        windows = [
            (self._all, PER_SECOND, 1.0),
            (self._chats.setdefault(chat, deque()), PER_CHAT_BURST, PER_CHAT_SECONDS),
        ]
        if chat < 0:
            windows.append((self._groups.setdefault(chat, deque()), PER_GROUP_MINUTE, 60.0))
        waits = [_wait(times, count, span, now) for times, count, span in windows]
        if max(waits) > 0:
            return max(waits)
        for times, _, _ in windows:
            times.append(now)
        return 0.0


def _wait(times: deque[float], count: int, span: float, now: float) -> float:
    while times and times[0] <= now - span:
        times.popleft()
    return times[0] + span - now if len(times) >= count else 0.0
