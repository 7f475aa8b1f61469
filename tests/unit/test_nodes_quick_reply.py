"""`quick_reply`: how a choice is named, and what happens when none is."""

from __future__ import annotations

from typing import Any

import pytest

from engine.nodes.base import choice_id
from engine.state import Waiting
from tests.conversations.chat import NIGHT, Chat, bot_of, demo_bot, message, node

OPTIONS = [
    {"text": "🚀 AI Tools", "value": "ai_tools", "target": "tools", "description": "Advanced"},
    {"text": "C++", "value": "cpp", "target": "cpp"},
    {"text": "C#", "target": "csharp"},
    {"text": "👍", "target": "thumb"},
    {"text": "Zwölf", "value": 12, "target": "twelve"},
]
TARGETS = [message(id, "menu") for id in ("tools", "cpp", "csharp", "thumb", "twelve")]


def menu(*targets: Any, **config: Any) -> dict[str, Any]:
    return node("menu", "quick_reply", *targets, **{"message": "Pick one.", "options": OPTIONS, **config})


def chat_of(*targets: Any, nodes: tuple[dict[str, Any], ...] = (), **config: Any) -> Chat:
    bot = bot_of(
        menu(*targets, **config),
        *TARGETS,
        message("sorry"),
        *nodes,
        global_settings={"fallback_node": "sorry"},
    )
    chat = Chat(bot)
    chat.say("hi")
    return chat


def test_the_options_are_offered_as_choices() -> None:
    (send,) = chat_of().sends
    assert send.message.text == "Pick one."
    first = send.message.choices[0]
    assert (first.id, first.title, first.description) == (choice_id("menu", 0), "🚀 AI Tools", "Advanced")
    assert all(len(choice.id) <= 32 and choice.id.isascii() for choice in send.message.choices)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("🚀 AI Tools", "tools"),
        ("AI Tools", "tools"),
        ("ai   tools!", "tools"),
        ("ＡＩ　ＴＯＯＬＳ", "tools"),
        ("ai_tools", "tools"),
        ("AI-TOOLS", "tools"),
        ("1", "tools"),
        ("1.", "tools"),
        ("#1", "tools"),
        ("1️⃣", "tools"),
        ("c++", "cpp"),
        ("cpp", "cpp"),
        ("C#", "csharp"),
        ("👍", "thumb"),
        ("👍️", "thumb"),
        ("zwölf", "twelve"),
        ("ZWÖLF", "twelve"),
        ("zwo\u0308lf", "twelve"),
        ("12", "twelve"),
        ("5", "twelve"),
        ("c", None),
        ("tools", None),
        ("6", None),
        ("0", None),
        ("", None),
        ("!!!", None),
    ],
)
def test_an_option_is_named_by_title_value_or_number(text: str, target: str | None) -> None:
    chat = chat_of()
    chat.say(text)
    assert chat.entered[0] == (target or "sorry")


def test_a_title_that_is_a_number_wins_over_the_position() -> None:
    options = [
        {"text": "2", "target": "tools"},
        {"text": "1", "target": "cpp"},
        {"text": "other", "target": "thumb"},
    ]
    chat = chat_of(options=options)
    assert chat.say("2")[0] == "tools"
    assert chat.say("1")[0] == "cpp"
    assert chat.say("3")[0] == "thumb"


def test_a_title_wins_over_another_options_value() -> None:
    options = [{"text": "first", "value": "second", "target": "tools"}, {"text": "second", "target": "cpp"}]
    assert chat_of(options=options).say("second")[0] == "cpp"


@pytest.mark.parametrize("config", [{"variable": "picked"}, {"store_as": "picked"}])
@pytest.mark.parametrize(("index", "value"), [(0, "ai_tools"), (2, "C#"), (4, 12)])
def test_the_chosen_value_is_stored(config: dict[str, Any], index: int, value: Any) -> None:
    chat = chat_of(**config)
    chat.click("menu", index)
    assert chat.state.variables == {"picked": value}
    entry = next(entry for entry in chat.trace if entry.kind == "choice")
    assert (entry.at, entry.value) == ("menu", value)


def test_an_option_without_a_target_follows_the_connections() -> None:
    chat = chat_of("tools", options=[{"text": "x"}])
    assert chat.say("x")[0] == "tools"


def test_free_text_goes_along_the_connections_and_is_read_there() -> None:
    intents = [{"name": "n", "target_node": "tools", "examples": ["open the pod bay doors"]}]
    chat = chat_of("intent", nodes=(node("intent", "ai_intent", intents=intents),))
    chat.say("open the pod bay doors")
    assert chat.entered == ["intent", "tools", "menu"]


def test_free_text_without_a_way_on_is_the_fallback_action() -> None:
    assert chat_of(fallback_target="thumb").say("what?")[0] == "thumb"


def test_free_text_whose_connections_do_not_hold_is_the_fallback_action() -> None:
    chat = chat_of({"target": "tools", "condition": "1 > 2"}, fallback_target="thumb")
    assert chat.say("what?")[0] == "thumb"


