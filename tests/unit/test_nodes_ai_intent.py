"""`ai_intent`: when it reads, when it waits, and where it goes."""

from __future__ import annotations

from typing import Any

from engine.events import LocationReceived
from engine.state import Waiting
from tests.conversations.chat import Chat, bot_of, message, node

INTENTS = [
    {"name": "buy", "target_node": "shop", "examples": ["I want to buy a lamp"]},
    {"name": "other", "target_node": "elsewhere", "examples": ["tell me about the weather"]},
]
REST = (message("shop"), message("elsewhere"), message("sorry"))


def intent(*targets: str, **config: Any) -> dict[str, Any]:
    return node("intent", "ai_intent", *targets, **{"intents": INTENTS, **config})


def chat_of(
    *targets: str, nodes: tuple[dict[str, Any], ...] = (), fallback: bool = True, **config: Any
) -> Chat:
    settings = {"global_settings": {"fallback_node": "sorry"}} if fallback else {}
    return Chat(bot_of(message("hello", "intent"), intent(*targets, **config), *REST, *nodes, **settings))


def test_a_confident_match_goes_to_the_intents_target() -> None:
    chat = chat_of()
    assert chat.say("hi", "I want to buy a lamp") == ["shop"]
    entry = next(entry for entry in chat.trace if entry.kind == "intent")
    assert (entry.at, entry.detail, entry.value) == ("intent", "buy", 1.0)


def test_a_match_below_the_threshold_is_none() -> None:
    sure = chat_of(confidence_threshold=0.5)
    assert sure.say("hi", "could I buy a table lamp from you") == ["shop"]
    unsure = chat_of(confidence_threshold=1.0)
    assert unsure.say("hi", "could I buy a table lamp from you") == ["sorry"]
    assert unsure.traced("intent")[0].startswith("none; nearest: ")


def test_the_fallback_intent_is_taken_when_none_matches() -> None:
    assert chat_of(fallback_intent="other").say("hi", "zzz") == ["elsewhere"]


def test_a_fallback_intent_that_no_intent_has_is_the_flows_fallback() -> None:
    assert chat_of(fallback_intent="general_inquiry").say("hi", "zzz") == ["sorry"]


def test_connections_come_before_the_flows_fallback() -> None:
    assert chat_of("elsewhere").say("hi", "zzz") == ["elsewhere"]


def test_without_any_fallback_it_goes_on_waiting() -> None:
    chat = chat_of(fallback=False)
    assert chat.say("hi", "zzz") == []
    assert chat.state.waiting == Waiting(node="intent")
    assert chat.say("I want to buy a lamp") == ["shop"]


def test_a_flow_that_begins_with_it_answers_at_once() -> None:
    chat = Chat(bot_of(intent(), *REST, global_settings={"fallback_node": "sorry"}))
    assert chat.say("zzz") == ["sorry"]


def test_a_second_classifier_reads_what_the_first_did_not_understand() -> None:
    second = node(
        "second",
        "ai_intent",
        intents=[{"name": "cat", "target_node": "elsewhere", "examples": ["a cat please"]}],
    )
    chat = chat_of("second", nodes=(second,))
    chat.say("hi", "a cat please")
    assert chat.entered == ["second", "elsewhere"]


def test_a_classifier_that_is_led_back_to_itself_waits() -> None:
    chat = chat_of("again", nodes=(message("again", "intent"),))
    assert chat.say("hi", "zzz") == ["again"]
    assert chat.state.waiting == Waiting(node="intent")


def test_a_text_is_consumed_by_the_intent_that_matched() -> None:
    chat = Chat(bot_of(message("hello", "intent"), intent(), message("shop", "intent"), *REST[1:]))
    assert chat.say("I want to buy a lamp") == ["hello", "shop"]
    assert chat.state.waiting == Waiting(node="intent")


def test_the_sentence_vectors_are_used_when_they_are_given() -> None:
    import numpy as np

    from engine.compile import compile_flow

    asked: list[str] = []

    def embed(texts: Any) -> Any:
        asked.extend(texts)
        return np.eye(len(texts), 8, dtype=np.float32)

    definition = {"start_node": "intent", "nodes": [intent(), *REST]}
    compile_flow(definition, flow_id="test", embed=embed)
    assert any("lamp" in text for text in asked)


def test_what_carries_no_text_has_no_intent() -> None:
    chat = Chat(bot_of(message("hello", "intent"), intent("elsewhere"), *REST))
    chat.say("zzz")
    chat.happen(LocationReceived(latitude=1.0, longitude=2.0))
    assert chat.traced("intent") == ["there is no text to read"]
    assert chat.entered == ["elsewhere"]
