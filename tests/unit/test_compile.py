"""Compiling a definition: what is refused, with every problem at once, each in its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compile import FlowInvalid, compile_flow
from engine.flow import MAX_NODES
from engine.nodes import KINDS, config_schemas
from engine.problems import Problem, place_of
from tests.conversations.chat import load_flow, message, node

DOCUMENT = "tests/data/document_flow.json"


def problems_of(definition: Any) -> tuple[Problem, ...]:
    with pytest.raises(FlowInvalid) as raised:
        compile_flow(definition, flow_id="test")
    return raised.value.problems


def flow(*nodes: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {"start_node": "a", "nodes": list(nodes) or [message("a")], **sections}


def test_the_documents_example_lists_every_dangling_target_with_its_place() -> None:
    found = [(problem.place, problem.message) for problem in problems_of(load_flow(DOCUMENT))]
    assert found == [
        ("nodes[1].config.intents[1].target_node", 'there is no node "support_flow"'),
        ("nodes[1].config.intents[2].target_node", 'there is no node "billing_flow"'),
        ("nodes[2].config.options[0].target", 'there is no node "ai_tools_detail"'),
        ("nodes[2].config.options[1].target", 'there is no node "business_detail"'),
        ("nodes[2].config.options[2].target", 'there is no node "education_detail"'),
        ("global_actions.escalation.target", 'there is no node "human_handoff"'),
        ("global_actions.emergency.target", 'there is no node "emergency_protocol"'),
        ("global_settings.fallback_node", 'there is no node "default_fallback"'),
    ]


def test_the_documents_example_compiles_once_its_targets_exist() -> None:
    definition = load_flow(DOCUMENT)
    missing = ["support_flow", "billing_flow", "ai_tools_detail", "business_detail", "education_detail"]
    missing += ["human_handoff", "emergency_protocol", "default_fallback"]
    definition["nodes"] += [message(id) for id in missing]
    bot = compile_flow(definition, flow_id="document")
    assert set(bot.nodes) == {"welcome", "intent_classification", "product_flow", *missing}
    assert (bot.start, bot.fallback, bot.timeout, bot.max_turns) == ("welcome", "default_fallback", 300, 50)


def test_a_bot_knows_every_choice_that_it_can_offer() -> None:
    definition = flow(node("a", "quick_reply", message="?", options=[{"text": "x"}, {"text": "y"}]))
    bot = compile_flow(definition, flow_id="test", name="A bot")
    assert {id: (found.id, index) for id, (found, index) in bot.choices.items()} == {
        "e8b7be43:0": ("a", 0),
        "e8b7be43:1": ("a", 1),
    }
    assert bot.name == "A bot"
    assert repr(bot) == "Bot(flow_id='test', nodes=1)"


def test_a_flow_without_nodes_has_nowhere_to_start() -> None:
    places = [problem.place for problem in problems_of({"start_node": "a", "nodes": []})]
    assert places == ["start_node", "nodes"]


def test_all_problems_are_reported_at_once_in_the_order_of_the_flow() -> None:
    definition = flow(
        message("a", "nowhere", delay="soon"),
        {"id": "b", "type": "message", "config": {"message": "{{"}, "colour": "red"},
        node("c", "quick_reply", message=3, options=[{"text": "x", "target": "gone"}]),
        global_settings={"timeout": "long", "fallback_node": "lost"},
        conditions={"broken": {"expression": "1 +* 2"}},
    )
    assert [problem.place for problem in problems_of(definition)] == [
        "nodes[0].config.delay",
        "nodes[0].connections[0].target",
        "nodes[1].colour",
        "nodes[1].config.message",
        "nodes[2].config.message",
        "nodes[2].config.options[0].target",
        "conditions.broken.expression",
        "global_settings.timeout",
        "global_settings.fallback_node",
    ]


def test_the_error_reads_as_a_list_of_problems() -> None:
    with pytest.raises(FlowInvalid, match=r"start_node: there is no node \"b\"; add a node") as raised:
        compile_flow({"start_node": "b", "nodes": [message("a")]}, flow_id="test")
    assert len(str(raised.value).splitlines()) == 1


def test_an_error_of_many_problems_shows_the_first_and_counts_the_others() -> None:
    error = FlowInvalid(Problem(place=f"p{index}", message="m", mend="d") for index in range(60))
    assert len(error.problems) == 60
    assert str(error).splitlines()[-1] == "… and 10 more"


def test_a_close_name_is_suggested() -> None:
    (typo,) = problems_of(flow(message("a", "welcme"), message("welcome")))
    assert typo.mend == 'did you mean "welcome"?'
    (setting,) = problems_of(flow(message("a", delya=3)))
    assert setting.mend == 'did you mean "delay"?'


def test_a_bare_word_is_a_condition_unless_something_has_that_value() -> None:
    ways = [{"target": "a", "condition": name} for name in ("declared", "stored", "hour")]
    definition = flow(
        message("a", *ways),
        node("b", "input", message="?", variable="stored"),
        variables={"declared": {"type": "boolean"}},
    )
    assert len(compile_flow(definition, flow_id="test").nodes["a"].connections) == 3


def test_two_nodes_whose_choices_could_not_be_told_apart_are_refused() -> None:
    # CRC-32 of both is 4ddb0c25.
    problems = problems_of({"start_node": "plumless", "nodes": [message("plumless"), message("buckeroo")]})
    assert [problem.place for problem in problems] == ["nodes[1].id"]
    assert "same choice ids" in problems[0].message


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("change", "message_part"),
    [
        (lambda definition: definition.update(variables={"v": {"default": nested(50)}}), "levels deep"),
        (lambda definition: definition.update(variables={"v": {"default": [0] * 500_000}}), "more than 500000 values"),
        (lambda definition: definition.update(variables={"v": {"default": float("nan")}}), "no number"),
        (lambda definition: definition.update(variables={"v": {"default": {1: 2}}}), "a key is no text"),
        (lambda definition: definition.update(variables={"v": {"default": {1, 2}}}), "a set is no JSON value"),
        (lambda definition: definition["nodes"][0]["config"].update(message="x" * 10_001), "at most 10000"),
        (lambda definition: definition.update(nodes=[message(f"n{i}") for i in range(MAX_NODES + 1)]), "at most 5000"),
    ],
)  # fmt: skip
def test_a_definition_has_bounds(change: Callable[[dict[str, Any]], None], message_part: str) -> None:
    definition = flow()
    change(definition)
    assert any(message_part in problem.message for problem in problems_of(definition))


def test_a_definition_is_plain_data() -> None:
    (problem,) = problems_of(MappingProxyType(flow()))
    assert "mappingproxy is no JSON value" in problem.message


def test_compiling_leaves_the_definition_as_it_was() -> None:
    definition = load_flow("gateway/demo/flow.json")
    before = copy.deepcopy(definition)
    compile_flow(definition, flow_id="test")
    assert definition == before


def test_every_config_has_a_schema_whose_settings_are_described() -> None:
    schemas = config_schemas()
    assert set(schemas) == set(KINDS)
    json.dumps(schemas)
    for type_, schema in schemas.items():
        assert schema["description"], type_
        assert schema["additionalProperties"] is False
        for part in (schema, *schema.get("$defs", {}).values()):
            undescribed = [
                name for name, field in part.get("properties", {}).items() if "description" not in field
            ]
            assert set(undescribed) <= {"options", "cases", "branches", "intents", "personalization"}, type_
    assert schemas["jump"]["properties"]["target"]["x-kind"] == "node"


def test_places_read_as_paths() -> None:
    assert place_of(("nodes", 2, "config", "options", 0, "target")) == "nodes[2].config.options[0].target"
    assert place_of(("conditions", "two words")) == 'conditions["two words"]'
    assert place_of(()) == ""


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(inner for key, member in members for inner in paths_in(member, (*path, key)))]


DEMO = load_flow("gateway/demo/flow.json")
JUNK: list[Any] = [
    None,
    True,
    -1,
    1e300,
    "",
    "x",
    "{{",
    "1 +",
    "always",
    [],
    [[]],
    [None],
    {},
    {"": {}},
    {"id": []},
    {"type": {}},
]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(paths_in(DEMO)), st.sampled_from([*JUNK, ...])), min_size=1, max_size=3
    )
)
def test_any_damage_to_a_flow_is_told_as_problems(damages: list[tuple[tuple[str | int, ...], Any]]) -> None:
    definition: Any = copy.deepcopy(DEMO)
    for path, junk in damages:
        if not path:
            definition = junk
            break
        holder = definition
        try:
            for key in path[:-1]:
                holder = holder[key]
            if junk is ...:
                del holder[path[-1]]
            else:
                holder[path[-1]] = junk
        except (KeyError, IndexError, TypeError):
            continue
    try:
        compile_flow(definition, flow_id="test")
    except FlowInvalid as invalid:
        assert invalid.problems
        for problem in invalid.problems:
            assert problem.message
            assert problem.mend
