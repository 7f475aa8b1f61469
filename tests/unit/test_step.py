"""The step: which transition a customer's message, a timer or another event causes."""

from __future__ import annotations

import pytest

from engine.effects import Send
from engine.events import (
    CallFinished,
    ChoiceMade,
    ContactabilityChanged,
    ContactReceived,
    ConversationOpened,
    EventBody,
    LocationReceived,
    MediaReceived,
    MessageDeleted,
    MessageEdited,
    ReactionReceived,
    TextReceived,
    TimerFired,
)
from engine.nodes.base import choice_id
from engine.state import Control, ConversationState, Customer, Waiting
from engine.step import step
from tests.conversations.chat import NIGHT, WORKING_HOURS, Chat, bot_of, demo_bot, event_of, message, node

BOT = demo_bot()
GREETING = "Good afternoon! Hello! I'm here to help. What can I do for you?"


def test_the_first_message_is_understood_in_the_turn_that_greets() -> None:
    chat = Chat(BOT)
    chat.say("I want to buy something")
    assert chat.entered == ["welcome", "intent_classification", "product_flow"]
    assert chat.said == [GREETING, "Which product category interests you?"]


def test_a_first_message_that_says_nothing_is_greeted_and_the_answer_awaited() -> None:
    chat = Chat(BOT)
    assert chat.say("Hello") == [GREETING]
    assert chat.entered == ["welcome", "intent_classification"]
    assert chat.state.waiting == Waiting(node="intent_classification")


def test_the_documents_integration_test_passes() -> None:
    chat = Chat(BOT)
    chat.say("I want to buy something", "AI Tools")
    assert chat.entered[0] == "ai_tools_detail"


@pytest.mark.parametrize(
    ("control", "body", "entered", "control_after"),
    [
        ("bot", TextReceived(text="restart"), "welcome", "bot"),
        ("bot", TextReceived(text="this is an emergency"), "emergency_protocol", "waiting"),
        ("bot", TextReceived(text="let me speak to someone"), "human_handoff", "waiting"),
        ("bot", ChoiceMade(choice=choice_id("product_flow", 0)), "ai_tools_detail", "bot"),
        ("bot", TextReceived(text="ai_tools"), "ai_tools_detail", "bot"),
        ("bot", TextReceived(text="3"), "education_detail", "bot"),
        ("waiting", TextReceived(text="restart"), "welcome", "bot"),
        ("waiting", TextReceived(text="RESTART!"), "welcome", "bot"),
        ("waiting", TextReceived(text="please restart the machine"), None, "waiting"),
        ("waiting", TextReceived(text="this is an emergency"), "emergency_protocol", "waiting"),
        ("waiting", TextReceived(text="ai tools"), None, "waiting"),
        ("waiting", ChoiceMade(choice=choice_id("product_flow", 0)), None, "waiting"),
        ("human", TextReceived(text="restart"), None, "human"),
        ("human", TextReceived(text="this is an emergency"), "emergency_protocol", "waiting"),
        ("human", TextReceived(text="thank you"), None, "human"),
    ],
)
def test_who_is_in_control_decides_what_a_message_does(
    control: Control, body: EventBody, entered: str | None, control_after: Control
) -> None:
    at = "product_flow" if control == "bot" else "human_handoff"
    waiting = Waiting(node=at) if control == "bot" else None
    chat = Chat(BOT, state=ConversationState(flow="demo", control=control, node=at, waiting=waiting))
    chat.happen(body)
    assert (chat.entered[0] if chat.entered else None) == entered
    assert chat.state.control == control_after
    if entered is None:
        assert chat.effects == ()
        assert chat.traced("ignored") == ["a human answers" if control == "human" else "a human will answer"]


@pytest.mark.parametrize(("control", "heard"), [("bot", True), ("waiting", True), ("human", False)])
def test_the_command_start_begins_anew_unless_a_human_answers(control: Control, heard: bool) -> None:
    state = ConversationState(
        flow="demo", control=control, node="human_handoff", variables={"user_name": "Ana"}
    )
    chat = Chat(BOT, state=state)
    chat.command("start", "campaign42")
    assert (chat.said == [GREETING]) is heard
    assert chat.state.variables == ({} if heard else {"user_name": "Ana"})


