"""The process as an operator knows it: workers on one port, restarts, shutdown, health, metrics, start-up."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.conftest import StartGateway
from tests.chaos.processes import free_port


def get(url: str) -> tuple[int, str]:
    """(status, body); status 0 while nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for it. Fails the test when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_two_workers_share_the_port_and_a_killed_one_comes_back(start_gateway: StartGateway) -> None:
    gateway = start_gateway(workers=2)
    first = set(gateway.worker_pids())
    assert len(first) == 2
    victim = first.pop()
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(set(gateway.worker_pids()) - {victim}) == 2)
    assert all(get(f"{gateway.url}/healthz")[0] == 200 for _ in range(20))


def test_health_readiness_and_metrics_answer(start_gateway: StartGateway) -> None:
    gateway = start_gateway(workers=2)
    assert get(f"{gateway.url}/healthz") == (200, '{"status": "ok"}')
    assert get(f"{gateway.url}/health")[0] == 200
    until(lambda: get(f"{gateway.url}/readyz")[0] == 200)
    assert json.loads(get(f"{gateway.url}/readyz")[1]) == {"status": "ok", "database": "ok", "valkey": "ok"}
    until(lambda: "gateway_queue_age_seconds" in get(f"{gateway.url}/metrics")[1])
    until(lambda: "gateway_bus_up 1.0" in get(f"{gateway.url}/metrics")[1])


def test_a_stop_ends_every_process_and_frees_the_port(start_gateway: StartGateway) -> None:
    gateway = start_gateway(workers=2)
    workers = gateway.worker_pids()
    gateway.stop()
    assert not gateway.alive
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", gateway.port)) != 0


def test_workers_end_when_their_supervisor_is_killed(start_gateway: StartGateway) -> None:
    gateway = start_gateway(workers=2)
    workers = gateway.worker_pids()
    os.kill(gateway.pid, signal.SIGKILL)
    until(lambda: not any(_runs(pid) for pid in workers))
    gateway.stop()


def test_a_taken_port_is_refused_with_its_setting_and_the_mend(
    start_gateway: StartGateway, gateway_environment: dict[str, str]
) -> None:
    gateway = start_gateway(workers=1)
    second = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--port", str(gateway.port)],
        env={**os.environ, **gateway_environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode != 0
    assert "GATEWAY_PORT" in second.stderr
    assert "another port" in second.stderr
    assert "Traceback" not in second.stderr


def test_the_demo_starts_with_nothing_set_and_fast_the_second_time() -> None:
    """Embedded servers, migrations, demo bot; then again on the same data, with a bound that CI's noise keeps."""
    with tempfile.TemporaryDirectory(prefix="gw-") as folder:
        port = free_port()
        environment = {**os.environ, "GATEWAY_DATA_DIR": folder, "GATEWAY_PORT": str(port)}
        seconds = []
        for _ in range(2):
            started = time.monotonic()
            with subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve", "--demo"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            ) as process:
                assert process.stdout is not None
                line = process.stdout.readline()
                seconds.append(time.monotonic() - started)
                assert line == f"Chat with the demo bot: http://127.0.0.1:{port}/\n"
                assert "widget.js" in get(f"http://127.0.0.1:{port}/")[1]
                process.send_signal(signal.SIGTERM)
                assert process.wait(40) == 0
        print(
            f"first start {seconds[0]:.1f} s, second start {seconds[1]:.1f} s (goal < 3 s on a quiet machine)"
        )
        assert seconds[1] < 30


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
