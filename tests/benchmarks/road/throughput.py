"""Throughput, latency and CPU of the road: the gateway (c), beside (a), (b) and (d), interleaved in one run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.benchmarks.road.cpu import cpu_seconds
from tests.benchmarks.road.place import ROUTE, SECRET, Place, empty, fetch, free_port, gateway, process

CHATS = 500
WARM_UP_SECONDS = 3.0
DRAIN_SECONDS = 10.0

NAMES = {
    "a": "(a) by hand, one transaction a message",
    "b": "(b) by hand, micro-batched",
    "c": "(c) gateway, 1 worker",
    "c2": "(c) gateway, 2 workers",
    "d": "(d) plain aiogram bot, RedisStorage",
}


@dataclass(kw_only=True)
class Sample:
    """One measured run."""

    rate: float
    """Answers that arrived at the Bot API, a second."""
    latencies: list[float]
    """Seconds from POST to sendMessage's arrival."""
    cpu: dict[str, float]
    """Microseconds of CPU a message, by process."""
    failed: int


@dataclass
class Series:
    """All runs of one server."""

    full: list[Sample] = field(default_factory=list)
    half: list[Sample] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Median throughput."""
        return statistics.median(sample.rate for sample in self.full)


class Bench:
    """The servers of one place under the same load."""

    def __init__(self, place: Place, api_port: int, api_pid: int) -> None:
        self._place = place
        self._api = f"http://127.0.0.1:{api_port}"
        self._api_pid = api_pid
        self._next_id = 1

    def run(self, kinds: list[str], rounds: int, seconds: float) -> dict[str, Series]:
        """`rounds` times each server in turn: as fast as it goes, then at half of that."""
        series: dict[str, Series] = {kind: Series() for kind in kinds}
        for number in range(rounds):
            for kind in kinds:
                empty(self._place)
                with self._server(kind) as (pid, url):
                    self._measure(pid, url, WARM_UP_SECONDS, 0)
                    full = self._measure(pid, url, seconds, 0)
                    half = self._measure(pid, url, seconds, full.rate / 2)
                series[kind].full.append(full)
                series[kind].half.append(half)
                print(
                    f"  round {number + 1} {NAMES[kind]}: {full.rate:,.0f}/s, "
                    f"p99 at half load {percentile(half.latencies, 99) * 1e3:.1f} ms",
                    flush=True,
                )
        return series

    @contextmanager
    def _server(self, kind: str) -> Iterator[tuple[int, str]]:
        place = self._place
        ids = (str(place.channel), str(place.organization))
        if kind in ("c", "c2"):
            with gateway(place, self._api, workers=2 if kind == "c2" else 1) as (child, port):
                yield child.pid, _webhook(port)
            return
        port = free_port()
        arguments = (
            (
                "tests.benchmarks.road.plain_aiogram",
                str(port),
                place.database_url,
                self._api,
                place.redis_url,
                *ids,
            )
            if kind == "d"
            else ("tests.benchmarks.road.baselines", kind, str(port), place.database_url, self._api, *ids)
        )
        with process(*arguments, port=port) as child:
            time.sleep(0.5)
            yield child.pid, _webhook(port)

    def _measure(self, pid: int, url: str, seconds: float, rate: float) -> Sample:
        fetch(f"{self._api}/log")
        pids = {"server": pid, "postgres": self._place.postgres_pid, "bot api": self._api_pid}
        before = {name: cpu_seconds(each) for name, each in pids.items()}
        started = time.monotonic()
        posts = self._place.folder / "posts.json"
        arguments = [url, SECRET, str(CHATS), str(seconds), str(rate), str(self._next_id), str(posts)]
        subprocess.run([sys.executable, "-m", "tests.benchmarks.road.load", *arguments], check=True)
        load = json.loads(posts.read_text())
        self._next_id += 1_000_000
        arrivals = self._drain(load["posted"] - load["failed"])
        after = {name: cpu_seconds(each) for name, each in pids.items()}
        last = max((at for _, at in arrivals), default=started)
        within = max(last - min(at for _, at in load["posts"]), 1e-9)
        count = max(len(arrivals), 1)
        return Sample(
            rate=len(arrivals) / within,
            latencies=_latencies(load["posts"], arrivals),
            cpu={name: (after[name] - before[name]) / count * 1e6 for name in pids},
            failed=load["failed"] + max(0, load["posted"] - load["failed"] - len(arrivals)),
        )

    def _drain(self, expected: int) -> list[tuple[int, float]]:
        """Everything that arrives, until all have or nothing more comes."""
        arrivals: list[tuple[int, float]] = []
        deadline = time.monotonic() + DRAIN_SECONDS
        while len(arrivals) < expected and time.monotonic() < deadline:
            arrivals += [(chat, at) for chat, at in json.loads(fetch(f"{self._api}/log"))]
            time.sleep(0.1)
        return arrivals


def _webhook(port: int) -> str:
    return f"http://127.0.0.1:{port}/webhook/telegram/{ROUTE}"


def _latencies(posts: list[tuple[int, float]], arrivals: list[tuple[int, float]]) -> list[float]:
    """Each chat's nth answer belongs to its nth message: both sides are serial for each chat."""
    waiting: dict[int, list[float]] = defaultdict(list)
    for chat, at in posts:
        waiting[chat].append(at)
    came: dict[int, list[float]] = defaultdict(list)
    for chat, at in arrivals:
        came[chat].append(at)
    return [
        there - here for chat, sent in waiting.items() for here, there in zip(sent, came[chat], strict=False)
    ]