def test_other_commands_are_keywords() -> None:
    chat = Chat(BOT)
    chat.say("hello")
    chat.command("human", "please")
    assert chat.entered == ["human_handoff"]
    chat.command("start_over")
    assert chat.entered == ["welcome", "intent_classification"]


def test_an_unknown_command_is_text() -> None:
    chat = Chat(bot_of(node("a", "input", "b", message="?", variable="v"), message("b")))
    chat.say("hi")
    chat.command("colour", "red")
    assert chat.state.variables == {"v": "/colour red"}


def test_a_start_command_opens_the_conversation_without_being_read_as_an_answer() -> None:
    chat = Chat(BOT)
    assert chat.command("start") == [GREETING]
    assert chat.state.waiting == Waiting(node="intent_classification")


@pytest.mark.parametrize(
    "body",
    [
        ReactionReceived(emoji=("👍",), message="1"),
        MessageEdited(message="1", text="restart"),
        MessageDeleted(message="1"),
        ContactabilityChanged(reachable=False),
        ConversationOpened(),
        TimerFired(timer="product_flow#99"),
    ],
)
def test_what_is_no_message_changes_nothing(body: EventBody) -> None:
    chat = Chat(BOT)
    chat.say("what do you sell")
    before = chat.state
    chat.wait(10)
    chat.happen(body)
    assert chat.effects == ()
    assert [entry.kind for entry in chat.trace] == ["ignored"]
    assert chat.state == before


def test_opening_the_conversation_greets_once() -> None:
    chat = Chat(BOT)
    assert chat.happen(ConversationOpened()) == [GREETING]
    assert chat.state.history == 0
    assert chat.happen(ConversationOpened()) == []
    chat.say("what do you sell")
    assert chat.entered == ["product_flow"]


def test_a_conversation_that_ended_does_not_greet_by_itself() -> None:
    chat = Chat(bot_of(node("a", "end", message="bye")))
    chat.say("hi")
    assert chat.state.node == ""
    assert chat.happen(ConversationOpened()) == []


@pytest.mark.parametrize(
    "body",
    [
        MediaReceived(kind="image", file="x"),
        LocationReceived(latitude=1.0, longitude=2.0, name="AI Tools"),
        ContactReceived(phone="+491234567", name="AI Tools"),
    ],
)
def test_what_carries_no_text_does_not_answer_a_menu(body: EventBody) -> None:
    chat = Chat(BOT, now=WORKING_HOURS)
    chat.say("what do you sell")
    chat.happen(body)
    assert chat.entered == ["human_handoff"]


def test_a_caption_is_text() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell")
    chat.happen(MediaReceived(kind="image", file="x", caption="ai tools"))
    assert chat.entered[0] == "ai_tools_detail"


def test_the_choice_of_an_older_menu_acts_where_it_was_offered() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell", "ai tools", "offer")
    assert chat.state.waiting == Waiting(node="ask_name")
    chat.click("product_flow", 1)
    assert chat.entered[0] == "business_detail"
    assert chat.state.variables["selected_product"] == "Business Solutions"


def test_a_choice_nobody_offered_is_read_as_its_title() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell")
    chat.happen(ChoiceMade(choice="ffff:9", title="🎓 Educational"))
    assert chat.entered[0] == "education_detail"


def test_a_choice_without_a_way_on_is_where_the_conversation_stands() -> None:
    menu = node("menu", "quick_reply", message="?", options=[{"text": "x"}], variable="v")
    chat = Chat(bot_of(node("ask", "input", message="?", variable="w"), menu))
    chat.say("hi")
    chat.click("menu", 0)
    assert (chat.state.node, chat.state.waiting, chat.state.variables) == ("menu", None, {"v": "x"})


def test_a_dead_end_waits_and_then_falls_back() -> None:
    chat = Chat(bot_of(message("a"), message("sorry"), global_settings={"fallback_node": "sorry"}))
    assert chat.say("hi") == ["a"]
    assert chat.state.node == "a"
    assert chat.say("and now?") == ["sorry"]
    assert chat.say("and now?") == ["sorry"]


