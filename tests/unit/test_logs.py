"""The log: one form for every source, ids from the context, and no secret on any road."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.logs import configure_logging, context, get_logger, loop_exception_handler, redact
from gateway.redaction import MASK, MAX_TEXT, redact_text, redact_value
from tests.pace import assert_within

REPOSITORY = Path(__file__).parents[2]
TELEGRAM_TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrbGb1gqMCOA"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


class Log(io.StringIO):
    """What was logged, line by line."""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    stream = Log()
    configure_logging(level="debug", stream=stream)
    yield stream
    root.handlers[:], root.level, sys.excepthook, threading.excepthook = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_a_line_is_json_with_the_promised_keys(log: Log) -> None:
    with context(organization="o1", conversation="c1", trace="t1"):
        get_logger("gateway.turns").info("turn committed", events=12)
    (line,) = log.lines()
    assert list(line)[:7] == [
        "timestamp", "level", "event", "logger", "organization", "conversation", "trace",
    ]  # fmt: skip
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["event"], line["logger"], line["events"]) == (
        "info", "turn committed", "gateway.turns", 12,
    )  # fmt: skip


def test_the_standard_library_goes_the_same_way(log: Log) -> None:
    with context(trace="t1"):
        logging.getLogger("some.library").warning("lost %s of %d", "one", 2, extra={"attempt": 3})
    (line,) = log.lines()
    assert (line["event"], line["logger"], line["trace"], line["attempt"]) == (
        "lost one of 2", "some.library", "t1", 3,
    )  # fmt: skip


def test_the_context_ends_with_its_block_and_follows_tasks(log: Log) -> None:
    async def work() -> None:
        get_logger("x").info("inside")

    async def main() -> None:
        with context(conversation="c1"):
            await asyncio.create_task(work())
        get_logger("x").info("outside")

    asyncio.run(main())
    inside, outside = log.lines()
    assert (inside["conversation"], outside.get("conversation")) == ("c1", None)


def test_the_access_log_is_silent(log: Log) -> None:
    logging.getLogger("aiohttp.access").info("GET /")
    assert log.lines() == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (TELEGRAM_TOKEN, "AAEhBOweik"),
        (f"https://api.telegram.org/bot{TELEGRAM_TOKEN}/getMe", "AAEhBOweik"),
        (TELEGRAM_TOKEN.replace(":", "%3A"), "AAEhBOweik"),
        ("Bearer abcDEF123456ghi", "abcDEF"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcj"),
        ("xoxb-1234567890-abcdefGHIJKL", "abcdefGHI"),
        ("xapp-1-A0123-4567-abcdef0123456789", "abcdef"),
        ("https://hooks.slack.com/services/T0001/B0001/XXXXXXXXXXXX", "XXXX"),
        ("encrypted:AES256:k1:AAECAwQFBgcICQoL:qwertyuiopasdfgh", "qwerty"),
        ("postgresql://bot:p@ss/w0rd!@db:5432/bot", "w0rd"),
        ("postgresql+asyncpg://bot:geheim12@db/bot", "geheim12"),
        ("redis://:geheim12@cache:6379/0", "geheim12"),
        ("https://ana:geheim12@example.org/x", "geheim12"),
        (JWT, "dozjgNryP4"),
        ("EAAGm0PX4ZCpsBAKZCZBqrstuvwxyz", "ZCpsBAKZ"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----", "MIIEvQ"),
        ('{"token": "abcdef"}', "abcdef"),
        ("{'password': 'abcdef'}", "abcdef"),
        ("?api_key=abcdef&x=1", "abcdef"),
        ("secret_token=abcdef", "abcdef"),
    ],
)
def test_well_known_forms_are_masked_everywhere(text: str, secret: str, log: Log) -> None:
    logger = get_logger("x")
    logger.info(f"said {text} aloud", value=text, nested={"list": [text, {text: 1}], "raw": text.encode()})
    logging.getLogger("y").info("said %s aloud", text)
    try:
        raise ValueError(f"refused {text} here")
    except ValueError:
        logger.exception("failed")
    assert log.getvalue().count(MASK) >= 7
    assert secret not in log.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "the bearer of good news, basic understanding",
        "invalid token: expired",
        "2026-11-22T03:13:16.612469Z http://127.0.0.1:8080/healthz",
        "max_tokens 4096, 12345678:9 ratio",
        "conversation 0198c5a7-5f6e-7a01-9f6b-0c1d2e3f4a5b",
        "see xoxo",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


def test_registered_values_are_masked_in_every_spelling(log: Log) -> None:
    redact("s3cr&t value/1")
    get_logger("x").info("sent s3cr&t value/1 and s3cr%26t%20value%2F1")
    assert log.lines()[0]["event"] == f"sent {MASK} and {MASK}"


def test_short_values_are_not_registered() -> None:
    redact("the")
    assert redact_text("the word") == "the word"


def test_telling_names_are_masked_and_numbers_kept(log: Log) -> None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": "abc", "Authorization": "abc", "Accept": "text/plain"}
    get_logger("x").info("e", accessToken="abc", password="abc", headers=headers, max_tokens=3, api_key=None)
    (line,) = log.lines()
    assert (line["accessToken"], line["password"], line["max_tokens"], line["api_key"]) == (
        MASK,
        MASK,
        3,
        None,
    )
    assert line["headers"] == {
        "X-Telegram-Bot-Api-Secret-Token": MASK, "Authorization": MASK, "Accept": "text/plain",
    }  # fmt: skip


def test_a_secret_across_the_cut_does_not_leak_its_half() -> None:
    text = redact_text("x" * (MAX_TEXT - 25) + " " + TELEGRAM_TOKEN)
    assert "AAEh" not in text
    assert len(text) < MAX_TEXT + 20


def test_long_hostile_text_is_masked_in_bounded_time() -> None:
    pieces = (
        "eyJ",
        "bearer ",
        "postgres://",
        "token=",
        "-----BEGIN PRIVATE KEY-----",
        "1",
        "encrypted:AES256:",
    )
    assert_within(5, lambda: [redact_text(piece * 200_000) for piece in pieces])


def test_odd_values_cost_no_line(log: Log) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    loop: list[Any] = []
    loop.append(loop)
    get_logger("x").info("e", broken=Broken(), loop=loop, surrogate="\ud800", number=float("nan"))
    assert "unprintable" in log.getvalue()
    assert redact_value({1: {2, 3}})["1"] in ([2, 3], [3, 2])


def test_a_record_that_cannot_be_formatted_does_not_print_its_arguments() -> None:
    code = (
        "import logging\n"
        "from gateway.logs import configure_logging\n"
        "configure_logging()\n"
        "logging.getLogger('y').info('one %s two %s', 's3cr' + '3t-argument')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=30
    )
    (line,) = result.stderr.splitlines()
    assert json.loads(line)["event"] == "a log record could not be written"
    assert "s3cr3t-argument" not in line


def test_the_loop_reports_what_nobody_awaited(log: Log) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(loop_exception_handler)
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    (line,) = log.lines()
    assert line["level"] == "error"
    assert "ZeroDivisionError" in line["exception"]


UNCAUGHT = f"""
import threading
from gateway.logs import configure_logging
configure_logging()
def fail():
    raise RuntimeError("thread {TELEGRAM_TOKEN}")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
raise RuntimeError("main {TELEGRAM_TOKEN}")
"""


def test_uncaught_exceptions_are_logged_without_secrets() -> None:
    result = subprocess.run(
        [sys.executable, "-c", UNCAUGHT],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert result.returncode == 1
    assert [line["event"] for line in lines] == ["uncaught exception in a thread", "uncaught exception"]
    assert all("RuntimeError" in line["exception"] for line in lines)
    assert TELEGRAM_TOKEN not in result.stderr


def test_the_console_form_is_redacted_too() -> None:
    code = (
        "from gateway.logs import configure_logging, get_logger\n"
        "configure_logging(form='console')\n"
        f"get_logger('x').warning('hello', value='{TELEGRAM_TOKEN}')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=30
    )
    assert "hello" in result.stderr
    assert TELEGRAM_TOKEN not in result.stderr
