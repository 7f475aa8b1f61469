"""What a test's customer can do besides writing, and that the test says what happened in words."""

from __future__ import annotations

from typing import Any

import pytest

from engine.problems import FlowInvalid
from engine.scenarios import run_scenarios
from engine.scenarios.sent import EVENTS
from tests.conversations.chat import message, node

OPTIONS = [{"text": f"Option {number}", "value": number} for number in range(1, 6)]
EDITED = {"type": "message_edited", "message": "1", "text": "x"}
VOTED = {"type": "poll_answered", "poll": "1", "options": [0]}
SHOP: dict[str, Any] = {
    "start_node": "menu",
    "nodes": [
        node("menu", "quick_reply", message="menu", options=OPTIONS, variable="v"),
        message("did", message="{{event.type}}"),
    ],
    "global_actions": {
        "on": {
            "events": ["reaction", "edit", "deletion", "poll_answer", "form", "order"],
            "target": "did",
        },
        "album": {"keywords": ["album"], "target": "did"},
    },
    "inline_answers": [{"title": "Hours", "text": "x"}],
}  # fmt: skip


def run(*steps: dict[str, Any], **flow: Any) -> Any:
    tests = {"integration_tests": [{"name": "t", "steps": [{"input": "hi"}, *steps]}]}
    (test,) = run_scenarios({**SHOP, **flow, "test_scenarios": tests}).tests
    return test


@pytest.mark.parametrize(
    ("step", "type_", "did"),
    [
        ({"reaction": "👍"}, "reaction_received", "reacts 👍"),
        ({"reaction": []}, "reaction_received", "takes a reaction back"),
        ({"form": {"values": {"n": 1}}}, "form_submitted", "sends a form"),
        ({"order": {"items": [{"product": "p"}]}}, "order_placed", "sends an order"),
        (
            {"album": [{"kind": "image", "caption": "album"}, {"kind": "video"}]},
            "album_received",
            "sends 2 files as one",
        ),
        ({"event": EDITED}, "message_edited", "the event message_edited comes"),
        ({"event": VOTED}, "poll_answered", "the event poll_answered comes"),
    ],
)  # fmt: skip
def test_a_step_lets_it_happen(step: dict[str, Any], type_: str, did: str) -> None:
    test = run({**step, "expected_response_equals": type_})
    assert test.passed, test.lines()
    assert test.steps[1].did == did


@pytest.mark.parametrize("type_", [kind for kind in EVENTS if kind not in ("query_received",)])
def test_every_event_of_a_platform_can_be_given(type_: str) -> None:
    fields: dict[str, Any] = {
        "text_received": {"text": "x"}, "choice_made": {"choice": "x"}, "command_received": {"command": "x"},
        "media_received": {"kind": "image", "file": "f"}, "album_received": {"items": []},
        "location_received": {"latitude": 1, "longitude": 2}, "contact_received": {"phone": "1"},
        "reaction_received": {"emoji": ["👍"], "message": "1"}, "message_edited": {"message": "1", "text": "x"},
        "message_deleted": {"message": "1"}, "poll_answered": {"poll": "1"},
        "identity_changed": {"old": "1", "new": "2"}, "contactability_changed": {"reachable": True},
    }  # fmt: skip
    assert run({"event": {"type": type_, **fields.get(type_, {})}}).passed


def test_an_inline_query_is_answered() -> None:
    test = run({"event": {"type": "query_received", "query": "q", "text": "hours"}})
    assert test.steps[1].said == ("(offers: Hours)",)


def test_pieces_of_an_album_are_gathered_and_the_window_closes_by_itself() -> None:
    more = {
        "media": {"kind": "image", "album": "a", "caption": "album"},
        "more": True,
        "expected_no_response": True,
    }
    last = {"media": {"kind": "image", "album": "a"}, "expected_response_equals": "album_received"}
    assert run(more, last).passed


def test_a_message_comes_in_its_circumstances() -> None:
    group = {"place": "group", "title": "Riders"}
    said = {"input": "5", "context": {**group, "mentioned": True}, "expected_variables": {"v": 5}}
    unheard = {"input": "4", "context": group, "expected_no_response": True}
    click = {"click": "Option 3", "context": group, "expected_variables": {"v": 3}}
    assert run(unheard, said, click).passed


def test_a_menu_is_leafed_through() -> None:
    page = {"click": "menu:p1", "expected_response_equals": "menu", "expected_node": "menu"}
    assert run(page, {"click": "Option 5", "expected_variables": {"v": 5}}).passed
    failed = run({"click": "menu:q1"})
    assert "there is no choice" in failed.failures[0].message


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"event": {"type": "timer_fired", "timer": "x"}}, "no event that platforms know"),
        ({"event": {"text": "x"}}, "no event that platforms know"),
        ({"event": {"type": "message_edited"}}, "this is no message_edited"),
        ({"input": "x", "context": {"place": "moon"}}, "no context of a message"),
        ({"input": "x", "context": {"places": "group"}}, 'has no "places"'),
        ({"location": {"latitude": 1, "longitude": 1}, "more": True}, '"more" goes with'),
        ({"album": []}, "at least"),
        ({"order": {"items": [{"product": "p", "quantity": 0}]}}, "greater than or equal to 1"),
    ],
)
def test_what_can_not_happen_is_refused(step: dict[str, Any], message: str) -> None:
    with pytest.raises(FlowInvalid, match=message):
        run(step)


def test_what_a_message_carries_is_shown() -> None:
    shown = message(
        "did", message="x",
        links=[{"text": "Way", "url": "https://e.example"}, {"text": "F", "kind": "form", "form": "7"}],
        location={"latitude": 1.5, "longitude": 2, "address": "Road"},
        contact={"name": "Desk", "phone": "+1"}, template={"key": "t"},
    )  # fmt: skip
    test = run({"reaction": "👍"}, nodes=[SHOP["nodes"][0], shown])
    assert test.steps[1].said == (
        "x (Way → https://e.example) (F → 7) (place: Road 1.5, 2) (contact: Desk +1) (template: t)",
    )
    react = node("did", "react", emoji="")
    test = run(
        {"event": {"type": "message_edited", "message": "1", "text": "x"}}, nodes=[SHOP["nodes"][0], react]
    )
    assert test.steps[1].said == ("(reacts: no more)",)
