"""`gateway serve`: embedded servers where none are named, the schema, then one worker or several on one port.

With several, this process only supervises: it has forked the workers before any event loop ran, restarts
one that dies, and hands a stop on to all of them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import uvloop

from gateway.demo import publish_demo
from gateway.embedding import shared_embedder
from gateway.errors import ConfigurationError, GatewayError, Problem
from gateway.keyring import open_keyring
from gateway.logs import configure_logging, get_logger, loop_exception_handler
from gateway.servers import Servers, open_servers
from gateway.settings import Settings
from storage.database import Database
from storage.keyring import Keyring
from storage.migrate import migrate
from storage.routing import understands_intents

BACKLOG = 1024
RESTART_SECONDS = (0.0, 0.1, 0.5, 1.0, 5.0)
"""Waits before a worker that died within `STEADY_SECONDS` is started again; the last one repeats."""
STEADY_SECONDS = 10.0
KILL_AFTER_SECONDS = 5.0
"""How much longer than the drain time a worker may take to end before it is killed."""
PARENT_CHECK_SECONDS = 0.5
GC_THRESHOLD = 20_000
"""New containers between collections: a batch of turns makes some thousands, nearly none of them in cycles."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a worker needs: settings, resolved servers, keys."""

    settings: Settings
    servers: Servers
    keyring: Keyring


def serve(settings: Settings, *, demo: bool = False) -> None:
    """Serve until SIGTERM or SIGINT. Raises `ConfigurationError` for what an operator has to mend."""
    configure_logging(level=settings.log_level, form=settings.log_format)
    _check_port_free(settings)
    with ExitStack() as stack:
        servers = stack.enter_context(open_servers(settings))
        keyring = open_keyring(settings)
        asyncio.run(_prepare(servers, keyring, demo=demo))
        plan = Plan(settings=settings, servers=servers, keyring=keyring)
        if settings.workers == 1:
            uvloop.run(_work(plan, _announce(settings, demo=demo)))
        else:
            stack.enter_context(_shared_metrics())
            supervisor = _Supervisor(plan, _announce(settings, demo=demo))
            supervisor.run()
            if supervisor.failed:
                raise GatewayError("a worker could not start; the log says why")


async def _prepare(servers: Servers, keyring: Keyring, *, demo: bool) -> None:
    await migrate(servers.database_url)
    if demo:
        await publish_demo(servers.database_url, keyring)
    database = Database(servers.database_url, pool_size=1, application_name="gateway-prepare")
    try:
        if await understands_intents(database):
            shared_embedder()
    finally:
        await database.dispose()


def _announce(settings: Settings, *, demo: bool) -> Callable[[], None]:
    def say() -> None:
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared only
        address = f"http://{host}:{settings.port}/"
        print(f"Chat with the demo bot: {address}" if demo else f"Listening on {address}", flush=True)  # noqa: T201

    return say


def _check_port_free(settings: Settings) -> None:
    """Workers share the port by SO_REUSEPORT, which would let another gateway share it too, unseen."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            message = f"{settings.host}:{settings.port} can't be listened on ({error.strerror})"
            mend = "Stop what listens there, or set GATEWAY_PORT to another port"
            raise ConfigurationError([Problem(place="GATEWAY_PORT", message=message, mend=mend)]) from None


def listening_socket(settings: Settings) -> socket.socket:
    """A socket on the port that all workers share."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((settings.host, settings.port))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


async def _work(plan: Plan, ready: Callable[[], None], parent: int | None = None) -> None:
    """One worker, until it is told to stop, or its supervisor is gone."""
    from aiohttp import web

    from gateway.worker import Worker

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(loop_exception_handler)
    stopping = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopping.set)
    worker = Worker(
        plan.settings,
        database_url=plan.servers.database_url,
        redis_url=plan.servers.redis_url,
        keyring=plan.keyring,
    )
    runner = await worker.start()
    _settle_memory()
    await web.SockSite(runner, listening_socket(plan.settings), backlog=BACKLOG).start()
    ready()
    watch = asyncio.create_task(_watch_parent(parent, stopping)) if parent else None
    await stopping.wait()
    get_logger(__name__).info("draining", seconds=plan.settings.drain_seconds)
    if watch is not None:
        watch.cancel()
    await worker.stop(runner)


