"""The engine's own sentences: what it says where a flow gives no text of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.answers.reading import subtags
from engine.answers.translations import TRANSLATIONS

DEFAULT_LANGUAGE: Final = "en"
INPUT_TYPES: Final = (
    "text", "number", "integer", "email", "phone", "url", "date", "time", "file", "location", "contact", "choice",
    "yes_no",
)  # fmt: skip
"""The types of answers that have a retry sentence."""
SENTENCES: Final = (
    "nobody_available",
    "connecting",
    "opted_out",
    "opted_in",
    "yes",
    "no",
    "good_morning",
    "good_afternoon",
    "good_evening",
    "hi",
    "skip",
    "anything_else",
    *(f"retry_{type_}" for type_ in INPUT_TYPES),
)
"""The names of all sentences."""


def sentence(name: str, language: str) -> str:
    """The sentence in this language, else in its base (`pt` for `pt-BR`), else in English.

    Raises KeyError when no sentence has that name.
    """
    return _translations(language)[name]


def retry_sentence(type_: str, language: str) -> str:
    """What is said when an answer is not of this input type; for an unknown type, what is said for a text."""
    return sentence(f"retry_{type_ if type_ in INPUT_TYPES else 'text'}", language)


def _translations(language: str) -> Mapping[str, str]:
    tag = subtags(language)
    for length in range(len(tag), 0, -1):
        found = TRANSLATIONS.get("-".join(tag[:length]))
        if found is not None:
            return found
    return TRANSLATIONS[DEFAULT_LANGUAGE]
