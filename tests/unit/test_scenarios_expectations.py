"""Every kind of expectation: met, and failed on purpose and seen in the report."""

from __future__ import annotations

from typing import Any

import pytest

from engine.scenarios import run_scenarios
from engine.scenarios.model import Expectations
from tests.conversations.chat import message, node
from tests.unit.scenario_flow import FOUND, assert_passes, failure_of, flow, run

HELLO = {"input": "hello"}
WAY = ["welcome", "menu"]
DONE = ["send", "send", "start_timer"]
MENU = ["Order status", "Rate us", "Search"]

MET: list[tuple[str, Any]] = [
    ("expected_node", "welcome"),
    ("expected_node", "menu"),
    ("expected_nodes", ["welcome", "menu"]),
    ("expected_nodes", ["menu"]),
    ("expected_nodes", []),
    ("expected_response_contains", ["Hello", "What is it?"]),
    ("expected_response_contains", "there"),
    ("expected_response_not_contains", ["Goodbye", "hello"]),
    ("expected_response_equals", ["Hello there!", "What is it?"]),
    ("expected_choices", MENU),
    ("expected_variables", {"visits": 0, "offer": "none", "tier": None, "unknown": None}),
    ("expected_effects", [{"type": "send"}, {"type": "send", "message": {"text": "What is it?"}}]),
    ("expected_effects", [{"type": "start_timer", "timer": "menu#1"}]),
    ("expected_effects", [{"type": "send", "delay_ms": 0, "typing": False}]),
    ("expected_language", "en"),
    ("expected_control", "bot"),
    ("expected_no_response", False),
    ("expected_error", False),
]

FAILED: list[tuple[str, Any, str, Any]] = [
    ("expected_node", "bye", "bye was not reached: welcome → menu; the conversation stands at menu", WAY),
    ("expected_nodes", ["menu", "welcome"], "the way was welcome → menu, not menu → welcome", WAY),
    ("expected_response_contains", ["Hello", "HELLO"], 'no message contains "HELLO"', ["Hello there!", "What is it?"]),
    ("expected_response_not_contains", "there", 'a message contains "there"', ["Hello there!", "What is it?"]),
    ("expected_response_equals", ["Hello there!"], "the bot says something else", ["Hello there!", "What is it?"]),
    ("expected_choices", ["Order status"], "other choices are on offer", MENU),
    ("expected_variables", {"visits": 1}, "visits has another value", 0),
    ("expected_variables", {"visits": False}, "visits has another value", 0),
    ("expected_variables", {"loud": "X"}, "loud cannot be computed", None),
    ("expected_effects", [{"type": "record", "kind": "feedback"}], "there is no record", DONE),
    ("expected_language", "de", "it is another language", "en"),
    ("expected_control", "human", "somebody else answers", "bot"),
    ("expected_intent", "shop", "understood was nothing", []),
    ("expected_action", "vip", "no action was called for", []),
    ("expected_no_response", True, "the bot says something", ["Hello there!", "What is it?"]),
    ("expected_error", True, "there was no error", []),
    ("expected_error", "timeout", 'no error contains "timeout"', []),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), MET)
def test_an_expectation_is_met(key: str, value: Any) -> None:
    assert_passes({**HELLO, key: value})
    assert_passes(HELLO, **{key: value})  # of the whole test


@pytest.mark.parametrize(
    ("key", "value", "message", "actual"), FAILED, ids=[f"{row[0]} {row[2]}" for row in FAILED]
)
def test_an_expectation_that_is_not_met_is_reported(key: str, value: Any, message: str, actual: Any) -> None:
    failure = failure_of({**HELLO, key: value})
    assert failure.place == f"test_scenarios.integration_tests[0].steps[0].{key}"
    assert failure.message.startswith(message)
    assert failure.actual == actual
    assert failure.step == 1
    whole = failure_of(HELLO, **{key: value})
    assert whole.place == f"test_scenarios.integration_tests[0].{key}"
    assert whole.message.startswith(message)
    assert whole.step == 0


SHOWING: dict[str, Any] = {
    "start_node": "show",
    "nodes": [
        message(
            "show", "like", message="**Come** [in](https://e.example)!", format="markdown",
            links=[{"text": "Way", "url": "https://e.example/way"}],
            location={"latitude": 1, "longitude": 2, "name": "Here"},
            contact={"name": "Desk", "phone": "+491"}, template={"key": "invite"},
        ),
        node("like", "react", "quiet", emoji="👍"),
        message("quiet", message="Nothing more."),
    ],
}  # fmt: skip
SHOWN: list[tuple[str, Any, Any, str]] = [
    ("expected_looks", [{"kind": "bold", "text": "Come"}], [{"kind": "bold", "text": "in"}], 'no "in" is bold'),
    (
        "expected_looks", [{"kind": "link", "text": "in", "value": "https://e.example"}],
        [{"kind": "link", "text": "in", "value": "x"}], 'no "in" is link',
    ),
    ("expected_links", ["Way"], [], "other links are shown"),
    ("expected_location", {"name": "Here"}, {"name": "There"}, "no location is like that"),
    ("expected_contact", {"phone": "+491"}, {"phone": "+492"}, "no contact is like that"),
    ("expected_template", "invite", "remind", "no message is of that template"),
    ("expected_reaction", "👍", "👎", "the bot does not react so"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "met", "failed", "message"), SHOWN)
