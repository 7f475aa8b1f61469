"""What the operating system tells about a server that may not be our child."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import time
from pathlib import Path

_CONNECT_TIMEOUT_S = 2.0
_POLL_S = 0.005
_DARWIN_SOL_LOCAL, _DARWIN_LOCAL_PEERPID = 0, 2


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
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
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