def percentile(values: list[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


def report(series: dict[str, Series]) -> None:
    """Print the table and the ratios against the goals."""
    print(f"\n{'':42}{'msg/s':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}   CPU µs a message")
    for kind, one in series.items():
        latencies = [latency for sample in one.half for latency in sample.latencies]
        p50, p95, p99 = (percentile(latencies, p) * 1e3 for p in (50, 95, 99))
        parts = {name: statistics.median(s.cpu[name] for s in one.full) for name in one.full[0].cpu}
        cpu = ", ".join(f"{name} {value:.0f}" for name, value in parts.items())
        failed = sum(sample.failed for sample in (*one.full, *one.half))
        note = f"   {failed} failed" if failed else ""
        print(f"{NAMES[kind]:42}{one.rate:>8,.0f}{p50:>9.1f}{p95:>9.1f}{p99:>9.1f}   {cpu}{note}")
    print("(latencies at half of each one's own throughput, from POST to sendMessage's arrival)\n")
    _ratios(series)


def _ratios(series: dict[str, Series]) -> None:
    for other, goal in (("a", 1.3), ("b", 0.7), ("d", 6.0)):
        if other in series and "c" in series:
            pairs = zip(series["c"].full, series[other].full, strict=True)
            rounds = [ours.rate / theirs.rate for ours, theirs in pairs]
            ratio = statistics.median(rounds)
            verdict = "reached" if ratio >= goal else "missed"
            print(f"throughput (c)/({other}) = {ratio:.2f}  goal >= {goal}  {verdict}")
    if "b" in series and "c" in series:
        ours, theirs = (
            percentile([latency for s in series[k].half for latency in s.latencies], 99) for k in ("c", "b")
        )
        ratio = ours / theirs
        print(f"p99 at half load (c)/(b) = {ratio:.2f}  goal <= 2.0  {'reached' if ratio <= 2 else 'missed'}")


@contextmanager
def bot_api() -> Iterator[tuple[int, int]]:
    """The cheap Bot API; (port, pid)."""
    port = free_port()
    with process("tests.benchmarks.road.bot_api", str(port), port=port) as child:
        yield port, child.pid


def main(kinds: list[str], rounds: int, seconds: float) -> None:
    """Run and print."""
    from tests.benchmarks.road.place import place

    with place() as here, bot_api() as (port, pid):
        report(Bench(here, port, pid).run(kinds, rounds, seconds))


if __name__ == "__main__":
    kinds = sys.argv[1].split(",") if len(sys.argv) > 1 else ["a", "b", "c", "d"]
    main(
        kinds, int(sys.argv[2]) if len(sys.argv) > 2 else 3, float(sys.argv[3]) if len(sys.argv) > 3 else 8.0
    )
