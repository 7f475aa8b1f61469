"""What an answer of the Bot API means for a delivery."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.errors import CustomerGone, Misconfigured, Refused, SendFailed, TryLater, Uncertain
from adapters.telegram.failures import refusal

TOKEN = "4242:secret-part-of-the-token"


def answer(code: int, description: str, **parameters: Any) -> bytes:
    return json.dumps(
        {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    ).encode()


@pytest.mark.parametrize(
    ("code", "description", "kind"),
    [
        (400, "Bad Request: chat not found", CustomerGone),
        (400, "Bad Request: PEER_ID_INVALID", CustomerGone),
        (400, "Bad Request: user not found", CustomerGone),
        (400, "Bad Request: group chat was deactivated", CustomerGone),
        (403, "Forbidden: bot was blocked by the user", CustomerGone),
        (403, "Forbidden: user is deactivated", CustomerGone),
        (403, "Forbidden: bot can't initiate conversation with a user", CustomerGone),
        (400, "Bad Request: message text is empty", Refused),
        (400, "Bad Request: BUTTON_DATA_INVALID", Refused),
        (400, "Bad Request: not enough rights to send text messages to the chat", Refused),
        (413, "Request Entity Too Large", Refused),
        (401, "Unauthorized", Misconfigured),
        (404, "Not Found", Misconfigured),
        (409, "Conflict: terminated by other getUpdates request", Misconfigured),
        (429, "Too Many Requests: retry after 5", TryLater),
        (500, "Internal Server Error", TryLater),
        (502, "Bad Gateway", TryLater),
        (504, "Gateway Timeout", Uncertain),
    ],
)
def test_refusals(code: int, description: str, kind: type[SendFailed]) -> None:
    failure = refusal("sendMessage", code, answer(code, description), TOKEN)
    assert type(failure) is kind
    assert failure.reason == str(failure) and failure.reason


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (answer(429, "Too Many Requests: retry after 17", retry_after=17), 17.0),
        (answer(429, "Too Many Requests: retry after 9"), 9.0),
        (answer(429, "Too Many Requests"), None),
        (b"<html>429</html>", None),
    ],
)
def test_too_many_requests_says_when(body: bytes, seconds: float | None) -> None:
    failure = refusal("sendMessage", 429, body, TOKEN)
    assert isinstance(failure, TryLater)
    assert (failure.retry_after, failure.whole_channel) == (seconds, False)


def test_too_many_requests_without_a_chat_concern_the_channel() -> None:
    failure = refusal("getUpdates", 429, answer(429, "Too Many Requests", retry_after=3), TOKEN)
    assert isinstance(failure, TryLater)
    assert failure.whole_channel


def test_a_migrated_group_names_its_new_id() -> None:
    body = answer(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001234)
    failure = refusal("sendMessage", 400, body, TOKEN)
    assert isinstance(failure, Refused)
    assert "-1001234" in failure.reason


@pytest.mark.parametrize(
    ("status", "kind"),
    [(502, TryLater), (504, Uncertain), (302, Misconfigured), (404, Misconfigured), (403, CustomerGone)],
)
def test_a_page_that_is_no_bot_api_is_read_by_its_status(status: int, kind: type[SendFailed]) -> None:
    assert type(refusal("sendMessage", status, b"<html>nginx</html>", TOKEN)) is kind


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"ok":tr', b'{"ok":true}', b"[]", b'{"ok":"no"}', b"\xff"]
)
def test_a_success_that_is_no_answer_is_no_refusal(body: bytes) -> None:
    assert refusal("sendMessage", 200, body, TOKEN) is None


def test_a_description_never_repeats_the_token_nor_what_can_not_be_stored() -> None:
    failure = refusal("sendMessage", 400, answer(400, f"Bad\x00 Request /bot{TOKEN}/\n" + "x" * 5000), TOKEN)
    assert isinstance(failure, Refused)
    assert failure.reason.startswith("Telegram: Bad\ufffd Request /bot[token]/ xxx")
    assert len(failure.reason) < 400
