"""`condition`, `set_variable`, `jump`, `human_handoff` and `end`."""

from __future__ import annotations

from typing import Any

import pytest

from engine.answers.sentences import sentence
from engine.environment import LINK_CODE
from engine.state import Customer
from tests.conversations.chat import Chat, bot_of, message, node

A, B, SORRY = message("a"), message("b"), message("sorry")


def entered(*nodes: dict[str, Any], customer: Customer | None = None, **sections: Any) -> list[str]:
    chat = Chat(bot_of(*nodes, **sections), customer=customer)
    chat.say("hi")
    return chat.entered


@pytest.mark.parametrize(("tier", "target"), [("premium", "a"), ("free", "b"), (None, "b")])
def test_a_condition_goes_where_the_first_case_that_holds_leads(tier: str | None, target: str) -> None:
    conditions = {"premium": {"expression": "user.subscription_tier === 'premium'"}}
    test = node("test", "condition", cases=[{"condition": "premium", "target": "a"}], **{"else": "b"})
    customer = Customer(attributes={"subscription_tier": tier} if tier else {})
    assert entered(test, A, B, customer=customer, conditions=conditions) == ["test", target]


def test_a_condition_without_else_follows_its_connections() -> None:
    assert entered(node("test", "condition", "b", cases=[{"condition": "1 > 2", "target": "a"}]), A, B) == [
        "test",
        "b",
    ]


def test_a_condition_that_leads_nowhere_is_a_dead_end() -> None:
    assert entered(node("test", "condition", cases=[{"condition": "1 > 2", "target": "a"}]), A) == ["test"]


def set_to(**config: Any) -> Chat:
    declared = {
        "n": {"type": "integer", "default": 2},
        "s": {"type": "string"},
        "l": {"type": "array", "default": []},
    }
    setter = node("set", "set_variable", "a", **config)
    bot = bot_of(setter, A, SORRY, variables=declared, global_settings={"fallback_node": "sorry"})
    chat = Chat(bot)
    chat.say("hi")
    return chat


@pytest.mark.parametrize(
    ("config", "variables"),
    [
        ({"variable": "x", "value": 5}, {"x": 5}),
        ({"variable": "x", "value": None}, {"x": None}),
        ({"variable": "x", "value": [1, {"a": "b"}]}, {"x": [1, {"a": "b"}]}),
        ({"variable": "x", "value": "n is {{n}}"}, {"x": "n is 2"}),
        ({"variable": "n", "expression": "n + 1"}, {"n": 3}),
        ({"variable": "n", "expression": "n / 2 + 1"}, {"n": 2}),
        ({"variable": "s", "expression": "n + 0.5"}, {"s": "2.5"}),
        ({"variable": "s", "expression": "1 > 0"}, {"s": "true"}),
        ({"variable": "x", "expression": "0 / 0"}, {"x": None}),
        ({"variable": "x", "expression": "missing"}, {"x": None}),
        ({"variable": "x", "expression": "user"}, {"x": {"id": "1", "name": "", "first_name": "", "last_name": "",
            "email": "", "phone": "", "language": "", "timezone": "", "link_code": LINK_CODE}}),
        ({"variable": "x", "expression": "text"}, {"x": "hi"}),
    ],
)  # fmt: skip
def test_a_variable_is_set_to_a_value_or_to_what_an_expression_comes_to(
    config: dict[str, Any], variables: dict[str, Any]
) -> None:
    chat = set_to(**config)
    assert chat.state.variables == variables
    assert chat.entered == ["set", "a"]


@pytest.mark.parametrize(
    "config",
    [
        {"variable": "n", "expression": "'x'"},
        {"variable": "n", "expression": "n + 0.5"},
        {"variable": "s", "expression": "[1]"},
        {"variable": "l", "expression": "n"},
        {"variable": "x", "expression": "a.b.c"},
    ],
)
def test_a_value_that_does_not_fit_falls_back_and_changes_nothing(config: dict[str, Any]) -> None:
    chat = set_to(**config)
    assert chat.said == ["sorry"]
    assert chat.state.variables == {}
    assert len(chat.traced("error")) == 1


def test_setting_a_variable_leaves_the_earlier_state_alone() -> None:
    bot = bot_of(node("ask", "input", "ask", message="?", variable="v"))
    chat = Chat(bot)
    chat.say("hi", "one")
    before = chat.state
    chat.say("two")
    assert (before.variables, chat.state.variables) == ({"v": "one"}, {"v": "two"})


def test_a_conversation_keeps_a_bounded_number_of_variables() -> None:
    setters = [node(f"s{i}", "set_variable", f"s{i + 1}", variable=f"v{i}", value=i) for i in range(90)]
    chat = Chat(bot_of(*setters, message("s90")))
    chat.state = type(chat.state)(variables={f"old{i}": i for i in range(450)})
    chat.say("hi")
    assert len(chat.state.variables) == 500
    assert "at most 500 variables" in chat.traced("error")[0]


def test_a_jump_jumps() -> None:
    assert entered(node("j", "jump", target="b"), A, B) == ["j", "b"]


def test_a_handoff_tells_the_customer_and_waits_for_a_human() -> None:
    chat = Chat(bot_of(node("h", "human_handoff")))
    assert chat.say("hi") == [sentence("connecting", "en")]
    assert (chat.state.control, chat.state.node, chat.state.waiting) == ("waiting", "h", None)
    assert chat.say("hello?") == []


def test_a_handoff_has_its_own_words() -> None:
    assert Chat(bot_of(node("h", "human_handoff", message="One moment, {{text}}."))).say("hi") == [
        "One moment, hi."
    ]


@pytest.mark.parametrize(("config", "said"), [({"message": "Bye."}, ["Bye."]), ({}, [])])
def test_an_end_ends_the_session(config: dict[str, Any], said: list[str]) -> None:
    chat = Chat(bot_of(node("e", "end", **config)))
    assert chat.say("hi") == said
    assert (chat.state.node, chat.state.control, chat.state.waiting) == ("", "bot", None)
    chat.say("hi")
    assert chat.traced("start") == ["a new session"]


def test_an_older_choice_after_the_end_begins_a_new_session() -> None:
    menu = node("menu", "quick_reply", message="?", options=[{"text": "x", "target": "bye"}], variable="v")
    chat = Chat(bot_of(menu, node("bye", "end", message="bye {{v}}")))
    chat.say("hi", "x")
    assert chat.click("menu", 0) == ["bye x"]
    assert chat.traced("start") == ["a new session"]
    assert chat.state.turns == 1
