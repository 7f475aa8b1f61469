"""`python -m tests.platforms.slack --port N`: the mock Slack in a process of its own."""

from __future__ import annotations

import argparse

from tests.platforms.common import process
from tests.platforms.slack.server import MockSlack


def _arguments() -> argparse.Namespace:
    parser = process.parser("slack", __doc__, 8082)
    parser.add_argument(
        "--bench", action="store_true", help="log who and when, keep no texts; everybody exists"
    )
    parser.add_argument("--rate-limits", action="store_true", help="answer 429 as Slack does")
    return parser.parse_args()


def _mock(arguments: argparse.Namespace) -> MockSlack:
    return MockSlack(bench=arguments.bench, rate_limits=arguments.rate_limits, seed=arguments.seed)


if __name__ == "__main__":
    process.serve(_mock, _arguments())
