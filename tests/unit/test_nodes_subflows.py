"""`call`, `return` and `loop`: where the flow goes on, whatever happens within; the state is reloaded at every turn."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compile import FlowInvalid
from engine.nodes.base import choice_id
from engine.state import ConversationState, Frame
from engine.turn import MAX_STACK
from tests.conversations.chat import Chat, bot_of, message, node

SORRY = message("sorry")
FALLBACK = {"global_settings": {"fallback_node": "sorry"}}
ERROR = {"target": "sorry", "condition": "error"}


def flow(*nodes: dict[str, Any]) -> dict[str, Any]:
    """A sub-flow of these nodes, which starts at the first."""
    return {"start_node": nodes[0]["id"], "nodes": list(nodes)}


def ask(id: str, *targets: Any, **config: Any) -> dict[str, Any]:
    return node(id, "input", *targets, **{"message": f"{id}?", "variable": id, **config})


def call(id: str, name: str, *targets: Any, **arguments: Any) -> dict[str, Any]:
    return node(id, "call", *targets, flow=name, arguments=arguments)


def loop(id: str, body: str, *targets: Any, items: str = "items", **config: Any) -> dict[str, Any]:
    return node(id, "loop", *targets, items=items, body=body, **{"as": f"{id}_item", **config})


def chat_of(*nodes: dict[str, Any], variables: dict[str, Any] | None = None, **sections: Any) -> Chat:
    chat = Chat(
        bot_of(*nodes, **{**FALLBACK, **sections}), state=ConversationState(variables=variables or {})
    )
    chat.say("hi")
    return chat


def test_a_sub_flow_that_leads_no_further_goes_on_behind_its_call() -> None:
    chat = chat_of(call("c", "sub", "after"), message("after"), SORRY, flows={"sub": flow(message("in"))})
    assert chat.said == ["in", "after"]
    assert chat.entered == ["c", "sub/in", "after"]
    assert chat.traced("return") == [""]
    assert chat.state.stack == ()


def test_a_sub_flow_that_waits_is_still_called_after_a_reload() -> None:
    chat = chat_of(call("c", "sub", "after"), message("after"), SORRY, flows={"sub": flow(ask("name"))})
    assert chat.said == ["name?"]
    assert chat.state.stack == (Frame(node="c"),)
    assert chat.say("Ana") == ["after"]
    assert chat.state.variables == {"name": "Ana"}
    assert len(chat.state.stack) == 0


def test_a_return_ends_the_sub_flow_and_not_more() -> None:
    subs = {
        "outer": flow(call("in", "inner", "rest"), message("rest")),
        "inner": flow(message("one", "back"), node("back", "return")),
    }
    chat = chat_of(call("c", "outer", "after"), message("after"), SORRY, flows=subs)
    assert chat.said == ["one", "rest", "after"]


def test_a_return_within_loops_ends_the_whole_call() -> None:
    sub = flow(
        loop("rows", "cells", "never", items="[1, 2]"),
        loop("cells", "cell", items="[1, 2]"),
        message("cell", "back"),
        node("back", "return"),
        message("never"),
    )
    chat = chat_of(call("c", "sub", "after"), message("after"), SORRY, flows={"sub": sub})
    assert chat.said == ["cell", "after"]
    assert chat.state.stack == ()


def test_a_return_outside_of_any_call_ends_the_innermost_round_only() -> None:
    chat = chat_of(
        loop("rows", "cells", "after", items="[1, 2]"),
        loop("cells", "cell", items="['a', 'b']"),
        message("cell", "back", message="{{rows_item}}{{cells_item}}"),
        node("back", "return"),
        message("after"),
        SORRY,
    )
    assert chat.said == ["1a", "1b", "2a", "2b", "after"]


def test_a_return_that_nothing_called_falls_back() -> None:
    chat = chat_of(message("a", "back"), node("back", "return"), SORRY)
    assert chat.said == ["a", "sorry"]
    assert "there is nothing to return to" in chat.traced("fallback")[0]


def test_arguments_are_set_before_and_can_be_templates_of_any_shape() -> None:
    sub = flow(message("in", message="{{who}} {{list[0].x}} {{n}}"))
    caller = call("c", "sub", who="dear {{name}}", list=[{"x": "<{{name}}>"}], n=5)
    chat = chat_of(caller, SORRY, variables={"name": "Ana"}, flows={"sub": sub})
    assert chat.said == ["dear Ana <Ana> 5"]


def test_an_argument_that_does_not_fit_takes_the_way_for_errors() -> None:
    variables = {"n": {"type": "integer"}}
    chat = chat_of(
        call("c", "sub", "never", {"target": "oh", "condition": "error"}, n="x"), message("oh"),
        message("never"), SORRY, variables={}, flows={"sub": flow(message("in"))},
    )  # fmt: skip
    assert chat.said == ["in", "never"], "nothing is declared"
    bot = bot_of(
        call("c", "sub", {"target": "oh", "condition": "error"}, n="x"), message("oh"),
        flows={"sub": flow(message("in"))}, variables=variables,
    )  # fmt: skip
    assert Chat(bot).say("hi") == ["oh"]


def test_a_loop_goes_over_a_list_in_rounds_that_end_where_the_flow_leads_no_further() -> None:
    chat = chat_of(
        loop("l", "say", "after", index_as="i"),
        message("say", message="{{i}}: {{l_item}}"),
        message("after"),
        SORRY,
        variables={"items": ["a", "b", "c"]},
    )
    assert chat.said == ["0: a", "1: b", "2: c", "after"]


def test_a_round_ends_where_it_leads_back_to_the_loop() -> None:
    chat = chat_of(
        loop("l", "say", "after"),
        message("say", "l", message="{{l_item}}"),
        message("after"),
        SORRY,
        variables={"items": ["a", "b"]},
    )
    assert chat.said == ["a", "b", "after"]


def test_leading_back_to_an_outer_loop_leaves_the_inner_one() -> None:
    chat = chat_of(
        loop("rows", "cells", "after", items="[1, 2, 3]"),
        loop("cells", "cell", items="['a', 'b']"),
        message("cell", "rows", message="{{rows_item}}{{cells_item}}"),
        message("after"),
        SORRY,
    )
    assert chat.said == ["1a", "2a", "3a", "after"]
    assert chat.state.stack == ()


def test_a_loop_over_nothing_goes_on() -> None:
    assert chat_of(
        loop("l", "say", "after"), message("say"), message("after"), SORRY, variables={"items": []}
    ).said == ["after"]


@pytest.mark.parametrize("items", [None, 5, "abc", {"a": 1}])
def test_what_is_no_list_takes_the_way_for_errors(items: Any) -> None:
    chat = chat_of(loop("l", "say", ERROR), message("say"), SORRY, variables={"items": items})
    assert chat.said == ["sorry"]


def test_items_beyond_the_limit_are_left_out_and_accounted_for() -> None:
    chat = chat_of(
        loop("l", "say", max_items=2), message("say", message="{{l_item}}"), SORRY,
        variables={"items": list(range(9))},
    )  # fmt: skip
    assert chat.said == ["0", "1"]
    assert chat.traced("limit") == ["9 items; the first 2 count"]


def test_a_loop_goes_over_the_list_as_it_was_when_it_began() -> None:
    chat = chat_of(
        loop("l", "ask", "after"),
        ask("ask", "change"),
        node("change", "set_variable", variable="items", expression="['new']"),
        message("after", message="{{items[0]}}"),
        SORRY,
        variables={"items": ["a", "b"]},
    )
    chat.say("1")
    assert chat.state.variables["l_item"] == "b"
    assert chat.say("2") == ["new"]


def test_a_loop_in_a_call_in_a_loop_keeps_its_place_over_every_reload() -> None:
    sub = flow(loop("inner", "q", "done", items="['x', 'y']"), ask("q"), message("done"))
    chat = chat_of(
        loop("outer", "c", "after", items="[1, 2]"),
        call("c", "sub", "note"),
        message("note", message="{{outer_item}} is done"),
        message("after"),
        SORRY,
        flows={"sub": sub},
    )
    heard = [chat.said]
    for number in range(4):
        heard.append(chat.say(str(number)))
        assert len(chat.state.stack) <= 3
    assert heard == [
        ["q?"], ["q?"], ["done", "1 is done", "q?"], ["q?"], ["done", "2 is done", "after"],
    ]  # fmt: skip
    assert chat.state.stack == ()


def test_calls_too_deep_within_each_other_take_the_way_for_errors() -> None:
    sub = flow(call("again", "sub", {"target": "enough", "condition": "error"}), message("enough"))
    chat = chat_of(call("c", "sub", "after"), message("after"), SORRY, flows={"sub": sub})
    assert chat.said == ["enough", "after"]
    assert str(MAX_STACK) in chat.traced("error")[0]


def test_calls_too_deep_without_a_way_for_errors_fall_back() -> None:
    sub = flow(call("again", "sub"))
    chat = chat_of(call("c", "sub", "after"), message("after"), SORRY, flows={"sub": sub})
    assert chat.said == ["sorry"]
    assert chat.state.stack == ()


def test_an_end_within_a_call_ends_everything() -> None:
    sub = flow(node("bye", "end", message="bye"))
    chat = chat_of(
        loop("l", "c", "after", items="[1, 2]"),
        call("c", "sub", "after"),
        message("after"),
        SORRY,
        flows={"sub": sub},
    )
    assert chat.said == ["bye"]
    assert (chat.state.node, chat.state.stack) == ("", ())


def test_a_handoff_within_a_call_keeps_the_bot_silent_and_leaves_nothing_behind() -> None:
    sub = flow(node("human", "human_handoff", message="wait"))
    chat = chat_of(
        call("c", "sub", "after"), message("after"), SORRY, flows={"sub": sub},
        global_actions={"restart": {"keywords": ["restart"], "target": "after"}},
    )  # fmt: skip
    assert chat.said == ["wait"]
    assert chat.say("restart") == ["after"]
    assert chat.state.stack == ()


def inside_call(**sections: Any) -> Chat:
    """A chat that waits in a loop in a sub-flow."""
    menu = node("menu", "quick_reply", "after", message="?", options=[{"text": "Old"}])
    sub = flow(loop("l", "q", "never", items="[1, 2]"), ask("q", retries=0), message("never"))
    chat = chat_of(
        menu, message("after", "c"), call("c", "sub", "done"), message("done"), SORRY, message("act"),
        flows={"sub": sub}, **sections,
    )  # fmt: skip
    chat.click("menu", 0)
    assert len(chat.state.stack) == 2
    return chat


def test_a_global_action_leaves_every_call_and_loop() -> None:
    chat = inside_call(global_actions={"a": {"keywords": ["act"], "target": "act"}})
    assert chat.say("act") == ["act"]
    assert chat.traced("left") == ["every call and loop"]
    assert chat.state.stack == ()


def test_an_action_whose_conditions_do_not_hold_stays_inside() -> None:
    action = {"keywords": ["act"], "target": "act", "conditions": ["1 > 2"], "otherwise_message": "no"}
    chat = inside_call(global_actions={"a": action})
    assert chat.say("act") == ["no", "q?"]
    assert len(chat.state.stack) == 2


def test_the_fallback_leaves_every_call_and_loop() -> None:
    chat = inside_call()
    chat.say("   ")
    assert (chat.said, chat.state.stack) == (["sorry"], ())


def test_a_click_on_an_older_menu_leaves_every_call_and_loop() -> None:
    chat = inside_call()
    chat.click("menu", 0)
    assert chat.traced("left") == ["every call and loop"]
    assert chat.entered[:2] == ["after", "c"]
    assert len(chat.state.stack) == 2


@pytest.mark.parametrize("idle", [False, True])
def test_a_new_session_has_left_every_call_and_loop(idle: bool) -> None:
    chat = inside_call(global_settings={"timeout": 60})
    if idle:
        chat.wait(61)
        chat.say("hello")
    else:
        chat.command("start")
    assert (chat.entered, chat.state.stack) == (["menu"], ())


def test_an_error_inside_goes_on_inside_when_there_is_a_way() -> None:
    broken = node(
        "set", "set_variable", {"target": "oh", "condition": "error"}, variable="x", expression="y.z.w"
    )
    chat = chat_of(
        call("c", "sub", "after"),
        message("after"),
        SORRY,
        flows={"sub": flow(broken, message("oh"))},
    )
    assert chat.said == ["oh", "after"]


def test_an_error_inside_without_a_way_falls_back_and_leaves() -> None:
    broken = node("set", "set_variable", variable="x", expression="y.z.w")
    chat = chat_of(call("c", "sub", ERROR), SORRY, message("oh"), flows={"sub": flow(broken)})
    assert chat.said == ["sorry"]
    assert chat.state.stack == ()


def test_an_item_that_does_not_fit_its_variable_ends_the_loop() -> None:
    chat = chat_of(
        loop("l", "say", {"target": "oh", "condition": "error"}),
        message("say"),
        message("oh"),
        SORRY,
        variables={"items": [1, "x", 2]},
        variable_definitions={"session_variables": {"l_item": {"type": "integer"}}},
    )
    assert chat.said == ["say", "oh"]
    assert chat.state.stack == ()


def test_what_its_caller_lost_in_a_new_version_falls_back() -> None:
    chat = inside_call()
    frames = (Frame(node="gone"), *chat.state.stack[1:])
    chat.state = ConversationState(
        flow="test", node="sub/q", waiting=chat.state.waiting, stack=frames, variables={"l_item": 1}
    )
    chat.say("1")
    assert chat.say("2") == ["never", "sorry"]


def test_a_turn_that_waits_at_the_very_last_step_is_no_loop() -> None:
    # 1 call, 98 messages, 1 input: as many nodes as a turn may enter.
    chain = [message(f"m{n}", f"m{n + 1}" if n < 97 else "q") for n in range(98)]
    chat = chat_of(call("c", "sub", "after"), message("after"), SORRY, flows={"sub": flow(*chain, ask("q"))})
    assert chat.said[-1] == "q?"
    assert chat.traced("error") == []
    assert chat.say("x") == ["after"]


def test_rounds_without_end_are_cut() -> None:
    chat = chat_of(
        loop("l", "l2", "after", items="[1,2,3,4,5,6,7,8,9,10]"),
        loop("l2", "say", items="[1,2,3,4,5,6,7,8,9,10,11,12,13,14]"),
        message("say"),
        message("after"),
        SORRY,
    )
    assert chat.said == ["sorry"]
    assert chat.state.stack == ()
    assert "a loop" in chat.traced("error")[0]


def test_a_sub_flow_knows_only_its_own_nodes() -> None:
    with pytest.raises(FlowInvalid, match='there is no node "after" in the sub-flow "sub"'):
        chat_of(call("c", "sub"), message("after"), SORRY, flows={"sub": flow(message("in", "after"))})
    with pytest.raises(FlowInvalid, match='there is no sub-flow "payments"; did you mean "payment"'):
        chat_of(call("c", "payments"), SORRY, flows={"payment": flow(message("in"))})


def test_two_sub_flows_can_have_nodes_of_the_same_name() -> None:
    menu = {"message": "?", "options": [{"text": "Go", "target": "go"}]}
    subs = {
        name: flow(node("menu", "quick_reply", **menu), message("go", message=name)) for name in ("a", "b")
    }
    chat = chat_of(call("one", "a", "two"), call("two", "b"), SORRY, flows=subs)
    assert chat.click("a/menu", 0)[0] == "a"
    assert chat.click("b/menu", 0) == ["b"]
    assert choice_id("a/menu", 0) != choice_id("b/menu", 0)


def test_an_escalation_can_lead_into_a_sub_flow() -> None:
    menu = node(
        "menu", "quick_reply", message="?", options=[{"text": "x"}], fallback_action="escalate_to_human"
    )
    chat = chat_of(menu, SORRY, flows={"sub": flow(node("human", "human_handoff", message="wait"))})
    assert chat.say("help me") == ["wait"]
    assert chat.state.control == "waiting"
