"""The examples in `docs/flows.md` are one flow, and it works; what it and its neighbours say of the code is so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from engine import check, fields, flow, gathering, inline, markup, turn, variables, waits
from engine.answers.translations import TRANSLATIONS
from engine.compile import compile_flow
from engine.document import definition_of
from engine.environment import BUILTINS
from engine.expressions import limits as expressions
from engine.flow import FlowDefinition, GlobalSettings, VariableDefinition
from engine.lint import lint
from engine.nodes import (
    KINDS,
    ai_intent,
    attachments,
    condition,
    content,
    email,
    feedback,
    http,
    input,
    loop,
    message,
    quick_reply,
    split,
    switch,
)
from engine.scenarios import run_scenarios
from engine.templates import compile_template
from engine.templates import limits as templates
from engine.validation import Rules, patterns, rules, schemas
from gateway.flows.document import as_document
from gateway.flows.files import MAX_FILE_BYTES
from gateway.redaction import MIN_SECRET_LENGTH
from gateway.settings import Settings
from gateway.work import request, response
from gateway.work.addresses import MAX_URL
from gateway.work.http import MAX_REDIRECTS
from gateway.work.retries import FIRST_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS
from gateway.work.slots import OF_ONE_BOT
from storage.secrets import MAX_SECRET_BYTES
from tests.conversations.chat import NIGHT, ROOT, Chat, load_flow

PAGE = (ROOT / "docs" / "flows.md").read_text()
FIRST = "docs/examples/coffee.json"


def blocks(page: str = PAGE) -> Iterator[dict[str, Any]]:
    for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL):
        yield json.loads(block)


@cache
def flow_of_the_page() -> dict[str, Any]:
    """The flow that the blocks after the first one are parts of."""
    page: dict[str, Any] = {"nodes": []}
    for part in blocks():
        if "nodes" in part:
            continue
        if "id" in part:
            page["nodes"].append(part)
            continue
        for section, value in part.items():
            if isinstance(value, dict):
                page.setdefault(section, {}).update(value)
            else:
                page[section] = value
    return page


def section(title: str) -> str:
    """The text between a heading and the next of its kind."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_first_flow_is_the_example_of_that_name() -> None:
    first = next(blocks())
    example = load_flow(FIRST)
    del example["test_scenarios"]
    assert first == example
    chat = Chat(compile_flow(first, flow_id="first"))
    assert chat.say("hi", "tea", "Ana") == ["One tea for Ana!"]


def test_the_page_shows_every_type_of_node() -> None:
    page = flow_of_the_page()
    inner = [node for sub in page["flows"].values() for node in sub["nodes"]]
    assert {node["type"] for node in (*page["nodes"], *inner)} == set(KINDS)
    assert f"There are {len(KINDS)} types." in PAGE


def test_the_flow_of_the_page_passes_its_own_tests() -> None:
    report = run_scenarios(flow_of_the_page())
    assert report.passed, "\n".join(report.lines())


def test_the_flow_of_the_page_has_no_likely_mistakes() -> None:
    remarks = lint(definition_of(flow_of_the_page()))
    assert [str(remark) for remark in remarks if remark.severity == "error"] == []


def test_a_conversation_with_the_flow_of_the_page() -> None:
    definition = definition_of(flow_of_the_page())
    # Each message is answered at once here.
    definition["global_settings"] = {**definition["global_settings"], "burst_window": 0}
    chat = Chat(compile_flow(definition, flow_id="page"), now=NIGHT)
    assert chat.say("I want to buy something")[-1] == "Which of these?"
    assert chat.say("a table") == ["Please pick one of these."]
    assert chat.say("lamps")[-1] == "Anything else?"
    assert chat.say("humann") == ["We are here on weekdays from 9 to 18.", "Anything else?"]
    assert chat.say("no") == ["What is your name?"]
    assert chat.state.variables["cart"] == ["lamp"]


@pytest.mark.parametrize("type_", KINDS)
def test_the_page_names_every_setting_of_the_node(type_: str) -> None:
    for name, field in KINDS[type_].config.model_fields.items():
        written = field.alias or name
        assert re.search(rf"[\"`]{written}[\"`:]", PAGE), written


@pytest.mark.parametrize("model", [FlowDefinition, GlobalSettings, VariableDefinition, Rules])
def test_the_page_names_every_setting_of_the_flow(model: type[Any]) -> None:
    for name, field in model.model_fields.items():
        written = field.alias or name
        assert re.search(rf"[\"`]{written}[\"`:]", PAGE), written


def test_the_page_names_everything_that_expressions_know() -> None:
    assert set(re.findall(r"`(\w+)`", section("Conditions and expressions"))) >= BUILTINS


def test_the_page_tells_how_many_languages_the_sentences_have() -> None:
    assert f"[{len(TRANSLATIONS)} languages and variants]" in PAGE


