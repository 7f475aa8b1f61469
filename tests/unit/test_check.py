"""The check of sub-flows, languages and settings, and of any damage to a flow of every type of node."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compile import FlowInvalid, compile_flow
from engine.events import TextReceived
from engine.nodes import KINDS
from engine.nodes.base import choice_id
from engine.state import ConversationState, Customer
from engine.step import step
from tests.conversations.chat import WORKING_HOURS, event_of, message, node

CONFIGS: dict[str, dict[str, Any]] = {
    "message": {
        "message": "Hi {{user.first_name}}",
        "variations": ["Yo"],
        "media": [{"url": "https://e.com/a.png", "alt": "a"}],
        "cards": [{"title": "t", "buttons": [{"text": "b", "target": "end"}, {"text": "u", "url": "https://e.com"}]}],
        "links": [
            {"text": "l", "url": "https://e.com/{{v}}", "kind": "web_app"}, {"text": "f", "kind": "form", "form": "1"},
        ],
        "location": {"latitude": 52.5, "longitude": "{{v}}", "name": "n"},
        "contact": {"name": "c", "phone": "{{v}}"},
        "template": {"key": "welcome", "parameters": {"name": "{{v}}"}, "media": {"url": "media:1"}},
        "edit": "message", "format": "markdown",
    },
    "react": {"emoji": "{{v}}"},
    "quick_reply": {"message": "?", "options": [{"text": "x", "target": "end"}], "store_as": "v"},
    "ai_intent": {"intents": [{"name": "i", "target_node": "end", "examples": ["buy"]}]},
    "input": {"message": "?", "variable": "v", "type": "choice", "options": [{"text": "x", "value": 1}]},
    "condition": {"cases": [{"condition": "open", "target": "end"}], "else": "end"},
    "switch": {"value": "v", "cases": [{"values": ["x", 1], "target": "end"}], "else": "end"},
    "split": {"branches": [{"target": "end", "weight": 2}, {"target": "jump"}]},
    "set_variable": {"variable": "v", "value": {"a": ["{{v}}"]}},
    "jump": {"target": "end"},
    "call": {"flow": "sub", "arguments": {"v": "{{v}}"}},
    "return": {},
    "loop": {"items": "[1, 2]", "as": "v", "index_as": "w", "body": "jump"},
    "wait": {"until_condition": "open", "on_message": "target", "message_target": "end"},
    "http": {
        "url": "https://e.com/{{v}}", "method": "POST", "headers": {"A": "{{secret.K}}"}, "json": {"a": ["{{v}}"]},
        "save": {"v": "response.body"}, "error_variable": "w",
    },
    "knowledge": {"query": "{{v}}", "not_found_target": "end", "variable": "v"},
    "ai_answer": {"prompt": "{{v}}", "message": "{{response.text}}"},
    "human_handoff": {"message": "wait"},
    "feedback": {"message": "?", "comment_message": "why?", "variable": "v"},
    "email": {"to": ["{{v}}"], "subject": "s", "body": "b"},
    "track": {"event": "e", "properties": {"a": {"b": "{{v}}"}}},
    "set_language": {"expression": "v"},
    "consent": {"message": "?", "purpose": "p", "granted_target": "end"},
    "end": {"message": "bye"},
}  # fmt: skip


def part() -> list[dict[str, Any]]:
    ways = [{"target": "end", "condition": condition} for condition in ("v > 3", "error", "always")]
    return copy.deepcopy([node(type_, type_, *ways, **config) for type_, config in CONFIGS.items()])


def whole(**sections: Any) -> dict[str, Any]:
    """A flow of every type of node, in itself and again in a sub-flow."""
    return {
        "start_node": "message",
        "nodes": part(),
        "flows": {"sub": {"start_node": "loop", "nodes": part()}},
        "conditions": {"open": {"expression": "hour > 8", "timezone": "Europe/Berlin"}},
        "global_actions": {
            "human": {
                "keywords": {"en": ["agent"]}, "events": ["form"], "target": "human_handoff", "conditions": ["open"],
            },
        },
        "inline_answers": [
            {"title": "t {{v}}", "text": "x", "description": "d", "thumbnail": "{{v}}", "keywords": ["k"]},
        ],
        "variables": {"v": {"type": "any"}, "c": {"computed": True, "expression": "v"}},
        "variable_definitions": {"customer_variables": {"k": {"default": "x", "validation": {"max_length": 3}}}},
        "supported_languages": ["en", "de"],
        "translations": {"de": {"?": "Was?", "x": ["X"], "message|Yo": "Jo", "agent": ["Mensch"]}},
        "global_settings": {
            "fallback_node": "end", "quiet_hours": {"start": "21:00", "end": "08:00"}, "opt_out": {},
            "burst_window": 500, "album_window": 300, "groups": "all", "echo_takes_over": False, "format": "markdown",
        },
        **sections,
    }  # fmt: skip


def problems_of(definition: Any) -> list[tuple[str, str]]:
    with pytest.raises(FlowInvalid) as raised:
        compile_flow(definition, flow_id="test")
    return [(problem.place, problem.message) for problem in raised.value.problems]


def test_a_flow_of_every_type_compiles_also_within_a_sub_flow() -> None:
    assert set(CONFIGS) == set(KINDS)
    bot = compile_flow(whole(), flow_id="test")
    assert set(bot.nodes) == {*KINDS, *(f"sub/{type_}" for type_ in KINDS)}
    assert bot.starts == {"sub": "sub/loop"}


def test_compiling_leaves_the_definition_as_it_was() -> None:
    definition, before = whole(), whole()
    compile_flow(definition, flow_id="test")
    assert definition == before


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(inner for key, member in members for inner in paths_in(member, (*path, key)))]


PATHS = paths_in(whole())
JUNK: list[Any] = [
    None, True, -1, 1e300, float("nan"), "", " ", "x", "{{", "{{secret.X}}", "{{v | upper}}", "1 +", "always", "error",
    "sub/end", "/", [], [[]], [None], [1, "x"], {}, {"": {}}, {"id": []}, {"en": ["x"]}, {"x": 1}, object(), (),
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from([*JUNK, ...])), min_size=1, max_size=2),
    st.text(max_size=8),
)
def test_any_damage_is_told_as_problems_or_does_no_harm(
    damages: list[tuple[tuple[str | int, ...], Any]], text: str
) -> None:
    definition: Any = whole()
    for path, junk in damages:
        holder = definition
        try:
            for key in path[:-1]:
                holder = holder[key]
            if junk is ...:
                del holder[path[-1]]
            else:
                holder[path[-1]] = copy.copy(junk) if path else junk
        except (KeyError, IndexError, TypeError):
            continue
    try:
        bot = compile_flow(definition, flow_id="test")
    except FlowInvalid as invalid:
        assert invalid.problems
        assert all(problem.message and problem.mend for problem in invalid.problems)
        return
    outcome = step(bot, ConversationState(), event_of(TextReceived(text=text)), Customer(), WORKING_HOURS)
    assert not any(entry.kind == "error" and entry.detail.endswith("Error") for entry in outcome.trace)


@pytest.mark.parametrize(
    ("sections", "place", "message_"),
    [
        ({"flows": {"sub": {"start_node": "gone", "nodes": part()}}}, "flows.sub.start_node", 'no node "gone"'),
        ({"flows": {"a b": {"start_node": "x", "nodes": [message("x")]}}}, 'flows["a b"]', ""),
        ({"flows": {"sub": {"start_node": "x", "nodes": []}}}, "flows.sub.nodes", ""),
        (
            {"conditions": {"open": {"expression": "1"}, "error": {"expression": "1"}}},
            "conditions.error",
            "meaning of its own",
        ),
        ({"conditions": {"open": {"expression": "1", "timezone": "Mars"}}}, "conditions.open.timezone", '"Mars"'),
        ({"global_settings": {"timezone": "Mars"}}, "global_settings.timezone", '"Mars"'),
        (
            {"global_settings": {"quiet_hours": {"start": "24:00", "end": "08:00"}}},
            "global_settings.quiet_hours.start",
            "",
        ),
        (
            {"global_settings": {"quiet_hours": {"start": "21:00", "end": "08:00", "timezone": "Mars"}}},
            "global_settings.quiet_hours.timezone",
            '"Mars"',
        ),
        ({"global_settings": {"opt_out": {"message": "{{"}}}, "global_settings.opt_out.message", "template"),
        ({"default_language": "english"}, "default_language", ""),
        ({"variables": {"v": {}, "1x": {}}}, 'variables["1x"]', "no name for a variable"),
        (
            {"variable_definitions": {"customer_variables": {"v": {}}}},
            "variable_definitions.customer_variables.v",
            "is declared in variables too",
        ),
        (
            {
                "global_actions": {
                    "a": {"keywords": ["x"], "target": "end"},
                    "b": {"keywords": {"de": ["X!"]}, "target": "end"},
                }
            },
            "global_actions.b.keywords.de[0]",
            'the action "a" has the keyword "X!" too',
        ),
        ({"translations": {"de": {"Yo": "{{", "message|Yo": ["ok", "{{"]}}}, "translations.de.Yo", "template is wrong"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_stands(sections: dict[str, Any], place: str, message_: str) -> None:
    found = problems_of(whole(**sections))
    assert any(where.startswith(place) and message_ in what for where, what in found), found


def test_a_mistake_within_a_sub_flow_is_told_where_it_stands() -> None:
    definition = whole()
    nodes = definition["flows"]["sub"]["nodes"]
    nodes[2]["config"]["options"][0]["target"] = "sub/end"
    nodes[0]["config"]["message"] = "{{"
    nodes.append(message("a/b"))
    nodes.append(message("end"))
    found = dict(problems_of(definition))
    place = "flows.sub.nodes[2].config.options[0].target"
    assert found[place] == 'there is no node "sub/end" in the sub-flow "sub"'
    assert "template is wrong" in found["flows.sub.nodes[0].config.message"]
    assert "an id has no" in found["flows.sub.nodes[24].id"]
    assert "there is another node" in found["flows.sub.nodes[25].id"]


def test_ids_whose_choices_could_not_be_told_apart_are_refused() -> None:
    # Two ids of one CRC-32.
    first, second = "plumless", "buckeroo"
    assert choice_id(first, 0) == choice_id(second, 0)
    found = problems_of({"start_node": first, "nodes": [message(first), message(second)]})
    assert found == [("nodes[1].id", 'the id "buckeroo" makes the same choice ids as "plumless"')]


@pytest.mark.parametrize(
    ("definition", "message_"),
    [
        ([], "a flow is an object"),
        ("flow", "a flow is an object"),
        (None, "a flow is an object"),
        ({1: 2}, "a key is no text"),
        ({"a": float("inf")}, "no number that JSON has"),
        ({"a": {1, 2}}, "a set is no JSON value"),
        ({"a": [[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]}, "levels deep"),
        ({"a": [0] * 600_000}, "more than 500000 values"),
    ],
)
def test_what_is_no_definition_at_all_is_told_at_once(definition: Any, message_: str) -> None:
    ((_, told),) = problems_of(definition)
    assert message_ in told


def test_two_intents_of_one_name_are_refused() -> None:
    intents = [{"name": "i", "target_node": "a"}, {"name": "i", "target_node": "a"}]
    found = problems_of({"start_node": "a", "nodes": [node("a", "ai_intent", intents=intents)]})
    assert 'two intents are called "i"' in found[0][1]


@pytest.mark.parametrize(
    ("type_", "config", "message_"),
    [
        ("quick_reply", {"variable": "v", "store_as": "w"}, "mean the same"),
        ("quick_reply", {"fallback_action": "target"}, 'add "fallback_target"'),
        ("quick_reply", {"fallback_action": "restart", "fallback_target": "a"}, "keep one of them"),
        ("quick_reply", {"fallback_action": "escalate_to_human"}, "no human to escalate to"),
        ("set_variable", {"variable": "n"}, "keep one of them"),
        ("set_variable", {"variable": "n", "value": 1, "expression": "1"}, "keep one of them"),
        ("set_variable", {"variable": "n", "value": "x"}, "this is no number"),
        ("set_language", {}, "keep one of them"),
        ("set_language", {"language": "en", "expression": "'en'"}, "keep one of them"),
        ("message", {}, "nothing to say"),
        ("message", {"variations": ["x"], "cards": [{"title": "x"}]}, "variations of no message"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    type_: str, config: dict[str, Any], message_: str
) -> None:
    base = {"message": "?", "options": [{"text": "x"}]} if type_ == "quick_reply" else {}
    definition = {
        "start_node": "a",
        "nodes": [node("a", type_, **base, **config)],
        "variables": {"n": {"type": "integer"}},
    }
    with pytest.raises(FlowInvalid, match=message_):
        compile_flow(definition, flow_id="test")
