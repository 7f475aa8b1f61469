"""What the platforms' benchmarks have in common: CPU microseconds a message, by part and by library."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
import timeit
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import psutil

IN_FLIGHT = 32
PEOPLE = 500
ROUNDS = 5
COLUMNS = ((0, 1), (1, -1), (2, 1))
"""The best of each column of `sending`: least CPU, most calls a second, least CPU of the mock."""
PAYLOADS = Path(__file__).parents[1] / "payloads"

Send: TypeAlias = Callable[[int], Awaitable[object]]
"""Sends one message to somebody, by number."""
Client: TypeAlias = Callable[[str], AbstractAsyncContextManager[Send]]
"""Opens a client of the mock at this address."""
Row: TypeAlias = tuple[str, float, str]


def best(work: Callable[[], object], number: int, repeats: int = 7) -> float:
    """Microseconds a call, of the best run."""
    return min(timeit.repeat(work, number=number, repeat=repeats)) / number * 1e6


def compact(platform: str, name: str) -> bytes:
    """A payload as platforms post it: without white space."""
    payload = json.loads((PAYLOADS / platform / f"{name}.json").read_bytes())
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def show(title: str, rows: list[Row]) -> None:
    """One table."""
    print(f"\n{title}")
    for name, value, note in rows:
        print(f"  {name:<42}{value:>9.1f} µs   {note}".rstrip())


def scale_asked(about: str | None) -> float:
    """The argument --scale."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--scale", type=float, default=1.0, help="times as many sends")
    return float(parser.parse_args().scale)


async def all_sending(
    platform: str, options: Sequence[str], clients: Sequence[tuple[str, Client, int]], scale: float
) -> list[Row]:
    """Every client with its number of calls, in turns and ROUNDS times, so that a busy moment of the machine strikes
    none alone. `options` are for the platform's mock."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    with _mock_process(platform, options) as (url, mock):
        for _ in range(ROUNDS):
            for name, client, calls in clients:
                found.setdefault(name, []).append(await _sending(url, mock, client, int(calls * scale)))
    rows = []
    for name, results in found.items():
        cpu, rate, served = (min(result[column] * sign for result in results) for column, sign in COLUMNS)
        rows.append((name, cpu, f"{-rate:,.0f}/s; the mock's own CPU {served:.0f} µs"))
    return rows


@contextmanager
def _mock_process(platform: str, options: Sequence[str]) -> Iterator[tuple[str, psutil.Process]]:
    """The mock in a process of its own: its address and its process."""
    command = [sys.executable, "-m", f"tests.platforms.{platform}", "--port", "0", "--bench", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), psutil.Process(process.pid)
        finally:
            process.terminate()


async def _sending(
    url: str, mock: psutil.Process, open_client: Client, calls: int
) -> tuple[float, float, float]:
    """CPU µs a call here, calls a second, CPU µs a call in the mock."""
    async with open_client(url) as send:
        numbers = iter(range(calls + IN_FLIGHT))

        async def worker(until: int) -> None:
            for number in numbers:
                await send(1 + number % PEOPLE)
                if number >= until:
                    return

        await asyncio.gather(*(send(one) for one in range(1, IN_FLIGHT + 1)))  # connections are open now
        cpu, wall, before = time.process_time(), time.perf_counter(), mock.cpu_times()
        await asyncio.gather(*(worker(calls) for _ in range(IN_FLIGHT)))
        done = calls + IN_FLIGHT
        after = mock.cpu_times()
        served = after.user + after.system - before.user - before.system
        return (
            (time.process_time() - cpu) / done * 1e6,
            done / (time.perf_counter() - wall),
            served / done * 1e6,
        )
