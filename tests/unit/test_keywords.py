"""Keywords: exact words are always found, and one slip of the finger is what it says."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.folding import fold
from engine.keywords import MAX_TYPO_WORDS, Keywords, one_slip
from tests.pace import assert_within

letters = st.text("abc", max_size=7)
words = st.text("abcdefghij", min_size=1, max_size=9)
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)


def distance(a: str, b: str) -> int:
    """Damerau and Levenshtein's, of the optimal string alignment: as its definition stands."""

    @cache
    def of(i: int, j: int) -> int:
        if not i or not j:
            return i or j
        found = [of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (a[i - 1] != b[j - 1])]
        if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
            found.append(of(i - 2, j - 2) + 1)
        return min(found)

    return of(len(a), len(b))


@given(letters, letters)
def test_one_slip_is_a_distance_of_one(a: str, b: str) -> None:
    assert one_slip(a, b) is (distance(a, b) == 1)


@given(words, st.data())
def test_a_slip_made_on_purpose_is_seen(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghijz"))
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
    )
    for slip in slips:
        assert one_slip(slip, word) is (slip != word)


@given(st.lists(words, min_size=1, max_size=8), words)
def test_the_nearest_word_is_found_and_no_farther_one(known: list[str], said: str) -> None:
    keywords = Keywords([(word, word, 0) for word in known], typos=True)
    found = [keyword.text for keyword, _ in keywords.find(said)]
    near = [word for word in known if len(word) >= 5 and word[0] == said[0] and distance(word, said) == 1]
    if said in known:
        assert set(found) == {said}
    elif near and len(said) >= 4:
        best = min(near, key=lambda word: ((0, -1, 1).index(len(word) - len(said)), word))
        assert set(found) == {best}
    else:
        assert found == []


def test_many_keywords_and_a_long_text_take_no_longer() -> None:
    keywords = Keywords([(f"keyword{number:05d}x", number, 0) for number in range(20_000)], typos=True)
    assert next(keyword.value for keyword, _ in keywords.find("kyword00017x")) == 17
    slips = " ".join(["keyword9999yy"] * MAX_TYPO_WORDS)
    assert not assert_within(0.01, lambda: [*keywords.find(slips), *keywords.find("x" * 4_000)], number=100)


@given(st.lists(phrases, min_size=1, max_size=6), words, words, st.booleans())
def test_an_exact_keyword_is_never_missed(found: list[str], before: str, after: str, typos: bool) -> None:
    keywords = Keywords([(text, text, 0) for text in found], typos=typos)
    for wanted in found:
        assert wanted in {keyword.text for keyword, _ in keywords.find(f"{before} {wanted} {after}")}
        assert (wanted, True) in {(keyword.text, whole) for keyword, whole in keywords.find(wanted)}


@given(st.lists(phrases, min_size=1, max_size=6), st.text("abcdefghij ", max_size=60).map(fold))
def test_without_typos_only_what_stands_there_is_found(given_keywords: list[str], text: str) -> None:
    keywords = Keywords([(keyword, keyword, 0) for keyword in given_keywords], typos=False)
    found = {keyword.text for keyword, _ in keywords.find(text)}
    assert found == {keyword for keyword in given_keywords if f" {keyword} " in f" {text} "}


@given(st.lists(st.tuples(phrases, st.integers(0, 1)), min_size=1, max_size=6), phrases)
def test_the_best_comes_first(entries: list[tuple[str, int]], text: str) -> None:
    keywords = Keywords([(keyword, keyword, rank) for keyword, rank in entries], typos=True)
    ranks = [keyword.rank for keyword, _ in keywords.find(text)]
    assert ranks == sorted(ranks)


TYPOS = Keywords(
    [(text, text, 0) for text in ("agent", "speak to someone", "stop", "Größe", "human being")], typos=True
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("agnt", "agent"),
        ("agentt", "agent"),
        ("egent", None),
        ("stob", None),
        ("speak to somone", "speak to someone"),
        ("speek to someone please", "speak to someone"),
        ("speak two someone", None),
        ("grösse", "Größe"),
        ("grosse", "Größe"),
        ("humann being", "human being"),
        ("agxxnt", None),
    ],
)
def test_one_slip_in_a_longer_word_is_forgiven(text: str, found: str | None) -> None:
    assert next((keyword.text for keyword, _ in TYPOS.find(fold(text))), None) == found


def test_a_slip_in_a_long_text_is_a_word_of_its_own() -> None:
    assert list(TYPOS.find(" ".join(["agnet"] + ["so"] * (MAX_TYPO_WORDS - 1))))
    assert not list(TYPOS.find(" ".join(["agnet"] + ["so"] * MAX_TYPO_WORDS)))


def test_what_fits_exactly_keeps_a_near_miss_out() -> None:
    assert [keyword.text for keyword, _ in TYPOS.find("stop agnet")] == ["stop"]


def test_a_keyword_without_any_word_is_found_nowhere() -> None:
    keywords = Keywords([("  ", "nothing", 0), ("\u200d", "joiner", 0)], typos=True)
    assert not list(keywords.find(""))
