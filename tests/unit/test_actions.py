"""Global actions: which keyword wins, where it counts, and what happens when its conditions do not hold."""

from __future__ import annotations

from typing import Any

import pytest

from engine.actions import KEYWORD, Actions, GlobalAction
from engine.answers.sentences import sentence
from engine.folding import fold
from engine.state import ConversationState
from tests.conversations.chat import NIGHT, WORKING_HOURS, Chat, bot_of, demo_bot, message, node

BOT = demo_bot()
ACTIONS = Actions(
    [
        GlobalAction(
            name="human", target="h", keywords=("agent", "speak to someone", "Café", "人間", "human being")
        ),
        GlobalAction(name="short", target="s", keywords=("help me choose", "speak", "being")),
        GlobalAction(name="alarm", target="a", keywords=("help", "fire"), high=True),
    ]
)

NOBODY_AVAILABLE = sentence("nobody_available", "en")


def found(text: str, *, whole: bool = False) -> tuple[str, str] | None:
    match = ACTIONS.find(fold(text), whole=whole)
    return None if match is None else (match.action.name, match.why.removeprefix(KEYWORD))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("agent", ("human", "agent")),
        ("AGENT!!!", ("human", "agent")),
        ("is an agent there?", ("human", "agent")),
        ("agents", ("human", "agent")),
        ("agnet", ("human", "agent")),
        ("the aegent is fire", ("alarm", "fire")),
        ("urgent agents of change have come here to stay for ever", None),
        ("reagent", None),
        ("Ａｇｅｎｔ", ("human", "agent")),
        ("can I speak  to\nsomeone", ("human", "speak to someone")),
        ("can I speak", ("short", "speak")),
        ("to someone speak", ("short", "speak")),
        ("CAFÉ", ("human", "Café")),
        ("cafe\u0301", ("human", "Café")),
        ("人間と話したい", ("human", "人間")),
        ("a human being", ("human", "human being")),
        ("help me choose", ("alarm", "help")),
        ("agent, there is a fire", ("alarm", "fire")),
        ("", None),
        ("nothing of it", None),
    ],
)
def test_keywords_are_whole_words_and_the_highest_then_longest_wins(
    text: str, expected: tuple[str, str] | None
) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("agent", ("human", "agent")),
        (" Agent? ", ("human", "agent")),
        ("my agent number is 5", None),
        ("speak to someone", ("human", "speak to someone")),
        ("help me choose", ("alarm", "help")),
        ("my house is on fire", ("alarm", "fire")),
    ],
)
def test_in_free_text_a_normal_keyword_must_be_the_whole_text(
    text: str, expected: tuple[str, str] | None
) -> None:
    assert found(text, whole=True) == expected


def test_a_long_text_is_searched_in_linear_time() -> None:
    assert found("speak to " * 100_000) == ("short", "speak")


def input_bot(**action: Any) -> Chat:
    actions = {
        "escalation": {"keywords": ["agent"], "target": "human", **action},
        "emergency": {"keywords": ["fire"], "target": "alarm", "priority": "high"},
    }
    ask = node("ask", "input", "thanks", message="Your message?", variable="answer")
    chat = Chat(
        bot_of(
            ask, message("thanks"), node("human", "human_handoff"), message("alarm"), global_actions=actions
        )
    )
    chat.say("hi")
    return chat


@pytest.mark.parametrize(
    ("text", "entered"),
    [
        ("my agent number is 5", "thanks"),
        ("Agent", "human"),
        ("fire", "alarm"),
        ("there is a fire in the kitchen", "alarm"),
    ],
)
def test_an_input_node_keeps_an_answer_that_only_mentions_a_keyword(text: str, entered: str) -> None:
    chat = input_bot()
    chat.say(text)
    assert chat.entered == [entered]


def test_a_menu_gives_way_to_a_keyword_within_a_sentence() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell", "is there an agent for this?")
    assert chat.entered == ["human_handoff"]


def test_an_exact_choice_wins_over_the_keyword_in_its_title() -> None:
    options = [{"text": "Talk to an agent", "target": "chosen"}, {"text": "Fire!", "target": "chosen"}]
    actions = {
        "escalation": {"keywords": ["agent", "talk to an agent"], "target": "action"},
        "emergency": {"keywords": ["fire"], "target": "action", "priority": "high"},
    }
    menu = node("menu", "quick_reply", message="?", options=options)
    chat = Chat(bot_of(menu, message("chosen", "menu"), message("action", "menu"), global_actions=actions))
    chat.say("hi")
    assert chat.say("talk to an agent")[0] == "chosen"
    assert chat.say("to an agent")[0] == "action"
    assert chat.say("fire")[0] == "action"
    chat.click("menu", 1)
    assert chat.said[0] == "chosen"


