"""What an `input` says when an answer breaks a rule and the flow has no words for it."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.answers.sentences import sentence
from engine.answers.translations import TRANSLATIONS
from engine.nodes.retries import rule_text
from engine.state import ConversationState, Customer
from engine.turn import Turn
from engine.validation import Fault, Rules
from tests.conversations.chat import WORKING_HOURS, Chat, bot_of, message, node


def asking(
    *, language: str = "en", others: list[str] | None = None, customer: Customer | None = None, **config: Any
) -> Chat:
    """A chat in which the question was just asked, on Wednesday, 14 January 2026."""
    ask = node("ask", "input", "thanks", **{"message": "Well?", "variable": "v", **config})
    languages = {"default_language": language, "supported_languages": [language, *(others or [])]}
    chat = Chat(bot_of(ask, message("thanks"), **languages), customer=customer)
    chat.say("hi")
    return chat


OWN = [
    ("text", {"min_length": 3}, "ab", "Please write at least 3 characters."),
    ("text", {"max_length": 1_000}, "a" * 1_001, "Please write a shorter answer. The limit in characters is 1,000."),
    ("number", {"minimum": 18}, "17", "The number must be at least 18."),
    ("number", {"minimum": 0.0005}, "0", "The number must be at least 0.0005."),
    ("number", {"minimum": 1e-9}, "0", "The number must be at least 1e-9."),
    ("number", {"minimum": -2.5}, "-3", "The number must be at least -2.5."),
    ("number", {"maximum": 12_500}, "12501", "The number must be at most 12,500."),
    ("number", {"maximum": 0}, "1", "The number must be at most 0."),
    ("date", {"earliest": "2026-02-01"}, "2026-01-31", "Please choose a date that is not before February 1, 2026."),
    ("date", {"earliest": "today"}, "2026-01-13", "Please choose a date that is not before January 14, 2026."),
    ("date", {"latest": "today-18y"}, "2020-01-01", "Please choose a date that is not after January 14, 2008."),
    ("text", {"enum": ["a"]}, "b", "Please answer with one of these: a."),
    ("text", {"enum": ["Red", "Deep {Blue}"]}, "b", "Please answer with one of these: Red or Deep {Blue}."),
    ("number", {"enum": [2024, 2025.0, 1234.5]}, "1", "Please answer with one of these: 2024, 2025, or 1,234.5."),
    ("yes_no", {"enum": [True]}, "nope", "Please answer with one of these: Yes."),
    ("text", {"enum": list("abcdefg")}, "h", "Please answer with one of these: a, b, c, d, e, f, or g."),
    ("text", {"enum": list("abcdefgh")}, "i", sentence("retry_not_of_many", "en")),
    ("text", {"enum": ["a" * 40]}, "b", f"Please answer with one of these: {'a' * 40}."),
    ("text", {"enum": ["a" * 41]}, "b", sentence("retry_not_of_many", "en")),
    ("text", {"pattern": "[0-9]+"}, "b", sentence("retry_form", "en")),
    ("contact", {"schema": {"name": {"minLength": 1}}}, "+49 30 1234567", sentence("retry_form", "en")),
    ("number", {"minimum": 18}, "many", sentence("retry_number", "en")),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "rules", "text", "said"), OWN)
def test_a_broken_rule_is_named_where_the_flow_has_no_words(
    type_: str, rules: dict[str, Any], text: str, said: str
) -> None:
    assert asking(type=type_, validation=rules).say(text) == [said]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"error_messages": {"too_small": "more!"}, "retry_message": "general"}, ["more!", "more!"]),
        ({"error_messages": {"too_large": "less!"}, "retry_message": "general"}, ["general", "general"]),
        ({"error_messages": {"too_large": "less!"}, "retry_messages": ["one", "two"]}, ["one", "two"]),
        ({"error_messages": {"too_large": "less!"}}, ["The number must be at least 5."] * 2),
    ],
)
def test_the_flows_own_words_come_before_the_engines(config: dict[str, Any], said: list[str]) -> None:
    chat = asking(type="number", validation={"minimum": 5}, **config)
    assert [chat.say("4")[0] for _ in said] == said


RULE_OF_A_TYPE = [
    ("number", {"minimum": 12_500.25}, "1", "12500.25"),
    ("number", {"maximum": -12_500.25}, "1", "-12500.25"),
    ("date", {"earliest": "2026-03-08"}, "2026-01-02", "2026-03-08"),
    ("date", {"latest": "2026-01-08"}, "2026-02-01", "2026-01-08"),
]


@pytest.mark.parametrize("language", [*TRANSLATIONS, "en-GB", "en-US", "es-MX", "de-CH"])
@pytest.mark.parametrize(("type_", "rules", "text", "bound"), RULE_OF_A_TYPE)
def test_the_bound_is_written_as_a_customer_of_that_language_could_answer(
    language: str, type_: str, rules: dict[str, Any], text: str, bound: str
) -> None:
    chat = asking(language=language, type=type_, validation=rules)
    said = chat.say(text)[0]
    reason = {"minimum": "too_small", "maximum": "too_large", "earliest": "too_early", "latest": "too_late"}
    start, end = re.split(r"\{.*?\}", sentence(f"retry_{reason[next(iter(rules))]}", language))
    assert said.startswith(start) and said.endswith(end)
    assert ".." not in said
    chat.say(said[len(start) : len(said) - len(end)])
    assert str(chat.state.variables["v"]) == bound


def test_a_sentence_in_english_has_its_value_in_english_too() -> None:
    chat = asking(language="hu", type="date", validation={"earliest": "2026-02-01"})
    assert chat.say("2026-01-31") == ["Please choose a date that is not before February 1, 2026."]


def test_the_value_is_written_as_in_the_customers_country() -> None:
    chat = asking(customer=Customer(language="en-GB"), type="date", validation={"latest": "2026-02-01"})
    assert chat.say("2026-02-02") == ["Please choose a date that is not after 1 February 2026."]


def test_from_today_is_from_the_customers_own_day() -> None:
    chat = asking(
        customer=Customer(timezone="Pacific/Kiritimati"), type="date", validation={"earliest": "today+30d"}
    )
    assert chat.say("today") == ["Please choose a date that is not before February 14, 2026."]


def test_a_broken_rule_is_said_in_the_customers_language() -> None:
    customer = Customer(language="de-AT")
    chat = asking(customer=customer, others=["de"], validation={"enum": ["rot", "blau", "grün"]})
    said = ["Bitte antworten Sie mit einer dieser Möglichkeiten: rot, blau oder grün."]
    assert chat.say("gelb") == said
    assert chat.sends[0].message.language == "de"


def test_what_is_asked_for_and_offered_is_so_with_a_broken_rule_too() -> None:
    chat = asking(type="phone", validation={"min_length": 30}, skip_text="Leave out")
    assert chat.say("+49 30 1234567") == ["Please write at least 30 characters."]
    assert (chat.sends[0].message.request, chat.choices) == ("contact", ["Leave out"])


def test_without_any_fallback_the_broken_rule_is_named_for_ever() -> None:
    chat = asking(retries=0, validation={"min_length": 9})
    assert [chat.say("short") for _ in range(3)] == [["Please write at least 9 characters."]] * 3


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)


@given(NUMBERS, st.lists(NUMBERS | st.booleans() | st.text(max_size=45), min_size=1, max_size=8))
def test_any_rule_has_a_sentence(bound: float, allowed: list[Any]) -> None:
    turn = Turn(bot_of(message("m")), ConversationState(), Customer(), WORKING_HOURS, {}, "")
    rules = Rules(minimum=bound, maximum=bound, enum=allowed)
    for reason in get_args(Fault):
        text = rule_text(rules, reason, turn)
        assert "{minimum}" not in text and "{maximum}" not in text
        assert bool(text) is (reason not in ("", "too_long", "too_early", "too_late"))
