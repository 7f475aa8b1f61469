"""Processes of a test, each ended by its own id: the gateway and its workers, and what stands around it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec
import psutil

from storage.embedded.processes import wait_gone

REPOSITORY = Path(__file__).parents[2]
READY_SECONDS = 60.0
STOP_SECONDS = 45.0
"""Longer than a drain takes."""
KEPT_LINES = 4_000
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
_LISTENING = ("Listening on ", "Chat with the demo bot: ")


class ProcessFailed(Exception):
    """A process did not start, or ended by itself."""


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's end, as its supervisor logged it. `status` is wait's: 9 for a SIGKILL."""

    at: float
    """`time.monotonic()`; the worker died within a tenth of a second before."""
    status: int


def free_port() -> int:
    """A TCP port that nobody listens on, a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A child process whose two outputs are read all the time, so that it never waits for us."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self.popen = subprocess.Popen(
            command, env={**kept, **environment}, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace",
        )  # fmt: skip
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.output: list[str] = []
        """Lines of standard output; a gateway writes one."""
        self._readers = [
            threading.Thread(target=self._read, args=(stream, kept), daemon=True)
            for stream, kept in ((self.popen.stdout, self.output), (self.popen.stderr, None))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Its id."""
        return self.popen.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.popen.poll() is None

    def wait_for_output(self, *beginnings: str, seconds: float = READY_SECONDS) -> str:
        """The first line of output that begins so. Raises `ProcessFailed`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(self.output):
                if line.startswith(beginnings):
                    return line
            if not self.alive:
                break
            time.sleep(0.01)
        end = "\n".join(list(self.lines)[-15:])
        raise ProcessFailed(f"{self.popen.args!r} did not come up:\n{end}")

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end, and wait; killed when it does not. Returns its exit code."""
        if self.alive:
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        return self._close()

    def _close(self) -> int:
        code = self.popen.wait()
        for reader in self._readers:
            reader.join(timeout=5)
        for stream in (self.popen.stdout, self.popen.stderr):
            if stream is not None:
                stream.close()
        return code

    def _read(self, stream: IO[str], kept: list[str] | None) -> None:
        with contextlib.suppress(ValueError):  # the file was closed under us, at the end
            for line in stream:
                self.lines.append(line.rstrip())
                self._see(line)
                if kept is not None:
                    kept.append(line.rstrip())

    def _see(self, line: str) -> None:
        """Look at a line as it comes, on the reader's thread."""


class MockTelegramProcess(Process):
    """`python -m tests.platforms.telegram`: a Bot API in which every chat exists."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.platforms.telegram", "--port", "0", "--open-chats"]
        super().__init__(command, {}, REPOSITORY)
        self.url = ""

    def start(self) -> MockTelegramProcess:
        """Wait until it listens; `url` then says where."""
        self.url = self.wait_for_output("http://")
        return self


class IntegrationProcess(Process):
    """`python -m tests.chaos.integration`: what the bot calls."""

    def __init__(self) -> None:
        super().__init__([sys.executable, "-m", "tests.chaos.integration"], {}, REPOSITORY)
        self.url = ""

    def start(self) -> IntegrationProcess:
        """Wait until it listens; `url` then says where."""
        self.url = self.wait_for_output("http://")
        return self


class RelayProcess(Process):
    """`python -m tests.chaos.relay`: stands before `target` and tells each lie once in `every` chances."""

    def __init__(self, target: str, lies: Sequence[str], every: int) -> None:
        command = [sys.executable, "-m", "tests.chaos.relay", "--to", target, "--every", str(every)]
        super().__init__(command + [f"--lie={lie}" for lie in lies], {}, REPOSITORY)
        self.url = ""

    def start(self) -> RelayProcess:
        """Wait until it listens; `url` then says where."""
        self.url = self.wait_for_output("http://")
        return self


class GatewayProcess(Process):
    """`gateway serve`: a supervisor and its workers, on a port of their own.

    `environment` holds what the gateway needs beside its port: DATABASE_URL, REDIS_URL, GATEWAY_DATA_DIR, ….
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        *,
        workers: int = 2,
        port: int | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.workers = workers
        self.deaths: list[Death] = []
        command = [sys.executable, "-m", "gateway", "serve", "--workers", str(workers), *flags]
        super().__init__(command, {"GATEWAY_PORT": str(self.port), **environment}, folder)

    def start(self) -> GatewayProcess:
        """Wait until every worker accepts."""
        self.wait_for_output(*_LISTENING)
        return self

    def worker_pids(self) -> list[int]:
        """The workers that live just now."""
        try:
            return [child.pid for child in psutil.Process(self.pid).children()]
        except psutil.NoSuchProcess:
            return []

    def kill_worker(self, pid: int) -> float | None:
        """SIGKILL one worker; returns the moment, None when it was gone already."""
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        return time.monotonic()

    def kill(self) -> float:
        """SIGKILL the supervisor and every worker, at one moment, which is returned."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGSTOP)  # so that it restarts nobody meanwhile
        workers = self.worker_pids()
        for pid in (*workers, self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        moment = time.monotonic()
        self.popen.wait()
        for pid in workers:
            wait_gone(pid, 5)
        self._close()
        return moment

    def _see(self, line: str) -> None:
        if '"worker died"' not in line:
            return
        try:
            entry: dict[str, Any] = msgspec.json.decode(line)
            logged = datetime.fromisoformat(entry["timestamp"]).timestamp()
        except (msgspec.DecodeError, KeyError, ValueError):
            return
        at = logged - time.time() + time.monotonic()
        self.deaths.append(Death(at=at, status=int(entry.get("status", 0))))