def test_the_first_message_can_be_a_keyword() -> None:
    chat = Chat(BOT)
    chat.say("I need to talk to a human")
    assert chat.entered == ["human_handoff"]
    assert chat.state.turns == 1


def test_outside_its_conditions_escalation_says_so_and_asks_again() -> None:
    chat = Chat(BOT, now=NIGHT)
    chat.say("what do you sell", "human")
    assert chat.said == [NOBODY_AVAILABLE, "Which product category interests you?"]
    assert chat.choices == ["🚀 AI Tools", "💼 Business Solutions", "🎓 Educational"]
    assert chat.state.control == "bot"
    assert chat.timers == ["-product_flow#1", "+product_flow#2"]
    chat.say("2")
    assert chat.entered[0] == "business_detail"


def test_outside_its_conditions_an_input_is_asked_again_with_its_attempts() -> None:
    chat = Chat(BOT, now=NIGHT)
    chat.say("what do you sell", "1", "1", "Ana", "not an address", "agent")
    assert chat.said[0] == NOBODY_AVAILABLE
    assert chat.said[1].startswith("Nice to meet you, Ana!")
    assert chat.state.waiting is not None
    assert chat.state.waiting.attempts == 1


def test_outside_its_conditions_the_first_message_still_starts_the_flow() -> None:
    chat = Chat(BOT, now=NIGHT)
    assert chat.say("human")[0] == NOBODY_AVAILABLE
    assert chat.entered == ["welcome", "intent_classification"]


def test_outside_its_conditions_a_conversation_that_waits_for_a_human_is_the_bots_again() -> None:
    chat = Chat(BOT)
    chat.say("human")
    chat.now = NIGHT
    assert chat.say("agent") == [NOBODY_AVAILABLE]
    assert chat.state.control == "bot"
    chat.say("what do you sell")
    assert chat.entered[0] == "default_fallback"


def test_what_is_said_outside_the_conditions_is_the_builders_to_choose() -> None:
    closed = {"conditions": ["1 > 2"], "otherwise_message": "Closed for {{text}}."}
    chat = input_bot(**closed)
    assert chat.say("agent") == ["Closed for agent.", "Your message?"]


def test_where_to_go_outside_the_conditions_is_the_builders_to_choose() -> None:
    chat = input_bot(conditions=["1 > 2"], otherwise_target="thanks")
    assert chat.say("agent") == ["thanks"]
    both = input_bot(conditions=["1 > 2"], otherwise_target="thanks", otherwise_message="Closed.")
    assert both.say("agent") == ["Closed.", "thanks"]


def test_all_conditions_of_an_action_must_hold() -> None:
    assert input_bot(conditions=["2 > 1", "1 > 2"]).say("agent")[0] == NOBODY_AVAILABLE
    assert input_bot(conditions=["2 > 1", "always"]).say("agent") != [NOBODY_AVAILABLE]


def test_clear_context_resets_the_session_and_other_actions_keep_it() -> None:
    chat = Chat(BOT)
    chat.say("what do you sell", "ai tools", "human")
    assert chat.state.variables == {"selected_product": "AI Tools"}
    chat.say("reset")
    assert chat.state.variables == {}
    assert chat.state.turns == 1


def test_an_action_of_high_priority_takes_the_conversation_from_a_human_and_says_so() -> None:
    chat = Chat(BOT, state=ConversationState(flow="demo", control="human", node="human_handoff"))
    chat.say("help now please")
    assert chat.traced("action") == ["keyword: help now", "takes the conversation back; it was human"]
    assert chat.entered == ["emergency_protocol", "human_handoff"]


def test_an_action_whose_condition_fails_to_evaluate_falls_back() -> None:
    chat = input_bot(conditions=["a.b.c"])
    chat.say("agent")
    assert chat.traced("error")
    assert chat.traced("fallback") == ["an error; the flow has none"]


def test_the_trace_names_the_action_and_its_conditions() -> None:
    chat = Chat(BOT, now=WORKING_HOURS)
    chat.say("human")
    assert [
        (entry.kind, entry.at, entry.value) for entry in chat.trace if entry.kind in ("action", "condition")
    ] == [
        ("action", "escalation", None),
        ("condition", "business_hours", True),
    ]
