"""Intent understanding: the document's own bot, bots of other trades, calibration's bounds, and odd input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.understanding.intents import Embed, IntentClassifier
from engine.understanding.lexicon import CONCEPTS, FUNCTION_WORDS, LIGHT_WORDS
from engine.understanding.words import MAX_CODE_POINTS, analyse, normalise, split, stem
from gateway.embedding import load_embedder
from tests.pace import assert_within

THRESHOLD = 0.7
DOCUMENT = {
    "product_inquiry": ["tell me about products", "what do you sell"],
    "support_request": ["I need help", "something is broken"],
    "billing_question": ["billing issue", "payment problem"],
}
MEANT = [
    ("I want to buy something", "product_inquiry"),
    ("what products do you have?", "product_inquiry"),
    ("my order arrived broken, can you help", "support_request"),
    ("there is a problem with my payment", "billing_question"),
    ("I was charged twice", "billing_question"),
]
NOT_MEANT = [
    "Hello",
    "the weather is nice",
    "ok",
    "asdf qwer",
    "",
    "how are you",
    "tell me a joke",
    "what do you do",
]


@pytest.fixture(scope="module")
def embed() -> Embed:
    return load_embedder()


@pytest.fixture(scope="module")
def document(embed: Embed) -> IntentClassifier:
    return IntentClassifier.build(DOCUMENT, embed)


@pytest.mark.parametrize(("text", "intent"), MEANT)
def test_the_documents_bot_understands(document: IntentClassifier, text: str, intent: str) -> None:
    match = document.classify(text)
    assert (match.name, match.confidence >= THRESHOLD) == (intent, True)
    assert match.runner_up != intent
    assert match.runner_up_confidence < match.confidence


@pytest.mark.parametrize("text", NOT_MEANT)
def test_what_the_document_does_not_mean_stays_below_the_threshold(
    document: IntentClassifier, text: str
) -> None:
    assert document.classify(text).confidence < THRESHOLD


@pytest.mark.parametrize(("text", "intent"), MEANT)
def test_words_alone_suffice_where_words_are_shared(text: str, intent: str) -> None:
    match = IntentClassifier.build(DOCUMENT, None).classify(text)
    assert (match.name, match.confidence >= THRESHOLD) == (intent, True)


@pytest.mark.parametrize("text", ["Hello", "the weather is nice", "ok", "asdf qwer", "", "how are you"])
def test_words_alone_reject_what_shares_none(text: str) -> None:
    assert IntentClassifier.build(DOCUMENT, None).classify(text).confidence < THRESHOLD


def outcomes(embed: Embed | None, part: str) -> tuple[float, float, float]:
    """Precision, recall and out-of-scope rejection at THRESHOLD over the bots of intents_commerce.json."""
    bots = json.loads(Path(__file__).with_name("intents_commerce.json").read_text(encoding="utf-8"))[part]
    rows = []
    for bot in bots:
        classifier = IntentClassifier.build(bot["intents"], embed)
        for text, intent in bot["questions"]:
            match = classifier.classify(text)
            rows.append((match.name == intent, match.confidence >= THRESHOLD, intent is not None))
    right, said, inside = np.array(rows).T
    return right[said].mean(), (right & said).sum() / inside.sum(), (~said)[~inside].mean()


@pytest.mark.parametrize(
    ("with_embedding", "part", "at_least"),
    [
        (True, "seen_in_development", (0.93, 0.75, 0.94)),
        (True, "held_out", (0.93, 0.65, 0.95)),
        (False, "seen_in_development", (0.90, 0.70, 0.91)),
        (False, "held_out", (0.93, 0.58, 0.95)),
    ],
)
def test_bots_of_other_trades(
    embed: Embed, with_embedding: bool, part: str, at_least: tuple[float, float, float]
) -> None:
    reached = outcomes(embed if with_embedding else None, part)
    print(part, "precision, recall, rejection:", *(f"{figure:.3f}" for figure in reached))
    assert np.all(np.array(reached) >= at_least)


def test_an_example_word_for_word_is_certain(document: IntentClassifier) -> None:
    for text in ("I need help", "i  NEED help!!", "Ｉ ｎｅｅｄ ｈｅｌｐ"):
        match = document.classify(text)
        assert (match.name, match.confidence, match.runner_up) == ("support_request", 1.0, "")


def test_a_name_is_an_example_too(document: IntentClassifier) -> None:
    assert document.classify("Product inquiry").name == "product_inquiry"
    assert (
        IntentClassifier.build({"opening_hours": [], "complaint": []}, None)
        .classify("your opening hours?")
        .name
        == "opening_hours"
    )


def test_an_example_wins_over_another_intents_name() -> None:
    classifier = IntentClassifier.build({"refund": ["money"], "other": ["refund"]}, None)
    assert classifier.classify("refund").name == "other"


def test_an_example_that_two_intents_share_is_in_doubt(embed: Embed) -> None:
    match = IntentClassifier.build({"first": ["opening times"], "second": ["opening times"]}, embed).classify(
        "opening times"
    )
    assert {match.name, match.runner_up} == {"first", "second"}
    assert match.confidence < 0.9


def test_synonyms_do_not_merge_intents_that_a_bot_keeps_apart(embed: Embed) -> None:
    classifier = IntentClassifier.build(
        {
            "buying": ["I want to buy a car", "buy a used car"],
            "selling": ["I want to sell my car", "sell a used car"],
        },
        embed,
    )
    assert classifier.classify("I would like to sell a car").name == "selling"
    assert classifier.classify("I would like to buy your car").name == "buying"


def test_a_lone_intent_has_no_runner_up(embed: Embed) -> None:
    classifier = IntentClassifier.build({"billing": ["payment problem"]}, embed)
    match = classifier.classify("a problem with a payment")
    assert (match.name, match.runner_up, match.runner_up_confidence) == ("billing", "", 0.0)
    assert match.confidence >= THRESHOLD
    assert classifier.classify("the weather is nice").confidence < THRESHOLD


def test_no_intent_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one intent"):
        IntentClassifier.build({}, None)


def test_an_empty_utterance_has_no_name(document: IntentClassifier) -> None:
    for text in ("", "   ", "\n\t"):
        assert (document.classify(text).name, document.classify(text).confidence) == ("", 0.0)


def test_an_example_without_a_word_is_known_again(embed: Embed) -> None:
    classifier = IntentClassifier.build({"yes": ["👍", ""], "no": ["👎"]}, embed)
    assert classifier.classify("👎").name == "no"
    assert classifier.classify("👍").confidence == 1.0


def test_only_the_first_code_points_reach_the_embedding() -> None:
    seen: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        seen.extend(texts)
        return np.ones((len(texts), 1), np.float32)

    IntentClassifier.build({"a": ["x " * 2000]}, embed).classify("ﷺ " * 5000)
    assert seen
    assert max(map(len, seen)) <= MAX_CODE_POINTS


@given(text=st.text(st.characters(codec=None), max_size=700))
def test_any_text_gets_probabilities(text: str) -> None:
    match = LEXICAL_ONLY.classify(text)
    assert match.name in {"", *DOCUMENT}
    assert 0.0 <= match.runner_up_confidence <= match.confidence <= 1.0
    assert match.confidence + match.runner_up_confidence <= 1.0 + 1e-9
    assert match == LEXICAL_ONLY.classify(text)


LEXICAL_ONLY = IntentClassifier.build(DOCUMENT, None)


def test_classifying_is_quick(embed: Embed) -> None:
    """15 intents of 10 examples, without the call of the embedding; about 45 µs, of which the bound is far."""
    words = sorted(word for concept in CONCEPTS for word in concept)
    intents = {
        f"intent_{n}": [
            f"please {words[(7 * n + 3 * k) % len(words)]} my {words[(n + 5 * k) % len(words)]} today"
            for k in range(10)
        ]
        for n in range(15)
    }
    vectors: dict[tuple[str, ...], NDArray[np.float32]] = {}

    def remembered(texts: Sequence[str]) -> NDArray[np.float32]:
        key = tuple(texts)
        if key not in vectors:
            vectors[key] = embed(texts)
        return vectors[key]

    classifier = IntentClassifier.build(intents, remembered)
    question = "can you tell me why my parcel was not delivered yesterday"
    assert_within(400e-6, lambda: classifier.classify(question), number=200, tries=10)


def test_embedding_rows_are_unit_length_and_an_empty_text_is_zero(embed: Embed) -> None:
    rows = embed(["hello there", "", "x"])
    assert rows.shape == (3, 256)
    assert rows.dtype == np.dtype(np.float32)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1.0, 0.0, 1.0], atol=1e-5)


def test_a_row_does_not_depend_on_its_neighbours(embed: Embed) -> None:
    together = embed(["payment", "a much longer text that makes the others be padded", "refund"])
    np.testing.assert_allclose(together[2], embed(["refund"])[0], atol=1e-6)


def test_wordllama_is_loaded_when_asked_for_and_leaves_logging_alone() -> None:
    program = """
