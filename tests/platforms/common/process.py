"""A mock platform in a process of its own: it prints its address and serves until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Callable

from tests.platforms.common.server import MockServer


def parser(platform: str, about: str | None, port: int) -> argparse.ArgumentParser:
    """The arguments that every mock takes."""
    made = argparse.ArgumentParser(prog=f"python -m tests.platforms.{platform}", description=about)
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=port, help="0 takes a free one, which is printed")
    made.add_argument("--seed", type=int, default=0, help="for the faults' probabilities")
    return made


def serve(make: Callable[[argparse.Namespace], MockServer], arguments: argparse.Namespace) -> None:
    """Make the mock and serve, on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(make, arguments))
    else:
        uvloop.run(_serve(make, arguments))


async def _serve(make: Callable[[argparse.Namespace], MockServer], arguments: argparse.Namespace) -> None:
    mock = make(arguments)
    await mock.start(arguments.host, arguments.port)
    print(mock.url, flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await mock.stop()
