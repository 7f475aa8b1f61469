"""When a call is made again, and after how long. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from gateway.work.request import Request

PASSING: Final = frozenset({429, 502, 503, 504})
"""Statuses that may be other ones in a moment."""
UNTOUCHED: Final = frozenset({429, 503})
"""Statuses by which a server says that it has not acted."""
FIRST_BACKOFF_SECONDS: Final = 0.25
MAX_BACKOFF_SECONDS: Final = 8.0

Jitter = Callable[[float, float], float]


def after_status(request: Request, status: int) -> bool:
    """Whether a request that was answered with `status` may be made again."""
    return status in UNTOUCHED or (status in PASSING and request.repeatable)


def after_failure(request: Request, *, sent: bool) -> bool:
    """Whether a request that got no response may be made again; one that a server may have seen only if that
    does no harm."""
    return request.repeatable or not sent


def backoff(attempt: int, retry_after: str, now: datetime, jitter: Jitter) -> float:
    """Seconds to wait after the `attempt`-th try (from 1); `retry_after` is the header, empty without one."""
    asked = _seconds(retry_after, now)
    if asked is not None:
        return asked + jitter(0.0, 0.2)
    exponential = FIRST_BACKOFF_SECONDS * float(2 ** min(attempt - 1, 10))
    return min(exponential, MAX_BACKOFF_SECONDS) * jitter(0.5, 1.5)


def _seconds(header: str, now: datetime) -> float | None:
    text = header.strip()
    if text.isascii() and text.isdecimal() and len(text) <= 9:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - now).total_seconds())
