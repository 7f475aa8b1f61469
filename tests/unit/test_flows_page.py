"""The examples in `docs/flows.md` are one flow, and it works."""

from __future__ import annotations

import json
import re
from typing import Any

from engine.compile import compile_flow
from engine.environment import BUILTINS
from engine.nodes import KINDS
from tests.conversations.chat import ROOT, Chat

PAGE = (ROOT / "docs" / "flows.md").read_text()


def flow_of_the_page() -> dict[str, Any]:
    flow: dict[str, Any] = {"nodes": []}
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL):
        part = json.loads(block)
        if "id" in part:
            flow["nodes"].append(part)
        else:
            flow.update(part)
    return flow


def test_the_page_shows_every_node_and_its_flow_works() -> None:
    flow = flow_of_the_page()
    assert {node["type"] for node in flow["nodes"]} == set(KINDS)
    chat = Chat(compile_flow(flow, flow_id="page"))
    assert chat.say("I want to buy something")[-1] == "Which of these?"
    assert chat.say("a table") == ["Please pick one of these."]
    assert chat.say("lamps") == ["What is your name?"]
    assert chat.say("Ana") == ["One moment, Ana."]
    assert chat.state.variables == {"product": "lamps", "visits": 1, "user_name": "Ana"}


def test_the_page_names_everything_that_expressions_know() -> None:
    section = PAGE[PAGE.index("## Conditions and expressions") : PAGE.index("## Templates")]
    assert set(re.findall(r"`(\w+)`", section)) >= BUILTINS


def test_the_page_names_every_setting_of_every_node() -> None:
    accepted = {"model", "store_as", "otherwise"}
    for type_, kind in KINDS.items():
        for name in kind.config.model_fields:
            assert name in accepted or re.search(rf"\b{name}\b", PAGE), f"{type_}.{name}"