def test_what_messages_carry_is_expected(key: str, met: Any, failed: Any, message: str) -> None:
    tests = [{"name": "met", "input": "hi", key: met}, {"name": "failed", "input": "hi", key: failed}]
    fine, wrong = run_scenarios({**SHOWING, "test_scenarios": {"unit_tests": tests}}).tests
    assert fine.passed, fine.lines()
    (failure,) = wrong.failures
    assert (failure.place, failure.message) == (f"test_scenarios.unit_tests[1].{key}", message)


def test_what_is_not_there_at_all_is_told_so() -> None:
    assert failure_of(HELLO, expected_location={"name": "Here"}).message == "there is no location"


def test_every_expectation_fails_on_purpose_somewhere() -> None:
    shown = {row[0] for row in SHOWN}
    assert {row[0] for row in FAILED} | shown == set(Expectations.model_fields)
    met = {row[0] for row in MET} | {"expected_intent", "expected_action"} | shown
    assert met == set(Expectations.model_fields)


def test_several_failures_of_a_step_are_all_reported() -> None:
    found = run({**HELLO, "expected_node": "bye", "expected_control": "human", "expected_no_response": True})
    assert [failure.place.rpartition(".")[2] for failure in found.failures] == [
        "expected_node",
        "expected_no_response",
        "expected_control",
    ]


def test_an_effect_matches_in_parts_and_only_once() -> None:
    rate = [HELLO, {"click": "rate"}]
    record = {"type": "record", "kind": "feedback", "properties": {"rating": 5}}
    assert_passes(*rate, {"input": "5", "expected_effects": [record]})
    failure = failure_of(*rate, {"input": "4", "expected_effects": [record]})
    assert failure.message == "no record is like that"
    assert failure.actual[0]["properties"] == {"rating": 4}
    failure = failure_of(*rate, {"input": "5", "expected_effects": [record, record]})
    assert failure.message == "no record is like that"


def test_an_action_is_expected() -> None:
    assert_passes(
        HELLO, {"input": "human please", "expected_action": "escalation", "expected_control": "waiting"}
    )
    failure = failure_of(HELLO, {"input": "vip", "expected_action": "escalation"})
    assert failure.message == "vip was called for"


def test_an_intent_is_expected_and_so_is_none() -> None:
    intents = [{"name": "shop", "target_node": "shop", "examples": ["what do you sell", "show me products"]}]
    definition = {"start_node": "ai", "nodes": [node("ai", "ai_intent", intents=intents), message("shop")]}

    def outcome(expected: str | None) -> list[bool]:
        tests = [
            {"name": text, "input": text, "expected_intent": expected}
            for text in ("what do you sell", "the moon is bright")
        ]
        found = run_scenarios({**definition, "test_scenarios": {"unit_tests": tests}})
        return [test.passed for test in found.tests]

    assert outcome("shop") == [True, False]
    assert outcome(None) == [False, True]


def test_an_error_that_nobody_expects_fails_the_test() -> None:
    steps = [HELLO, {"input": "break"}]
    failure = failure_of(*steps)
    assert failure.place.endswith("steps[1].expected_error")
    assert failure.message.startswith("there was an error: ")
    assert failure.expected is False
    assert_passes(HELLO, {"input": "break", "expected_error": True, "expected_node": "sorry"})
    assert_passes(HELLO, {"input": "break", "expected_error": "ExpressionError"})
    assert_passes(*steps[:1], {"input": "break", "expected_error": True}, expected_error=True)


def test_the_error_of_a_failed_call_is_expected_unless_the_test_says_no() -> None:
    steps = [HELLO, {"click": "status"}]
    stubs = {"order_lookup": {"error": "refused"}}
    assert_passes(*steps, {"input": "17"}, stubs=stubs)
    assert_passes(*steps, {"input": "17", "expected_error": "refused"}, stubs=stubs)
    failure = failure_of(*steps, {"input": "17", "expected_error": False}, stubs=stubs)
    assert failure.message == "there was an error: the call failed: refused"


def test_expectations_of_a_test_see_all_of_its_steps() -> None:
    assert_passes(
        HELLO,
        {"click": "status"},
        {"input": "17"},
        stubs={"order_lookup": FOUND},
        expected_nodes=["welcome", "ask_order", "order_found"],
        expected_response_contains=["Hello", "on its way"],
        expected_variables={"order": "17", "loud": "17"},
        expected_choices=MENU,
    )


def test_the_choices_of_a_test_are_those_of_its_last_message() -> None:
    failure = failure_of(HELLO, {"click": "rate"}, expected_choices=MENU)
    assert failure.actual != MENU
    assert len(failure.actual) == 5  # the ratings


def test_the_end_of_a_session_is_where_the_conversation_stands() -> None:
    failure = failure_of(HELLO, {"timeout": True, "expected_node": "menu"})
    assert failure.message == "menu was not reached: bye; the session has ended"


def test_a_step_that_enters_no_node_may_still_stand_at_one() -> None:
    assert_passes(HELLO, {"input": "what?", "expected_node": "menu", "expected_nodes": []})


def test_a_card_is_read_with_its_titles() -> None:
    definition = flow()
    cards = [{"title": "Sofa", "subtitle": "For three"}]
    definition["nodes"].append({"id": "shelf", "type": "message", "config": {"cards": cards}})
    definition["nodes"][0]["connections"] = [{"target": "shelf"}]
    test = {"name": "t", "input": "hi", "expected_response_contains": ["Sofa", "For three"]}
    found = run_scenarios({**definition, "test_scenarios": {"unit_tests": [test]}})
    assert found.passed, "\n".join(found.lines())
