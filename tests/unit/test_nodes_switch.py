"""`switch`: which values are the same, and where the others go."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compile import FlowInvalid
from engine.state import ConversationState
from tests.conversations.chat import Chat, bot_of, message, node

CASES = [
    {"values": ["Gold", "VIP"], "target": "gold"},
    {"values": [1, 2.5], "target": "number"},
    {"values": [True], "target": "yes"},
    {"values": [None], "target": "nothing"},
    {"values": ["gold"], "target": "never"},
]
TARGETS = [message(id) for id in ("gold", "number", "yes", "nothing", "never", "other", "sorry")]


def goes(value: Any, expression: str = "v", *ways: Any, **config: Any) -> list[str]:
    switch = node("s", "switch", *ways, value=expression, cases=CASES, **config)
    bot = bot_of(switch, *TARGETS, global_settings={"fallback_node": "sorry"})
    chat = Chat(bot, state=ConversationState(variables={"v": value}))
    return chat.say("hi")


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("gold", "gold"),
        (" GOLD ", "gold"),
        ("ｖｉｐ", "gold"),
        (1, "number"),
        (1.0, "number"),
        ("1", "number"),
        (2.5, "number"),
        ("2.50", "other"),
        (True, "yes"),
        ("TRUE", "yes"),
        (False, "other"),
        (None, "nothing"),
        ("", "nothing"),
        (0, "other"),
        ("platinum", "other"),
        ([], "other"),
        ([1], "other"),
        ({"a": 1}, "other"),
    ],
)
def test_values_are_compared_as_texts_without_case_and_width(value: Any, target: str) -> None:
    assert goes(value, **{"else": "other"}) == [target]


def test_what_is_missing_is_null() -> None:
    assert goes(1, "nowhere", **{"else": "other"}) == ["nothing"]


def test_without_else_the_connections_are_followed() -> None:
    assert goes("x", "v", "other") == ["other"]
    assert goes("x") == []


def test_a_value_that_cannot_be_had_takes_the_way_for_errors() -> None:
    assert goes(1, "v.a.b", {"target": "other", "condition": "error"}) == ["other"]
    assert goes(1, "v.a.b", "other") == ["sorry"]


@pytest.mark.parametrize("value", [[1], {"a": 1}])
def test_a_case_is_no_list_and_no_object(value: Any) -> None:
    with pytest.raises(FlowInvalid, match="a value is a text"):
        bot_of(node("s", "switch", value="v", cases=[{"values": [value], "target": "s"}]))


def test_the_account_says_where_it_went_and_not_why() -> None:
    switch = node("s", "switch", value="v", cases=CASES, **{"else": "other"})
    chat = Chat(bot_of(switch, *TARGETS), state=ConversationState(variables={"v": "my secret"}))
    chat.say("hi")
    assert chat.traced("case") == ["other"]
    assert "my secret" not in repr(chat.trace)
