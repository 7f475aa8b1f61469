"""Checks of this machine: Python, packages, the data directory, the port, the public address."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import stat
import sys
import urllib.error
import urllib.request
from pathlib import Path

from gateway.doctor.finding import Report
from gateway.errors import ConfigurationError
from gateway.keyring import KEY_FILE
from gateway.packages import check_packages
from gateway.settings import Settings

MIN_PYTHON = (3, 11)
LOW_BYTES = 2 * 1024**3
FULL_BYTES = 200 * 1024**2
HTTP_SECONDS = 5.0


def check_python(report: Report) -> None:
    """The interpreter, and whether our packages are ours."""
    if tuple(sys.version_info[:2]) < MIN_PYTHON:
        report.fail("python", platform.python_version(), "Install Python 3.11 or later")
    else:
        report.ok("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    try:
        check_packages()
    except ConfigurationError as error:
        for problem in error.problems:
            report.fail("packages", f"{problem.place} {problem.message}", problem.mend)
    else:
        report.ok("packages", "all resolve to this installation")


def check_data_dir(report: Report, settings: Settings) -> None:
    """The data directory: there or to be made, writable, closed to others, with room."""
    path = settings.data_dir.expanduser().absolute()
    existing = _existing(path)
    if not os.access(existing, os.W_OK | os.X_OK) or not existing.is_dir():
        report.fail(
            "data directory", f"{path} can't be written to", "Set GATEWAY_DATA_DIR, or mend its owner"
        )
        return
    keys = path / KEY_FILE
    if keys.exists() and stat.S_IMODE(keys.stat().st_mode) & 0o077:
        report.fail("data directory", f"others may read {keys}", f"chmod 600 {keys}")
    free = shutil.disk_usage(existing).free
    room = f"{path}, {free / 1024**3:.1f} GiB free"
    if free < FULL_BYTES:
        report.fail("data directory", room, "Make room: PostgreSQL stops when the disk is full")
    elif free < LOW_BYTES:
        report.warn("data directory", room, "Make room soon")
    else:
        report.ok("data directory", room)


def _existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def check_port(report: Report, settings: Settings) -> None:
    """The port: free, or used by a gateway that answers."""
    place = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = error.strerror
        else:
            report.ok("port", f"{place} is free")
            return
    local = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 (compared only)
    if _answers(f"http://{f'[{local}]' if ':' in local else local}:{settings.port}/healthz"):
        report.ok("port", f"{place}: a gateway answers")
    else:
        report.fail("port", f"{place} can't be used: {reason}", "Set GATEWAY_PORT, or end what listens there")


def check_public_url(report: Report, settings: Settings) -> None:
    """The public address, asked from here; a network may forbid that, so that it is a warning at most."""
    if not settings.public_url:
        report.ok("public address", "none is set: Telegram is polled")
    elif _answers(f"{settings.public_url}/healthz"):
        report.ok("public address", f"{settings.public_url} answers")
    else:
        report.warn(
            "public address",
            f"{settings.public_url}/healthz does not answer from here",
            "Start the server; check DNS, certificate and proxy from outside",
        )


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=HTTP_SECONDS) as response:  # settings allow http and https only
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False
