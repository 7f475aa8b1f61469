"""File locks that tell who uses an embedded server. The kernel drops them with the process that held them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import EmbeddedServerFailed

START_TIMEOUT_S = 60.0
_POLL_S = 0.02


class UserLock:
    """Held (shared) by every process that uses a server; whoever can take it alone is the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def hold(self) -> None:
        """Count as a user from now on."""
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def alone(self) -> bool:
        """Whether nobody else uses the server. Call it under `start_lock`, so that nobody can join meanwhile."""
        if self._fd is None:
            return False
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Count as a user no longer. Releasing twice is harmless."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


@contextmanager
def start_lock(path: Path, timeout_s: float = START_TIMEOUT_S) -> Iterator[None]:
    """One process at a time starts or stops a server. Raises `EmbeddedServerFailed` after `timeout_s`."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedServerFailed(
                        f"another process has been starting or stopping it for {timeout_s:.0f} s; it holds {path}"
                    ) from None
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(fd)