def test_a_dead_end_of_a_flow_without_fallback_begins_anew() -> None:
    chat = Chat(bot_of(message("a")))
    assert chat.say("hi", "hi") == ["a"]
    assert chat.traced("start") == ["nothing waits for an answer"]


def test_the_message_after_the_fallback_is_classified_again() -> None:
    intents = [{"name": "buy", "target_node": "shop", "examples": ["I want to buy"]}]
    bot = bot_of(
        message("hello", "intent"),
        node("intent", "ai_intent", intents=intents),
        message("shop"),
        message("sorry", "intent"),
        global_settings={"fallback_node": "sorry"},
    )
    chat = Chat(bot)
    assert chat.say("zzz") == ["hello"]
    assert chat.say("qqq") == ["sorry"]
    assert chat.state.waiting == Waiting(node="intent")
    assert chat.say("I want to buy") == ["shop"]


def test_a_loop_that_never_waits_is_cut_and_falls_back() -> None:
    chat = Chat(
        bot_of(
            message("a", "b"), message("b", "a"), message("sorry"), global_settings={"fallback_node": "sorry"}
        )
    )
    assert chat.say("hi") == ["sorry"]
    (error,) = chat.traced("error")
    assert str(100) in error
    assert chat.state.node == "sorry"


def test_a_fallback_that_loops_itself_ends_the_turn() -> None:
    chat = Chat(bot_of(message("a", "b"), message("b", "a"), global_settings={"fallback_node": "a"}))
    assert chat.say("hi") == []
    assert len(chat.traced("error")) == 2
    assert len(chat.entered) == 2 * 100


def test_a_loop_without_fallback_ends_the_turn_silently() -> None:
    chat = Chat(bot_of(node("a", "jump", target="a")))
    assert chat.say("hi") == []
    assert len(chat.traced("error")) == 1


def test_an_expression_that_fails_is_traced_and_falls_back() -> None:
    broken = {"target": "a", "condition": "nothing.at.all > 3"}
    chat = Chat(bot_of(message("a", broken), message("sorry"), global_settings={"fallback_node": "sorry"}))
    assert chat.say("hi") == ["a", "sorry"]
    assert chat.traced("error")[0].startswith("ExpressionError")


def test_a_condition_that_fails_while_answering_falls_back() -> None:
    menu = node(
        "menu", "quick_reply", {"target": "menu", "condition": "x.y.z"}, message="?", options=[{"text": "x"}]
    )
    chat = Chat(bot_of(menu, message("sorry"), global_settings={"fallback_node": "sorry"}))
    chat.say("hi")
    assert chat.say("what") == ["sorry"]


def test_turns_over_the_limit_fall_back_once_and_are_counted_anew() -> None:
    ask = node("ask", "input", "ask", message="more?", variable="v")
    bot = bot_of(ask, message("enough", "ask"), global_settings={"fallback_node": "enough", "max_turns": 3})
    chat = Chat(bot)
    assert [chat.say(str(number))[0] for number in range(8)] == [
        "more?", "more?", "more?", "enough", "more?", "more?", "more?", "enough",
    ]  # fmt: skip
    assert chat.traced("limit") == ["max_turns 3"]


def test_a_keyword_works_at_the_turn_limit() -> None:
    ask = node("ask", "input", "ask", message="more?", variable="v")
    actions = {"restart": {"keywords": ["restart"], "target": "ask", "clear_context": True}}
    bot = bot_of(
        ask,
        message("enough"),
        global_settings={"fallback_node": "enough", "max_turns": 1},
        global_actions=actions,
    )
    chat = Chat(bot)
    assert chat.say("hi", "restart") == ["more?"]
    assert chat.state.turns == 1


def test_turns_over_the_limit_of_a_flow_without_fallback_only_count_anew() -> None:
    chat = Chat(
        bot_of(node("ask", "input", "ask", message="more?", variable="v"), global_settings={"max_turns": 1})
    )
    assert chat.say("1", "2") == ["more?"]
    assert chat.state.variables == {"v": "2"}


def test_a_long_silence_starts_a_new_session() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell", "ai tools")
    chat.wait(301)
    assert chat.say("hello") == [GREETING]
    assert chat.traced("start") == ["silent for more than 300 s"]
    assert chat.state.variables == {}
    assert chat.state.turns == 1


