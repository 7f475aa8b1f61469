"""Variables: whose they are, how long they live, what they may be, and what is computed from them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.compile import FlowInvalid
from engine.effects import Remember
from engine.scopes import MAX_COMPUTED_DEPTH
from engine.state import ConversationState, Customer
from engine.variables import MAX_VARIABLES
from tests.conversations.chat import Chat, bot_of, message, node

ERROR = {"target": "sorry", "condition": "error"}


def setter(id: str, variable: str, expression: str, *ways: Any) -> dict[str, Any]:
    return node(id, "set_variable", *ways, ERROR, variable=variable, expression=expression)


def chat_of(*nodes: dict[str, Any], chat: dict[str, Any] | None = None, **variables: Any) -> Chat:
    return Chat(bot_of(*nodes, message("sorry"), variables=variables), **(chat or {}))


def kept(chat: Chat) -> list[tuple[str, dict[str, Any]]]:
    return [(effect.scope, effect.values) for effect in chat.effects_of(Remember)]


@pytest.mark.parametrize(
    ("scope", "effect"),
    [("customer", "customer"), ("user", "customer"), ("bot", "bot"), ("global", "bot"), ("session", None)],
)
def test_a_variable_is_kept_where_its_scope_says(scope: str, effect: str | None) -> None:
    show = message("show", message="{{v}}")
    chat = chat_of(setter("set", "v", "'x'", "show"), show, v={"scope": scope})
    assert chat.say("hi") == ["x"]
    assert kept(chat) == ([(effect, {"v": "x"})] if effect else [])
    assert chat.state.variables == ({} if effect else {"v": "x"})


@pytest.mark.parametrize(
    ("group", "effect"),
    [("customer_variables", "customer"), ("user_variables", "customer"), ("global_variables", "bot"),
     ("session_variables", None)],
)  # fmt: skip
def test_a_group_of_variables_gives_a_scope_to_what_has_none(group: str, effect: str | None) -> None:
    declared = {group: {"v": {}, "own": {"scope": "bot"}}}
    nodes = (setter("set", "v", "'x'", "two"), setter("two", "own", "1 + 1 + ''"), message("sorry"))
    chat = Chat(bot_of(*nodes, variable_definitions=declared))
    chat.say("hi")
    assert kept(chat) == [*([(effect, {"v": "x"})] if effect else []), ("bot", {"own": "2"})]


def test_what_is_kept_of_a_customer_is_read_in_another_conversation() -> None:
    show = message("show", message="{{plan}} {{user.plan}} {{rate}}")
    declared = {"plan": {"scope": "customer", "default": "free"}, "rate": {"scope": "bot", "default": "1"}}
    assert chat_of(show, **declared).say("hi") == ["free  1"]
    known = {"customer": Customer(variables={"plan": "gold"}), "shared": {"rate": "2"}}
    assert chat_of(show, chat=known, **declared).say("hi") == ["gold gold 2"]


def test_user_shows_what_was_set_in_this_very_turn() -> None:
    show = message("show", message="{{user.plan}}")
    customer = Customer(variables={"plan": "free"}, attributes={"plan": "none", "tier": 1})
    chat = chat_of(
        setter("set", "plan", "'gold'", "show"), show, chat={"customer": customer},
        plan={"scope": "customer"},
    )  # fmt: skip
    assert chat.say("hi") == ["gold"]


def test_nothing_kept_of_a_customer_hides_who_they_are() -> None:
    customer = Customer(id="7", email="a@example.com", variables={"email": "x", "id": "y", "n": 1})
    show = message("show", message="{{user.id}} {{user.email}} {{user.n}}")
    assert chat_of(show, chat={"customer": customer}).say("hi") == ["7 a@example.com 1"]


def test_a_sessions_variable_is_gone_with_it_and_a_persistent_one_stays() -> None:
    nodes = (
        node("ask", "input", "two", message="?", variable="a"),
        node("two", "input", "show", message="?", variable="b"),
        message("show", message="{{a}} {{b}}"),
    )
    chat = chat_of(*nodes, a={"persistence": True}, b={"default": "none"})
    assert chat.say("hi", "1", "2") == ["1 2"]
    chat.command("start")
    assert chat.state.variables == {"a": "1"}


def test_a_default_is_there_until_it_is_set_and_again_in_a_new_session() -> None:
    ask = node("ask", "input", "show", message="{{n}}", variable="n", type="integer")
    chat = chat_of(ask, message("show", message="{{n}}"), n={"type": "integer", "default": 3})
    assert chat.say("hi") == ["3"]
    assert chat.state.variables == {}
    assert chat.say("5") == ["5"]
    assert chat.command("start") == ["3"]


@pytest.mark.parametrize(
    ("declared", "expression", "said"),
    [
        ({"type": "integer", "validation": {"minimum": 1}}, "5", "5"),
        ({"type": "integer", "validation": {"minimum": 1}}, "0", "sorry"),
        ({"validation": {"enum": ["Red"]}}, "'RED'", "Red"),
        ({"validation": {"enum": ["Red"]}}, "'blue'", "sorry"),
        ({"validation": {"pattern": "[a-z]+"}}, "'A'", "sorry"),
        ({"type": "integer"}, "2.5", "sorry"),
        ({"type": "integer"}, "2.0", "2"),
        ({"type": "array"}, "'x'", "sorry"),
        ({"type": "object", "schema": {"a": {"type": "number"}}}, "data", "sorry"),
        ({"type": "integer", "validation": {"minimum": 1}}, "null", ""),
    ],
)
@pytest.mark.parametrize("scope", ["session", "customer", "bot"])
def test_a_value_is_checked_when_it_is_set(
    declared: dict[str, Any], expression: str, said: str, scope: str
) -> None:
    show = message("show", message="{{v}}")
    state = ConversationState(variables={"data": {"a": "x"}})
    nodes = (setter("set", "v", expression, "show"), show)
    chat = chat_of(*nodes, chat={"state": state}, v={**declared, "scope": scope})
    assert chat.say("hi") == ([said] if said else [])


def computed(expression: str, **more: Any) -> dict[str, Any]:
    return {"computed": True, "expression": expression, **more}


def test_a_computed_variable_follows_what_it_is_computed_from() -> None:
    ask = node("ask", "input", "show", message="{{total}}", variable="n", type="integer")
    chat = chat_of(
        ask, message("show", message="{{total}} {{user.first_name}}"), n={"type": "integer", "default": 1},
        tax={"default": 10, "type": "integer", "scope": "bot"},
        total=computed("n + tax"),
    )  # fmt: skip
    assert chat.say("hi") == ["11"]
    assert chat.say("5") == ["15 "]


def test_computed_variables_can_need_each_other() -> None:
    show = message("show", message="{{a}}")
    assert chat_of(show, a=computed("b + 1"), b=computed("c * 2"), c={"type": "integer", "default": 3}).say(
        "hi"
    ) == ["7"]


@pytest.mark.parametrize(
    "variables",
    [
        {"a": computed("a + 1")},
        {"a": computed("b"), "b": computed("c"), "c": computed("a")},
        {
            **{f"v{n}": computed(f"v{n + 1}") for n in range(MAX_COMPUTED_DEPTH + 1)},
            "a": computed("v0"),
        },
    ],
)
def test_what_is_computed_in_a_circle_takes_the_way_for_errors(variables: dict[str, Any]) -> None:
    chat = chat_of(message("show", ERROR, message="{{a}}"), **variables)
    assert chat.say("hi") == ["sorry"]
    assert chat.traced("error")[0].startswith("VariableError")


@pytest.mark.parametrize(
    "place",
    [
        setter("x", "total", "1"),
        node("x", "input", message="?", variable="total"),
        node("x", "http", url="https://e.com", save={"total": "1"}),
        node("x", "call", flow="sub", arguments={"total": 1}),
        node("x", "loop", items="[1]", body="x", **{"as": "total"}),
    ],
)
def test_nothing_sets_a_computed_variable(place: dict[str, Any]) -> None:
    subs = {"sub": {"start_node": "y", "nodes": [message("y")]}}
    with pytest.raises(FlowInvalid, match='"total" is computed'):
        bot_of(place, message("sorry"), flows=subs, variables={"total": computed("1 + 1")})


@pytest.mark.parametrize(
    "declared",
    [
        {"computed": True},
        {"expression": "1"},
        computed("1", default=5),
        computed("1", persistence=True),
        computed("1 +"),
        {"type": "integer", "default": "x"},
        {"scope": "galaxy"},
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(declared: dict[str, Any]) -> None:
    with pytest.raises(FlowInvalid):
        chat_of(message("a"), v=declared)


@pytest.mark.parametrize("name", ["hour", "user", "text", "language", "response", "channel"])
def test_the_engines_own_names_are_taken(name: str) -> None:
    with pytest.raises(FlowInvalid, match="a name of the engine's own"):
        chat_of(message("a"), **{name: {}})


@pytest.mark.parametrize("scope", ["session", "customer", "bot"])
def test_the_number_of_variables_is_bounded(scope: str) -> None:
    full = {f"x{n}": n for n in range(MAX_VARIABLES)}
    given: dict[str, dict[str, Any]] = {
        "session": {"state": ConversationState(variables=full)},
        "customer": {"customer": Customer(variables=full)},
        "bot": {"shared": full},
    }
    chat = chat_of(setter("set", "v", "'x'"), chat=given[scope], v={"scope": scope})
    assert chat.say("hi") == ["sorry"]
    overwrite = chat_of(setter("set", "x1", "'x'"), chat=given[scope], x1={"scope": scope})
    assert overwrite.say("hi") == []


def test_the_channel_is_known_to_expressions() -> None:
    assert chat_of(message("a", message="{{channel}}"), chat={"channel": "telegram"}).say("hi") == [
        "telegram"
    ]


def test_the_variables_of_a_session_are_bounded_together() -> None:
    grow = node("grow", "set_variable", "a", variable="v{}", expression="text")
    nodes = [
        {**grow, "id": f"g{number}", "config": {"variable": f"v{number}", "expression": "text"},
         "connections": [{"target": f"g{number + 1}" if number < 39 else "ok"}]}
        for number in range(40)
    ]  # fmt: skip
    chat = Chat(bot_of(*nodes, message("ok"), message("sorry"), global_settings={"fallback_node": "sorry"}))
    assert chat.say("x" * 10_000) == ["sorry"]
    assert "at most 256 KiB" in chat.traced("error")[0]
    assert len(msgspec.json.encode(chat.state)) < 300_000
