"""The demo bot: the document's example, unchanged and completed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from engine.check import marked_texts
from engine.compile import compile_flow
from engine.state import Customer
from tests.conversations.chat import NIGHT, Chat, demo_bot, load_flow

DEMO = load_flow("gateway/demo/flow.json")
DOCUMENT = load_flow("tests/data/document_flow.json")
BOT = demo_bot()


def test_every_part_of_the_document_is_in_the_demo_unchanged() -> None:
    assert DEMO["start_node"] == DOCUMENT["start_node"]
    assert DEMO["global_settings"] == DOCUMENT["global_settings"]
    assert DEMO["nodes"][: len(DOCUMENT["nodes"])] == DOCUMENT["nodes"]
    for section in ("conditions", "global_actions", "variables"):
        assert {name: DEMO[section][name] for name in DOCUMENT[section]} == DOCUMENT[section]


def test_every_node_can_be_reached() -> None:
    targets = {text for _, kind, text in marked_texts(DEMO) if kind == "node"}
    assert {node["id"] for node in DEMO["nodes"]} == targets


def test_every_kind_of_node_is_shown() -> None:
    assert {node["type"] for node in DEMO["nodes"]} == {
        "message", "ai_intent", "quick_reply", "input", "condition", "set_variable", "jump", "human_handoff", "end",
    }  # fmt: skip


def menus() -> Iterator[tuple[str, int]]:
    for node in DEMO["nodes"]:
        yield from ((node["id"], index) for index in range(len(node["config"].get("options", ()))))


@pytest.mark.parametrize(("node", "index"), list(menus()))
def test_every_option_leads_to_an_answer(node: str, index: int) -> None:
    chat = Chat(BOT)
    chat.say("hello")
    assert chat.click(node, index)
    assert not chat.traced("error")


def test_the_offer_is_made_step_by_step() -> None:
    chat = Chat(BOT, customer=Customer(id="1", first_name="Ana", attributes={"subscription_tier": "premium"}))
    chat.say("I want to buy something", "AI Tools", "get an offer", "Ana Lima", "ana@example.com")
    assert chat.choices == ["Yes", "No"]
    assert chat.say("yes")[0].startswith("Thank you, Ana Lima! As one of our premium customers")
    assert chat.entered[-1] == "main_menu"
    assert chat.state.variables == {
        "selected_product": "AI Tools", "user_name": "Ana Lima", "user_email": "ana@example.com",
        "wants_newsletter": True,
    }  # fmt: skip


def test_a_person_is_reached_in_business_hours_and_explained_outside_of_them() -> None:
    day, night = Chat(BOT), Chat(BOT, now=NIGHT)
    for chat in (day, night):
        chat.say("something is broken", "talk to a person")
    assert day.state.control == "waiting"
    assert night.entered == ["reach_a_person", "team_away", "back_to_menu", "main_menu"]


@pytest.mark.parametrize(
    ("now", "open_"),
    [
        (datetime(2026, 1, 12, 13, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 12, 14, 0, tzinfo=UTC), True),
        (datetime(2026, 1, 16, 22, 59, tzinfo=UTC), True),
        (datetime(2026, 1, 16, 23, 0, tzinfo=UTC), False),
        (datetime(2026, 1, 17, 15, 0, tzinfo=UTC), False),
        (datetime(2026, 1, 18, 15, 0, tzinfo=UTC), False),
        (datetime(2026, 7, 13, 13, 0, tzinfo=UTC), True),
    ],
)
def test_business_hours_are_new_york_weekdays_summer_time_included(now: datetime, open_: bool) -> None:
    chat = Chat(BOT, now=now, customer=Customer(timezone="Asia/Tokyo"))
    chat.say("human")
    assert (chat.state.control == "waiting") is open_


def test_the_documents_scenarios_pass_with_the_sentence_vectors_too() -> None:
    from gateway.embedding import load_embedder

    bot = compile_flow(DEMO, flow_id="demo", embed=load_embedder())
    chat = Chat(bot)
    said = chat.say("Hello")
    assert chat.entered[0] == "welcome"
    assert "Hello" in said[0]
    assert "help" in said[0]
    chat.say("I want to buy something")
    assert chat.entered[-1] == "product_flow"
    chat.say("AI Tools")
    assert chat.entered[0] == "ai_tools_detail"