def test_a_short_silence_does_not() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell")
    chat.wait(300)
    chat.say("ai tools")
    assert chat.entered[0] == "ai_tools_detail"


def test_a_choice_after_a_long_silence_is_still_that_choice() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell")
    chat.wait(1000)
    chat.click("product_flow", 0)
    assert chat.entered[0] == "ai_tools_detail"
    assert chat.timers == ["-product_flow#1"]


def test_silence_does_not_take_a_conversation_from_a_human() -> None:
    chat = Chat(BOT)
    chat.say("human")
    chat.wait(10_000)
    assert chat.say("still there?") == []
    assert chat.state.control == "waiting"


def test_a_new_session_after_the_end_has_no_variables_of_the_old_one() -> None:
    ask = node("ask", "input", "bye", message="name?", variable="name")
    chat = Chat(bot_of(ask, node("bye", "end", message="bye {{name}}")))
    assert chat.say("hi", "Ana") == ["bye Ana"]
    assert chat.state.variables == {"name": "Ana"}
    assert chat.say("hello") == ["name?"]
    assert chat.state.variables == {}


def test_what_a_channel_put_into_the_variables_survives_the_first_start() -> None:
    chat = Chat(
        bot_of(message("a", message="from {{page}}")), state=ConversationState(variables={"page": "pricing"})
    )
    assert chat.say("hi") == ["from pricing"]
    assert chat.state.variables == {"page": "pricing"}


def test_a_node_that_the_flow_no_longer_has_starts_a_new_session() -> None:
    chat = Chat(
        BOT,
        state=ConversationState(flow="old", node="gone", variables={"x": 1}, waiting=Waiting(node="gone")),
    )
    assert chat.say("hello") == [GREETING]
    assert chat.traced("start") == ["the flow has no such node any more"]
    assert chat.state.flow == "demo"


def test_a_waiting_node_that_the_flow_no_longer_has_falls_back() -> None:
    chat = Chat(BOT, state=ConversationState(flow="old", node="welcome", waiting=Waiting(node="gone")))
    chat.say("hello")
    assert chat.entered[0] == "default_fallback"


def test_a_timer_that_is_due_acts_and_another_is_ignored() -> None:
    chat = Chat(BOT, now=NIGHT)
    chat.say("what do you sell")
    assert chat.timers == ["+product_flow#1"]
    chat.wait(61)
    chat.happen(TimerFired(timer="product_flow#0"))
    assert chat.traced("ignored") == ["a timer that nothing waits for"]
    chat.time_out()
    assert chat.traced("timer") == ["fired"]
    assert chat.said[0].startswith("Nobody from our team is available")


def test_a_timer_does_not_disturb_a_human() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell")
    waiting = Waiting(node="product_flow", timer="product_flow#1")
    chat.state = ConversationState(flow="demo", node="product_flow", control="human", waiting=waiting)
    chat.time_out()
    assert chat.effects == ()


def test_a_bot_that_nobody_answers_falls_silent() -> None:
    first = node("a", "quick_reply", message="a?", options=[{"text": "x"}], timeout=5, fallback_target="b")
    second = node("b", "quick_reply", message="b?", options=[{"text": "x"}], timeout=5, fallback_target="a")
    chat = Chat(bot_of(first, second))
    chat.say("hi")
    fired = 0
    while chat.state.waiting is not None and chat.state.waiting.timer:
        chat.time_out()
        fired += 1
        assert fired < 10
    assert fired == 5
    assert chat.traced("limit") == ["no timer: the customer said nothing for 5 timers"]
    chat.say("zzz")
    assert chat.state.silent == 0


def test_delays_add_up_through_the_turn() -> None:
    slow = {"target": "b", "delay": 300}
    chat = Chat(
        bot_of(
            message("a", slow, delay=100), message("b", "c", delay=50, typing_indicator=True), message("c")
        )
    )
    chat.say("hi")
    assert [(send.delay_ms, send.typing) for send in chat.sends] == [(100, False), (450, True), (450, False)]


def test_an_empty_message_is_not_sent() -> None:
    chat = Chat(bot_of(message("a", "b", message="{{nothing}}"), message("b")))
    assert chat.say("hi") == ["b"]


