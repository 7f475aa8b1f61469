"""The document that prescribes the flows: its own sections, unchanged, compile and pass the document's own tests.

The document refers to nodes that it does not show; `document_completion.json` adds those and nothing else.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine.compile import compile_flow
from engine.document import definition_of
from engine.problems import FlowInvalid
from engine.scenarios import Report, run_scenarios
from engine.understanding.intents import Embed
from gateway.embedding import shared_embedder
from gateway.flows.document import as_document
from tests.conversations.chat import load_flow

DOCUMENT = load_flow("tests/data/document.json")
COMPLETION = load_flow("tests/data/document_completion.json")
SECTIONS = ["flow_definition", "flow_metadata", "variable_definitions", "test_scenarios"]


def completed() -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    document["flow_definition"]["nodes"] += COMPLETION["nodes"]
    return document


def dangling(definition: dict[str, Any]) -> set[str]:
    with pytest.raises(FlowInvalid) as raised:
        compile_flow(definition, flow_id="test")
    places = [problem.message for problem in raised.value.problems]
    assert all(message.startswith("there is no node") for message in places)
    return {message.split('"')[1] for message in places}


def test_the_document_has_its_four_sections() -> None:
    assert list(DOCUMENT) == SECTIONS
    assert DOCUMENT["flow_definition"] == load_flow("tests/data/document_flow.json")


def test_the_completion_adds_the_nodes_that_the_document_refers_to_and_no_other() -> None:
    assert {node["id"] for node in COMPLETION["nodes"]} == dangling(definition_of(DOCUMENT))
    assert list(COMPLETION) == ["nodes"]


def test_the_document_is_checked_and_compiled() -> None:
    document = as_document(completed(), "document.json")
    assert definition_of(document) == definition_of(document)
    bot = compile_flow(definition_of(document), flow_id="document")
    assert bot.variables["system_status"].scope == "bot"
    assert bot.variables["user_context"].persistent
    assert bot.variables["business_hours"].compute is not None


@pytest.mark.parametrize("embed", [None, shared_embedder], ids=["by words", "by vectors"])
def test_the_documents_own_tests_pass(embed: Any) -> None:
    vectors: Embed | None = embed() if embed is not None else None
    report = run_scenarios(completed(), embed=vectors)
    assert report.passed, "\n".join(report.lines())
    assert [(test.name, test.kind) for test in report.tests] == [
        ("Welcome flow test", "unit"),
        ("Full product inquiry flow", "integration"),
    ]
    assert understood(report) == ["product_inquiry"]


def understood(report: Report) -> list[str]:
    entries = [entry for test in report.tests for step in test.steps for entry in step.trace]
    return [entry.detail for entry in entries if entry.kind == "intent" and ";" not in entry.detail]


def test_a_test_of_the_document_fails_when_the_flow_does_something_else() -> None:
    document = completed()
    intents = document["flow_definition"]["nodes"][1]["config"]["intents"]
    intents[0]["target_node"] = "support_flow"
    report = run_scenarios(document)
    assert [test.passed for test in report.tests] == [True, False]
    (failure,) = report.tests[1].failures
    assert failure.place == "test_scenarios.integration_tests[0].steps[0].expected_node"
    assert failure.expected == "product_flow"


def test_the_document_runs_merged_as_well() -> None:
    document = completed()
    report = run_scenarios({**definition_of(document), "test_scenarios": document["test_scenarios"]})
    assert report.passed
    assert report.coverage.nodes == tuple(node["id"] for node in document["flow_definition"]["nodes"])