def _settle_memory() -> None:
    """What start-up made lives as long as the process: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)


async def _watch_parent(parent: int, stopping: asyncio.Event) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing announces a parent's end
        await asyncio.sleep(PARENT_CHECK_SECONDS)
    stopping.set()


class _shared_metrics:  # noqa: N801 - used as a function
    """A folder in which the workers' counters meet; the variable has to be set before the library is imported."""

    def __enter__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gateway-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = self._folder.name

    def __exit__(self, *_: object) -> None:
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
        self._folder.cleanup()


@dataclass(kw_only=True)
class _Child:
    slot: int
    started: float
    failures: int


class _Supervisor:
    """Forks the workers and keeps their number. Single-threaded, without an event loop: forking is safe."""

    def __init__(self, plan: Plan, announce: Callable[[], None]) -> None:
        self._plan = plan
        self._announce = announce
        self._children: dict[int, _Child] = {}
        self._restarts: list[tuple[float, int, int]] = []
        self._stopping = False
        self.failed = False
        """A worker could not even start."""
        self._log = get_logger(__name__)

    def run(self) -> None:
        """Supervise until told to stop and every worker has ended."""
        import gateway.worker  # noqa: F401 - imported once, before the forks, shared by all workers

        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # so that the sleep below ends when a worker does
        gc.collect()
        gc.freeze()
        read_end, write_end = os.pipe()
        for slot in range(self._plan.settings.workers):
            self._start(slot, 0, write_end)
        if self._all_ready(read_end):
            self._announce()
        self._loop(write_end)
        os.close(read_end)
        os.close(write_end)

    def _all_ready(self, read_end: int) -> bool:
        """Wait for every worker's sign; when one dies before it gives one, none of them is of use."""
        waiting = self._plan.settings.workers
        while waiting and not self._stopping:
            readable, _, _ = select.select([read_end], [], [], 0.05)
            if readable:
                waiting -= len(os.read(read_end, waiting))
            elif any(
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) for pid in self._children
            ):
                self._log.error("a worker could not start; its error is above")
                self.failed = True
                self._on_signal(signal.SIGTERM, None)
        return not waiting

    def _loop(self, write_end: int) -> None:
        deadline: float | None = None
        while self._children or (self._restarts and not self._stopping):
            self._reap()
            now = time.monotonic()
            if self._stopping:
                deadline = deadline or now + self._plan.settings.drain_seconds + KILL_AFTER_SECONDS
                if now > deadline:
                    self._signal(signal.SIGKILL)
            else:
                for restart in [restart for restart in self._restarts if restart[0] <= now]:
                    self._restarts.remove(restart)
                    self._start(restart[1], restart[2], write_end)
            signal.sigtimedwait({signal.SIGUSR2}, 0.05)

    def _start(self, slot: int, failures: int, write_end: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._child(slot, write_end)
        self._children[pid] = _Child(slot=slot, started=time.monotonic(), failures=failures)

    def _child(self, slot: int, write_end: int) -> None:
        """The forked worker's life; never returns."""
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.environ["GATEWAY_WORKER"] = str(slot)
            uvloop.run(_work(self._plan, lambda: _tell(write_end), parent=os.getppid()))
            code = 0
        except BaseException:
            self._log.exception("worker failed", worker=slot)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        from gateway.metrics import mark_worker_dead

        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is None:
                continue
            mark_worker_dead(child.slot)
            if self._stopping:
                continue
            steady = time.monotonic() - child.started > STEADY_SECONDS
            failures = 0 if steady else child.failures + 1
            wait = RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)]
            self._log.warning("worker died", worker=child.slot, status=status, restart_in=wait)
            self._restarts.append((time.monotonic() + wait, child.slot, failures))

    def _on_signal(self, signum: int, frame: object) -> None:
        self._stopping = True
        self._signal(signal.SIGTERM)

    def _signal(self, signum: int) -> None:
        for pid in self._children:
            os.kill(pid, signum)


def _tell(write_end: int) -> None:
    os.write(write_end, b".")
