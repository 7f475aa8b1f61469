"""A small shop's flow with something of everything that tests can expect, and a way to run one test of it."""

from __future__ import annotations

import copy
from typing import Any

from engine.problems import FlowInvalid, Problem
from engine.scenarios import Failure, Report, TestResult, run_scenarios
from tests.conversations.chat import message, node

MENU = [
    {"text": "Order status", "value": "status", "target": "ask_order"},
    {"text": "Rate us", "value": "rate", "target": "rate"},
    {"text": "Search", "target": "faq"},
]
FLOW: dict[str, Any] = {
    "start_node": "welcome",
    "global_settings": {"fallback_node": "sorry", "timeout": 3600, "timezone": "Europe/Berlin"},
    "nodes": [
        message("welcome", "menu", message="Hello {{user.first_name | default:\"there\"}}!"),
        node(
            "menu", "quick_reply",
            message="What is it?", options=MENU, timeout=60, fallback_target="bye", allow_free_text=False,
        ),
        node("ask_order", "input", "order_lookup", message="Which order?", variable="order", type="text"),
        node(
            "order_lookup", "http", "order_found", {"target": "order_lost", "condition": "error"},
            url="https://shop.example/orders/{{order}}", save={"order_state": "response.body.state"},
        ),
        message("order_found", message="Your order is {{order_state}}."),
        message("order_lost", message="The shop does not answer."),
        node("rate", "feedback", "bye", message="How was it?", name="shop"),
        node("faq", "knowledge", not_found_target="sorry", query="{{message}}"),
        message("sorry", message="Sorry?"),
        node("bye", "end", message="Goodbye."),
        node("person", "human_handoff", message="One moment."),
        node("broken", "set_variable", variable="visits", expression="order.nothing.at.all"),
    ],
    "conditions": {"business_hours": {"expression": "hour >= 9 && hour < 17 && day_of_week <= 5"}},
    "global_actions": {
        "escalation": {"keywords": ["human"], "target": "person", "conditions": ["business_hours"]},
        "break": {"keywords": ["break"], "target": "broken"},
        "vip": {"keywords": ["vip"], "target": "menu", "priority": "high"},
    },
    "variables": {
        "visits": {"type": "integer", "default": 0},
        "tier": {"type": "string", "scope": "customer"},
        "offer": {"type": "string", "scope": "bot", "default": "none"},
        "loud": {"type": "string", "computed": True, "expression": "order.toUpperCase()"},
    },
}  # fmt: skip
FOUND = {"body": {"state": "on its way"}}


def flow(**sections: Any) -> dict[str, Any]:
    return {**copy.deepcopy(FLOW), **sections}


def report(scenarios: Any, **sections: Any) -> Report:
    return run_scenarios({**flow(**sections), "test_scenarios": scenarios})


def run(*steps: dict[str, Any], **settings: Any) -> TestResult:
    """One integration test of these steps."""
    (found,) = report({"integration_tests": [{"name": "t", "steps": list(steps), **settings}]}).tests
    return found


def assert_passes(*steps: dict[str, Any], **settings: Any) -> TestResult:
    found = run(*steps, **settings)
    assert found.passed, "\n".join(found.lines())
    return found


def failure_of(*steps: dict[str, Any], **settings: Any) -> Failure:
    found = run(*steps, **settings)
    assert not found.passed
    assert found.failures[0].message in "\n".join(found.lines())
    return found.failures[0]


def problems_of(scenarios: Any) -> list[Problem]:
    try:
        report(scenarios)
    except FlowInvalid as error:
        return list(error.problems)
    raise AssertionError("the scenarios have no problem")
