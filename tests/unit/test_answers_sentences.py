"""The engine's own sentences: complete in every language, and true to the readers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from engine.answers import (
    Reading,
    read_date,
    read_email,
    read_integer,
    read_location,
    read_number,
    read_phone,
    read_time,
    read_url,
    read_yes_no,
)
from engine.answers.sentences import (
    INPUT_TYPES,
    RULE_SENTENCES,
    SENTENCES,
    rule_sentence,
    sentence,
    sentence_language,
)
from engine.answers.translations import TRANSLATIONS

LANGUAGES = ("en", "de", "es", "fr", "pt", "it", "nl", "pl", "tr", "ru", "ar", "hi", "ja", "zh")


def test_the_languages_are_there() -> None:
    assert set(LANGUAGES) <= set(TRANSLATIONS)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_every_sentence_is_there_in_every_language(language: str) -> None:
    translations = TRANSLATIONS[language]
    assert set(translations) == set(SENTENCES)
    assert all(text == text.strip() and text for text in translations.values())


@pytest.mark.parametrize("language", TRANSLATIONS)
@pytest.mark.parametrize("name", SENTENCES)
def test_only_the_sentence_for_a_rule_has_a_place_for_its_value(name: str, language: str) -> None:
    wanted = [RULE_SENTENCES[name]] if RULE_SENTENCES.get(name) else []
    text = TRANSLATIONS[language][name]
    assert re.findall(r"\{(.*?)\}", text) == wanted
    assert text.count("{") == text.count("}") == len(wanted)


@pytest.mark.parametrize("name", [name for name in SENTENCES if " " in TRANSLATIONS["en"][name]])
def test_no_sentence_was_left_in_another_language(name: str) -> None:
    english = TRANSLATIONS["en"][name]
    assert [language for language in TRANSLATIONS if TRANSLATIONS[language][name] == english] == ["en"]


@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("de", "Ja"), ("de-AT", "Ja"), ("DE_at", "Ja"), ("pt-BR", "Sim"), ("zh-Hant-TW", "是"), ("tlh", "Yes"),
        ("", "Yes"), ("not a tag", "Yes"), ("de" * 50, "Yes"),
    ],
)  # fmt: skip
def test_a_language_falls_back_to_its_base_and_to_english(language: str, word: str) -> None:
    assert sentence("yes", language) == word


@pytest.mark.parametrize(
    ("language", "spoken"),
    [
        ("de-AT", "de"),
        ("pt_PT", "pt-pt"),
        ("zh-Hant-TW", "zh-hant"),
        ("tlh", "en"),
        ("", "en"),
        ("no tag", "en"),
    ],
)
def test_it_is_known_which_language_a_sentence_is_in(language: str, spoken: str) -> None:
    assert sentence_language(language) == spoken


def test_a_rules_value_stands_in_its_sentence_whatever_is_written_in_it() -> None:
    assert rule_sentence("retry_too_small", "en", "5") == "The number must be at least 5."
    assert rule_sentence("retry_not_allowed", "de", "{values}, {0}, {{").endswith(": {values}, {0}, {{.")
    assert rule_sentence("retry_form", "en", "x") == sentence("retry_form", "en")
    with pytest.raises(KeyError):
        rule_sentence("retry_text", "en", "x")


def test_portugal_and_taiwan_read_their_own() -> None:
    assert "ficheiro" in sentence("retry_file", "pt-PT")
    assert "arquivo" in sentence("retry_file", "pt")
    assert (
        sentence("opted_out", "zh-TW") == sentence("opted_out", "zh-Hant") != sentence("opted_out", "zh-CN")
    )


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        sentence("colour", "de")


READERS: dict[str, Callable[[str, Reading], Any]] = {
    "number": read_number,
    "integer": read_integer,
    "email": read_email,
    "phone": read_phone,
    "url": read_url,
    "date": read_date,
    "time": read_time,
    "location": read_location,
}


@pytest.mark.parametrize("language", TRANSLATIONS)
@pytest.mark.parametrize("type_", READERS)
def test_the_example_in_a_retry_sentence_is_an_answer_in_its_language(type_: str, language: str) -> None:
    last = re.split(r"：|: ", sentence(f"retry_{type_}", language))[-1]
    words = last.rstrip(".。").split()
    windows = [" ".join(words[start:]) for start in range(len(words))]
    assert any(READERS[type_](window, Reading(language=language)) is not None for window in windows)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_yes_and_no_are_understood(language: str) -> None:
    assert read_yes_no(sentence("yes", language)) is True
    assert read_yes_no(sentence("no", language)) is False


def test_every_input_type_has_its_own_sentence() -> None:
    assert len({sentence(f"retry_{type_}", "en") for type_ in INPUT_TYPES}) == len(INPUT_TYPES) == 15