import logging, socket, sys
import gateway.embedding
assert "wordllama" not in sys.modules
def refuse(*args, **kwargs): raise AssertionError("network")
socket.socket.connect = refuse
gateway.embedding.load_embedder()(["hello"])
assert "wordllama" in sys.modules
print(logging.getLogger().handlers, logging.getLogger().level == logging.WARNING)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[] True", "")


@pytest.mark.parametrize(
    ("words", "root"),
    [
        ("charge charged charges charging", "charg"),
        ("ship ships shipped shipping", "ship"),
        ("sell sells selling", "sell"),
        ("company companies", "compani"),
        ("address", "address"),
        ("bus", "bus"),
    ],
)
def test_inflections_have_one_stem(words: str, root: str) -> None:
    assert {stem(word) for word in words.split()} == {root}


def test_normalising_folds_width_case_and_space() -> None:
    assert normalise("  Ｈｅｌｌｏ\tSTRASSE ﬁx\n") == "hello strasse fix"
    assert normalise("lone \ud800 surrogate") == "lone ? surrogate"


def test_negations_are_one_word() -> None:
    assert split("it doesn't work, i can’t and cannot, what's up".replace("’", "'")) == [
        "it", "not", "work", "i", "not", "and", "not", "what", "up",
    ]  # fmt: skip


def test_a_topic_is_content_words_under_one_name() -> None:
    analysis = analyse("Why was I charged for items that don't work?")
    assert analysis.topic == "payment products broken"
    assert analysis.terms["@payment"] > analysis.terms["=charg"] > analysis.terms["=why"]
    assert analyse("how are you").topic == "how are you"


def test_each_word_of_the_lexicon_has_one_place() -> None:
    places = [*FUNCTION_WORDS, *LIGHT_WORDS, *(word for concept in CONCEPTS for word in concept)]
    assert sorted(places) == sorted(set(places))
