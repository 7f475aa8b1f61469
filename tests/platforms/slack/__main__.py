"""`python -m tests.platforms.slack --port N`: the mock Slack in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import signal

from tests.platforms.slack.server import MockSlack


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.platforms.slack", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8082, help="0 takes a free one, which is printed")
    parser.add_argument(
        "--bench", action="store_true", help="log who and when, keep no texts; everybody exists"
    )
    parser.add_argument("--rate-limits", action="store_true", help="answer 429 as Slack does")
    parser.add_argument("--seed", type=int, default=0, help="for the faults' probabilities")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    mock = MockSlack(bench=arguments.bench, rate_limits=arguments.rate_limits, seed=arguments.seed)
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
