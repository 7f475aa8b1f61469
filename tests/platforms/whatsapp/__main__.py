"""`python -m tests.platforms.whatsapp --port N`: the mock Graph API in a process of its own."""

from __future__ import annotations

import argparse

from tests.platforms.common import process
from tests.platforms.whatsapp.server import MockWhatsApp
from tests.platforms.whatsapp.world import NUMBER


def _arguments() -> argparse.Namespace:
    parser = process.parser("whatsapp", __doc__, 8082)
    parser.add_argument("--number", action="append", help="a phone number's id; more than one is allowed")
    parser.add_argument("--bench", action="store_true", help="log who and when, keep no contents")
    parser.add_argument("--open-chats", action="store_true", help="everybody has WhatsApp and wrote just now")
    parser.add_argument(
        "--rate-limits", action="store_true", help="answer 130429 and 131056 as WhatsApp does"
    )
    return parser.parse_args()


def _mock(arguments: argparse.Namespace) -> MockWhatsApp:
    mock = MockWhatsApp(
        bench=arguments.bench,
        open_chats=arguments.open_chats,
        rate_limits=arguments.rate_limits,
        seed=arguments.seed,
    )
    for number in arguments.number or [NUMBER]:
        mock.world.add_number(number)
    return mock


if __name__ == "__main__":
    process.serve(_mock, _arguments())
