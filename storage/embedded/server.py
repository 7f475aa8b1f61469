"""What both embedded servers share: who starts, who adopts, who stops."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.embedded.locks import UserLock, start_lock
from storage.embedded.processes import alive, listener, processes_in
from storage.errors import EmbeddedServerFailed

START_TIMEOUT_S = 60.0
"""Recovery after a crash may take its time; a clean start takes some 30 ms."""
LEFT_TIMEOUT_S = 5.0
"""How long the remains of a killed server may take to end."""
SOCKET_PATH_LIMIT = 103
"""Bytes. Linux takes 107 in `sun_path`, macOS 103."""

_POLL_S = 0.005
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@=~-]+")


class EmbeddedServer(ABC):
    """A server under a data directory, shared by every gateway process that names the same directory.

    `start` adopts a running server or launches one. `stop` ends it, unless another process still uses it.
    Both block: up to a second at the first start, some 30 ms later. Use as a context manager or call both.
    """

    name: str
    _socket_name: str

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self._folder = self.data_dir / self.name
        self._log = self._folder / "server.log"
        self._users = UserLock(self.data_dir / f"{self.name}.users.lock")
        self._start_lock = self.data_dir / f"{self.name}.start.lock"

    @property
    def socket_path(self) -> Path:
        """Where the server listens."""
        return self._sockets / self._socket_name

    @property
    @abstractmethod
    def url(self) -> str:
        """How a client reaches it: the value for `DATABASE_URL` or `REDIS_URL`."""

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it does not run."""
        return listener(self.socket_path)

    def start(self) -> Self:
        """Make sure that the server runs and keep it running for us. Raises `EmbeddedServerFailed`."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            with start_lock(self._start_lock):
                self._hold()
        except OSError as error:
            raise EmbeddedServerFailed(f"the data directory {self.data_dir} can't be used: {error}") from None
        return self

    def stop(self) -> None:
        """Stop using the server, and end it if nobody else uses it. Stopping twice is harmless."""
        if not self.data_dir.is_dir():
            return
        with start_lock(self._start_lock):
            if self._users.alone() and (pid := self.pid) is not None:
                self._end(pid)
            self._users.release()

    def _hold(self) -> None:
        self._users.hold()
        try:
            if self._sockets != self._folder:
                claim(self._sockets, self._owner)
            if not self._ready():
                self._bring_up()
        except BaseException:
            self._users.release()
            raise

    @cached_property
    def _sockets(self) -> Path:
        return socket_folder(self._folder, self._socket_name)

    @property
    def _owner(self) -> int:
        """The user that the server runs as."""
        return os.geteuid()

    def _bring_up(self) -> None:
        left = self._left_running()
        if left is not None and self._wait_ready(left):
            return
        if not self._wait_ready(self._launch()):
            raise EmbeddedServerFailed(f"the embedded {self.name} did not start.\n{tail(self._log)}".rstrip())

    def _left_running(self) -> int | None:
        """The server that a killed gateway has left while it was starting or stopping, if there is one.

        Raises `EmbeddedServerFailed` for processes that work in its folder but answer nobody and do not end.
        """
        deadline = time.monotonic() + LEFT_TIMEOUT_S
        while (pid := self.pid) is None and (left := processes_in(self._folder)):
            if time.monotonic() > deadline:
                raise EmbeddedServerFailed(
                    f"processes {left} work in {self._folder} but answer nobody; end them"
                )
            time.sleep(_POLL_S)
        return pid

    @abstractmethod
    def _launch(self) -> int:
        """Start the process and return its id; called under the start lock, when no server answers."""

    @abstractmethod
    def _ready(self) -> bool:
        """Whether the server answers requests."""

    @abstractmethod
    def _end(self, pid: int) -> None:
        """End the process and wait for it. Raises `EmbeddedServerFailed`."""

    def _wait_ready(self, pid: int) -> bool:
        """Wait until the server answers; False when the process ends before."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._ready():
            if not alive(pid):
                return False
            if time.monotonic() > deadline:
                raise EmbeddedServerFailed(
                    f"process {pid} did not become ready within {START_TIMEOUT_S:.0f} s"
                )
            time.sleep(_POLL_S)
        return True

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log file; empty when it can't be read."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def socket_folder(folder: Path, file_name: str) -> Path:
    """`folder` if a socket of that name fits there, else a short directory under the temporary one.

    The short directory's name is derived from `folder`, so that the next process finds it again.
    """
    fits = len(os.fsencode(folder / file_name)) <= SOCKET_PATH_LIMIT
    if fits and _PLAIN_PATH.fullmatch(os.fspath(folder)):
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"gateway-{digest}"


def claim(folder: Path, owner: int) -> None:
    """Make the private folder of a socket. Raises `EmbeddedServerFailed` when it belongs to somebody else."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        os.chown(folder, owner, -1)
    state = folder.lstat()
    if folder.is_symlink() or state.st_uid != owner or state.st_mode & 0o077:
        raise EmbeddedServerFailed(
            f"{folder} belongs to somebody else; remove it, or use a shorter data directory"
        )
