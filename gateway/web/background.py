"""Short tasks that nobody awaits, kept alive until they are done and never lost silently."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

MAX_CANCELS: Final = 10
CANCEL_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)


def heed_cancel() -> None:
    """Raise CancelledError if the current task was asked to end: for loops that call into libraries.

    `asyncio.wait_for` before Python 3.12 can swallow a cancellation, and a clean-up that fails replaces it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Background:
    """Owns such tasks: holds a reference to each, logs what one raises, cancels the rest at the end."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` soon."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    async def close(self) -> None:
        """Cancel what is still running, and wait for it. Asks again, because a cancellation can get lost."""
        for _ in range(MAX_CANCELS):
            tasks = tuple(self._tasks)
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
        _log.error("background tasks do not end", count=len(self._tasks))

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background task failed", exc_info=error)