def test_without_free_text_the_question_is_repeated_and_then_given_up() -> None:
    chat = chat_of(allow_free_text=False, retry_message="One of these, please.", fallback_target="thumb")
    assert chat.say("what?") == ["One of these, please."]
    assert len(chat.choices) == 5
    assert chat.state.waiting == Waiting(node="menu", attempts=1)
    assert chat.say("what?") == ["One of these, please."]
    assert chat.say("what?")[0] == "thumb"


def test_the_question_itself_is_repeated_when_there_is_no_other_text() -> None:
    assert chat_of(allow_free_text=False).say("what?") == ["Pick one."]


def test_without_retries_it_is_given_up_at_once() -> None:
    assert chat_of(allow_free_text=False, retries=0).say("what?") == ["sorry"]


def test_the_fallback_action_repeat_asks_again_and_again() -> None:
    chat = chat_of(fallback_action="repeat")
    assert [chat.say("what?") for _ in range(5)] == [["Pick one."]] * 5


def test_the_fallback_action_restart_begins_anew() -> None:
    chat = chat_of(fallback_action="restart", variable="picked")
    chat.click("menu", 0)
    assert chat.say("what?") == ["Pick one."]
    assert chat.state.variables == {}
    assert chat.state.turns == 1


def test_without_any_fallback_the_question_is_repeated() -> None:
    chat = Chat(bot_of(menu(), *TARGETS))
    chat.say("hi")
    assert chat.say("what?") == ["Pick one."]
    assert chat.say("1")[0] == "tools"


def test_escalating_performs_the_escalation_with_its_conditions() -> None:
    day, night = Chat(demo_bot()), Chat(demo_bot(), now=NIGHT)
    for chat in (day, night):
        chat.say("what do you sell", "something quite different")
    assert day.entered == ["human_handoff"]
    assert night.entered == []
    assert night.said[0].startswith("Nobody from our team")
    assert night.choices[0] == "🚀 AI Tools"


def test_escalating_without_such_an_action_goes_to_the_handoff_node() -> None:
    chat = chat_of(nodes=(node("person", "human_handoff"),), fallback_action="escalate_to_human")
    chat.say("what?")
    assert chat.entered == ["person"]
    assert chat.state.control == "waiting"


def test_a_timeout_starts_a_timer_that_an_answer_cancels() -> None:
    chat = chat_of(timeout=60, delay=1500)
    assert chat.timers == ["+menu#1"]
    due = next(effect for effect in chat.effects if hasattr(effect, "due_at"))
    assert (due.due_at - chat.now).total_seconds() == 61.5
    chat.say("1")
    assert chat.timers == ["-menu#1", "+menu#2"]


def test_a_timeout_is_the_fallback_action() -> None:
    chat = chat_of(timeout=60, fallback_target="thumb")
    chat.time_out()
    assert chat.entered[0] == "thumb"
    assert "-menu#1" not in chat.timers


def test_repeating_into_silence_ends_after_the_retries() -> None:
    chat = chat_of(timeout=60, fallback_action="repeat", retries=2)
    assert chat.time_out() == ["Pick one."]
    assert chat.time_out() == ["Pick one."]
    assert chat.state.waiting == Waiting(node="menu", attempts=2)


def test_an_escalation_that_cannot_be_is_said_once_into_silence() -> None:
    chat = Chat(demo_bot(), now=NIGHT)
    chat.say("what do you sell")
    chat.time_out()
    assert chat.said[0].startswith("Nobody from our team")
    assert chat.state.waiting == Waiting(node="product_flow")


def test_a_fallback_that_fails_when_the_timer_fires_is_traced() -> None:
    actions = {"escalation": {"target": "tools", "conditions": ["a.b.c"]}}
    bot = bot_of(menu(timeout=60, fallback_action="escalate_to_human"), *TARGETS, global_actions=actions)
    chat = Chat(bot)
    chat.say("hi")
    assert chat.time_out() == []
    assert chat.traced("error")[0].startswith("ExpressionError")


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize(
    ("text", "picked"), [("sfas", "sofas"), ("lam", "lamps"), ("lampe", "lamps"), ("x", "")]
)
def test_what_was_probably_meant_is_chosen_before_giving_up(free: bool, text: str, picked: str) -> None:
    options = [{"text": "🛋️ Sofas", "value": "sofas", "target": "sofas"}, {"text": "Lamps", "target": "lamps"}]
    menu = node("menu", "quick_reply", message="Which?", options=options, allow_free_text=free, retries=0)
    chat = Chat(
        bot_of(
            menu,
            message("sofas"),
            message("lamps"),
            message("sorry"),
            global_settings={"fallback_node": "sorry"},
        )
    )
    chat.say("hello")
    assert chat.say(text) == [picked or "sorry"]


def test_what_the_connections_take_is_no_near_miss() -> None:
    menu = node(
        "menu", "quick_reply", "other", message="Which?", options=[{"text": "Lamps", "target": "lamps"}]
    )
    chat = Chat(bot_of(menu, message("lamps"), message("other")))
    chat.say("hello")
    assert chat.say("lampz") == ["other"]
