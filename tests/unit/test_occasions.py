"""Events without words: the node that waits for them, the action that names them, and what stays as it was."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from msgspec import structs

from engine.events import (
    ContactabilityChanged,
    EventBody,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    OrderItem,
    OrderPlaced,
    PollAnswered,
    QueryReceived,
    ReactionReceived,
)
from engine.flow_types import EventName
from engine.occasions import EVENTS
from engine.state import Customer
from tests.conversations.chat import Chat, bot_of, message, node

BODIES: dict[EventName, EventBody] = {
    "reaction": ReactionReceived(emoji=("👍",), message="1"),
    "edit": MessageEdited(message="1", text="new"),
    "deletion": MessageDeleted(message="1"),
    "poll_answer": PollAnswered(poll="9", options=(1,)),
    "form": FormSubmitted(form="f", values={"guests": 3}),
    "order": OrderPlaced(items=(OrderItem(product="mug", quantity=2, price="9.50"),), text="soon"),
    "members": MembersChanged(joined=("Ana",)),
    "identity": IdentityChanged(old="1", new="2"),
    "contactability": ContactabilityChanged(reachable=False),
}
MENU = node("menu", "quick_reply", message="menu", timeout=60, options=[{"text": "Yes", "target": "yes"}])
YES = message("yes")


def chat_with(said: str = "{{event.type}}", *targets: str, settings: Any = None, **action: Any) -> Chat:
    """A menu, and an action for an event that leads to a message of `said`."""
    action = {"target": "did", **action}
    chat = Chat(bot_of(
        MENU, YES, node("did", "message", *targets, message=said), message("next"),
        node("person", "human_handoff", message="person"),
        global_actions={"on": action, "human": {"keywords": ["human"], "target": "person"}},
        global_settings=settings or {},
    ))  # fmt: skip
    chat.say("hello")
    return chat


def test_every_name_has_an_event_and_every_event_without_words_a_name() -> None:
    assert set(EVENTS.values()) == set(BODIES) == set(get_args(EventName))
    assert {type(body) for body in BODIES.values()} == set(EVENTS)


@pytest.mark.parametrize("name", BODIES)
def test_an_action_that_names_the_event_is_performed(name: EventName) -> None:
    body = BODIES[name]
    chat = chat_with(events=[name])
    assert chat.happen(body) == [str(type(body).__struct_config__.tag)]
    assert chat.traced("action") == [f"event: {name}"]


@pytest.mark.parametrize("name", BODIES)
def test_without_one_it_changes_nothing_but_the_count_of_messages(name: EventName) -> None:
    chat = chat_with(events=["reaction" if name != "reaction" else "edit"])
    before = chat.state
    chat.wait(5)
    assert chat.happen(BODIES[name]) == []
    assert chat.effects == ()
    said = name in ("form", "order")
    assert chat.state == structs.replace(before, history=before.history + said)
    assert chat.traced("ignored") == [type(BODIES[name]).__name__]


def test_its_fields_are_known_to_expressions_and_templates() -> None:
    chat = chat_with(
        "{{event.emoji[0]}} for {{event.message}}",
        events=["reaction"],
        conditions=["event.emoji.length == 1"],
    )
    assert chat.happen(BODIES["reaction"]) == ["👍 for 1"]
    chat = chat_with("{{form.guests}} {{event.values.guests}} '{{event.title}}'", events=["form"])
    assert chat.happen(BODIES["form"]) == ["3 3 ''"]
    chat = chat_with(
        '{{event.items[0].product}} {{event.items[0].currency | default:"-"}} {{message}}', events=["order"]
    )
    assert chat.happen(BODIES["order"]) == ["mug - soon"]


def test_the_first_action_whose_conditions_hold_is_performed() -> None:
    actions = {
        "down": {"events": ["reaction"], "conditions": ["event.emoji.includes('👎')"], "target": "sad"},
        "up": {"events": ["reaction"], "conditions": ["event.emoji.includes('👍')"], "target": "glad"},
        "any": {"events": ["reaction"], "target": "sad"},
    }
    chat = Chat(bot_of(MENU, YES, message("sad"), message("glad"), global_actions=actions))
    chat.say("hello")
    assert chat.happen(BODIES["reaction"]) == ["glad"]
    assert chat.happen(ReactionReceived(emoji=(), message="1")) == ["sad"]


def test_an_action_whose_conditions_do_not_hold_says_nothing() -> None:
    chat = chat_with(
        events=["reaction"], conditions=["1 > 2"], otherwise_message="nobody", otherwise_target="next"
    )
    assert chat.happen(BODIES["reaction"]) == []
    assert chat.traced("ignored") == ["ReactionReceived"]


def test_a_condition_that_can_not_be_evaluated_does_not_hold() -> None:
    chat = chat_with(events=["reaction"], conditions=["missing.very.deep"])
    assert chat.happen(BODIES["reaction"]) == []
    assert chat.traced("error")[0].startswith("ExpressionError")


def test_where_it_leads_no_further_the_question_waits_as_before() -> None:
    chat = chat_with(events=["reaction"])
    before = chat.state.waiting
    assert chat.happen(BODIES["reaction"]) == ["reaction_received"]
    assert (chat.state.waiting, chat.state.node, chat.timers) == (before, "menu", [])
    assert chat.traced("return") == [""]
    assert chat.say("yes") == ["yes"]


def test_within_a_loop_it_waits_as_before_too() -> None:
    loop = node("each", "loop", "done", items="[1, 2]", **{"as": "v"}, body="ask")
    nodes = [
        loop,
        node("ask", "input", "each", message="{{v}}?", variable="w"),
        message("done"),
        message("did"),
    ]
    chat = Chat(bot_of(*nodes, global_actions={"on": {"events": ["reaction"], "target": "did"}}))
    assert chat.say("hello") == ["1?"]
    assert chat.happen(BODIES["reaction"]) == ["did"]
    assert chat.say("x") == ["2?"]
    assert chat.say("x") == ["done"]


def test_where_it_leads_somewhere_the_conversation_goes_on_there() -> None:
    chat = Chat(bot_of(MENU, YES, node("ask", "input", message="why?", variable="v"),
                       global_actions={"on": {"events": ["reaction"], "target": "ask"}}))  # fmt: skip
    chat.say("hello")
    assert chat.happen(BODIES["reaction"]) == ["why?"]
    assert chat.timers == ["-menu#1"]
    chat.say("because")
    assert chat.state.variables == {"v": "because"}


def test_an_action_that_clears_the_context_goes_back_nowhere() -> None:
    chat = chat_with(events=["reaction"], clear_context=True)
    chat.happen(BODIES["reaction"])
    assert (chat.state.waiting, chat.state.node) == (None, "did")


def test_an_end_ends_the_session() -> None:
    actions = {"on": {"events": ["reaction"], "target": "bye"}}
    chat = Chat(bot_of(MENU, YES, node("bye", "end", message="bye"), global_actions=actions))
    chat.say("hello")
    assert chat.happen(BODIES["reaction"]) == ["bye"]
    assert (chat.state.waiting, chat.state.node) == (None, "")


def test_before_anything_was_said_it_can_begin_the_conversation() -> None:
    bot = bot_of(MENU, YES, global_actions={"on": {"events": ["members"], "target": "menu"}})
    chat = Chat(bot)
    assert chat.happen(BODIES["members"]) == ["menu"]
    assert chat.say("yes") == ["yes"]


@pytest.mark.parametrize("control", ["human", "waiting"])
@pytest.mark.parametrize(("priority", "said"), [("normal", []), ("high", ["reaction_received"])])
def test_while_a_human_answers_only_what_is_urgent_is_done(
    control: Any, priority: str, said: list[str]
) -> None:
    chat = chat_with(events=["reaction"], priority=priority)
    chat.state = structs.replace(chat.state, control=control)
    assert chat.happen(BODIES["reaction"]) == said


@pytest.mark.parametrize(("priority", "said"), [("normal", []), ("high", ["did"])])
def test_while_a_call_runs_only_what_is_urgent_is_done(priority: str, said: list[str]) -> None:
    chat = Chat(bot_of(node("h", "http", "done", url="https://e.example"), message("done"), message("did"),
                       global_actions={"on": {"events": ["reaction"], "target": "did",
                                              "priority": priority}}))  # fmt: skip
    chat.say("hello")
    chat.say("held")
    assert chat.happen(BODIES["reaction"]) == said
    assert chat.state.held == ("" if said else "held")
    assert chat.finish(status=200) == ["done"]


@pytest.mark.parametrize("name", ["members", "identity", "contactability", "reaction"])
def test_who_opted_out_is_only_answered(name: EventName) -> None:
    chat = chat_with(events=[name])
    chat.customer = structs.replace(chat.customer, opted_out=True)
    assert bool(chat.happen(BODIES[name])) is (name == "reaction")


def test_a_session_that_is_over_begins_anew() -> None:
    chat = chat_with(settings={"timeout": 60}, events=["reaction"])
    chat.wait(3_600)
    assert chat.happen(BODIES["reaction"]) == ["reaction_received"]
    assert chat.traced("start") == ["silent for more than 60 s"]


def test_texts_that_are_gathered_are_read_afterwards() -> None:
    chat = chat_with(settings={"burst_window": 1_000}, events=["reaction"])
    chat.burst_over()
    chat.say("hm")
    assert chat.happen(BODIES["reaction"]) == ["reaction_received"]
    assert chat.state.held == "hm"
    assert chat.burst_over() == ["menu"]


# Forms and orders as answers


def asking(type_: str, **config: Any) -> Chat:
    ask = node("ask", "input", "got", message="?", type=type_, variable="v", **config)
    chat = Chat(bot_of(ask, message("got", message="{{v | json}}"), global_settings={"timeout": 60},
                       global_actions={"on": {"events": ["form", "order"], "target": "got"}}))  # fmt: skip
    chat.say("hello")
    return chat


def test_a_form_answers_the_question_that_waits_for_one() -> None:
    chat = asking("form")
    assert chat.happen(BODIES["form"]) == ['{"guests":3}']
    assert (chat.state.history, chat.traced("action")) == (2, [])


def test_an_order_answers_the_question_that_waits_for_one() -> None:
    chat = asking("order")
    chat.happen(BODIES["order"])
    assert chat.state.variables["v"] == {
        "items": [{"product": "mug", "quantity": 2, "price": "9.50", "currency": ""}], "catalog": "", "text": "soon",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("type_", "sentence"),
    [
        ("form", "Please fill in the form and send it."),
        ("order", "Please send your order from the catalogue."),
    ],
)
def test_words_are_no_form_and_no_order(type_: str, sentence: str) -> None:
    assert asking(type_).say("here") == [sentence]


def test_a_form_is_no_order() -> None:
    chat = asking("order")
    chat.happen(BODIES["form"])
    assert chat.traced("action") == ["event: form"]


def test_a_form_that_breaks_a_rule_is_asked_for_again() -> None:
    schema = {"type": "object", "required": ["name"]}
    chat = asking("form", validation={"schema": schema}, retry_message="The name, please")
    assert chat.happen(BODIES["form"]) == ["The name, please"]
    assert chat.happen(FormSubmitted(values={"name": "Ana"})) == ['{"name":"Ana"}']


def test_a_form_is_no_answer_to_another_question() -> None:
    chat = asking("text")
    chat.happen(BODIES["form"])
    assert chat.traced("action") == ["event: form"]


def test_what_a_form_holds_is_readable_data() -> None:
    chat = Chat(bot_of(MENU, message("did", message="{{form.name}} {{form.deep[0].x}}"), YES,
                       global_actions={"on": {"events": ["form"], "target": "did"}}))  # fmt: skip
    chat.say("hello")
    values = {"name": "a\udddf\0{{user.id}}", "deep": [{"x": 1}]}
    assert chat.happen(FormSubmitted(values=values)) == ["a\ufffd\ufffd{{user.id}} 1"]


# A human's own reply


def test_a_humans_reply_takes_the_conversation() -> None:
    chat = chat_with(events=["reaction"])
    assert chat.happen(HumanReplied(text="I am on it", agent="Jo")) == []
    assert (chat.state.control, chat.state.echoed) == ("human", True)
    assert chat.traced("control") == ["a human answered in the platform's own app"]
    assert chat.say("yes") == []
    assert chat.time_out() == []


def test_the_flow_may_go_on_all_the_same() -> None:
    chat = chat_with(settings={"echo_takes_over": False}, events=["reaction"])
    chat.happen(HumanReplied(text="hi"))
    assert chat.say("yes") == ["yes"]


def test_the_customer_begins_anew_and_the_bot_answers() -> None:
    chat = chat_with(events=["reaction"])
    chat.happen(HumanReplied())
    assert chat.command("start") == ["menu"]
    assert (chat.state.control, chat.state.echoed) == ("bot", False)


def test_an_urgent_keyword_takes_it_back() -> None:
    chat = chat_with("urgent", keywords=["fire"], priority="high")
    chat.happen(HumanReplied())
    assert chat.say("fire") == ["urgent"]
    assert not chat.state.echoed


def test_after_a_long_silence_the_bot_answers_again() -> None:
    chat = chat_with(settings={"timeout": 60}, events=["reaction"])
    chat.happen(HumanReplied())
    chat.wait(59)
    assert chat.say("hello?") == []
    chat.wait(61)
    assert chat.say("hello?") == ["menu"]
    assert chat.traced("control") == ["silent for more than 60 s"]


def test_a_flow_without_a_timeout_leaves_it_to_the_human() -> None:
    chat = chat_with(events=["reaction"])
    chat.happen(HumanReplied())
    chat.wait(10**6)
    assert chat.say("hello?") == []


def test_who_took_it_in_the_inbox_gives_it_back_there() -> None:
    chat = chat_with(settings={"timeout": 60}, events=["reaction"])
    chat.state = structs.replace(chat.state, control="human")
    chat.happen(HumanReplied())
    assert not chat.state.echoed
    chat.wait(3_600)
    assert chat.say("hello?") == []
    assert chat.command("start") == []


def test_who_is_waited_for_has_come() -> None:
    chat = chat_with(events=["reaction"])
    chat.say("human")
    assert chat.state.control == "waiting"
    chat.happen(HumanReplied())
    assert (chat.state.control, chat.state.echoed) == ("human", True)


# Inline queries


def answering(**flow: Any) -> Chat:
    answers = [
        {
            "title": "Opening hours",
            "text": "From 9",
            "description": "When we are there",
            "keywords": ["open"],
        },
        {
            "title": "Sofas for {{user.first_name}}",
            "text": "*{{message}}*",
            "thumbnail": "https://e.example/{{user.id}}.jpg",
        },
        {"title": "{{nothing}}", "text": "x"},
        {"title": "Broken", "text": "{{v}}{{v}}"},
    ]
    customer = Customer(id="1", first_name="Ana")
    return Chat(bot_of(MENU, YES, inline_answers=answers, **flow), customer=customer)


def titles(chat: Chat, query: str) -> list[str]:
    chat.happen(QueryReceived(query="q1", text=query))
    (send,) = chat.sends
    inline = send.message.inline
    assert inline is not None
    assert inline.query == "q1"
    return [result.title for result in inline.results]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Opening hours", "Sofas for Ana"]),
        ("open", ["Opening hours"]),
        ("OPEN HO", ["Opening hours"]),
        ("sof", ["Sofas for Ana"]),
        ("ana", ["Sofas for Ana"]),
        ("we are sofas for", ["Opening hours", "Sofas for Ana"]),
        ("sofas for ana when", ["Sofas for Ana", "Opening hours"]),
        ("pens", []),
        ("!!!", []),
    ],
)
def test_a_query_finds_answers_by_the_beginnings_of_words(query: str, found: list[str]) -> None:
    chat = answering()
    assert [title for title in titles(chat, query) if title != "Broken"] == found


def test_an_answer_is_filled_in_as_plain_text() -> None:
    chat = answering(global_settings={"format": "markdown"})
    titles(chat, "sofas")
    (result,) = chat.sends[0].message.inline.results  # type: ignore[union-attr]
    assert (result.id, result.text, result.thumbnail) == ("1", "*sofas*", "https://e.example/1.jpg")


def test_nothing_else_changes() -> None:
    chat = answering()
    chat.say("hello")
    before = chat.state
    chat.wait(50)
    titles(chat, "open")
    assert chat.state == before
    assert chat.traced("inline") == ["answered"]


def test_an_answer_that_can_not_be_filled_in_is_left_out() -> None:
    chat = answering()
    chat.state = structs.replace(chat.state, variables={"v": "x" * 15_000})
    assert "Broken" not in titles(chat, "")
    assert chat.traced("error")[0].startswith("TemplateError")


def test_twenty_are_found_at_most() -> None:
    answers = [{"title": f"Answer {number}", "text": "x"} for number in range(30)]
    chat = Chat(bot_of(MENU, YES, inline_answers=answers))
    assert titles(chat, "answer") == [f"Answer {number}" for number in range(20)]
    assert titles(chat, "29") == ["Answer 29"]


def test_words_of_a_keyword_are_found_in_every_language() -> None:
    flow = {
        "supported_languages": ["en", "de"],
        "translations": {"de": {"Hours": "Zeiten", "open": ["offen"]}},
    }
    answers = [{"title": "Hours", "text": "x", "keywords": ["open"]}]
    chat = Chat(bot_of(MENU, YES, inline_answers=answers, **flow), customer=Customer(id="1", language="de"))
    assert titles(chat, "offen") == ["Zeiten"]
    assert chat.sends[0].message.language == "de"


def test_a_flow_without_answers_leaves_the_query_alone() -> None:
    chat = Chat(bot_of(MENU, YES))
    assert chat.happen(QueryReceived(query="q1")) == []
    assert chat.traced("ignored") == ["QueryReceived"]