ENVIRONMENT = {
    "price": 499,
    "rebate": 0.1,
    "day": "2026-03-05",
    "current_time": "2026-01-14T14:30:00+00:00",
    "item_count": 3,
    "cart": ["sofa", "lamp", "chair"],
    "product": "sofa",
    "comment": "A good shop with nice people",
    "language": "en",
}


def filter_examples() -> list[tuple[str, str]]:
    rows = re.findall(r"^\| `(\{\{.*)` \| (.*) \|$", section("Templates and filters"), re.MULTILINE)
    return [(source.replace("\\|", "|"), printed) for source, printed in rows]


def test_the_page_has_examples_of_filters() -> None:
    assert len(filter_examples()) >= 8


@pytest.mark.parametrize(("source", "printed"), filter_examples())
def test_the_filters_of_the_page_print_what_it_says(source: str, printed: str) -> None:
    assert compile_template(source)(ENVIRONMENT).replace("\u202f", " ").replace("\xa0", " ") == printed


@pytest.mark.parametrize(
    ("row", "limits"),
    [
        ("Nodes of a flow", [flow.MAX_NODES]),
        ("Sub-flows", [flow.MAX_FLOWS]),
        ("Conditions, global actions, variables", [flow.MAX_NAMED]),
        ("Connections", [flow.MAX_CONNECTIONS]),
        ("Keywords", [flow.MAX_KEYWORDS]),
        ("Languages", [flow.MAX_LANGUAGES, fields.MAX_TEXT]),
        ("A definition", [check.MAX_VALUES, check.MAX_DEPTH, MAX_FILE_BYTES // 1024**2]),
        ("Nodes that one turn enters", [flow.GlobalSettings().max_steps, flow.MAX_STEPS]),
        ("Calls and loops", [turn.MAX_STACK]),
        ("Rounds of a loop", [loop.LoopConfig.model_fields["max_items"].default, loop.MAX_ITEMS]),
        ("Options of a", [quick_reply.MAX_OPTIONS]),
        ("Options of a", [input.MAX_OPTIONS]),
        ("Intents", [ai_intent.MAX_INTENTS, ai_intent.MAX_EXAMPLES]),
        ("Cases of a", [condition.MAX_CASES, switch.MAX_CASES]),
        ("Branches", [2, split.MAX_BRANCHES]),
        ("Media", [content.MAX_MEDIA, content.MAX_CARDS, content.MAX_BUTTONS]),
        ("Links of a message", [attachments.MAX_LINKS, attachments.MAX_PARAMETERS]),
        ("Spans of a formatted text", [markup.MAX_SPANS, markup.MAX_DEPTH, markup.MAX_ADDRESS]),
        ("Pieces of an album", [gathering.MAX_PIECES, int(gathering.MAX_GATHERED.total_seconds())]),
        ("Inline answers", [flow.MAX_INLINE, inline.MAX_RESULTS]),
        ("Variations", [message.MAX_VARIATIONS]),
        ("Retries", [input.MAX_RETRIES]),
        ("`delay`", [fields.MAX_DELAY_MS]),
        ("`timeout` of a node", [fields.MAX_TIMEOUT_S // 86_400]),
        ("`burst_window`", [flow.MAX_BURST_MS]),
        ("An answer to a `text` input", [input.MAX_ANSWER]),
        ("An answer to a `text` input", [turn.MAX_HELD]),
        ("A comment", [feedback.MAX_COMMENT]),
        ("Variables of a conversation", [variables.MAX_VARIABLES]),
        ("A variable", [variables.MAX_VALUES, variables.MAX_DEPTH, variables.MAX_TEXT]),
        ("A template", [templates.MAX_SOURCE, templates.MAX_PLACEHOLDERS]),
        ("A template", [templates.MAX_OUTPUT]),
        ("An expression", [expressions.MAX_SOURCE, expressions.MAX_NODES, expressions.MAX_DEPTH]),
        ("What an expression builds", [expressions.MAX_TEXT, expressions.MAX_ITEMS]),
        ("A regular expression", [patterns.MAX_PATTERN, rules.MAX_ENUM, schemas.MAX_SCHEMA_VALUES]),
        ("`http`: headers", [http.MAX_PARTS]),
        ("`http`: `timeout`", [http.MAX_TIMEOUT_S, http.MAX_ATTEMPTS, http.MAX_BYTES // 1024**2]),
        ("`email`", [email.MAX_RECIPIENTS]),
        ("Timers in a row", [waits.MAX_SILENT_TURNS]),
    ],
)
def test_the_page_has_the_limits(row: str, limits: list[int]) -> None:
    found = re.search(rf"^\| {re.escape(row)}[^|]*\| (.*) \|$", section("Limits"), re.MULTILINE)
    assert found is not None
    numbers = re.findall(r"\d[\d,]*", found[1])
    assert [number for number in numbers if number in {f"{limit:,}" for limit in limits}] == [
        f"{limit:,}" for limit in limits
    ]


def chat_of_the_order(**settings: Any) -> Chat:
    """A menu with a keyword among its titles, a node to fall back to, and a place for humans."""
    definition = {
        "start_node": "menu",
        "nodes": [
            {
                "id": "menu",
                "type": "quick_reply",
                "config": {"message": "menu", "options": [{"text": "help", "target": "menu"}]},
            },
            {"id": "enough", "type": "message", "config": {"message": "enough"}},
            {"id": "helped", "type": "message", "config": {"message": "helped"}},
            {"id": "person", "type": "human_handoff", "config": {"message": "person"}},
        ],
        "global_settings": {"fallback_node": "enough", "opt_out": {"keywords": ["stop"]}, **settings},
        "global_actions": {
            "help": {"keywords": ["help"], "target": "helped"},
            "stop": {"keywords": ["stop", "fire"], "target": "helped", "priority": "high"},
            "person": {"keywords": ["person"], "target": "person"},
        },
    }
    return Chat(compile_flow(definition, flow_id="order"))


def test_what_wins_over_what_is_as_the_page_says() -> None:
    chat = chat_of_the_order()
    chat.say("hello")
    assert chat.say("stop") == ["You will not receive any more messages from us."]
    assert chat.say("help") == ["menu"], "the choice, not the keyword"
    assert chat.say("please help me") == ["helped"]
    assert chat.command("start") == ["menu"]
    assert chat.say("person") == ["person"]
    assert chat.say("please help me") == []
    assert chat.say("there is a fire") == ["helped"]


def test_a_choice_comes_after_the_limit_of_turns() -> None:
    chat = chat_of_the_order(max_turns=1)
    chat.say("hello")
    assert chat.click("menu", 0) == ["enough"]
    assert chat.click("menu", 0) == ["menu"]
    assert chat.say("please help me") == ["helped"], "a keyword comes before it"


def test_the_document_on_the_page_of_versions_works() -> None:
    (document,) = blocks((ROOT / "docs" / "versions.md").read_text())
    assert as_document(document, "page") == document
    report = run_scenarios(document)
    assert report.passed, "\n".join(report.lines())


def test_the_node_on_the_page_of_integrations_works() -> None:
    (node,) = blocks((ROOT / "docs" / "integrations.md").read_text())
    others = [
        {"id": "tell", "type": "message", "config": {"message": "{{state}}"}},
        {"id": "no_answer", "type": "message", "config": {"message": "{{problem}}"}},
    ]
    definition = {
        "start_node": "order_status",
        "nodes": [node, *others],
        "variables": {"order": {"default": "7"}},
    }
    tests = [
        {"name": "known", "result": {"status": 200, "body": {"state": "sent"}}, "said": "sent"},
        {"name": "unknown", "result": {"status": 404, "body": ""}, "said": "unknown"},
        {"name": "broken", "result": {"status": 500}, "said": "status 500"},
    ]
    scenarios = [
        {
            "name": test["name"],
            "input": "hi",
            "stubs": {"order_status": test["result"]},
            "expected_response_equals": test["said"],
            "expected_error": test["name"] == "broken",
        }
        for test in tests
    ]
    report = run_scenarios({**definition, "test_scenarios": {"unit_tests": scenarios}})
    assert report.passed, "\n".join(report.lines())


def test_the_page_of_integrations_has_the_limits() -> None:
    page = (ROOT / "docs" / "integrations.md").read_text()
    for figure in (
        f"| {OF_ONE_BOT} |",
        f"| {http.MAX_TIMEOUT_S} s |",
        f"by default {http.HttpConfig.model_fields['max_bytes'].default // 1024} KiB",
        f"| {response.MAX_VALUES:,} values, {response.MAX_DEPTH} levels |",
        f"| {MAX_URL:,} characters; {request.MAX_HEADERS} headers, {request.MAX_HEADER_BYTES // 1024} KiB |",
        f"at most {MAX_SECRET_BYTES:,} bytes",
        f"(GATEWAY_WORK_CONCURRENCY`) | {Settings.model_fields['work_concurrency'].default} |".replace(
            "(", "(`", 1
        ),
        f"after {FIRST_BACKOFF_SECONDS:g}, 0.5, 1, … seconds ({MAX_BACKOFF_SECONDS:g} at most)",
        f"Redirects ({MAX_REDIRECTS} at most)",
        f"of {MIN_SECRET_LENGTH} characters or more",
        ", ".join(f"`{name}`" for name in response.KEPT_HEADERS[:-1]),
    ):
        assert figure in page
