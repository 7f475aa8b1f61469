"""The ways of a flow: all of them, by their names, whatever the types of nodes and however broken the draft."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fields import marked
from engine.nodes import KINDS
from engine.ways import Way, reachable, ways

DEMO = json.loads((Path(__file__).parents[2] / "gateway" / "demo" / "flow.json").read_text("utf-8"))


def node(id: str, type: str = "message", *targets: str, **config: Any) -> dict[str, Any]:
    connections = [{"target": target} for target in targets]
    return {"id": id, "type": type, "config": config, "connections": connections}


def flow(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"start_node": nodes[0]["id"] if nodes else "", "nodes": list(nodes), **more}


def told(definition: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(way.source, way.kind, way.label, way.target) for way in ways(definition)]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (node("a", "message", "b"), ("connection", "", "b")),
        (node("a", "jump", target="b"), ("jump", "", "b")),
        (node("a", "quick_reply", options=[{"text": "Go", "target": "b"}]), ("choice", "Go", "b")),
        (node("a", "ai_intent", intents=[{"name": "buy", "target_node": "b"}]), ("intent", "buy", "b")),
        (node("a", "condition", cases=[{"condition": "open", "target": "b"}]), ("case", "open", "b")),
        (node("a", "condition", cases=[{"condition": "always", "target": "b"}]), ("case", "", "b")),
        (node("a", "condition", **{"else": "b"}), ("else", "else", "b")),
        (node("a", "input", fallback_target="b"), ("fallback", "fallback", "b")),
        (node("a", "input", timeout_target="b"), ("timeout", "timeout", "b")),
        (node("a", "switch", cases=[{"values": ["x", 2, True], "target": "b"}]), ("case", "x, 2, true", "b")),
        (node("a", "split", branches=[{"name": "half", "target": "b"}]), ("case", "half", "b")),
        (node("a", "loop", body="b"), ("body", "body", "b")),
        (node("a", "consent", refused_target="b"), ("connection", "refused", "b")),
    ],
)
def test_a_way_has_the_name_that_its_builder_knows(
    made: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert told(flow(made)) == [("a", *expected)]


@pytest.mark.parametrize(
    ("condition", "kind", "label"),
    [
        ("always", "connection", ""),
        ("x > 1", "connection", "x > 1"),
        ("error", "error", "error"),
        ("else", "else", "else"),
    ],
)
def test_a_connection_is_called_by_its_condition(condition: str, kind: str, label: str) -> None:
    made = {"id": "a", "type": "end", "connections": [{"target": "b", "condition": condition}]}
    assert told(flow(made)) == [("a", kind, label, "b")]


@pytest.mark.parametrize(
    ("type_", "path"),
    [(type_, path) for type_, kind in KINDS.items() for path, mark in marked(kind.config) if mark == "node"],
    ids=str,
)
def test_every_setting_that_names_a_node_is_a_way(type_: str, path: tuple[str, ...]) -> None:
    config: Any = "b"
    for step in reversed(path):
        config = [config] if step == "*" else {step: config}
    (way,) = ways(flow(node("a", type_, **config)))
    assert (way.source, way.target, way.place[:3]) == ("a", "b", ("nodes", 0, "config"))


def test_the_place_of_a_way_is_where_its_target_is_written() -> None:
    for way in ways(DEMO):
        found: Any = DEMO
        for step in way.place:
            found = found[step]
        assert found in (way.target, "escalate_to_human")


def test_ways_come_in_the_order_in_which_they_are_tried() -> None:
    definition = flow(
        node(
            "a",
            "condition",
            "z",
            cases=[{"condition": "p", "target": "x"}, {"condition": "q", "target": "y"}],
        ),
        global_settings={"fallback_node": "f"},
        global_actions={"stop": {"keywords": ["stop"], "target": "s", "otherwise_target": "o"}},
    )
    assert told(definition) == [
        ("", "action", "stop", "s"),
        ("", "action", "stop, otherwise", "o"),
        ("", "fallback", "fallback", "f"),
        ("a", "case", "p", "x"),
        ("a", "case", "q", "y"),
        ("a", "connection", "", "z"),
    ]


def test_escalating_leads_to_the_action_of_that_name() -> None:
    made = node("a", "quick_reply", fallback_action="escalate_to_human")
    definition = flow(made, global_actions={"escalation": {"target": "person"}})
    assert ("a", "fallback", "escalate to a human", "person") in told(definition)


def test_without_that_action_escalating_leads_to_the_first_handoff() -> None:
    definition = flow(
        node("a", "quick_reply", fallback_action="escalate_to_human"), node("b", "human_handoff")
    )
    assert told(definition) == [("a", "fallback", "escalate to a human", "b")]
    assert reachable(definition) == {"a", "b"}


SUB_FLOWS = flow(
    node("a", "call", "b", flow="pay"),
    node("b"),
    flows={
        "pay": {"start_node": "ask", "nodes": [node("ask", "message", "b"), node("b")]},
        "idle": {"start_node": "x", "nodes": [node("x")]},
    },
)


def test_the_ids_of_a_sub_flow_carry_its_name() -> None:
    assert told(SUB_FLOWS) == [
        ("a", "call", "pay", "pay/ask"),
        ("a", "connection", "", "b"),
        ("pay/ask", "connection", "", "pay/b"),
    ]
    assert ways(SUB_FLOWS)[-1].place == ("flows", "pay", "nodes", 0, "connections", 0, "target")


def test_a_sub_flow_is_reached_by_its_calls_only() -> None:
    assert reachable(SUB_FLOWS) == {"a", "b", "pay/ask", "pay/b"}


def test_a_call_of_a_flow_that_is_not_there_is_no_way() -> None:
    assert ways(flow(node("a", "call", flow="none"))) == ()


@pytest.mark.parametrize(
    "more",
    [
        {"global_actions": {"go": {"target": "b"}}},
        {"global_actions": {"go": {"target": "a", "otherwise_target": "b"}}},
        {"global_settings": {"fallback_node": "b"}},
    ],
)
def test_what_may_come_at_any_time_reaches(more: dict[str, Any]) -> None:
    assert reachable(flow(node("a"), node("b", "message", "c"), node("c"), node("d"), **more)) == {
        "a",
        "b",
        "c",
    }


def test_what_does_not_exist_is_not_reached() -> None:
    assert reachable(flow(node("a", "message", "missing"))) == {"a"}


def test_all_of_the_demo_is_reachable() -> None:
    assert reachable(DEMO) == {node["id"] for node in DEMO["nodes"]}


KEYS = st.sampled_from(
    [
        *(
            "start_node",
            "nodes",
            "flows",
            "id",
            "type",
            "name",
            "config",
            "connections",
            "target",
            "condition",
        ),
        *("options", "cases", "intents", "target_node", "else", "flow", "fallback_action", "text", "values"),
        *("global_actions", "global_settings", "fallback_node", "otherwise_target", "escalation", "pay"),
    ]
)
WORDS = st.sampled_from(
    ["a", "b", "message", "quick_reply", "condition", "always", "escalate_to_human", "pay", ""]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(KEYS, ANYTHING, max_size=8))
def test_no_draft_is_too_broken(draft: dict[str, Any]) -> None:
    found = ways(draft)
    assert all(isinstance(way, Way) and way.target for way in found)
    assert ways(draft) == found
    start = draft.get("start_node")
    assert reachable(draft) <= {way.target for way in found} | ({start} if isinstance(start, str) else set())