def test_text_that_no_database_takes_is_mended_on_its_way_in() -> None:
    chat = Chat(bot_of(node("a", "input", message="?", variable="v")))
    chat.say("hi", "nul \0 and \ud800 lone \ud83d\ude00")
    assert chat.state.variables == {"v": "nul \ufffd and \ufffd lone 😀"}


def test_what_a_customer_writes_is_never_a_template_or_an_expression() -> None:
    ask = node("ask", "input", "echo", message="?", variable="v")
    chat = Chat(
        bot_of(ask, message("echo", message="You wrote {{v}}")), customer=Customer(email="secret@example.com")
    )
    assert chat.say("hi", "{{user.email}} ${1+1}") == ["You wrote {{user.email}} ${1+1}"]


def test_the_outcome_names_the_flow_version() -> None:
    assert Chat(BOT).state.flow == ""
    chat = Chat(BOT)
    chat.say("hi")
    assert chat.state.flow == "demo"


def test_the_step_never_raises_even_when_the_engine_itself_fails() -> None:
    naive = WORKING_HOURS.replace(tzinfo=None)
    state = ConversationState(flow="demo", node="product_flow", last_event_at=naive)
    outcome = step(BOT, state, event_of(TextReceived(text="hi")), Customer(), WORKING_HOURS)
    assert outcome.effects == ()
    assert [(entry.kind, entry.detail) for entry in outcome.trace] == [("error", "TypeError")]
    assert (outcome.state.node, outcome.state.last_event_at) == ("product_flow", WORKING_HOURS)


def test_the_message_count_is_the_history_that_expressions_see() -> None:
    greet = node("a", "condition", cases=[{"condition": "returning", "target": "back"}], **{"else": "new"})
    conditions = {"returning": {"expression": "conversation_history.length > 0"}}
    chat = Chat(
        bot_of(
            greet, message("new", "bye"), message("back", "bye"), node("bye", "end"), conditions=conditions
        )
    )
    assert [chat.say("hi"), chat.say("hi")] == [["new"], ["back"]]


def test_sends_are_constant_objects_where_nothing_varies() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell")
    first = chat.sends[-1]
    chat.say("restart", "what do you sell")
    assert isinstance(first, Send)
    assert chat.sends[-1].message is first.message


@pytest.mark.parametrize(
    "body",
    [
        ReactionReceived(emoji=("👍",), message="1"),
        TimerFired(timer="old#1"),
        CallFinished(call="old#1"),
        ConversationOpened(),
    ],
    ids=lambda body: type(body).__name__,
)
def test_what_is_ignored_does_not_end_the_silence(body: EventBody) -> None:
    chat = Chat(bot_of(message("a"), global_settings={"timeout": 300}))
    chat.say("hello")
    chat.wait(200)
    chat.happen(body)
    assert chat.traced("ignored")
    chat.wait(200)
    chat.say("hello")
    assert chat.traced("start") == ["silent for more than 300 s"]


def test_a_timer_that_this_version_can_not_use_is_not_waited_for_on_another_one() -> None:
    ask = node("ask", "input", "ok", message="?", variable="v", timeout=60)
    chat = Chat(bot_of(ask, message("ok")))
    chat.say("hello")
    assert chat.state.waiting is not None
    timer = chat.state.waiting.timer
    with_node, chat.bot = chat.bot, bot_of(message("other"))
    chat.happen(TimerFired(timer=timer))
    chat.bot = with_node
    assert chat.state.waiting == Waiting(node="ask")
    assert chat.say("here I am") == ["ok"]


def test_a_call_that_this_version_can_not_use_is_not_waited_for_on_another_one() -> None:
    chat = Chat(bot_of(node("look", "ai_answer", "ok", prompt="?"), message("ok")))
    chat.say("hello")
    assert chat.state.waiting is not None
    timer = chat.state.waiting.timer
    chat.say("and quickly, please")
    with_node, chat.bot = chat.bot, bot_of(message("other"))
    chat.happen(TimerFired(timer=timer))
    chat.bot = with_node
    after = chat.state
    assert (after.waiting, after.held) == (None, "")
    chat.say("here I am")
    assert not chat.traced("held")
