"""2,000 widget sockets on one worker: memory a connection, and how long a message takes to be answered.

`python -m tests.benchmarks.road.sockets PORT ROUTE COUNT ECHOES FILE` is the client, a process of its own: it
speaks the WebSocket protocol by hand, because 2,000 client objects would cost more than what is measured.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.road.cpu import memory_bytes
from tests.benchmarks.road.place import Place, gateway
from tests.benchmarks.road.throughput import percentile

SOCKETS = 2_000
ECHOES = 2_000
SETTLE_SECONDS = 3.0
OPEN_AT_ONCE = 100
PACE_PER_SECOND = 200


class Client:
    """One widget: hello, then a message at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, route: str) -> Client:
        """Connect, upgrade, say hello and wait for the welcome."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /widget/{route}/socket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        client = cls(reader, writer)
        client.say({"type": "hello", "seq": 0})
        await client.hear("welcome")
        return client

    def say(self, frame: dict[str, Any]) -> None:
        """Send a masked text frame."""
        data = json.dumps(frame).encode()
        head = (
            bytes([0x81, 0x80 | len(data)]) if len(data) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(data))
        )
        self._writer.write(head + b"\0\0\0\0" + data)

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next frame of that type; the others are passed over."""
        for _ in range(1_000):
            first, second = await self._reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await self._reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
            data = await self._reader.readexactly(length)
            if first & 0x0F == 9:  # ping
                self._writer.write(bytes([0x8A, 0x80 | len(data)]) + b"\0\0\0\0" + data)
                continue
            if first & 0x0F != 1:
                continue
            frame: dict[str, Any] = json.loads(data)
            if frame["type"] == kind and (kind != "message" or frame.get("from") == "bot"):
                return frame
        raise RuntimeError(f"no {kind} came")

    async def echo(self) -> float:
        """Seconds from a message to its answer."""
        started = time.perf_counter()
        self.say({"type": "text", "id": str(uuid.uuid4()), "text": "hello"})
        await self.hear("message")
        return time.perf_counter() - started


async def _client(port: int, route: str, count: int, echoes: int, file: Path) -> None:
    clients: list[Client] = []
    for start in range(0, count, OPEN_AT_ONCE):
        batch = range(min(OPEN_AT_ONCE, count - start))
        clients += await asyncio.gather(*(Client.open(port, route) for _ in batch))
    file.write_text(json.dumps({"open": len(clients)}))  # noqa: ASYNC240 - nothing else runs here
    await asyncio.sleep(SETTLE_SECONDS * 2)
    latencies: list[float] = []
    started = time.perf_counter()

    async def one(number: int) -> None:
        await asyncio.sleep(max(0.0, started + number / PACE_PER_SECOND - time.perf_counter()))
        latencies.append(await clients[number % count].echo())

    await asyncio.gather(*(one(number) for number in range(echoes)))
    file.write_text(json.dumps({"open": len(clients), "latencies": latencies}))  # noqa: ASYNC240 - as above
    await asyncio.sleep(SETTLE_SECONDS)


def run(place: Place) -> None:
    """Open them, look at the memory, let them speak, and print."""
    file = place.folder / "sockets.json"
    file.unlink(missing_ok=True)
    with gateway(place, "http://127.0.0.1:9") as (child, port):
        time.sleep(2)
        idle = memory_bytes(child.pid)
        arguments = [str(port), place.web_route, str(SOCKETS), str(ECHOES), str(file)]
        with subprocess.Popen([sys.executable, "-m", "tests.benchmarks.road.sockets", *arguments]) as client:
            opened = _wait(file, client, "open")
            time.sleep(SETTLE_SECONDS)
            quiet = memory_bytes(child.pid)
            latencies = _wait(file, client, "latencies")
            spoken = memory_bytes(child.pid)
            client.wait(60)
    kib = 1024 * opened
    print(f"idle process {idle / 2**20:.1f} MiB")
    print(
        f"{opened} widget sockets: {(quiet - idle) / kib:.1f} KiB a connection, "
        f"{(spoken - idle) / kib:.1f} KiB after each has spoken"
    )
    print(
        f"echo at {PACE_PER_SECOND}/s over {opened} sockets: p50 {percentile(latencies, 50) * 1e3:.1f} ms, "
        f"p99 {percentile(latencies, 99) * 1e3:.1f} ms ({len(latencies)} echoes)"
    )


def _wait(file: Path, client: subprocess.Popen[bytes], key: str, seconds: float = 120.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if file.exists() and key in (result := json.loads(file.read_text() or "{}")):
            return result[key]
        if client.poll() not in (None, 0):
            raise RuntimeError("the socket client failed")
        time.sleep(0.1)
    raise RuntimeError("the socket client took too long")


if __name__ == "__main__":
    uvloop.run(_client(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5])))
