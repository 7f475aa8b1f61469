"""The document of a flow: what it may hold, what the engine compiles of it, and how it is stored and read back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from engine.document import definition_of
from gateway.admin.tests_gate import check_document
from gateway.errors import ConfigurationError
from gateway.flows.document import as_document, document_of, nodes_of, parts_of, with_version
from storage.versions import FlowParts
from tests.conversations.chat import load_flow

DEFINITION: dict[str, Any] = {
    "start_node": "a",
    "nodes": [{"id": "a", "type": "message", "config": {"message": "Hello"}}],
    "global_actions": {
        "second": {"keywords": ["two"], "target": "a"},
        "first": {"keywords": ["one"], "target": "a"},
    },
}
DOCUMENT: dict[str, Any] = {
    "flow_id": "main",
    "version": "1.2.0",
    "flow_definition": DEFINITION,
    "flow_metadata": {"team": "sales", "about": 1.5},
    "variable_definitions": {"session_variables": {"mood": {"type": "string"}}},
    "supported_languages": ["en", "de"],
    "default_language": "en",
    "translations": {"de": {"Hello": "Hallo"}},
    "test_scenarios": {"unit_tests": [{"name": "greets", "input": "hi", "expected_node": "a"}]},
}


def stored(document: dict[str, Any]) -> tuple[dict[str, Any], FlowParts]:
    """A document after jsonb, which sorts keys."""

    def sort(value: Any) -> Any:
        return json.loads(json.dumps(value, sort_keys=True))

    parts = parts_of(document)
    columns = {
        name: value if name == "source" else sort(value)
        for name, value in msgspec.structs.asdict(parts).items()
    }
    return sort(document["flow_definition"]), FlowParts(**columns)


def order(value: Any) -> str:
    return json.dumps(value)


def test_the_sections_of_a_bare_definition_become_the_documents() -> None:
    bare = {**DEFINITION, "translations": {"de": {}}, "version": "2.0.0", "test_scenarios": {}}
    assert order(as_document(bare, "x")) == order(
        {
            "version": "2.0.0",
            "flow_definition": DEFINITION,
            "translations": {"de": {}},
            "test_scenarios": {},
        }
    )


def test_the_engine_compiles_the_definition_with_the_sections_that_are_there() -> None:
    assert definition_of({"flow_definition": DEFINITION}) == DEFINITION
    assert definition_of(DOCUMENT) == {
        **DEFINITION,
        "variable_definitions": DOCUMENT["variable_definitions"],
        "supported_languages": ["en", "de"],
        "default_language": "en",
        "translations": {"de": {"Hello": "Hallo"}},
    }
    assert check_document(DOCUMENT, "x") == 1


@pytest.mark.parametrize(
    ("part", "complaint"),
    [
        ({"translation": {}}, 'x: translation: there is no such section. Did you mean "translations"?'),
        ({"flow_definition": []}, "x: flow_definition: this is not an object"),
        ({"flow_id": 1}, "x: flow_id: this is not a text"),
        ({"flow_id": "../main"}, 'x: flow_id: "../main" does not do'),
        ({"flow_id": "n" * 51}, "50 at most"),
        ({"version": "1.0.0-0123456789-0123456789"}, "20 characters at most"),
        ({"version": ""}, "x: version: "),
        ({"supported_languages": "en"}, "x: supported_languages: this is not a list of languages"),
        ({"supported_languages": [1]}, "x: supported_languages: a language is a text"),
        ({"default_language": None}, "x: default_language: this is not a language"),
        ({"translations": {"de": []}}, "x: translations.de: this is not an object"),
        ({"test_scenarios": []}, "x: test_scenarios: this is not an object"),
    ],
)
def test_what_can_not_be_stored_is_refused_by_place(part: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        as_document({**DOCUMENT, **part}, "x")
    assert complaint in str(caught.value)


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        as_document({**DOCUMENT, "flow_id": "", "version": 1, "nodes": []}, "x")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "document",
    [
        DOCUMENT,
        {"flow_definition": DEFINITION},
        {"flow_definition": DEFINITION, "supported_languages": []},
        {"test_scenarios": {}, "flow_definition": DEFINITION, "default_language": "de"},
        {"flow_definition": load_flow("gateway/demo/flow.json")},
    ],
)
def test_a_stored_document_is_read_back_in_its_authors_order(document: dict[str, Any]) -> None:
    definition, parts = stored(document)
    assert order(document_of(definition, parts)) == order(document)


def test_what_is_stored_counts_when_the_source_says_something_else() -> None:
    definition, parts = stored(DOCUMENT)
    changed = msgspec.structs.replace(parts, translations={"fr": {"Hello": "Bonjour"}})
    read = document_of(definition, changed)
    assert read["translations"] == {"fr": {"Hello": "Bonjour"}}
    assert {name: read[name] for name in read if name != "translations"} == {
        name: DOCUMENT[name]
        for name in DOCUMENT
        if name not in ("flow_id", "version", "translations", "default_language")
    }
    broken = msgspec.structs.replace(parts, source="{")
    assert document_of(definition, broken)["flow_definition"] == DEFINITION
    assert document_of(DEFINITION, FlowParts()) == {"flow_definition": DEFINITION}


def test_a_language_alone_is_the_only_one() -> None:
    assert parts_of({"flow_definition": {}, "default_language": "de"}).supported_languages == ["de"]
    assert parts_of({"flow_definition": {}}).supported_languages == ["en"]


def test_another_number_replaces_the_documents_own() -> None:
    assert with_version(DOCUMENT, "2.0.0")["version"] == "2.0.0"
    assert with_version(DOCUMENT, None) is DOCUMENT
    assert "version" not in with_version({"flow_definition": {}}, "2.0.0")


@pytest.mark.parametrize(
    ("definition", "ids"),
    [
        ({"nodes": [{"id": "a"}], "flows": {"x": {"nodes": [{"id": "b"}, 1]}, "y": None}}, ["a", "b"]),
        ({"nodes": {}, "flows": []}, []),
        ({}, []),
    ],
)
def test_the_nodes_of_sub_flows_are_nodes_too(definition: dict[str, Any], ids: list[str]) -> None:
    assert [node["id"] for node in nodes_of(definition)] == ids


def test_the_number_of_nodes_counts_those_of_sub_flows() -> None:
    inner = {"start_node": "b", "nodes": [{"id": "b", "type": "message", "config": {"message": "Inner"}}]}
    definition = {**DEFINITION, "flows": {"inner": inner}}
    assert check_document({"flow_definition": definition}, "x") == 2
