"""The difference between two documents, as a person would tell it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flows.diff import Change, diff
from tests.conversations.chat import load_flow

DOCUMENT: dict[str, Any] = {
    "flow_id": "main",
    "version": "1.0.0",
    "flow_definition": {
        **load_flow("gateway/demo/flow.json"),
        "flows": {
            "returns": {
                "start_node": "why",
                "nodes": [{"id": "why", "type": "message", "config": {"message": "Why?"}}],
            }
        },
    },
    "flow_metadata": {"ai_configuration": {"temperature": 0.7}},
    "variable_definitions": {"session_variables": {"mood": {"type": "string"}}},
    "supported_languages": ["en", "de"],
    "default_language": "en",
    "translations": {"de": {"Hello": "Hallo", "Bye": "Tschüss"}},
    "test_scenarios": {
        "unit_tests": [{"name": "greets", "input": "hi"}, {"name": "sells", "input": "buy"}],
        "load_tests": {"concurrent_users": 10},
    },
}


def nodes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["id"]: node for node in document["flow_definition"]["nodes"]}


def config(document: dict[str, Any], id: str) -> dict[str, Any]:
    found: dict[str, Any] = nodes(document)[id]["config"]
    return found


def told(edit: Callable[[dict[str, Any]], Any], *, positions: bool = False) -> list[str]:
    """The changes that an edit makes, with a sign each."""
    edited = copy.deepcopy(DOCUMENT)
    edit(edited)
    signs = {"added": "+", "removed": "-", "changed": "~"}
    return [f"{signs[change.kind]} {change}" for change in diff(DOCUMENT, edited, positions=positions)]


EDITS: list[tuple[Callable[[dict[str, Any]], Any], list[str]]] = [
    (
        lambda d: config(d, "welcome").update(message="Hi!"),
        ['~ node welcome, config.message: "Hello! I\'m here to help. What can I do for you?" → "Hi!"'],
    ),
    (
        lambda d: d["flow_definition"]["nodes"].insert(
            0, {"id": "new", "type": "message", "config": {"message": "News"}}
        ),
        ['+ node new: message "News"'],
    ),
    (
        lambda d: d["flow_definition"]["nodes"].remove(nodes(d)["goodbye"]),
        ['- node goodbye: end "Thank you for the chat, and have a good day! Write again whenever you like."'],
    ),
    (lambda d: nodes(d)["welcome"].pop("name"), ['- node welcome, name: "Welcome Greeting"']),
    (lambda d: nodes(d)["welcome"].update(type="end"), ['~ node welcome, type: "message" → "end"']),
    (
        lambda d: config(d, "product_flow")["options"][0].update(text="Tools"),
        ['~ node product_flow, config.options[ai_tools].text: "🚀 AI Tools" → "Tools"'],
    ),
    (
        lambda d: config(d, "product_flow")["options"].reverse(),
        [
            '~ node product_flow, order of config.options: ["ai_tools", "business", "education"] → '
            '["education", "business", "ai_tools"]'
        ],
    ),
    (
        lambda d: config(d, "intent_classification")["intents"][0]["examples"].append("show me"),
        ['+ node intent_classification, config.intents[product_inquiry].examples: "show me"'],
    ),
    (
        lambda d: nodes(d)["welcome"]["connections"].insert(0, {"target": "goodbye", "condition": "vip"}),
        ["+ connection welcome → goodbye when vip"],
    ),
    (
        lambda d: nodes(d)["welcome"]["connections"][0].update(delay=500),
        ["~ connection welcome → intent_classification, delay: 0 → 500"],
    ),
    (
        lambda d: nodes(d)["welcome"]["connections"].clear(),
        ['- connection welcome → intent_classification: {"delay": 0}'],
    ),
    (
        lambda d: d["flow_definition"].update(start_node="goodbye"),
        ['~ setting start_node: "welcome" → "goodbye"'],
    ),
    (
        lambda d: d["flow_definition"]["global_settings"].update(timeout=60),
        ["~ setting global_settings, timeout: 300 → 60"],
    ),
    (
        lambda d: d["flow_definition"]["conditions"].update(vip={"expression": "true"}),
        ['+ condition vip: {"expression": "true"}'],
    ),
    (
        lambda d: d["flow_definition"]["global_actions"]["restart"].update(target="goodbye"),
        ['~ action restart, target: "welcome" → "goodbye"'],
    ),
    (
        lambda d: d["flow_definition"]["variables"].pop("user_email"),
        ['- variable user_email: {"type": "email", "required": false}'],
    ),
    (
        lambda d: d["variable_definitions"]["session_variables"]["mood"].update(type="any"),
        ['~ variable session_variables.mood, type: "string" → "any"'],
    ),
    (
        lambda d: d["flow_definition"]["flows"]["returns"]["nodes"][0]["config"].update(message="Why so?"),
        ['~ node returns/why, config.message: "Why?" → "Why so?"'],
    ),
    (
        lambda d: d["flow_definition"]["flows"].update(pay={"start_node": "p", "nodes": []}),
        ['+ sub-flow pay: {"start_node": "p", "nodes": []}'],
    ),
    (lambda d: d["supported_languages"].append("fr"), ["+ language fr"]),
    (
        lambda d: d["supported_languages"].reverse(),
        ['~ setting supported_languages, order: ["en", "de"] → ["de", "en"]'],
    ),
    (lambda d: d.update(default_language="de"), ['~ setting default_language: "en" → "de"']),
    (
        lambda d: d["translations"]["de"].update(Hello="Servus"),
        ['~ translation de: Hello: "Hallo" → "Servus"'],
    ),
    (lambda d: d["translations"].update(fr={"Bye": "Salut"}), ['+ translation fr: Bye: "Salut"']),
    (
        lambda d: d["test_scenarios"]["unit_tests"].pop(0),
        ['- test unit_tests: greets: {"name": "greets", "input": "hi"}'],
    ),
    (
        lambda d: d["test_scenarios"]["load_tests"].update(concurrent_users=20),
        ["~ test load_tests: concurrent_users: 10 → 20"],
    ),
    (
        lambda d: d["flow_metadata"]["ai_configuration"].update(temperature=True),
        ["~ metadata ai_configuration, temperature: 0.7 → true"],
    ),
    (lambda d: d.update(flow_id="other"), ['~ setting flow_id: "main" → "other"']),
    (lambda d: d.update(version="2.0.0"), []),
    (lambda d: nodes(d)["welcome"].update(position={"x": 1, "y": 2}), []),
    (lambda d: d["flow_definition"]["nodes"].reverse(), []),
]


@pytest.mark.parametrize(("edit", "expected"), EDITS, ids=[str(number) for number in range(len(EDITS))])
def test_an_edit_is_told_as_it_was_made(edit: Callable[[dict[str, Any]], Any], expected: list[str]) -> None:
    assert told(edit) == expected


def test_moved_nodes_are_told_when_asked() -> None:
    assert told(lambda d: nodes(d)["welcome"].update(position={"x": 1, "y": 100}), positions=True) == [
        "~ node welcome, position.x: 100 → 1"
    ]


def test_actions_in_another_order_are_told_for_the_first_of_two_equal_keywords_wins() -> None:
    def move(document: dict[str, Any]) -> None:
        actions = document["flow_definition"]["global_actions"]
        actions["escalation"] = actions.pop("escalation")

    assert len(told(move)) == 1
    assert told(move)[0].startswith('~ setting global_actions, order: ["escalation", ')


def test_a_change_reads_as_json() -> None:
    change = diff(DOCUMENT, {**DOCUMENT, "default_language": "de"})[0]
    assert msgspec.to_builtins(change) == {
        "kind": "changed",
        "subject": "setting",
        "name": "default_language",
        "old": "en",
        "new": "de",
    }


def test_a_long_value_is_cut() -> None:
    line = str(Change(kind="added", subject="variable", name="v", new="x" * 1_000))
    assert len(line) < 150
    assert line.endswith("…")


leaves = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)
members = st.dictionaries(st.sampled_from(["x", "y"]), st.dictionaries(st.sampled_from("abc"), values))
documents = st.fixed_dictionaries(
    {
        "flow_definition": st.fixed_dictionaries(
            {
                "start_node": leaves,
                "nodes": st.lists(
                    st.fixed_dictionaries(
                        {"id": st.sampled_from(["n", "m"]), "config": values},
                        optional={"connections": values},
                    ),
                    max_size=2,
                    unique_by=lambda node: str(node["id"]),
                ),
                "conditions": members,
                "global_settings": values,
            }
        ),
        "test_scenarios": st.dictionaries(st.just("unit_tests"), st.lists(members, max_size=2)),
        "flow_metadata": members,
        "translations": members,
    }
)


def content(document: dict[str, Any]) -> Any:
    """What counts: neither the order of nodes, nor sections that are empty; and true is not 1."""

    def strict(value: Any) -> Any:
        if isinstance(value, dict):
            members = {key: strict(member) for key, member in value.items()}
            return {key: member for key, member in members.items() if member not in ({}, [])}
        if isinstance(value, list):
            return [strict(member) for member in value]
        return (type(value).__name__, value)

    definition = document["flow_definition"]
    nodes = sorted(definition["nodes"], key=lambda node: str(node["id"]))
    return strict({**document, "flow_definition": {**definition, "nodes": nodes}})


@given(documents, documents)
def test_documents_that_differ_have_changes_and_equal_ones_none(old: Any, new: Any) -> None:
    assert diff(old, copy.deepcopy(old)) == []
    changes = diff(old, new)
    if not changes:
        assert content(old) == content(new)
    for change in changes:
        assert str(change)
