"""Bursts: texts that follow each other closely are read as one; what can't wait is not kept waiting."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from engine.effects import CancelTimer
from engine.events import (
    ChoiceMade,
    ContactReceived,
    LocationReceived,
    MediaReceived,
    ReactionReceived,
    TimerFired,
)
from engine.state import Customer
from engine.turn import MAX_HELD
from tests.conversations.chat import Chat, bot_of, message, node

ASK = node("ask", "input", "echo", message="Well?", variable="v")
ECHO = message("echo", message="<{{v}}>")
MENU = node(
    "menu", "quick_reply", "ask", message="?", options=[{"text": "Buy", "target": "bought"}, {"text": "Sell"}]
)


def chat_of(*nodes: dict[str, Any], customer: Customer | None = None, **settings: Any) -> Chat:
    """A chat that has been greeted by its first node, and gathers texts for two seconds."""
    actions = {"human": {"keywords": ["agent", "speak to someone"], "target": "human"}}
    bot = bot_of(
        *(nodes or (ASK, ECHO)), message("bought"), message("sorry"), node("human", "human_handoff"),
        global_settings={"burst_window": 2_000, "fallback_node": "sorry", **settings},
        global_actions=actions,
    )  # fmt: skip
    chat = Chat(bot, customer=customer)
    chat.say("hi")
    chat.burst_over()
    return chat


def test_texts_within_the_window_are_read_as_one() -> None:
    chat = chat_of()
    assert chat.say("one") == []
    assert (chat.due_in, chat.state.burst) == (2, "burst#2")
    chat.wait(1)
    assert chat.say("two") == []
    assert chat.effects == ()
    assert chat.state.held == "one\ntwo"
    chat.wait(1)
    assert chat.burst_over() == ["<one\ntwo>"]
    assert (chat.state.held, chat.state.burst) == ("", "")


def test_the_first_text_of_all_is_gathered_too() -> None:
    chat = Chat(bot_of(ASK, ECHO, global_settings={"burst_window": 500}))
    assert chat.say("hi", "there") == []
    assert chat.state.node == ""
    assert chat.burst_over() == ["Well?"]
    assert (chat.state.turns, chat.state.history) == (1, 2)


def test_a_window_that_has_closed_before_is_stale() -> None:
    chat = chat_of()
    chat.say("one")
    old = chat.state.burst
    chat.burst_over()
    chat.say("two")
    assert chat.happen(TimerFired(timer=old)) == []
    assert chat.state.held == "two"


def test_what_is_gathered_is_bounded() -> None:
    chat = chat_of()
    for _ in range(5):
        chat.say("x" * 3_000)
    assert len(chat.state.held) == MAX_HELD


def test_a_choice_by_click_overtakes_what_was_gathered() -> None:
    chat = chat_of(MENU, ASK, ECHO)
    chat.say("wait")
    assert chat.click("menu", 0) == ["bought"]
    assert chat.traced("ignored") == ["what was held; something else was chosen since"]
    assert chat.timers == ["-burst#2"]
    assert (chat.state.held, chat.state.burst) == ("", "")


def test_a_choice_by_its_title_is_not_kept_waiting() -> None:
    chat = chat_of(MENU, ASK, ECHO)
    assert chat.say("buy") == ["bought"]
    assert chat.effects_of(CancelTimer) == []


def test_a_keyword_overtakes_what_was_gathered() -> None:
    chat = chat_of(MENU, ASK, ECHO)
    chat.say("hello")
    chat.say("agent")
    assert chat.state.control == "waiting"
    assert chat.timers == ["-burst#2"]
    assert chat.state.held == ""


def test_a_keyword_over_two_texts_is_found_when_the_window_closes() -> None:
    chat = chat_of(MENU, ASK, ECHO)
    chat.say("I'd like to speak", "to someone")
    assert chat.entered == []
    chat.burst_over()
    assert chat.state.control == "waiting"


def test_an_option_over_two_texts_is_found_when_the_window_closes() -> None:
    options = [{"text": "Deep Blue", "target": "bought"}]
    menu = node("menu", "quick_reply", "menu", message="?", options=options)
    chat = chat_of(menu)
    chat.say("deep", "blue")
    assert chat.burst_over() == ["bought"]


def test_start_overtakes_what_was_gathered() -> None:
    chat = chat_of()
    chat.say("one")
    assert chat.command("start") == ["Well?"]
    assert (chat.state.held, chat.state.burst) == ("", "")
    assert chat.say("two") == []


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        (MediaReceived(kind="image", file="x", caption="three"), "<one\ntwo\nthree>"),
        (MediaReceived(kind="image", file="x"), "<one\ntwo>"),
        (LocationReceived(latitude=1.0, longitude=2.0), "<one\ntwo>"),
        (ContactReceived(phone="+49"), "<one\ntwo>"),
        (ChoiceMade(choice="nobody's", title="three"), "<one\ntwo\nthree>"),
    ],
)
def test_what_is_no_text_is_read_with_what_was_gathered_at_once(body: Any, heard: str) -> None:
    chat = chat_of()
    chat.say("one", "two")
    assert chat.happen(body) == [heard]
    assert chat.timers == ["-burst#2"]
    assert (chat.state.held, chat.state.burst) == ("", "")


def test_a_command_that_is_no_keyword_is_read_with_what_was_gathered() -> None:
    chat = chat_of()
    chat.say("one")
    assert chat.command("colour", "red") == ["<one\n/colour red>"]


def test_other_events_leave_what_is_gathered_alone() -> None:
    chat = chat_of()
    chat.say("one")
    chat.happen(ReactionReceived(emoji=("👍",), message="1"))
    assert chat.state.held == "one"
    assert chat.burst_over() == ["<one>"]


def test_the_silence_before_a_burst_counts() -> None:
    chat = chat_of(timeout=60)
    chat.wait(61)
    chat.say("hello", "again")
    chat.wait(2)
    assert chat.burst_over() == ["Well?"]
    assert chat.traced("start") == ["silent for more than 60 s"]


def test_a_burst_after_a_short_silence_goes_on() -> None:
    chat = chat_of(timeout=60)
    chat.wait(59)
    chat.say("hello")
    chat.wait(2)
    # 61 s since the last turn, but only 59 of them were silent.
    assert chat.burst_over() == ["<hello>"]


def test_a_human_who_took_over_meanwhile_is_not_disturbed() -> None:
    chat = chat_of()
    chat.say("one")
    chat.state = structs.replace(chat.state, control="human")
    assert chat.burst_over() == []
    assert (chat.state.held, chat.state.burst) == ("", "")
    assert chat.traced("ignored") == ["a human answers"]


def test_nothing_is_gathered_while_a_human_answers() -> None:
    chat = chat_of(MENU, ASK, ECHO)
    chat.say("agent")
    assert chat.say("hello?") == []
    assert (chat.state.held, chat.state.burst) == ("", "")


def test_a_timer_does_not_speak_into_what_is_being_written() -> None:
    asked = node("ask", "input", "echo", message="Well?", variable="v", timeout=60, timeout_target="sorry")
    chat = chat_of(asked, ECHO)
    chat.wait(59)
    chat.say("one")
    chat.wait(1)
    assert chat.time_out() == []
    assert chat.traced("postponed") == ["the customer is writing"]
    assert chat.due_in == 2
    chat.wait(1)
    assert chat.burst_over() == ["<one>"]
    assert chat.timers == ["-ask#4"]


def test_a_wait_that_ignores_messages_ends_though_a_burst_came_in_between() -> None:
    pause = node("pause", "wait", "bought", seconds=60, on_message="ignore")
    chat = chat_of(pause)
    chat.wait(59)
    chat.say("one")
    chat.wait(1)
    chat.time_out()
    chat.wait(1)
    assert chat.burst_over() == []
    chat.wait(1)
    assert chat.time_out() == ["bought"]


def test_an_opt_out_word_is_heard_at_once_and_what_was_gathered_later() -> None:
    chat = chat_of(opt_out={})
    chat.say("one")
    assert len(chat.say("STOP")) == 1
    assert chat.state.held == "one"
    assert chat.burst_over() == ["<one>"]


def test_a_call_that_runs_holds_what_is_written_without_a_window() -> None:
    chat = chat_of(node("call", "http", "echo", url="https://example.com"), ECHO)
    assert chat.say("one") == []
    assert (chat.state.held, chat.state.burst) == ("one", "")


def test_a_burst_that_ends_while_a_call_runs_is_read_after_it() -> None:
    look = node("call", "http", "intent", url="https://example.com")
    intents = [{"name": "b", "target_node": "bought", "examples": ["I want to buy"]}]
    chat = chat_of(look, node("intent", "ai_intent", intents=intents))
    chat.state = structs.replace(chat.state, held="I want to buy", burst="burst#9")
    assert chat.burst_over() == []
    assert chat.state.held == "I want to buy"
    assert chat.finish(status=200) == ["bought"]


def test_without_a_window_each_text_is_read_at_once() -> None:
    chat = Chat(bot_of(ASK, ECHO))
    chat.say("hi")
    assert chat.say("one") == ["<one>"]
    assert chat.state.burst == ""
