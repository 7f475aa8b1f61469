"""The embedded servers: started, adopted, shared, stopped; whatever a crash left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from storage.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey
from storage.embedded.processes import alive, listener, wait_gone
from storage.errors import EmbeddedServerFailed
from tests.pace import slowness

REPOSITORY = Path(__file__).parents[2]

ONE_GATEWAY = """
import sys, time
from pathlib import Path
from storage.embedded import EmbeddedPostgres, EmbeddedValkey
folder = Path(sys.argv[1])
with EmbeddedPostgres(folder, {"fsync": "off"}) as postgres, EmbeddedValkey(folder) as valkey:
    print(postgres.pid, valkey.pid, flush=True)
    sys.stdin.readline()
"""


def make(kind: type[EmbeddedServer], folder: Path) -> EmbeddedServer:
    return EmbeddedPostgres(folder, {"fsync": "off"}) if kind is EmbeddedPostgres else kind(folder)


KINDS = pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey], ids=["postgres", "valkey"])


@pytest.fixture
def new_folder() -> Iterator[Path]:
    """A data directory that is not there yet; whatever still runs in it afterwards is ended.

    Not under `tmp_path`: run by root, PostgreSQL has another user, whom every pytest that starts shuts out.
    """
    parent = Path(tempfile.mkdtemp(prefix="gw-"))
    path = parent / "d"
    yield path
    for kind in (EmbeddedPostgres, EmbeddedValkey):
        pid = kind(path).pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid, 5)
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def used_folder() -> Iterator[Path]:
    """A data directory after a first start, for copying: making a cluster takes more than a second."""
    parent = Path(tempfile.mkdtemp(prefix="gw-"))
    with make(EmbeddedPostgres, parent):
        pass
    yield parent
    shutil.rmtree(parent)


@pytest.fixture
def folder(new_folder: Path, used_folder: Path) -> Path:
    """A data directory that has been used before."""
    subprocess.run(["cp", "-a", used_folder, new_folder], check=True)
    return new_folder


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it holds within that time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def running(server: EmbeddedServer) -> int:
    pid = server.pid
    assert pid is not None
    return pid


def gateway(folder: Path) -> subprocess.Popen[str]:
    """Another process that uses the servers until its standard input ends."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", ONE_GATEWAY, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )


