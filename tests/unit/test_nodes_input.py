"""`input`: which answers it takes, how it asks again, and where it goes when it gives up."""

from __future__ import annotations

from typing import Any

import pytest

from engine.events import ContactReceived, LocationReceived, MediaReceived
from engine.state import Waiting
from tests.conversations.chat import Chat, bot_of, message, node


def chat_of(*nodes: dict[str, Any], settings: dict[str, Any] | None = None, **config: Any) -> Chat:
    ask = node("ask", "input", "thanks", **{"message": "Well?", "variable": "answer", **config})
    sections = {"global_settings": settings} if settings else {}
    chat = Chat(bot_of(ask, message("thanks"), message("sorry"), *nodes, **sections))
    chat.say("hi")
    return chat


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("text", "  Ana Maria ", "Ana Maria"),
        ("number", "12,5", 12.5),
        ("number", "1 250", 1250),
        ("integer", "3", 3),
        ("integer", "3.5", None),
        ("email", "it's ana@example.com.", "ana@example.com"),
        ("email", "ana at example", None),
        ("phone", "+49 (30) 1234-567", "+49301234567"),
        ("phone", "call me", None),
        ("yes_no", "Yes!", True),
        ("yes_no", "nope", False),
        ("yes_no", "2", False),
        ("yes_no", "perhaps", None),
        ("text", "   ", None),
    ],
)
def test_an_answer_of_its_type_is_stored_and_another_is_asked_again(
    type_: str, text: str, value: Any
) -> None:
    chat = chat_of(type=type_)
    chat.say(text)
    if value is None:
        assert chat.state.variables == {}
        assert chat.state.waiting == Waiting(node="ask", attempts=1)
        assert len(chat.said) == 1
    else:
        assert chat.state.variables == {"answer": value}
        assert chat.entered == ["thanks"]


@pytest.mark.parametrize(
    ("type_", "rules", "text", "accepted"),
    [
        ("text", {"min_length": 5}, "four", False),
        ("text", {"min_length": 5}, "fives", True),
        ("text", {"max_length": 3}, "four", False),
        ("text", {"enum": ["Red", "Deep Blue"]}, "deep  blue", True),
        ("text", {"enum": ["Red", "Deep Blue"]}, "green", False),
        ("number", {"minimum": 1}, "0.5", False),
        ("integer", {"minimum": 1, "maximum": 10}, "10", True),
        ("integer", {"maximum": 10}, "11", False),
        ("yes_no", {"minimum": 5}, "yes", True),
    ],
)
def test_an_answer_must_keep_to_the_validation(
    type_: str, rules: dict[str, Any], text: str, accepted: bool
) -> None:
    chat = chat_of(type=type_, validation=rules)
    chat.say(text)
    assert ("answer" in chat.state.variables) is accepted


def test_an_enumerated_answer_is_stored_as_it_is_written_in_the_flow() -> None:
    chat = chat_of(validation={"enum": ["Deep Blue"]})
    chat.say("DEEP BLUE")
    assert chat.state.variables == {"answer": "Deep Blue"}


def test_retries_have_their_own_message_and_an_end() -> None:
    chat = chat_of(
        type="number", retry_message="A number, {{text}} is none.", retries=1, fallback_target="sorry"
    )
    assert chat.say("many") == ["A number, many is none."]
    assert chat.say("few") == ["sorry"]


def test_the_last_failure_goes_to_the_flows_fallback() -> None:
    chat = chat_of(type="number", retries=0, settings={"fallback_node": "sorry"})
    assert chat.say("many") == ["sorry"]


def test_without_any_fallback_it_keeps_asking() -> None:
    chat = chat_of(type="number", retries=0)
    for _ in range(3):
        assert chat.say("many") == ["Please answer with a number, such as 12.5."]
    assert chat.say("4") == ["thanks"]


def test_yes_and_no_are_choices_too() -> None:
    chat = chat_of(type="yes_no", yes_text="Oh yes", no_text="Rather not")
    assert chat.choices == ["Oh yes", "Rather not"]
    chat.click("ask", 1)
    assert chat.state.variables == {"answer": False}
    again = chat_of(type="yes_no", yes_text="Oh yes", no_text="Rather not")
    again.say("oh YES")
    assert again.state.variables == {"answer": True}


def test_a_shared_contact_answers_for_the_phone() -> None:
    chat = chat_of(type="phone")
    chat.happen(ContactReceived(phone="+49 30 1234567", name="Ana"))
    assert chat.state.variables == {"answer": "+49301234567"}


@pytest.mark.parametrize(
    "body",
    [
        MediaReceived(kind="voice", file="x"),
        LocationReceived(latitude=0.0, longitude=0.0),
        ContactReceived(phone="+49301234567"),
    ],
)
def test_what_carries_no_text_is_no_text(body: Any) -> None:
    chat = chat_of()
    chat.happen(body)
    assert chat.state.variables == {}
    assert chat.state.waiting == Waiting(node="ask", attempts=1)


def test_a_caption_is_an_answer() -> None:
    chat = chat_of()
    chat.happen(MediaReceived(kind="image", file="x", caption="my cat"))
    assert chat.state.variables == {"answer": "my cat"}


def test_an_answer_that_does_not_fit_the_declared_variable_falls_back() -> None:
    ask = node("ask", "input", message="?", variable="items")
    bot = bot_of(
        ask,
        message("sorry"),
        variables={"items": {"type": "array"}},
        global_settings={"fallback_node": "sorry"},
    )
    chat = Chat(bot)
    assert chat.say("hi", "apples") == ["sorry"]
    assert chat.traced("error") == ["VariableError: this is no list"]


def test_the_trace_does_not_quote_the_answer() -> None:
    chat = chat_of(type="email")
    chat.say("ana@example.com")
    assert "ana" not in str(chat.trace)
