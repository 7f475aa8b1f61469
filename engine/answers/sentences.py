"""The engine's own sentences: what it says where a flow gives no text of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.answers.reading import subtags
from engine.answers.translations import TRANSLATIONS

DEFAULT_LANGUAGE: Final = "en"
INPUT_TYPES: Final = (
    "text", "number", "integer", "email", "phone", "url", "date", "time", "file", "location", "contact", "choice",
    "yes_no", "submission", "order",
)  # fmt: skip
"""What is asked for, each with a retry sentence; `submission` is a form that is filled in."""
RULE_SENTENCES: Final[Mapping[str, str]] = {
    "retry_too_short": "minimum",
    "retry_too_long": "maximum",
    "retry_too_small": "minimum",
    "retry_too_large": "maximum",
    "retry_too_early": "minimum",
    "retry_too_late": "maximum",
    "retry_not_allowed": "values",
    "retry_not_of_many": "",
    "retry_form": "",
}
"""The sentences for an answer that breaks a rule, with the name in braces that `rule_sentence` fills in, if any."""
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
    "more_options",
    "back",
    "anything_else",
    *(f"retry_{type_}" for type_ in INPUT_TYPES),
    *RULE_SENTENCES,
)
"""The names of all sentences."""


def sentence(name: str, language: str) -> str:
    """The sentence in this language, else in its base (`pt` for `pt-BR`), else in English.

    Raises KeyError when no sentence has that name.
    """
    return TRANSLATIONS[sentence_language(language)][name]


def sentence_language(language: str) -> str:
    """The language that `sentence` speaks for this one, in lower case: `pt` for `pt-BR`, English for one unknown."""
    tag = subtags(language)
    for length in range(len(tag), 0, -1):
        found = "-".join(tag[:length])
        if found in TRANSLATIONS:
            return found
    return DEFAULT_LANGUAGE


def rule_sentence(name: str, language: str, value: str = "") -> str:
    """One of `RULE_SENTENCES` with the rule's value, which is written for that language already.

    Raises KeyError when no such sentence has that name.
    """
    return sentence(name, language).replace(f"{{{RULE_SENTENCES[name]}}}", value)
