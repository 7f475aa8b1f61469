"""One conversation's sends in a worker's hands."""

from __future__ import annotations

import asyncio
from collections import deque

from gateway.delivery.outgoing import Outgoing


class Lane:
    """A conversation's sends, in order, and the task that works through them."""

    __slots__ = ("queue", "task", "wakes")

    def __init__(self) -> None:
        self.queue: deque[Outgoing] = deque()
        self.task: asyncio.Task[None] | None = None
        self.wakes: float | None = None
        """Until when its head only waits for its time (the loop's seconds); None while it is at work."""


def insert(queue: deque[Outgoing], send: Outgoing) -> None:
    """Keep the lane in order of position; nearly always at its end, never before one that may be in flight."""
    index = len(queue)
    while index > 1 and queue[index - 1].position > send.position:
        index -= 1
    queue.insert(index, send)
