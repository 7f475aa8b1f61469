"""The way for errors: taken wherever a node fails, with the fallback behind it, and never raising."""

from __future__ import annotations

from typing import Any

import pytest

from engine.state import ConversationState
from tests.conversations.chat import Chat, bot_of, message, node

ERROR = {"target": "oh", "condition": "error", "delay": 500}
LONG = {"v": "x" * 15_000}
TOO_LONG = "{{v}}{{v}}"
BAD = "v.a.b.c"
ENTERING: dict[str, dict[str, Any]] = {
    "message": {"message": TOO_LONG},
    "quick_reply": {"message": TOO_LONG, "options": [{"text": "x"}]},
    "input": {"message": TOO_LONG, "variable": "w"},
    "condition": {"cases": [{"condition": BAD, "target": "never"}]},
    "switch": {"value": BAD, "cases": [{"values": [1], "target": "never"}]},
    "set_variable": {"variable": "w", "expression": BAD},
    "loop": {"items": BAD, "as": "w", "body": "never"},
    "call": {"flow": "sub", "arguments": {"w": TOO_LONG}},
    "wait": {"until": BAD},
    "http": {"url": "https://e.com/" + TOO_LONG},
    "knowledge": {"query": TOO_LONG},
    "ai_answer": {"prompt": TOO_LONG},
    "human_handoff": {"message": TOO_LONG},
    "feedback": {"message": TOO_LONG},
    "email": {"to": ["{{v}}"], "subject": "x", "body": "x"},
    "track": {"event": "x", "properties": {"a": TOO_LONG}},
    "set_language": {"expression": BAD},
    "consent": {"message": TOO_LONG, "purpose": "x"},
    "end": {"message": TOO_LONG},
}


def chat_of(*nodes: dict[str, Any], **sections: Any) -> Chat:
    bot = bot_of(
        *nodes, message("oh"), message("never"), message("sorry"), message("next"),
        flows={"sub": {"start_node": "in", "nodes": [message("in")]}},
        **{"global_settings": {"fallback_node": "sorry"}, **sections},
    )  # fmt: skip
    return Chat(bot, state=ConversationState(variables=dict(LONG)))


@pytest.mark.parametrize("type_", ENTERING)
def test_a_node_that_fails_takes_its_way_for_errors(type_: str) -> None:
    chat = chat_of(node("a", type_, ERROR, "never", **ENTERING[type_]))
    assert chat.say("hi") == ["oh"]
    assert chat.sends[0].delay_ms == 500
    assert chat.traced("connection") == ["oh"]
    assert len(chat.traced("error")) == 1
    assert chat.state.control == "bot"
    assert chat.state.stack == ()
    assert "xxxxxxxxxx" not in repr(chat.trace)


@pytest.mark.parametrize("type_", ENTERING)
def test_a_node_without_a_way_for_errors_falls_back(type_: str) -> None:
    chat = chat_of(node("a", type_, "never", **ENTERING[type_]))
    assert chat.say("hi") == ["sorry"]
    assert chat.traced("fallback") == ["an error"]


@pytest.mark.parametrize("type_", ENTERING)
def test_a_flow_without_a_fallback_stops_there(type_: str) -> None:
    chat = chat_of(node("a", type_, "never", **ENTERING[type_]), global_settings={})
    assert chat.say("hi") == []
    assert chat.state.control == "bot"


def test_the_way_for_errors_is_not_taken_otherwise() -> None:
    assert chat_of(message("a", ERROR, "next")).say("hi") == ["a", "next"]
    assert chat_of(message("a", ERROR)).say("hi") == ["a"]


def test_a_connection_that_cannot_be_evaluated_is_an_error_of_its_node() -> None:
    chat = chat_of(message("a", {"target": "never", "condition": BAD}, ERROR))
    assert chat.say("hi") == ["a", "oh"]


def test_an_answer_that_cannot_be_kept_is_an_error_of_its_node() -> None:
    ask = node("a", "input", "never", ERROR, message="?", variable="n")
    chat = chat_of(ask, variables={"n": {"validation": {"max_length": 3}}})
    chat.say("hi")
    assert chat.say("too long") == ["oh"]
    assert "n" not in chat.state.variables


def test_a_choice_that_cannot_be_kept_is_an_error_of_its_node() -> None:
    menu = node("a", "quick_reply", "never", ERROR, message="?", options=[{"text": "x"}], variable="n")
    chat = chat_of(menu, variables={"n": {"type": "integer"}})
    chat.say("hi")
    assert chat.click("a", 0) == ["oh"]


def test_a_timer_that_fails_is_an_error_of_its_node() -> None:
    ways = ({"target": "never", "condition": BAD}, ERROR)
    chat = chat_of(node("a", "wait", *ways, seconds=5))
    chat.say("hi")
    assert chat.time_out() == ["oh"]


def test_the_way_for_errors_may_lead_back_and_is_bounded() -> None:
    broken = node("a", "set_variable", {"target": "a", "condition": "error"}, variable="w", expression=BAD)
    chat = chat_of(broken)
    assert chat.say("hi") == ["sorry"]
    assert len(chat.entered) == 101


def test_the_first_way_for_errors_counts() -> None:
    chat = chat_of(
        node(
            "a",
            "set_variable",
            ERROR,
            {"target": "never", "condition": "error"},
            variable="w",
            expression=BAD,
        )
    )
    assert chat.say("hi") == ["oh"]


def test_an_error_behind_the_fallback_ends_the_turn() -> None:
    broken = node("sorry2", "set_variable", variable="w", expression=BAD)
    chat = chat_of(
        node("a", "set_variable", variable="w", expression=BAD), broken,
        global_settings={"fallback_node": "sorry2"},
    )  # fmt: skip
    assert chat.say("hi") == []
    assert chat.traced("fallback") == ["an error", "an error; already shown"]


def test_what_the_fallback_finds_is_asked_again_later() -> None:
    ask = node("ask", "input", "next", message="?", variable="w")
    chat = chat_of(
        message("a", {"target": "never", "condition": BAD}), ask, global_settings={"fallback_node": "ask"}
    )
    assert chat.say("hi") == ["a", "?"]
    assert chat.say("x") == ["next"]
