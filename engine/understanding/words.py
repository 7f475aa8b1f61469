"""From an utterance to its words: normalising, splitting, stemming, and the terms that carry its topic."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from engine.understanding.lexicon import CONCEPTS, FUNCTION_WORDS, LIGHT_WORDS, PHRASES

MAX_CODE_POINTS = 500
LIGHT_WEIGHT = 0.1  # a content word weighs 1, a function word 0
CONCEPT_SHARE = 0.6  # of the weight of a word that has a concept; the rest is the word's own stem
REMEMBERED_WORDS = 8192

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_NEGATIONS = frozenset(("not", "cannot"))
_UNDOUBLED = "bdfgmnprt"  # "shipped" -> "ship", but "selling" -> "sell"


class Analysis(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An utterance taken apart. `{"text": "was i charged?", "key": "was i charged", "topic": "payment", …}`

    `key` is the words alone, for comparing whole utterances; `topic` the content words, each concept under its
    one name. Where there is none, both are `text`. `terms` maps a term (`=stem` or `@concept`) to its weight.
    """

    text: str
    key: str
    topic: str
    terms: dict[str, float]


class _Word(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    topic: str
    terms: tuple[tuple[str, float], ...]


def normalise(text: str) -> str:
    """NFKC, casefolded, straight apostrophes, single spaces, at most MAX_CODE_POINTS code points."""
    encodable = text[:MAX_CODE_POINTS].encode("utf-8", "replace").decode("utf-8")  # no lone surrogates
    folded = unicodedata.normalize("NFKC", encodable).casefold().replace("’", "'")
    return " ".join(folded.split())[:MAX_CODE_POINTS]


def split(text: str) -> list[str]:
    """The words of a normalised text; a negation becomes "not", and what follows an apostrophe is dropped."""
    return [
        "not" if word.endswith("n't") or word in _NEGATIONS else word.partition("'")[0]
        for word in _WORD.findall(text)
    ]


def stem(word: str) -> str:
    """Strip the English plural, -ing, -ed and a final e or y. `stem("charged") == stem("charges")`"""
    if len(word) <= 3:
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for suffix in ("ing", "ed"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] in _UNDOUBLED:
                word = word[:-1]
            break
    if len(word) > 3 and word[-1] in "ey":
        word = word[:-1] + ("i" if word[-1] == "y" else "")
    return word


def analyse(text: str) -> Analysis:
    """Take any text apart; only its first MAX_CODE_POINTS code points count."""
    text = normalise(text)
    words = split(text)
    topic: list[str] = []
    terms: dict[str, float] = {}
    for word in _joined(words):
        entry = _look_up(word)
        if entry.topic:
            topic.append(entry.topic)
        for term, weight in entry.terms:
            if weight > terms.get(term, 0.0):
                terms[term] = weight
    return Analysis(text=text, key=" ".join(words) or text, topic=" ".join(topic) or text, terms=terms)


def _joined(words: list[str]) -> Iterator[str]:
    """The words, with each phrase of the lexicon replaced by the word that it stands for."""
    position = 0
    while position < len(words):
        phrase = PHRASES.get((words[position], words[position + 1])) if position + 1 < len(words) else None
        yield phrase or words[position]
        position += 2 if phrase else 1


@lru_cache(maxsize=REMEMBERED_WORDS)
def _look_up(word: str) -> _Word:
    if word in FUNCTION_WORDS:
        return _Word(topic="", terms=())
    if word in LIGHT_WORDS:
        return _Word(topic="", terms=(("=" + stem(word), LIGHT_WEIGHT),))
    root = stem(word)
    concept = _CONCEPT_OF.get(word) or _CONCEPT_OF.get(root)
    if concept is None:
        return _Word(topic=word, terms=(("=" + root, 1.0),))
    return _Word(topic=concept, terms=(("=" + root, 1 - CONCEPT_SHARE), ("@" + concept, CONCEPT_SHARE)))


def _concept_table() -> dict[str, str]:
    table = {word: concept[0] for concept in CONCEPTS for word in concept}
    stems = {stem(word): concept for word, concept in table.items()}
    return stems | table


_CONCEPT_OF = _concept_table()
