"""`docs/flow-reference.md` is what the code says, and the editors' JSON Schema takes what the compiler takes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from engine.answers.sentences import SENTENCES
from engine.environment import BUILTINS
from engine.expressions import DEFAULT_FUNCTIONS
from engine.expressions.methods import METHODS
from engine.flow import FlowDefinition
from engine.nodes import KINDS, config_schemas
from engine.templates import FILTERS
from gateway.cli.docs import app
from gateway.flows.reference import BUILTIN_NAMES, flow_reference_markdown
from gateway.flows.schema import flow_schema
from tests.conversations.chat import ROOT, load_flow
from tests.unit.test_flows_page import FIRST, flow_of_the_page

DOCS = ROOT / "docs"
PAGE = (DOCS / "flow-reference.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_code_says() -> None:
    assert flow_reference_markdown() == PAGE, "make docs brings docs/flow-reference.md up to date"


def test_every_name_that_the_engine_gives_has_a_meaning() -> None:
    assert BUILTIN_NAMES.keys() == BUILTINS


@pytest.mark.parametrize("type_", KINDS)
def test_the_page_has_every_setting_of_a_node(type_: str) -> None:
    own = PAGE.partition(f"### {type_}\n")[2].partition("\n### ")[0]
    for name in config_schemas()[type_].get("properties", {}):
        assert f"\n| `{name}` |" in own


def test_every_setting_of_a_flow_and_its_nodes_says_what_it_means() -> None:
    tables = PAGE.partition("## Tests")[0]
    assert [line for line in tables.splitlines() if line.endswith("|  |")] == []


@pytest.mark.parametrize("name", [*DEFAULT_FUNCTIONS, *FILTERS, *SENTENCES, *FlowDefinition.model_fields])
def test_the_page_has_the_name(name: str) -> None:
    assert re.search(rf"^\| `{re.escape(name)}\b", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", METHODS)
def test_the_page_has_the_method(name: str) -> None:
    assert f"`.{name}()`" in PAGE


def test_every_row_has_the_cells_of_a_table() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    assert [row for row in rows if len(re.findall(r"(?<!\\)\|", row)) not in (3, 5)] == []


def headings(page: str) -> set[str]:
    """The anchors of a page's headings, as they are made on the web."""
    titles = re.findall(r"^#+ (.*)$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page", ["flows.md", "flow-reference.md", "testing-flows.md", "versions.md", "integrations.md"]
)
def test_links_lead_to_headings(page: str) -> None:
    links = re.findall(r"\]\(([\w.-]*)#([^)]+)\)", (DOCS / page).read_text(encoding="utf-8"))
    assert [link for link in links if link[1] not in headings(link[0] or page)] == []


def test_the_commands_print_the_page_and_the_schema() -> None:
    run = CliRunner().invoke
    assert run(app, ["flow-reference"]).output == flow_reference_markdown()
    assert json.loads(run(app, ["flow-schema"]).output) == flow_schema()


@cache
def validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(flow_schema())


def complaints(flow: Any) -> list[str]:
    return [f"{error.instance_path}: {error.message[:200]}" for error in validator().iter_errors(flow)]


def test_the_schema_is_one() -> None:
    assert jsonschema_rs.meta.is_valid(flow_schema())


@pytest.mark.parametrize(
    "path", ["gateway/demo/flow.json", FIRST, "docs/examples/hello.json", "tests/data/document.json"]
)
def test_the_schema_takes_flows_that_work(path: str) -> None:
    assert complaints(load_flow(path)) == []


def test_the_schema_takes_the_flow_of_the_page() -> None:
    page = flow_of_the_page()
    assert complaints(page) == []
    sections = (
        "translations",
        "supported_languages",
        "default_language",
        "test_scenarios",
        "variable_definitions",
    )
    definition = {name: value for name, value in page.items() if name not in sections}
    document = {"$schema": "./flow.schema.json", "version": "1.0.0", "flow_definition": definition}
    assert complaints({**document, **{name: page[name] for name in sections}}) == []


def _without_start(flow: dict[str, Any]) -> None:
    del flow["start_node"]


def _unknown_section(flow: dict[str, Any]) -> None:
    flow["varaibles"] = {}


def _unknown_type(flow: dict[str, Any]) -> None:
    flow["nodes"][0]["type"] = "mesage"


def _unknown_setting(flow: dict[str, Any]) -> None:
    flow["nodes"][0]["config"]["mesage"] = "Hello"


def _setting_of_another_type(flow: dict[str, Any]) -> None:
    flow["nodes"][1]["config"]["cases"] = [{"condition": "always", "target": "bye"}]


def _missing_setting(flow: dict[str, Any]) -> None:
    del flow["nodes"][0]["config"]["options"][0]["text"]


def _missing_config(flow: dict[str, Any]) -> None:
    del flow["nodes"][0]["config"]


def _wrong_value(flow: dict[str, Any]) -> None:
    flow["nodes"][0]["config"]["delay"] = "1s"


def _out_of_bounds(flow: dict[str, Any]) -> None:
    flow["nodes"][0]["config"]["retries"] = 1000


def _wrong_word(flow: dict[str, Any]) -> None:
    flow["nodes"][1]["config"]["type"] = "birthday"


def _wrong_name_of_a_subflow(flow: dict[str, Any]) -> None:
    flow["flows"] = {"a b": {"start_node": "x", "nodes": [{"id": "x", "type": "return"}]}}


def _wrong_expectation(flow: dict[str, Any]) -> None:
    flow["test_scenarios"]["unit_tests"][0]["expected_nod"] = "hello"


@pytest.mark.parametrize(
    "spoil",
    [
        _without_start, _unknown_section, _unknown_type, _unknown_setting, _setting_of_another_type, _missing_setting,
        _missing_config, _wrong_value, _out_of_bounds, _wrong_word, _wrong_name_of_a_subflow, _wrong_expectation,
    ],
)  # fmt: skip
def test_the_schema_refuses_a_broken_flow(spoil: Callable[[dict[str, Any]], None]) -> None:
    flow = load_flow(FIRST)
    assert complaints(flow) == []
    spoil(flow)
    assert complaints(flow)
    sections = {"test_scenarios": flow.pop("test_scenarios")}
    assert complaints({"flow_definition": flow, **sections})
