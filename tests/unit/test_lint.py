"""The lint: no false alarms, no secret repeated, never an exception, always the same, every place in the flow."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.check import measure
from engine.compile import FlowInvalid, compile_flow
from engine.lint import lint
from engine.lint.secret_shapes import SHAPES, secret_in
from engine.problems import Path, Problem, place_of
from tests.benchmarks.microbench_check import best_ms, compiled, large_flow
from tests.conversations.chat import Chat, load_flow, message, node
from tests.pace import assert_within, slowness

LETTERS = "Ab3Cd4Ef5Gh6Ij7Kl8Mn9Op0Qr1St2Uv3Wx4Yz5"
HEX = "0123456789abcdef" * 2
END = node("end", "end")


def flow(*nodes: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {"start_node": nodes[0]["id"], "nodes": list(nodes), **sections}


def remarks(definition: dict[str, Any]) -> list[str]:
    compile_flow(definition, flow_id="test")
    return [f"{problem.place}: {problem.message}" for problem in lint(definition)]


def way(target: str, condition: str) -> dict[str, str]:
    return {"target": target, "condition": condition}


# Secrets, put together here so that nobody's scanner takes this file for a leak.

SECRETS = {
    "a Telegram bot's token": f"123456789:AA{LETTERS[:33]}",
    "an Anthropic key": f"sk-ant-{LETTERS[:30]}",
    "an OpenAI key": f"sk-proj-{LETTERS[:30]}",
    "a Stripe key": f"sk_live_{LETTERS[:24]}",
    "a Slack token": f"xoxb-123456789012-{LETTERS[:12]}",
    "a Slack webhook": f"https://hooks.slack.com/services/T{LETTERS[:8]}/B{LETTERS[:8]}/{LETTERS[:24]}",
    "a GitHub token": f"ghp_{LETTERS[:36]}",
    "a GitLab token": f"glpat-{LETTERS[:20]}",
    "an AWS key": "AKIA" + "ABCDEFGH12345678",
    "a Google key": f"AIza{LETTERS[:35]}",
    "a Meta token": f"EAA{(LETTERS * 2)[:64]}",
    "a SendGrid key": f"SG.{LETTERS[:22]}.{(LETTERS * 2)[:43]}",
    "a Twilio key": f"SK{HEX}",
    "a Shopify token": f"shpat_{HEX}",
    "a HubSpot token": "pat-na1-01234567-89ab-cdef-0123-456789abcdef",
    "a JSON web token": f"eyJ{LETTERS[:20]}.eyJ{LETTERS[:20]}.{LETTERS[:20]}",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
    "a password in an address": "https://shop:hunter22@example.org",
    "a password": f"Bearer {LETTERS}",
}


def test_every_shape_of_secret_has_an_example() -> None:
    assert set(SECRETS) == {what for what, _ in SHAPES}


@pytest.mark.parametrize("what", SECRETS)
def test_a_secret_in_plain_text_is_told_and_never_repeated(what: str) -> None:
    secret = SECRETS[what]
    definition = flow(
        node(
            "a",
            "quick_reply",
            "end",
            message=f"It is {secret}"[:4000],
            options=[{"text": f"Use {secret}"[:190]}],
        ),
        node("b", "http", "end", way("end", "error"), url="https://example.org", headers={"X-Shop": secret}),
        END,
        supported_languages=["en", "de"],
        translations={"de": {secret: "x", f"It is {secret}": secret}},
        conditions={secret: {"expression": "true"}},
    )
    found = lint(definition)
    told = [problem for problem in found if problem.message == f"this looks like {what} in plain text"]
    places = {problem.place for problem in told}
    assert "nodes[1].config.headers.X-Shop" in places
    assert all(problem.severity == "error" for problem in told)
    for problem in found:
        if "plain text" in problem.message:
            assert secret not in str(problem)
        assert secret not in problem.message
        assert secret not in problem.mend


@pytest.mark.parametrize(
    "text",
    [
        "Call us at 0123456789, or write to shop@example.org",
        "https://example.org/a:b@c",
        "{{secret.CRM}}",
        "Bearer {{secret.CRM}}",
        "Basic internationalization-for-everybody",
        "sk-islamabad-to-lahore-bus-tickets",
        "task-force-for-the-integration-of-everything",
        "Order 12345678: thank you for your order with us today",
        "https://{{user}}:{{password}}@example.org",
        "Your token number is 17.",
    ],
)
def test_what_is_no_secret_is_not_taken_for_one(text: str) -> None:
    assert secret_in(text) == ""
    assert not [
        problem
        for problem in lint(flow(message("a", "end", message=text), END))
        if "plain" in problem.message
    ]


# No false alarms

QUESTION = {"message": "?", "variable": "v"}
READ = "{{v}}"
CLEAN: dict[str, dict[str, Any]] = {
    "a menu whose options all lead on": flow(
        node("a", "quick_reply", message="?", options=[{"text": "x", "target": "end"}]), END
    ),
    "a menu that leads back to itself": flow(
        node("a", "quick_reply", message="?", options=[{"text": "x", "target": "b"}]), message("b", "a")
    ),
    "a question asked until it is right": flow(
        node("a", "input", "b", **QUESTION),
        node("b", "condition", cases=[{"condition": "v > 5", "target": "end"}], **{"else": "c"}),
        message("c", "a"), END,
    ),
    "conditions that cover everything": flow(
        message("a", way("end", "hour < 12"), way("b", "hour >= 12")), message("b", "end"), END
    ),
    "a condition and its opposite": flow(
        message("a", way("end", "open"), way("b", "!(hour > 8)")), message("b", "end"), END,
        conditions={"open": {"expression": "hour > 8"}},
    ),
    "a consent with both targets": flow(
        node("a", "consent", message="?", purpose="p", granted_target="end", refused_target="end"), END
    ),
    "a counter within one turn": flow(
        node("a", "set_variable", "b", variable="n", expression="(n ?? 0) + 1"),
        node("b", "condition", cases=[{"condition": "n < 5", "target": "a"}], **{"else": "end"}), END,
    ),
    "a loop over a list, back by itself and by hand": flow(
        node("a", "loop", "end", items="[1, 2]", **{"as": "v"}, body="b"),
        message("b", way("a", "v > 1"), way("c", "else"), message=READ),
        message("c"), END,
    ),
    "a sub-flow that asks, called in a circle": flow(
        node("a", "call", "b", flow="ask"), message("b", "a", message=READ),
        flows={"ask": {"start_node": "q", "nodes": [node("q", "input", **QUESTION)]}},
    ),
    "a sub-flow that returns where it leads no further": flow(
        node("a", "call", "end", flow="say"), END,
        flows={"say": {"start_node": "q", "nodes": [message("q", way("r", "hour > 8")), message("r")]}},
    ),
    "a wait that a message leads away from": flow(
        node("a", "wait", "end", seconds=60, on_message="target", message_target="end"), END
    ),
    "a variable that others set and read": flow(
        message("a", "end"), END, variables={"plan": {"scope": "customer"}, "open": {"scope": "global"}}
    ),
    "a required variable with a default": flow(
        message("a", "end", message=READ), END, variables={"v": {"required": True, "default": "x"}}
    ),
    "a computed variable of another": flow(
        message("a", "end", message=READ), END,
        variables={"v": {"computed": True, "expression": "w * 2"}, "w": {"computed": True, "expression": "hour"}},
    ),
    "a number kept as a text": flow(
        node("a", "input", "b", **QUESTION, type="number"), message("b", "end", message=READ), END,
        variables={"v": {"type": "string"}},
    ),
    "a value that a choice or something else sets": flow(
        node("a", "quick_reply", "b", message="?", variable="v", options=[{"text": "x"}]),
        node("b", "set_variable", "c", variable="v", value="y"),
        message("c", way("end", "v === 'z'"), way("end", "else")), END,
    ),
    "a switch by what is shown, in other case": flow(
        node("a", "quick_reply", "b", message="?", variable="v", options=[{"text": "Small"}, {"text": "Large"}]),
        node("b", "switch", value="v", cases=[{"values": ["small"], "target": "end"}], **{"else": "end"}), END,
    ),
    "a fallback intent without examples": flow(
        node("a", "ai_intent", fallback_intent="other", intents=[
            {"name": "buy", "target_node": "end", "examples": ["buy"]}, {"name": "other", "target_node": "end"},
        ]), END,
    ),
    "texts with nothing to translate": flow(
        message("a", "b", message="{{user.name}} 👋"), message("b", "end", message="12:30"), END,
        supported_languages=["en", "de"],
    ),
    "a translation for one node": flow(
        message("a", "end", message="Hi"), END, translations={"de": {"a|Hi": "Hallo"}}
    ),
    "an escalation without keywords": flow(
        message("a", "end"), END, global_actions={"escalation": {"target": "end"}}
    ),
    "an e-mail to a known address": flow(
        node("a", "email", "end", to=["shop@example.org"], subject="s", body="b"), END
    ),
    "a loop that waits for quiet": flow(message("a", "b"), node("b", "wait", "a", seconds=60)),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_what_is_meant_is_not_remarked_upon(name: str) -> None:
    assert remarks(CLEAN[name]) == []


def test_a_wait_of_no_time_does_not_wait() -> None:
    definition = flow(message("a", "b"), node("b", "wait", "a", seconds=0))
    assert remarks(definition) == ["nodes[0]: this goes round for ever without waiting: a → b → a"]


def test_sub_flows_that_call_each_other_are_a_loop() -> None:
    call = {"x": "y", "y": "x"}
    flows = {
        name: {"start_node": "go", "nodes": [node("go", "call", flow=other)]} for name, other in call.items()
    }
    found = remarks(flow(node("a", "call", "end", flow="x"), END, flows=flows))
    assert found == ["flows.x.nodes[0]: this goes round for ever without waiting: x/go → y/go → x/go"]


def test_a_long_ring_is_shown_by_its_beginning() -> None:
    ids = [f"n{index}" for index in range(10)]
    ring = [message(id, other) for id, other in zip(ids, [*ids[1:], ids[0]], strict=True)]
    (found,) = remarks(flow(*ring))
    assert found.endswith("n0 → n1 → n2 → n3 → n4 → n5 → … → n0")


# Whatever a draft says

DEMO = load_flow("gateway/demo/flow.json")
KEYS = st.sampled_from(
    ["start_node", "nodes", "flows", "id", "type", "config", "connections", "target", "condition", "message", "options",
     "text", "value", "cases", "values", "else", "variables", "variable", "expression", "translations", "de", "en",
     "supported_languages", "global_actions", "keywords", "conditions", "items", "body", "as", "flow", "intents",
     "name", "examples", "headers", "url", "to", "language", "timezone", "default_language", "global_settings"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["a", "b", "message", "quick_reply", "condition", "loop", "call", "switch", "ai_intent", "always", "error", "a|b",
     "{{a}}", "{{", "a === 'b'", "1 +", "", "de", "http", "email", "set_language", "consent", "wait", "input"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | WORDS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | WORDS, inner, max_size=5),
    max_leaves=25,
)
TYPES = st.sampled_from(
    ["message", "quick_reply", "input", "condition", "switch", "split", "loop", "call", "http", "email", "ai_intent",
     "consent", "wait", "set_language"]
)  # fmt: skip
NODES = st.fixed_dictionaries(
    {"id": st.sampled_from("abcd"), "type": TYPES | VALUES},
    optional={
        "config": st.dictionaries(KEYS, VALUES, max_size=6) | VALUES,
        "connections": st.lists(
            st.fixed_dictionaries(
                {"target": st.sampled_from("abcd") | VALUES}, optional={"condition": WORDS | VALUES}
            ),
            max_size=3,
        )
        | VALUES,
    },
)
FLOWS = st.fixed_dictionaries(
    {"start_node": st.just("a"), "nodes": st.lists(NODES | VALUES, max_size=5)},
    optional={
        key: VALUES | st.dictionaries(WORDS, VALUES, max_size=3)
        for key in (
            "flows",
            "variables",
            "variable_definitions",
            "conditions",
            "global_actions",
            "translations",
        )
    }
    | {"supported_languages": VALUES, "default_language": VALUES, "global_settings": VALUES},
)


def leads_somewhere(definition: Any, path: Path) -> bool:
    """All of a path is in the data, but for a setting that is missing, and the config that should hold it."""
    value = definition
    for position, step in enumerate(path):
        inside = isinstance(value, dict) if isinstance(step, str) else isinstance(value, list)
        if not inside:
            return False
        if isinstance(value, dict) and step not in value:
            return position == len(path) - 1 or (step == "config" and position == len(path) - 2)
        value = value[step]
    return True


def check_all(definition: Any) -> None:
    if measure(definition) is not None:
        return
    found = lint(definition)
    assert lint(copy.deepcopy(definition)) == found
    problems: list[Problem] = list(found)
    try:
        compile_flow(definition, flow_id="test")
    except FlowInvalid as invalid:
        problems += invalid.problems
    for problem in problems:
        assert leads_somewhere(definition, problem.path), problem
        assert problem.place == place_of(problem.path)
        assert problem.message
        assert problem.mend


@settings(max_examples=300, deadline=None)
@given(VALUES | FLOWS)
def test_any_definition_is_linted_always_the_same_with_places_in_it(definition: Any) -> None:
    check_all(definition)


def paths_in(value: Any, path: Path = ()) -> list[Path]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(inner for key, member in members for inner in paths_in(member, (*path, key)))]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(paths_in(DEMO)[1:]), VALUES), min_size=1, max_size=3))
def test_a_damaged_demo_is_linted_too(damages: list[tuple[Path, Any]]) -> None:
    definition = copy.deepcopy(DEMO)
    for path, value in damages:
        holder: Any = definition
        try:
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    check_all(definition)


# Speed


@pytest.mark.parametrize("broken", [False, True], ids=["sound", "broken"])
def test_checking_takes_no_more_than_in_proportion(broken: bool) -> None:
    """Four times the nodes may take eight times as long; were it quadratic, it would be sixteen."""
    small, large = (large_flow(size, broken=broken) for size in (300, 1_200))

    def check(definition: dict[str, Any]) -> None:
        compiled(definition)
        lint(definition)

    check(small)
    assert_within(1.0, lambda: check(small))
    took = best_ms(lambda: check(small), 2) / 1_000 / slowness()
    assert_within(8 * took + 0.3, lambda: check(large), tries=2)


def test_a_flow_of_two_thousand_nodes_is_sound_and_runs() -> None:
    definition = large_flow(2_000)
    assert [str(problem) for problem in lint(definition) if problem.severity == "error"] == []
    bot = compile_flow(definition, flow_id="large")
    chat = Chat(bot)
    assert chat.say("hi")
    assert len(bot.nodes) == 2_001


def test_whatever_stands_anywhere_is_linted() -> None:
    sound = large_flow(9)
    for path in paths_in(sound)[1:]:
        junk: Any
        for junk in ([], {"a": []}):
            definition = copy.deepcopy(sound)
            holder: Any = definition
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = junk
            assert isinstance(lint(definition), list)
