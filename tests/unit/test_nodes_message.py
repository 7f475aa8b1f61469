"""`message`: what it says, when, and how it greets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.nodes.message import time_of_day
from engine.state import Customer
from tests.conversations.chat import Chat, bot_of, message, node


def said(customer: Customer, hour: int = 8, **config: Any) -> str:
    bot = bot_of(message("a", message="Welcome.", **config))
    return Chat(bot, now=datetime(2026, 7, 1, hour, 30, tzinfo=UTC), customer=customer).say("hi")[0]


BOTH = {"use_name": True, "greeting_time": True}


@pytest.mark.parametrize(
    ("customer", "how", "expected"),
    [
        (Customer(first_name="Ana"), BOTH, "Good morning, Ana! Welcome."),
        (Customer(), BOTH, "Good morning! Welcome."),
        (Customer(first_name="Ana"), {"use_name": True}, "Hi Ana! Welcome."),
        (Customer(), {"use_name": True}, "Welcome."),
        (Customer(first_name="Ana"), {"greeting_time": True}, "Good morning! Welcome."),
        (Customer(first_name="Ana"), {}, "Welcome."),
        (Customer(first_name="  ", timezone="Asia/Tokyo"), BOTH, "Good afternoon! Welcome."),
        (Customer(first_name="Ana", timezone="America/Los_Angeles"), BOTH, "Good evening, Ana! Welcome."),
        (Customer(first_name="Ana", timezone="No/Where"), BOTH, "Good morning, Ana! Welcome."),
        (
            Customer(first_name="{{user.email}}", email="x@example.com"),
            {"use_name": True},
            "Hi {{user.email}}! Welcome.",
        ),
        (Customer(first_name="A" * 100), {"use_name": True}, f"Hi {'A' * 64}! Welcome."),
    ],
)
def test_the_greeting_goes_by_name_and_the_customers_time_of_day(
    customer: Customer, how: dict[str, bool], expected: str
) -> None:
    assert said(customer, personalization=how) == expected


def test_the_flows_time_zone_stands_in_for_an_unknown_one() -> None:
    settings = {"timezone": "Asia/Tokyo"}
    bot = bot_of(message("a", message="x", personalization=BOTH), global_settings=settings)
    chat = Chat(bot, now=datetime(2026, 7, 1, 8, 30, tzinfo=UTC))
    assert chat.say("hi") == ["Good afternoon! x"]


def test_the_day_has_three_greetings() -> None:
    assert [time_of_day(hour) for hour in (0, 4, 5, 11, 12, 17, 18, 23)] == [
        "good_evening", "good_evening", "good_morning", "good_morning",
        "good_afternoon", "good_afternoon", "good_evening", "good_evening",
    ]  # fmt: skip


def test_a_message_is_a_template() -> None:
    text = "{{customer_name}} {{user.name}} {{user.tier}} {{hour}}:{{minute}} {{timezone}} {{day_of_week}} {{missing}}."
    customer = Customer(
        first_name="Ana", last_name="Lima", timezone="Asia/Tokyo", attributes={"tier": "gold"}
    )
    bot = bot_of(message("a", message=text))
    chat = Chat(bot, now=datetime(2026, 7, 5, 8, 5, tzinfo=UTC), customer=customer)
    assert chat.say("hi") == ["Ana Ana Lima gold 17:5 Asia/Tokyo 7 ."]


def test_a_variable_shows_its_default_until_it_is_set() -> None:
    ask = node("ask", "input", "a", message="{{name}}?", variable="name")
    bot = bot_of(
        ask, message("a", message="{{name}}!"), variables={"name": {"type": "string", "default": "stranger"}}
    )
    chat = Chat(bot)
    assert chat.say("hi") == ["stranger?"]
    assert chat.say("Ana") == ["Ana!"]


def test_delay_and_typing_go_with_the_message() -> None:
    chat = Chat(bot_of(message("a", delay=1000, typing_indicator=True)))
    chat.say("hi")
    assert [(send.delay_ms, send.typing) for send in chat.sends] == [(1000, True)]


def test_connections_are_tried_in_order() -> None:
    ways: list[str | dict[str, Any]] = [
        {"target": "never", "condition": "1 > 2"},
        {"target": "named", "condition": "evening"},
        {"target": "any"},
    ]
    conditions = {"evening": {"expression": "hour >= 18", "timezone": "UTC"}}
    nodes = [message(id) for id in ("never", "named", "any")]
    chat = Chat(bot_of(message("a", *ways), *nodes, conditions=conditions))
    chat.say("hi")
    assert chat.entered == ["a", "any"]
    assert [(entry.at, entry.value) for entry in chat.trace if entry.kind == "condition"] == [
        ("1 > 2", False),
        ("evening", False),
    ]
