"""The numbers: exposed by one process or by several workers that share a directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

WORK = """
import os
from gateway import metrics
metrics.events("telegram", "accepted").inc(3)
metrics.websockets_open().set(5)
metrics.turn_batch().observe(7)
metrics.turn_seconds("queue").observe(0.002)
metrics.queue_age("delivery").set(1.5)
"""
RENDER = """
from gateway import metrics
content_type, body = metrics.render_metrics()
print(content_type)
print(body.decode())
"""
DIE = "os.kill(os.getpid(), 9)\n"


def run(code: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.stdout


def samples(text: str) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in text.splitlines()[1:] if line and line[0] != "#")
    }


def test_one_process_exposes_its_own_numbers() -> None:
    text = run(WORK + RENDER)
    found = samples(text)
    assert text.startswith("text/plain")
    assert found['gateway_events_total{channel="telegram",outcome="accepted"}'] == 3
    assert found["gateway_websockets_open"] == 5
    assert found['gateway_turn_batch_size_bucket{le="8.0"}'] == 1
    assert found['gateway_queue_age_seconds{lane="delivery"}'] == 1.5


def test_a_label_set_is_bound_once() -> None:
    from gateway import metrics

    assert metrics.events("web", "duplicate") is metrics.events("web", "duplicate")


def test_workers_share_their_numbers_and_a_dead_one_keeps_its_counters(tmp_path: Path) -> None:
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for slot in ("0", "1", "1"):  # worker 1 is killed and started again
        run(WORK + DIE, **shared, GATEWAY_WORKER=slot)
    found = samples(run(RENDER, **shared))
    assert found['gateway_events_total{channel="telegram",outcome="accepted"}'] == 9
    assert found["gateway_websockets_open"] == 10
    assert found["gateway_turn_batch_size_count"] == 3
    assert len(list(tmp_path.glob("counter_*.db"))) == 2
    found = samples(run("from gateway import metrics\nmetrics.mark_worker_dead(1)\n" + RENDER, **shared))
    assert found["gateway_websockets_open"] == 5
    assert found['gateway_events_total{channel="telegram",outcome="accepted"}'] == 9


FORKED = """
import os
from gateway import metrics
for slot in ("0", "1"):
    pid = os.fork()
    if pid == 0:
        os.environ["GATEWAY_WORKER"] = slot
        metrics.bus_up().set(1)
        metrics.websockets_open().set(4)
        metrics.events("web", "accepted").inc()
        os._exit(0)
    os.waitpid(pid, 0)
"""


def test_workers_that_were_forked_after_the_import_count_apart_from_their_supervisor(tmp_path: Path) -> None:
    found = samples(run(FORKED + RENDER, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)))
    assert found["gateway_bus_up"] == 1
    assert found["gateway_websockets_open"] == 8
    assert found['gateway_events_total{channel="web",outcome="accepted"}'] == 2


def test_nothing_else_imports_the_metrics_library() -> None:
    modules = "gateway.settings, gateway.logs, gateway.checkpoints"
    assert run(f"import sys, {modules}; print('prometheus_client' in sys.modules)").strip() == "False"