def pids(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout is not None
    found = [int(pid) for pid in process.stdout.readline().split()]
    assert len(found) == 2, process.communicate(timeout=10)
    return found


async def query(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_postgres_is_durable_and_listens_on_its_socket_only(new_folder: Path) -> None:
    with EmbeddedPostgres(new_folder) as server:
        expected = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "listen_addresses": "",
            "max_connections": "100",
            "shared_buffers": "128MB",
            "jit": "off",
            "server_encoding": "UTF8",
            "data_checksums": "on",
        }
        found = {name: await query(server.url, f"SHOW {name}") for name in expected}
        assert found == expected
        assert await query(server.url, "SELECT current_database()") == "gateway"
        assert (
            await query(server.url, "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == 1
        )
        assert (new_folder / "postgres").stat().st_mode & 0o077 == 0


async def test_valkey_listens_on_its_socket_only_and_keeps_nothing(new_folder: Path) -> None:
    with EmbeddedValkey(new_folder) as server:
        async with Redis.from_url(server.url) as client:
            assert await client.config_get("port", "save", "appendonly", "maxmemory-policy") == {
                "port": "0",
                "save": "",
                "appendonly": "no",
                "maxmemory-policy": "allkeys-lru",
            }
            await client.set("key", "value")
        assert server.socket_path.stat().st_mode & 0o077 == 0
    assert not server.socket_path.exists()


async def test_a_second_start_is_fast_and_remembers(folder: Path) -> None:
    postgres, valkey = EmbeddedPostgres(folder), EmbeddedValkey(folder)
    with postgres:
        await query(postgres.url, "CREATE TABLE kept (id int)")
    times = []
    for _ in range(3):
        before = time.perf_counter()
        postgres.start()
        valkey.start()
        times.append(time.perf_counter() - before)
        assert await query(postgres.url, "SELECT to_regclass('kept') IS NOT NULL")
        valkey.stop()
        postgres.stop()
    assert min(times) < 0.5 * slowness()
    assert postgres.pid is None
    assert valkey.pid is None


@KINDS
def test_the_server_has_a_session_of_its_own(kind: type[EmbeddedServer], folder: Path) -> None:
    """Ctrl-C goes to the terminal's foreground group: the server must not be in it."""
    with make(kind, folder) as server:
        assert os.getsid(running(server)) != os.getsid(0)
        assert os.getpgid(running(server)) != os.getpgid(0)


def test_a_killed_gateway_leaves_servers_that_the_next_one_adopts_and_stops(folder: Path) -> None:
    with gateway(folder) as killed:
        left = pids(killed)
        killed.kill()
    assert all(alive(pid) for pid in left)
    postgres, valkey = EmbeddedPostgres(folder).start(), EmbeddedValkey(folder).start()
    assert [running(postgres), running(valkey)] == left
    postgres.stop()
    valkey.stop()
    assert not any(alive(pid) for pid in left)


def test_who_stops_first_leaves_the_servers_to_the_others(folder: Path) -> None:
    with gateway(folder) as other:
        started = pids(other)
        with EmbeddedPostgres(folder) as postgres, EmbeddedValkey(folder) as valkey:
            assert [running(postgres), running(valkey)] == started
        assert all(alive(pid) for pid in started)
        said, complaints = other.communicate("\n", timeout=20)
    assert (said, complaints, other.returncode) == ("", "", 0)
    assert not any(alive(pid) for pid in started)


def test_who_starts_at_the_same_moment_shares_one_server(new_folder: Path) -> None:
    processes = [gateway(new_folder) for _ in range(4)]
    found = [pids(process) for process in processes]
    for process in processes:
        _, complaints = process.communicate("\n", timeout=30)
        assert (complaints, process.returncode) == ("", 0)
    assert found == [found[0]] * 4
    assert not any(alive(pid) for pid in found[0])


@KINDS
def test_a_killed_server_is_started_again(kind: type[EmbeddedServer], folder: Path) -> None:
    with make(kind, folder) as server:
        for _ in range(3):
            before = running(server)
            os.kill(before, signal.SIGKILL)
            assert wait_gone(before, 5)
            assert wait_until(
                lambda: server.pid is None, 10
            )  # its children hold the socket until they notice
            server.start()
            assert running(server) != before


def test_a_server_that_was_left_while_starting_is_waited_for(folder: Path) -> None:
    server = EmbeddedPostgres(folder, {"fsync": "off"})
    started = server._launch()  # a gateway that is killed at this moment
    assert running(server.start()) == started
    server.stop()


def test_processes_that_answer_nobody_are_named(folder: Path) -> None:
    with subprocess.Popen(["sleep", "60"], cwd=folder / "postgres") as stranger:
        try:
            with pytest.raises(EmbeddedServerFailed, match=rf"\[{stranger.pid}\].*answer nobody"):
                make(EmbeddedPostgres, folder).start()
        finally:
            stranger.kill()


def test_a_stale_pid_file_does_not_keep_postgres_from_starting(folder: Path) -> None:
    with make(EmbeddedPostgres, folder):
        lines = (folder / "postgres" / "postmaster.pid").read_text().splitlines()
    pid_file = folder / "postgres" / "postmaster.pid"
    # The number belongs to a living process of somebody else now: ours.
    stale = "\n".join([str(os.getpid()), *lines[1:]]) + "\n"
    pid_file.write_text(stale)
    (folder / "postgres" / ".s.PGSQL.5432.lock").write_text(stale)
    with make(EmbeddedPostgres, folder) as server:
        assert running(server) != os.getpid()


def test_a_stale_socket_file_does_not_keep_valkey_from_starting(new_folder: Path) -> None:
    with make(EmbeddedValkey, new_folder) as server:
        pid = running(server)
        os.kill(pid, signal.SIGKILL)
        assert wait_gone(pid, 5)
    assert server.socket_path.exists()
    assert listener(server.socket_path) is None
    with make(EmbeddedValkey, new_folder) as again:
        assert running(again)


def test_a_first_start_that_was_cut_off_begins_again(new_folder: Path) -> None:
    half = new_folder / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with make(EmbeddedPostgres, new_folder) as server:
        assert running(server)
    assert not half.exists()


@KINDS
@pytest.mark.parametrize("name", ["n" * 120, "with space and 'quotes', ü"], ids=["long", "odd"])
async def test_any_data_directory_will_do(kind: type[EmbeddedServer], new_folder: Path, name: str) -> None:
    with make(kind, new_folder / name) as server:
        assert len(os.fsencode(server.socket_path)) <= 103
        if kind is EmbeddedPostgres:
            assert await query(server.url, "SELECT 1") == 1
        else:
            async with Redis.from_url(server.url) as client:
                assert await client.ping()
        sockets = server.socket_path.parent
        assert sockets.stat().st_mode & 0o077 == 0
        with make(kind, new_folder / name) as same:
            assert same.pid == server.pid
    assert not sockets.exists()


def test_a_short_folder_of_somebody_else_is_refused(new_folder: Path) -> None:
    server = EmbeddedValkey(new_folder / ("n" * 120))
    stranger = server.socket_path.parent
    stranger.mkdir(mode=0o755)
    try:
        with pytest.raises(EmbeddedServerFailed, match="belongs to somebody else"):
            server.start()
    finally:
        stranger.rmdir()


def test_a_data_directory_that_can_not_be_is_refused_clearly(new_folder: Path) -> None:
    new_folder.write_text("a file")
    with pytest.raises(EmbeddedServerFailed, match="can't be used"):
        make(EmbeddedPostgres, new_folder).start()
    new_folder.unlink()


def test_a_server_sees_nothing_of_our_environment(folder: Path) -> None:
    os.environ["GATEWAY_TEST_SECRET"] = "hidden"
    try:
        with make(EmbeddedPostgres, folder) as postgres, make(EmbeddedValkey, folder) as valkey:
            for server in (postgres, valkey):
                assert b"hidden" not in Path(f"/proc/{running(server)}/environ").read_bytes()
    finally:
        del os.environ["GATEWAY_TEST_SECRET"]


def test_a_folder_that_is_no_cluster_is_left_alone(new_folder: Path) -> None:
    (new_folder / "postgres").mkdir(parents=True)
    (new_folder / "postgres" / "mine.txt").write_text("keep me")
    with pytest.raises(EmbeddedServerFailed, match="holds no PostgreSQL cluster"):
        make(EmbeddedPostgres, new_folder).start()
    assert (new_folder / "postgres" / "mine.txt").read_text() == "keep me"


def test_a_cluster_of_another_version_is_refused_clearly(folder: Path) -> None:
    (folder / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedServerFailed, match=r"PostgreSQL 16, this gateway brings 18.*DATABASE_URL"):
        make(EmbeddedPostgres, folder).start()


def test_a_server_that_can_not_start_says_why(folder: Path) -> None:
    broken = EmbeddedPostgres(folder, {"shared_buffers": "nonsense"})
    with pytest.raises(EmbeddedServerFailed, match="shared_buffers"):
        broken.start()
    broken.stop()


def test_starting_and_stopping_twice_is_harmless(folder: Path) -> None:
    server = make(EmbeddedPostgres, folder)
    server.stop()
    assert running(server.start()) == running(server.start())
    server.stop()
    server.stop()
    assert server.pid is None


async def test_starting_does_not_need_the_event_loop(new_folder: Path) -> None:
    server = make(EmbeddedValkey, new_folder)
    await asyncio.to_thread(server.start)
    async with Redis.from_url(server.url) as client:
        assert await client.ping()
    await asyncio.to_thread(server.stop)
    assert server.pid is None
