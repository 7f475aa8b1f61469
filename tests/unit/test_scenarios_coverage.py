"""Which nodes and ways the tests have reached, told from traces."""

from __future__ import annotations

from typing import Any

import pytest

from engine.scenarios import Coverage, run_scenarios
from tests.conversations.chat import message, node
from tests.unit.scenario_flow import FOUND, flow

HI = {"input": "hi"}


def covered(definition: dict[str, Any], *conversations: list[dict[str, Any]], **settings: Any) -> Coverage:
    tests = [{"name": str(number), "steps": steps, **settings} for number, steps in enumerate(conversations)]
    found = run_scenarios({**definition, "test_scenarios": {"integration_tests": tests}})
    assert found.passed, "\n".join(found.lines())
    return found.coverage


def untaken(found: Coverage) -> list[tuple[str, str, str, str]]:
    return [(way.source, way.target, way.kind, way.label) for way in found.untaken_ways]


def of(*nodes: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {"start_node": nodes[0]["id"], "nodes": list(nodes), **sections}


def test_nothing_run_is_nothing_covered() -> None:
    found = covered(of(message("a", "b"), message("b")))
    assert found.percent == 0
    assert found.unreached_nodes == ("a", "b")
    assert untaken(found) == [("a", "b", "connection", "")]
    assert found.lines() == [
        "Coverage: 0 % (0 of 2 nodes, 0 of 1 ways).",
        "Nodes that no test reaches: a, b",
        "Ways that no test takes:",
        "  a → b: connection",
    ]


def test_everything_run_is_everything_covered() -> None:
    found = covered(of(message("a", "b"), message("b")), [HI])
    assert (found.percent, found.unreached_nodes, found.untaken_ways) == (100, (), ())
    assert found.lines() == ["Coverage: 100 % (2 of 2 nodes, 1 of 1 ways)."]


def test_connections_to_the_same_node_are_told_apart_by_their_conditions() -> None:
    ways = [
        {"target": "b", "condition": "hour > 50"},
        {"target": "b", "condition": "hour >= 0"},
        {"target": "b"},
    ]
    found = covered(of(message("a", *ways), message("b")), [HI])
    assert untaken(found) == [("a", "b", "connection", "hour > 50"), ("a", "b", "connection", "")]


def test_options_to_the_same_node_are_told_apart_by_their_text() -> None:
    options = [{"text": "One", "target": "b"}, {"text": "Two", "target": "b"}]
    menu = node("menu", "quick_reply", message="?", options=options, timeout=60, fallback_target="c")
    found = covered(of(menu, message("b"), message("c")), [HI, {"input": "two"}])
    assert untaken(found) == [("menu", "b", "choice", "One"), ("menu", "c", "fallback", "fallback")]
    found = covered(of(menu, message("b"), message("c")), [HI, {"timeout": True}])
    assert untaken(found) == [("menu", "b", "choice", "One"), ("menu", "b", "choice", "Two")]


def test_intents_are_ways() -> None:
    intents = [
        {"name": "buy", "target_node": "b", "examples": ["I want to buy"]},
        {"name": "sell", "target_node": "b", "examples": ["do you take it back"]},
    ]
    found = covered(of(node("ai", "ai_intent", intents=intents), message("b")), [{"input": "I want to buy"}])
    assert untaken(found) == [("ai", "b", "intent", "sell")]


def test_cases_and_their_else_are_ways() -> None:
    cases = [{"condition": "hour > 50", "target": "b"}, {"condition": "hour >= 0", "target": "c"}]
    which = node("which", "condition", cases=cases, **{"else": "d"})
    found = covered(of(which, message("b"), message("c"), message("d")), [HI])
    assert untaken(found) == [("which", "b", "case", "hour > 50"), ("which", "d", "else", "else")]


def test_global_actions_and_the_fallback_may_be_taken_from_anywhere() -> None:
    actions = {
        "up": {"keywords": ["up"], "target": "b"},
        "shut": {"keywords": ["shut"], "target": "b", "conditions": ["hour > 50"], "otherwise_target": "c"},
    }
    definition = of(
        node("a", "input", message="?", variable="x", type="integer", retries=0),
        message("b"), message("c"), message("sorry"),
        global_actions=actions, global_settings={"fallback_node": "sorry"},
    )  # fmt: skip
    found = covered(definition, [HI, {"input": "shut"}])
    assert untaken(found) == [
        ("", "b", "action", "up"), ("", "b", "action", "shut"), ("", "sorry", "fallback", "fallback"),
    ]  # fmt: skip
    found = covered(definition, [HI, {"input": "no number"}], [HI, {"input": "up"}])
    assert untaken(found) == [("", "b", "action", "shut"), ("", "c", "action", "shut, otherwise")]


def test_escalating_from_a_menu_is_not_the_same_as_asking_for_a_human() -> None:
    menu = node(
        "menu", "quick_reply", message="?", options=[{"text": "One", "target": "person"}],
        timeout=60, fallback_action="escalate_to_human",
    )  # fmt: skip
    definition = of(
        menu,
        node("person", "human_handoff"),
        global_actions={"escalation": {"keywords": ["human"], "target": "person"}},
    )
    found = covered(definition, [HI, {"timeout": True}])
    assert untaken(found) == [("", "person", "action", "escalation"), ("menu", "person", "choice", "One")]
    found = covered(definition, [HI, {"input": "human"}])
    assert [kind for _, _, kind, _ in untaken(found)] == ["choice", "fallback"]


def test_the_way_for_errors_is_a_way() -> None:
    lookup = node("call", "http", "good", {"target": "bad", "condition": "error"}, url="https://x.example/")
    definition = of(lookup, message("good"), message("bad"))
    found = covered(definition, [HI], stubs={"call": {"error": "refused"}})
    assert untaken(found) == [("call", "good", "connection", "")]
    found = covered(definition, [HI], stubs={"call": FOUND})
    assert untaken(found) == [("call", "bad", "error", "error")]


def test_jumps_calls_and_loops_are_ways() -> None:
    definition = of(
        node("go", "jump", target="rounds"),
        node("rounds", "loop", "sub", items="[1, 2]", body="each", **{"as": "item"}),
        message("each"),
        node("sub", "call", "end", flow="part"),
        node("end", "end"),
        flows={"part": {"start_node": "first", "nodes": [message("first", "last"), node("last", "return")]}},
    )
    found = covered(definition, [HI])
    assert (found.percent, untaken(found), found.unreached_nodes) == (100, [], ())
    assert "part/first" in found.nodes


@pytest.mark.parametrize(("answer", "left"), [("yes", "refused"), ("no", "granted")])
def test_what_was_consented_to_tells_the_way(answer: str, left: str) -> None:
    ask = node("ask", "consent", message="May we?", purpose="news", granted_target="a", refused_target="a")
    found = covered(of(ask, message("a")), [HI, {"input": answer}])
    assert [label for *_, label in untaken(found)] == [left]


def test_a_conversation_that_begins_again_takes_no_way_to_its_start() -> None:
    actions = {"again": {"keywords": ["again"], "target": "welcome"}}
    found = covered(flow(global_actions=actions), [HI, {"timeout": True}, HI, {"command": "start"}])
    assert ("", "welcome", "action", "again") in untaken(found)
    assert set(found.nodes) - set(found.unreached_nodes) == {"welcome", "menu", "bye"}
    found = covered(flow(global_actions=actions), [HI, {"input": "again"}])
    assert ("", "welcome", "action", "again") not in untaken(found)
