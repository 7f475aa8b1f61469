"""`python -m tests.platforms.telegram --port N`: the mock Bot API in a process of its own."""

from __future__ import annotations

import argparse

from tests.platforms.common import process
from tests.platforms.telegram.server import MockTelegram
from tests.platforms.telegram.world import DEFAULT_TOKEN


def _arguments() -> argparse.Namespace:
    parser = process.parser("telegram", __doc__, 8081)
    parser.add_argument("--token", action="append", help="a bot's token; more than one is allowed")
    parser.add_argument("--bench", action="store_true", help="log who and when, keep no texts")
    parser.add_argument("--open-chats", action="store_true", help="every chat exists")
    parser.add_argument("--rate-limits", action="store_true", help="answer 429 as Telegram does")
    return parser.parse_args()


def _mock(arguments: argparse.Namespace) -> MockTelegram:
    tokens = arguments.token or [DEFAULT_TOKEN]
    mock = MockTelegram(
        bench=arguments.bench,
        open_chats=arguments.open_chats,
        rate_limits=arguments.rate_limits,
        seed=arguments.seed,
        token=tokens[0],
    )
    for token in tokens:
        mock.world.add_bot(token)
    return mock


if __name__ == "__main__":
    process.serve(_mock, _arguments())
