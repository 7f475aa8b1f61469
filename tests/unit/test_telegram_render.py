"""Neutral messages as sendMessage calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.protocol import Adapter, Call
from adapters.telegram.adapter import TelegramAdapter
from engine.messages import Choice, OutboundMessage
from tests.channels import ACCESS, calls_for

ADAPTER: Adapter = TelegramAdapter()


def rendered(text: str, *choices: Choice, to: str = "42") -> list[dict[str, Any]]:
    calls = calls_for(ADAPTER, to, OutboundMessage(text=text, choices=choices))
    assert {call.method for call in calls} == {"sendMessage"}
    return [json.loads(call.body) for call in calls]


def titles(call: dict[str, Any]) -> list[list[str]]:
    return [[button["text"] for button in row] for row in call["reply_markup"]["inline_keyboard"]]


def test_plain_text_goes_as_it_is() -> None:
    assert rendered("*not bold* <b>_") == [{"chat_id": 42, "text": "*not bold* <b>_"}]


@pytest.mark.parametrize(
    ("recipient", "address"),
    [
        ("42", {"chat_id": 42}),
        ("-1002077001234", {"chat_id": -1002077001234}),
        ("-1002077005555:12", {"chat_id": -1002077005555, "message_thread_id": 12}),
        ("@velo_news", {"chat_id": "@velo_news"}),
        ("42:x", {"chat_id": "42:x"}),
    ],
)
def test_the_conversation_key_is_the_address(recipient: str, address: dict[str, Any]) -> None:
    assert rendered("x", to=recipient) == [{**address, "text": "x"}]
    typing = ADAPTER.announce(recipient, "", ACCESS, typing=True)
    assert typing is not None
    assert (typing.method, json.loads(typing.body)) == ("sendChatAction", {**address, "action": "typing"})


@pytest.mark.parametrize("text", ["", "  \n", "\u200b"])
def test_an_empty_text_becomes_an_ellipsis(text: str) -> None:
    assert rendered(text, Choice(id="a", title="A"))[0]["text"] == "…"


def test_short_titles_share_a_row() -> None:
    (call,) = rendered("?", *(Choice(id=f"x:{n}", title=f"No {n}") for n in range(5)))
    assert titles(call) == [["No 0", "No 1"], ["No 2", "No 3"], ["No 4"]]
    assert call["reply_markup"]["inline_keyboard"][0][0] == {"text": "No 0", "callback_data": "x:0"}


def test_one_long_title_gives_every_button_its_row() -> None:
    (call,) = rendered(
        "?", Choice(id="a", title="Yes"), Choice(id="b", title="x" * 21), Choice(id="c", title="No")
    )
    assert titles(call) == [["Yes"], ["x" * 21], ["No"]]


def test_long_text_is_split_and_the_keyboard_comes_last() -> None:
    text = "First paragraph. " * 200 + "\n\n" + "Second paragraph. " * 200
    calls = rendered(text, Choice(id="a", title="A"))
    assert len(calls) == 2
    assert calls[0]["text"].endswith("First paragraph.") and calls[1]["text"].startswith("Second")
    assert "reply_markup" not in calls[0]
    assert titles(calls[1]) == [["A"]]


def test_limit_counts_utf16_units() -> None:
    assert len(rendered("🚲" * 2048)) == 1
    assert len(rendered("🚲" * 2049)) == 2


def test_more_choices_than_buttons_are_written_out_with_their_numbers() -> None:
    (call,) = rendered("?", *(Choice(id=f"x:{n}", title=f"No {n}") for n in range(1, 104)))
    assert sum(len(row) for row in titles(call)) == 100
    assert call["text"] == "?\n\n101. No 101\n102. No 102\n103. No 103"


def test_a_keyboard_stays_within_its_bytes() -> None:
    calls = rendered("?", *(Choice(id=f"x:{n}", title="日" * 60 + str(n)) for n in range(60)))
    keyboard = json.dumps(calls[-1]["reply_markup"], ensure_ascii=False).encode()
    shown = sum(len(row) for row in titles(calls[-1]))
    assert len(keyboard) < 10_000
    assert 20 < shown < 60
    assert "".join(call["text"] for call in calls).count("日" * 60) == 60 - shown


def test_an_id_that_no_button_can_carry_is_written_out() -> None:
    (call,) = rendered(
        "?", Choice(id="é" * 33, title="Long"), Choice(id="", title="None"), Choice(id="b", title="B")
    )
    assert titles(call) == [["B"]]
    assert call["text"] == "?\n\n1. Long\n2. None"


def test_descriptions_go_into_the_text() -> None:
    (call,) = rendered("?", Choice(id="a", title="A", description="the first"), Choice(id="b", title="B"))
    assert (call["text"], titles(call)) == ("?\n\nA: the first", [["A", "B"]])


def test_blank_and_long_titles_are_mended() -> None:
    (call,) = rendered("?", Choice(id="a", title=" "), Choice(id="b", title="word " * 20))
    assert titles(call) == [["a"], ["word " * 12 + "wor…"]]


def test_what_json_can_not_carry_is_replaced() -> None:
    (call,) = rendered("half \ud83d and \x00", Choice(id="a", title="\udfff!"))
    assert (call["text"], titles(call)) == ("half \ufffd and \ufffd", [["\ufffd!"]])


def test_an_answer_becomes_a_call_for_polled_updates() -> None:
    answer = b'{"method":"answerCallbackQuery","callback_query_id":"5"}'
    assert TelegramAdapter().answer_call(answer) == Call(method="answerCallbackQuery", body=answer)
