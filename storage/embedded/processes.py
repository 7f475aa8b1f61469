"""What the operating system tells about a server that may not be our child."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_CONNECT_TIMEOUT_S = 2.0
_POLL_S = 0.005
_DARWIN_SOL_LOCAL, _DARWIN_LOCAL_PEERPID = 0, 2


ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that a server gets of ours: no secrets, and the same locale everywhere."""

# The shell goes at once: the server is nobody's child but init's, and no supervisor reaps it by mistake.
_BACKGROUND = '"$@" </dev/null >>"$0" 2>&1 & echo $!'


def spawn(command: Sequence[str], folder: Path, log: Path, identity: Mapping[str, Any] | None = None) -> int:
    """Run a server in the background, in a session of its own, its output in `log`; returns its process id.

    It works in `folder` from its first moment, so that `processes_in` finds it. `identity` are the arguments
    of `subprocess.run` that name user and group. Raises `OSError`.
    """
    started = subprocess.run(  # noqa: S603 - arguments as a list, the shell's own text is constant
        ["/bin/sh", "-c", _BACKGROUND, os.fspath(log), *command],
        **(identity or {}),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    return int(started.stdout)


def connect(path: Path) -> socket.socket | None:
    """A connection to whoever listens on the Unix socket, or None when nobody does (a stale file included)."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(_CONNECT_TIMEOUT_S)
    try:
        client.connect(os.fspath(path))
    except OSError:
        client.close()
        return None
    return client


def listener(path: Path) -> int | None:
    """The process id of whoever listens on the Unix socket; a pid file may be stale, the kernel is not."""
    client = connect(path)
    if client is None:
        return None
    with client:
        if sys.platform == "darwin":
            return client.getsockopt(_DARWIN_SOL_LOCAL, _DARWIN_LOCAL_PEERPID)
        size = struct.calcsize("3i")
        return int(struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0])


def alive(pid: int) -> bool:
    """Whether the process still runs. A dead child is reaped, a zombie of somebody else counts as dead."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    process = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):
        # A killed process of many threads shows as a zombie while the others still hold its sockets.
        zombie = (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return not zombie or len(list((process / "task").iterdir())) > 1
    return True


def wait_gone(pid: int, timeout_s: float) -> bool:
    """Wait until the process has ended; False when it still runs after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def processes_in(folder: Path) -> list[int]:
    """The processes whose working directory is `folder` (Linux; elsewhere none are found)."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if entry.readlink() == folder:
                found.append(int(entry.parent.name))
    return found
