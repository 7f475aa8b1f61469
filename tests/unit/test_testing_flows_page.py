"""docs/testing-flows.md: its examples run, and its tables have every key that there is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from engine.scenarios import run_scenarios
from engine.scenarios.model import INPUTS, Expectations, Settings
from tests.conversations.chat import ROOT, message, node

PAGE = (ROOT / "docs/testing-flows.md").read_text()
SCENARIOS: list[dict[str, Any]] = [
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.S)
]
SHOP: dict[str, Any] = {
    "start_node": "welcome",
    "nodes": [
        message("welcome", "menu", message="Hello! How can I help?"),
        node(
            "menu", "quick_reply", message="Choose, please.", timeout=60, fallback_target="still_there",
            options=[
                {"text": "Order status", "value": "status", "target": "ask_order"},
                {"text": "Talk to us", "target": "person"},
            ],
        ),
        node("ask_order", "input", "order_lookup", message="Which order?", variable="order"),
        node(
            "order_lookup", "http", "order_found", {"target": "order_lost", "condition": "error"},
            url="https://shop.example/{{order}}", save={"state": "response.body.state"},
        ),
        message("order_found", message="It is {{state}}."),
        message("order_lost", message="The shop does not answer."),
        message("still_there", message="Are you still there?"),
        node("person", "human_handoff"),
    ],
    "conditions": {"business_hours": {"expression": "hour >= 9 && hour < 18"}},
    "global_actions": {
        "escalation": {"keywords": ["human"], "target": "person", "conditions": ["business_hours"]}
    },
}  # fmt: skip


def test_the_examples_pass() -> None:
    merged: dict[str, Any] = {key: value for part in SCENARIOS for key, value in part.items()}
    assert list(merged) == ["unit_tests", "integration_tests", "load_tests"]
    report = run_scenarios({**SHOP, "test_scenarios": merged})
    assert report.passed, "\n".join(report.lines())


@pytest.mark.parametrize("key", [*INPUTS, *Expectations.model_fields, *Settings.model_fields])
def test_every_key_is_on_the_page(key: str) -> None:
    written = PAGE.replace("`…_not_contains`", "`expected_response_not_contains`")
    assert f"`{key}`" in written or f'"{key}"' in written
