"""`http`, `knowledge` and `ai_answer`: what they ask for, what they make of the result, and what comes in between."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from engine.compile import FlowInvalid
from engine.effects import CallIntegration, CancelTimer, Generate, Pieces, Search, Secret, StartTimer
from engine.events import (
    CallFinished,
    ContactReceived,
    EventBody,
    LocationReceived,
    MediaReceived,
    Passage,
)
from engine.nodes.calling import MARGIN_S
from engine.nodes.http import BACKOFF_S
from engine.state import ConversationState, Customer
from engine.waits import MAX_CALLS
from tests.conversations.chat import NIGHT, Chat, bot_of, message, node

ERROR = {"target": "oh", "condition": "error"}
NODES = [message("after"), message("oh"), message("sorry"), message("other"), node("human", "human_handoff")]
HOSTILE = [
    "x", "", " ", "../../admin", "a/b", "?a=b", "#f", "&x=1", "x=1;y", "@evil.com/", "://evil.com", "\r\nX-Evil: 1",
    "\n\nbody", "\u2028X: 1", "\x85X: 1", "\x00", "\x1b[0m", '"}', '","admin":true,"a":"', "\\", '\\"',
    "{{secret.KEY}}", "{{user.email}}", "${1}", "%2e%2e%2f", "%0d%0a", "😀", "é\u0301", "\u202e", "</script>",
    "'; DROP TABLE x; --",
]  # fmt: skip
texts = st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), max_size=30)


def chat_of(
    *nodes: dict[str, Any], variables: dict[str, Any] | None = None, customer: Customer | None = None,
    **sections: Any,
) -> Chat:  # fmt: skip
    given_settings = {"fallback_node": "sorry", **sections.pop("global_settings", {})}
    bot = bot_of(*nodes, *NODES, global_settings=given_settings, **sections)
    chat = Chat(bot, customer=customer, state=ConversationState(variables=variables or {}))
    chat.say("hi")
    return chat


def http(*ways: Any, **config: Any) -> dict[str, Any]:
    return node("call", "http", *(ways or ("after", ERROR)), **{"url": "https://api.example.com/x", **config})


def request_of(variables: dict[str, Any], **config: Any) -> CallIntegration:
    chat = chat_of(http(**config), variables=variables)
    assert isinstance(chat.call, CallIntegration)
    return chat.call


def filled(pieces: Pieces) -> str:
    return "".join(f"<{piece.name}>" if isinstance(piece, Secret) else piece for piece in pieces)


# What goes out


def test_a_request_is_what_the_flow_says() -> None:
    request = request_of(
        {"id": 17},
        method="POST",
        url="https://api.example.com/orders/{{id}}",
        query={"since": "2026"},
        headers={"X-Key": "Bearer {{secret.API_KEY}}"},
        json={"id": "{{id}}", "text": "n° {{id}}", "list": [1, None, True, "x"]},
        timeout=7,
        attempts=3,
        max_bytes=1000,
    )
    assert request == CallIntegration(
        call="call#1",
        method="POST",
        url=("https://api.example.com/orders/17?since=2026",),
        headers=(("x-key", ("Bearer ", Secret(name="API_KEY"))), ("content-type", ("application/json",))),
        body=('{"id":17,"text":"n° 17","list":[1,null,true,"x"]}',),
        timeout_ms=7_000,
        attempts=3,
        max_bytes=1000,
    )


@pytest.mark.parametrize(("attempts", "due"), [(1, 7 + MARGIN_S), (3, 21 + BACKOFF_S + MARGIN_S)])
def test_the_conversation_waits_longer_than_the_call_may_take(attempts: int, due: int) -> None:
    assert chat_of(http(timeout=7, attempts=attempts)).due_in == due


@given(texts)
@settings(max_examples=150, deadline=None)
def test_no_value_leaves_its_place_in_the_address(value: str) -> None:
    request = request_of(
        {"v": value}, url="https://api.example.com/a/{{v}}/b?c={{v}}&d=1", query={"e f": "{{v}}"}
    )
    (url,) = request.url
    assert isinstance(url, str)
    assert url.isascii()
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.example.com", "")
    assert parts.path.count("/") == 3
    assert parse_qsl(parts.query, keep_blank_values=True) == [("c", value), ("d", "1"), ("e f", value)]


@given(texts)
@settings(max_examples=150, deadline=None)
def test_no_value_adds_a_header_or_a_line(value: str) -> None:
    request = request_of({"v": value}, headers={"X-A": "a {{v}} b", "X-B": "{{v}}"})
    assert [name for name, _ in request.headers] == ["x-a", "x-b"]
    for _, pieces in request.headers:
        text = "".join(str(piece) for piece in pieces)
        assert len(text.splitlines()) <= 1
        assert not any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in text)


@given(texts)
@settings(max_examples=150, deadline=None)
def test_no_value_adds_a_field_to_a_form(value: str) -> None:
    request = request_of({"v": value}, method="POST", form={"a&b": "{{v}}", "c": "1 {{v}}"})
    (body,) = request.body
    assert isinstance(body, str)
    assert parse_qsl(body, keep_blank_values=True) == [("a&b", value), ("c", f"1 {value}")]
    assert dict(request.headers) == {"content-type": ("application/x-www-form-urlencoded",)}


@given(texts)
@settings(max_examples=150, deadline=None)
def test_no_value_breaks_the_json(value: str) -> None:
    sent = {"a": "{{v}}", 'k"ey': ["x {{v}} y", {"b": "{{ v }}"}], "c": "{{user.first_name}}"}
    customer = Customer(first_name=value)
    chat = chat_of(http(method="PUT", json=sent), variables={"v": value}, customer=customer)
    assert isinstance(chat.call, CallIntegration)
    (body,) = chat.call.body
    assert isinstance(body, str)
    assert json.loads(body) == {"a": value, 'k"ey': [f"x {value} y", {"b": value}], "c": value}


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (5, 5), (2.5, 2.5), (True, True), (None, None), ([1, {"a": "\""}], [1, {"a": '"'}]), ({}, {}), ("5", "5"),
    ],
)  # fmt: skip
def test_a_placeholder_alone_keeps_its_type_in_json(value: Any, sent: Any) -> None:
    request = request_of({"v": value}, method="POST", json={"v": "{{v}}", "missing": "{{nothing.at.all}}"})
    assert json.loads(filled(request.body)) == {"v": sent, "missing": None}


@pytest.mark.parametrize("value", ["{{secret.KEY}}", "{{ secret.KEY }}", "x{{secret.KEY}}", "}}{{secret.KEY"])
def test_a_secret_is_a_reference_and_a_customers_word_never_becomes_one(value: str) -> None:
    request = request_of(
        {"v": value},
        method="POST",
        url="https://api.example.com/{{v}}?key={{secret.A}}",
        headers={"authorization": "{{ secret.B }}", "x-v": "{{v}}"},
        json={"k": "<{{secret.C}}> {{v}}", "v": "{{v}}"},
    )
    secrets = [
        piece.name
        for pieces in (request.url, request.body, *(value for _, value in request.headers))
        for piece in pieces
        if isinstance(piece, Secret)
    ]
    assert secrets == ["A", "C", "B"]
    assert json.loads(filled(request.body)) == {"k": f"<<C>> {value}", "v": value}


@pytest.mark.parametrize(
    ("url", "query", "sent"),
    [
        ("https://e.com/", {"a": "1", "b": "2"}, "https://e.com/?a=1&b=2"),
        ("https://e.com/?x", {"a": "1"}, "https://e.com/?x&a=1"),
        ('https://e.com/{{v | default:"?"}}', {"a": "1"}, "https://e.com/%3F?a=1"),
        ('https://e.com/{{v | default:"#"}}', {}, "https://e.com/%23"),
    ],
)
def test_query_parameters_follow_the_address(url: str, query: dict[str, str], sent: str) -> None:
    assert request_of({}, url=url, query=query).url == (sent,)


@pytest.mark.parametrize(
    "config",
    [
        {"url": "ftp://example.com"},
        {"url": "example.com"},
        {"url": "https://"},
        {"url": "{{v}}"},
        {"url": "https://{{v}}/x"},
        {"url": "https://api.{{v}}.com"},
        {"url": "https://api.example.com{{v}}"},
        {"url": "https://api.example.com:{{v}}/"},
        {"url": "https://{{secret.USER}}@example.com/"},
        {"url": "https://example.com?{{v"},
        {"url": "https://example.com\\{{v}}"},
        {"url": "https://example.com/#{{v}}"},
        {"headers": {"X Y": "1"}},
        {"headers": {"X:Y": "1"}},
        {"headers": {"X\n": "1"}},
        {"headers": {"": "1"}},
        {"headers": {"É": "1"}},
        {"json": {"a": 1}},
        {"method": "POST", "json": {}, "form": {}},
        {"json": {"a": "{{secret.X | upper}}"}, "method": "POST"},
        {"method": "TRACE"},
        {"save": {"hour": "response.status"}},
        {"accept_statuses": [99]},
    ],
)
def test_a_request_that_could_go_wrong_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(FlowInvalid):
        bot_of(http(**config), *NODES)


def test_json_of_null_is_no_body() -> None:
    assert request_of({}, json=None).body == ()
    assert request_of({}, method="POST", json=False).body == ("false",)


# What comes back


BODY = {"items": [{"price": 12.5, "name": "Pen"}], "ok": True}
SAVE = {
    "price": "response.body.items[0].price",
    "status": "response.status",
    "kind": "response.headers['x-kind']",
}


def test_the_response_is_mapped_to_variables() -> None:
    chat = chat_of(http(save=SAVE))
    assert chat.finish(status=200, body=BODY, headers={"x-kind": "pen"}) == ["after"]
    assert chat.state.variables == {"price": 12.5, "status": 200, "kind": "pen"}
    assert chat.effects_of(CancelTimer) == [CancelTimer(timer="call#1")]
    assert chat.traced("call") == ["finished"]


def test_what_the_response_lacks_is_null() -> None:
    chat = chat_of(http(save={"a": "response.body.no", "b": "response.headers.no"}))
    chat.finish(status=204)
    assert chat.state.node == "oh", "null has no properties"
    chat = chat_of(http(save={"a": "response.body?.no", "b": "response.headers.no"}))
    chat.finish(status=204)
    assert chat.state.variables == {"a": None, "b": None}


def test_a_response_is_gone_when_its_node_is() -> None:
    chat = chat_of(http(), message("show"))
    seen = message("after", message="[{{response.status}}]")
    chat = Chat(bot_of(http("after"), seen))
    chat.say("hi")
    assert chat.finish(status=200) == ["[]"]


def test_connections_of_the_node_read_the_response() -> None:
    ways = ({"target": "other", "condition": "response.status === 202"}, "after", ERROR)
    assert chat_of(http(*ways)).finish(status=202) == ["other"]
    assert chat_of(http(*ways)).finish(status=200) == ["after"]


def test_a_failed_call_takes_the_way_for_errors_and_tells_why() -> None:
    chat = chat_of(http(error_variable="why"))
    assert chat.finish(status=503, error="status 503") == ["oh"]
    assert chat.state.variables == {"why": "status 503"}
    assert chat.traced("error") == ["the call failed: status 503"]


def test_a_failed_call_without_a_way_for_errors_falls_back() -> None:
    assert chat_of(http("after")).finish(error="timeout") == ["sorry"]


def test_an_accepted_status_is_no_error() -> None:
    chat = chat_of(http(accept_statuses=[404], save={"s": "response.status", "e": "response.error"}))
    assert chat.finish(status=404, error="status 404") == ["after"]
    assert chat.state.variables == {"s": 404, "e": ""}
    chat = chat_of(http(accept_statuses=[404]))
    assert chat.finish(status=500, error="status 500") == ["oh"]


def test_a_response_too_large_to_keep_takes_the_way_for_errors() -> None:
    chat = chat_of(http(save={"all": "response.body"}))
    assert chat.finish(status=200, body=list(range(2_000))) == ["oh"]
    assert "all" not in chat.state.variables


def test_a_result_that_nothing_waits_for_is_ignored() -> None:
    chat = chat_of(http())
    assert chat.happen(CallFinished(call="call#0", status=200)) == []
    assert chat.traced("ignored") == ["a result that nothing waits for"]
    chat.finish(status=200)
    assert chat.happen(CallFinished(call="call#1", status=200)) == []


@pytest.mark.parametrize("call", ["", "call#2"])
def test_a_result_without_a_name_fits_no_call(call: str) -> None:
    chat = Chat(bot_of(node("ask", "input", message="?", variable="v"), *NODES))
    chat.say("hi")
    chat.happen(CallFinished(call=call))
    assert chat.state.waiting is not None


@pytest.mark.parametrize(("ways", "said"), [(("after", ERROR), "oh"), (("after",), "sorry")])
def test_a_call_without_result_in_time_takes_the_way_for_errors(ways: Any, said: str) -> None:
    chat = chat_of(http(*ways, error_variable="why"))
    chat.wait(chat.due_in)
    assert chat.time_out() == [said]
    assert chat.state.variables == {"why": "no result in time"}
    assert chat.traced("error") == ["no result in time"]
    assert chat.happen(CallFinished(call="call#1", status=200)) == []


def test_calls_can_follow_each_other() -> None:
    first = http("second", save={"a": "response.body"})
    second = node("second", "http", "after", url="https://e.com/{{a}}", save={"b": "response.body"})
    chat = chat_of(first, second)
    chat.finish(status=200, body="x")
    assert chat.effects_of(StartTimer)[0].timer == "second#2"
    assert isinstance(chat.call, CallIntegration)
    assert chat.call.url == ("https://e.com/x",)
    assert chat.finish(status=200, body="y") == ["after"]
    assert chat.state.variables == {"a": "x", "b": "y"}


# What comes in between


def test_what_is_written_meanwhile_is_read_afterwards() -> None:
    intents = [{"name": "buy", "target_node": "other", "examples": ["I want to buy"]}]
    chat = chat_of(http("intent"), node("intent", "ai_intent", intents=intents))
    assert chat.say("I want") == []
    assert chat.say("to buy") == []
    assert (chat.state.held, chat.traced("held")) == ("I want\nto buy", ["a call is running"])
    assert chat.finish(status=200) == ["other"]
    assert chat.state.held == ""


def test_what_is_written_meanwhile_is_read_when_no_result_comes() -> None:
    intents = [{"name": "buy", "target_node": "other", "examples": ["I want to buy"]}]
    chat = chat_of(
        http({"target": "intent", "condition": "error"}), node("intent", "ai_intent", intents=intents)
    )
    chat.say("I want to buy")
    assert chat.time_out() == ["other"]


@pytest.mark.parametrize(
    "body",
    [
        MediaReceived(kind="sticker", file="x"),
        LocationReceived(latitude=1.0, longitude=2.0),
        ContactReceived(phone="+49"),
    ],
)
@pytest.mark.parametrize("type_", ["http", "ai_answer", "knowledge"])
def test_what_carries_no_text_does_not_disturb_the_call(body: EventBody, type_: str) -> None:
    config = {
        "http": {"url": "https://e.com"}, "ai_answer": {"prompt": "x"}, "knowledge": {"query": "x"},
    }[type_]  # fmt: skip
    chat = chat_of(node("call", type_, "after", **config))
    before = chat.state.waiting
    assert chat.happen(body) == []
    assert chat.effects == ()
    assert chat.state.waiting == before
    assert chat.traced("ignored") == ["a call is running"]


def test_a_caption_or_a_command_meanwhile_is_held_too() -> None:
    chat = chat_of(http())
    chat.happen(MediaReceived(kind="image", file="x", caption="look"))
    chat.command("colour", "red")
    assert chat.state.held == "look\n/colour red"


ACTIONS = {"human": {"keywords": ["agent"], "target": "human"}}


def test_a_keyword_meanwhile_leaves_the_call() -> None:
    chat = chat_of(http(), global_actions=ACTIONS)
    chat.say("one moment")
    chat.say("agent please")
    assert chat.state.control == "waiting"
    assert chat.timers == ["-call#1"]
    assert chat.state.held == "", "nothing would read it"
    assert chat.happen(CallFinished(call="call#1", status=200)) == []


def test_a_keyword_meanwhile_whose_conditions_do_not_hold_leaves_the_call_running() -> None:
    actions = {"human": {"keywords": ["agent"], "target": "human", "conditions": ["1 > 2"]}}
    chat = chat_of(http(), global_actions=actions)
    before = chat.state.waiting
    assert len(chat.say("agent")) == 1
    assert chat.state.waiting == before
    assert chat.timers == []
    assert chat.finish(status=200) == ["after"]


def test_start_meanwhile_begins_anew() -> None:
    chat = chat_of(message("hello", "call"), http())
    chat.say("one moment")
    assert chat.command("start") == ["hello"]
    assert (chat.state.held, chat.timers[0]) == ("", "-call#1")
    assert chat.call.call == "call#2"


def test_a_click_meanwhile_leaves_the_call() -> None:
    menu = node(
        "menu",
        "quick_reply",
        "call",
        message="?",
        options=[{"text": "Go"}, {"text": "Stop", "target": "other"}],
    )
    chat = chat_of(menu, http())
    chat.click("menu", 0)
    assert chat.click("menu", 1) == ["other"]
    assert chat.timers == ["-call#1"]


def test_a_human_who_took_over_meanwhile_is_not_disturbed() -> None:
    chat = chat_of(http())
    chat.state = structs.replace(chat.state, control="human")
    assert chat.finish(status=200) == []
    assert chat.time_out() == []
    assert chat.traced("ignored") == ["a timer that nothing waits for"]


def test_an_opt_out_meanwhile_leaves_the_call_running() -> None:
    chat = chat_of(http(), global_settings={"opt_out": {}})
    chat.say("stop")
    assert chat.finish(status=200) == ["after"]


# Knowledge


PASSAGES = (
    Passage(text="We open at nine.", score=0.9, title="Hours", source="https://e.com/hours"),
    Passage(text="Closed on Sunday.", score=0.5),
)


def knowledge(*ways: Any, **config: Any) -> dict[str, Any]:
    return node("call", "knowledge", *(ways or ("after", ERROR)), **config)


def test_a_search_is_for_what_the_customer_said() -> None:
    chat = chat_of(knowledge(collections=["faq"], limit=2, minimum_score=0.4, timeout=5))
    assert chat.call == Search(
        call="call#1", query="hi", collections=("faq",), limit=2, minimum_score=0.4, language="en",
        timeout_ms=5_000,
    )  # fmt: skip
    assert chat.finish(passages=PASSAGES) == ["We open at nine.", "after"]


def test_a_search_can_be_for_a_template() -> None:
    chat = chat_of(knowledge(query=" {{v}} "), variables={"v": "hours"})
    assert isinstance(chat.call, Search)
    assert chat.call.query == "hours"


def test_a_search_for_nothing_waits_for_words() -> None:
    ask = node("ask", "input", "call", message="?", variable="v")
    chat = chat_of(ask, knowledge())
    chat.say("taken by the question")
    assert chat.effects_of(Search) == []
    chat.say("when do you open?")
    assert isinstance(chat.call, Search)
    assert chat.call.query == "when do you open?"


def test_what_was_found_can_be_said_by_a_template_and_kept() -> None:
    text = "{{response.passages[0].title}}: {{response.passages[0].text}}"
    chat = chat_of(knowledge(message=text, variable="found"))
    assert chat.finish(passages=PASSAGES)[0] == "Hours: We open at nine."
    assert [passage["score"] for passage in chat.state.variables["found"]] == [0.9, 0.5]


def test_what_was_found_can_be_kept_silently() -> None:
    chat = chat_of(knowledge(silent=True, variable="found"))
    assert chat.finish(passages=PASSAGES) == ["after"]


def test_a_search_that_finds_nothing_has_its_own_way() -> None:
    chat = chat_of(knowledge("after", not_found_target="other", variable="found"))
    assert chat.finish() == ["other"]
    assert chat.state.variables == {"found": []}
    assert chat_of(knowledge("after")).finish() == ["sorry"]


def test_a_search_that_fails_takes_the_way_for_errors() -> None:
    assert chat_of(knowledge()).finish(error="unavailable") == ["oh"]
    chat = chat_of(knowledge())
    assert chat.time_out() == ["oh"]


def test_what_a_passage_says_is_never_a_template() -> None:
    chat = chat_of(knowledge())
    assert chat.finish(passages=(Passage(text="{{user.email}}"),))[0] == "{{user.email}}"


# Answers


def answer(*ways: Any, **config: Any) -> dict[str, Any]:
    return node("call", "ai_answer", *(ways or ("after", ERROR)), **config)


def test_an_answer_is_asked_for_with_all_that_the_flow_says() -> None:
    chat = chat_of(
        answer(
            instructions="You are {{v}}.", history=4, collections=[], model="m", temperature=0.5, max_tokens=99,
            timeout=20, attempts=2,
        ),
        variables={"v": "kind"},
    )  # fmt: skip
    assert chat.call == Generate(
        call="call#1", prompt="hi", instructions="You are kind.", history=4, collections=(), model="m",
        temperature=0.5, max_tokens=99, language="en", timeout_ms=20_000, attempts=2,
    )  # fmt: skip
    assert chat.due_in == 2 * 20 + MARGIN_S
    assert chat.finish(text="Hello!") == ["Hello!", "after"]


def test_an_answer_can_be_said_by_a_template_and_kept() -> None:
    chat = chat_of(answer(message="AI: {{response.text}} ({{response.passages[0].title}})", variable="a"))
    assert chat.finish(text="Yes", passages=PASSAGES)[0] == "AI: Yes (Hours)"
    assert chat.state.variables == {"a": "Yes"}
    chat = chat_of(answer(silent=True, variable="a"))
    assert chat.finish(text="Yes") == ["after"]


@pytest.mark.parametrize("result", [{"text": ""}, {"text": "  \n"}, {"error": "refused"}])
def test_no_answer_takes_the_way_for_errors(result: dict[str, str]) -> None:
    assert chat_of(answer()).finish(**result) == ["oh"]


def test_an_answer_that_leads_back_to_itself_waits_for_the_next_question() -> None:
    chat = chat_of(answer("call"))
    assert chat.finish(text="one") == ["one"]
    assert chat.effects_of(Generate) == []
    chat.say("and?")
    assert isinstance(chat.call, Generate)
    assert (chat.call.prompt, chat.call.call) == ("and?", "call#2")
    chat.finish(text="two")
    chat.happen(MediaReceived(kind="sticker", file="x"))
    assert chat.effects_of(Generate) == []
    assert chat.state.waiting is not None


def test_what_is_written_while_the_model_thinks_is_the_next_question() -> None:
    chat = chat_of(answer("call"))
    chat.say("and also", "this")
    assert chat.finish(text="one") == ["one"]
    assert isinstance(chat.call, Generate)
    assert chat.call.prompt == "and also\nthis"


def test_what_a_model_says_is_never_a_template() -> None:
    assert chat_of(answer()).finish(text="{{user.email}}")[0] == "{{user.email}}"


def test_a_question_about_an_agent_is_a_question_and_agent_alone_is_not() -> None:
    chat = chat_of(answer("call"), global_actions=ACTIONS)
    chat.finish(text="one")
    chat.say("what does an agent cost?")
    assert chat.effects_of(Generate)
    chat.finish(text="two")
    chat.say("agent")
    assert chat.state.control == "waiting"


def test_calls_work_at_night_as_well() -> None:
    bot = bot_of(http(), *NODES)
    chat = Chat(bot, now=NIGHT)
    chat.say("hi")
    assert chat.finish(status=200) == ["after"]


def test_calls_without_a_word_from_the_customer_have_an_end() -> None:
    again = node("again", "ai_answer", "again", prompt="Go on.", silent=True)
    chat = Chat(bot_of(again, message("sorry"), global_settings={"fallback_node": "sorry"}))
    chat.say("hello")
    for _ in range(MAX_CALLS - 1):
        assert chat.finish(text="Fine.") == []
    assert chat.finish(text="Fine.") == ["sorry"]
    assert "error" in [entry.kind for entry in chat.trace]
    chat.say("hello")
    assert chat.state.calls == 0
