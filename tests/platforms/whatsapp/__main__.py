"""`python -m tests.platforms.whatsapp --port N`: the mock Graph API in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import signal

from tests.platforms.whatsapp.server import MockWhatsApp
from tests.platforms.whatsapp.world import NUMBER


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.platforms.whatsapp", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8082, help="0 takes a free one, which is printed")
    parser.add_argument("--number", action="append", help="a phone number's id; more than one is allowed")
    parser.add_argument("--bench", action="store_true", help="log who and when, keep no contents")
    parser.add_argument("--open-chats", action="store_true", help="everybody has WhatsApp and wrote just now")
    parser.add_argument(
        "--rate-limits", action="store_true", help="answer 130429 and 131056 as WhatsApp does"
    )
    parser.add_argument("--seed", type=int, default=0, help="for the faults' probabilities")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    mock = MockWhatsApp(
        bench=arguments.bench,
        open_chats=arguments.open_chats,
        rate_limits=arguments.rate_limits,
        seed=arguments.seed,
    )
    for number in arguments.number or [NUMBER]:
        mock.world.add_number(number)
    await mock.start(arguments.host, arguments.port)
    print(mock.url, flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await mock.stop()


def main() -> None:
    """Serve until SIGINT or SIGTERM, on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(_arguments()))
    else:
        uvloop.run(_serve(_arguments()))


if __name__ == "__main__":
    main()
