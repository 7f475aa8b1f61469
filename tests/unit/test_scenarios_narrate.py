"""A trace told in words: every kind of entry, and what follows from what on one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import engine
from engine.scenarios.narrate import narrate, thresholds_of
from engine.state import TraceEntry as E
from tests.conversations.chat import Chat, bot_of, message, node

ENGINE = Path(engine.__file__).parent

CASES = [
    (E(kind="start", detail="a new session"), "the flow begins: a new session"),
    (E(kind="node", at="welcome"), "→ welcome"),
    (E(kind="connection", at="a", detail="b"), "a → b"),
    (E(kind="condition", at="open", value=True), "the condition open holds"),
    (E(kind="condition", at="open", value=False), "the condition open does not hold"),
    (E(kind="action", at="escalation", detail="keyword: human"), 'the keyword "human" calls for escalation'),
    (E(kind="action", at="escalation", detail="its conditions do not hold"), "escalation: its conditions do not hold"),
    (E(kind="choice", at="menu", detail="AI", value="ai"), '"AI" was chosen at menu ("ai")'),
    (E(kind="choice", at="menu", detail="AI"), '"AI" was chosen at menu'),
    (
        E(kind="choice", at="menu", detail="no option matches; asked again, 1 of 2"),
        "menu: no option matches; asked again, 1 of 2",
    ),
    (E(kind="intent", at="ai", detail="shop", value=0.9), "the text was understood by ai as shop (0.90)"),
    (
        E(kind="intent", at="ai", detail="none; nearest: shop", value=0.41),
        "the text was not understood by ai (nearest: shop, 0.41)",
    ),
    (
        E(kind="intent", at="ai", detail="none; nearest: nothing", value=0.0),
        "the text was not understood by ai (nothing is near)",
    ),
    (E(kind="intent", at="ai", detail="there is no text to read"), "ai: there is no text to read"),
    (E(kind="input", at="ask", detail="stored in name"), "the answer to ask is stored in name"),
    (
        E(kind="input", at="ask", detail="no email; 1 of 2 retries"),
        "the answer to ask will not do: no email; 1 of 2 retries",
    ),
    (E(kind="variable", at="set", detail="visits"), "set sets visits"),
    (E(kind="timer", at="menu", detail="started", value=60), "menu starts a timer of 60 s"),
    (E(kind="timer", at="menu", detail="fired"), "the timer of menu fired"),
    (E(kind="call", at="order", detail="started"), "the call of order started"),
    (E(kind="call", at="order", detail="failed: timeout"), "the call of order failed: timeout"),
    (E(kind="round", at="each", value=0), "each begins round 1"),
    (E(kind="round", at="each", detail="no more items", value=3), "each ends its rounds: no more items"),
    (E(kind="return", at="caller"), "back at caller"),
    (E(kind="left", detail="every call and loop"), "every call and loop left behind"),
    (E(kind="held", at="order", detail="a call is running"), "the text is held at order: a call is running"),
    (
        E(kind="held", detail="a piece of an album; more may come", value=2),
        "piece 2 of an album is held; more may come",
    ),
    (E(kind="action", at="thanks", detail="event: reaction"), "the event reaction calls for thanks"),
    (E(kind="page", at="menu", value=2), "menu shows page 2 of its choices"),
    (E(kind="inline", detail="answered", value=3), "a query from another chat is answered with 3 results"),
    (
        E(kind="control", detail="a human answered in the platform's own app", value="human"),
        "a human answered in the platform's own app; the human answers from here on",
    ),
    (E(kind="held", detail="more may come"), "the text is held: more may come"),
    (E(kind="language", detail="detected", value="de"), "the language is de from here on (detected)"),
    (E(kind="language", at="set", detail="not a language of the flow"), "set: not a language of the flow"),
    (E(kind="opt_out", value=True), "the customer has opted out"),
    (E(kind="opt_out", value=False), "the customer has opted in again"),
    (
        E(kind="postponed", at="menu", detail="quiet hours", value="2026-01-15T08:00+00:00"),
        "the timer of menu waits for the end of quiet hours, until 2026-01-15T08:00+00:00",
    ),
    (
        E(kind="postponed", at="menu", detail="the customer is writing"),
        "the timer of menu has to wait: the customer is writing",
    ),
    (E(kind="fallback", at="sorry", detail="an error"), "an error → fallback sorry"),
    (E(kind="fallback", detail="an error; the flow has none"), "no way on: an error; the flow has none"),
    (E(kind="limit", detail="max_turns 50"), "a limit is reached: max_turns 50"),
    (E(kind="error", at="set", detail="ExpressionError: x"), "an error at set: ExpressionError: x"),
    (E(kind="error", detail="KeyError"), "an error: KeyError"),
    (E(kind="ignored", detail="a human answers"), "ignored: a human answers"),
    (E(kind="case", at="which", detail="b"), "the case of which: b"),
    (E(kind="split", at="ab", detail="blue"), "ab draws blue"),
    (E(kind="track", at="t", detail="bought"), "t tracks bought"),
    (E(kind="feedback", at="rate", value=5), "rate is rated 5"),
    (E(kind="consent", at="ok", detail="marketing", value=True), "consent to marketing is given at ok"),
    (E(kind="consent", at="ok", detail="marketing", value=False), "consent to marketing is refused at ok"),
    (E(kind="search", at="faq", detail="found", value=3), "faq searched: found (3)"),
    (E(kind="search", at="faq", detail="nothing found"), "faq searched: nothing found"),
    (E(kind="email", at="mail", detail="queued", value=2), "mail sends an e-mail to 2 addresses"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "line"), CASES, ids=[f"{entry.kind} {line[:30]}" for entry, line in CASES])
def test_every_kind_of_entry_has_its_words(entry: E, line: str) -> None:
    assert narrate([entry]) == [line]


def test_no_kind_that_the_engine_writes_is_forgotten() -> None:
    sources = "\n".join(path.read_text() for path in ENGINE.rglob("*.py"))
    written = {*re.findall(r'\.note\(\s*"(\w+)"', sources), *re.findall(r'TraceEntry\(kind="(\w+)"', sources)}
    assert written <= {entry.kind for entry, _ in CASES}
    assert len(written) > 20


def test_a_kind_that_nobody_knows_is_told_all_the_same() -> None:
    assert narrate([E(kind="dance", at="a", detail="slowly", value=3)]) == ["dance: a, slowly, 3"]


def test_what_was_not_understood_leads_to_the_fallback_on_one_line() -> None:
    trace = [
        E(kind="intent", at="intent_classification", detail="none; nearest: support_request", value=0.41),
        E(kind="fallback", at="default_fallback", detail="no intent matched"),
        E(kind="node", at="default_fallback"),
        E(kind="connection", at="default_fallback", detail="intent_classification"),
        E(kind="node", at="intent_classification"),
    ]
    assert narrate(trace, {"intent_classification": 0.7}) == [
        "the text was not understood by intent_classification (nearest: support_request, 0.41 of 0.70) "
        "→ fallback default_fallback → intent_classification"
    ]


def test_a_way_from_node_to_node_is_one_line() -> None:
    bot = bot_of(
        message("a", {"target": "b", "condition": "hour > 50"}, "c"),
        message("b"),
        node("c", "jump", target="d"),
        message("d"),
    )
    chat = Chat(bot)
    chat.say("hello")
    assert narrate(chat.trace) == [
        "the flow begins: a new session → a",
        "the condition hour > 50 does not hold",
        "a → c → d",
    ]


def test_a_choice_and_an_action_name_the_node_that_they_lead_to() -> None:
    menu = node("menu", "quick_reply", message="?", options=[{"text": "AI", "value": "ai", "target": "b"}])
    actions = {"escalation": {"keywords": ["human"], "target": "person"}}
    chat = Chat(bot_of(menu, message("b"), node("person", "human_handoff"), global_actions=actions))
    chat.say("hello", "AI")
    assert narrate(chat.trace) == ['"AI" was chosen at menu ("ai") → b']
    chat.say("human")
    assert narrate(chat.trace) == ['the keyword "human" calls for escalation → person']


def test_the_thresholds_are_read_from_the_definition() -> None:
    intents = [{"name": "a", "target_node": "x", "examples": ["one"]}]
    definition = {
        "start_node": "own",
        "nodes": [
            node("own", "ai_intent", intents=intents, confidence_threshold=0.5),
            node("usual", "ai_intent", intents=intents),
            message("x"),
            "nonsense",
        ],
        "flows": {"sub": {"start_node": "own", "nodes": [node("own", "ai_intent", intents=intents)]}},
    }
    assert thresholds_of(definition) == {"own": 0.5, "usual": 0.7, "sub/own": 0.7}


def test_an_empty_trace_is_an_empty_story() -> None:
    assert narrate([]) == []
