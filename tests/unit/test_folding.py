"""Folding: texts that people take for the same are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.folding import MAX_CACHED, MAX_FOLDED, _Table, fold, plain, readable


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("AI Tools", "ai tools"),
        ("🚀 AI   Tools!", "ai tools"),
        ("snake_case-and.dots", "snake case and dots"),
        ("Straße", "strasse"),
        ("ﬁne", "fine"),
        ("ＡＢＣ", "abc"),
        ("I\u0307stanbul", "i\u0307stanbul"),
        ("नमस्ते", "नमस्ते"),
        ("می\u200cخواهم", "میخواهم"),
        ("人間です", "人 間 で す"),
        ("ขอคน", "ข อ ค น"),
        ("2️⃣", "2"),
        ("👍🏽", "👍🏽"),
        ("❤️", "❤"),
        ("!!!", "!!!"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_words_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text)
    assert fold(fold(once)) == fold(once)
    assert once == " ".join(once.split())


def test_only_the_beginning_of_a_huge_text_is_looked_at() -> None:
    assert fold("a" * 1_000_000) == "a" * MAX_FOLDED


def test_the_table_of_code_points_is_bounded() -> None:
    table = _Table()
    for code in range(MAX_CACHED * 2):
        table[code]
    assert len(table) == MAX_CACHED


def test_plain_keeps_the_symbols_that_tell_names_apart() -> None:
    assert (plain(" C++ "), plain("c#"), plain("Ｃ＃")) == ("c++", "c#", "c#")


@given(st.text(st.characters(codec=None)))
def test_a_readable_text_can_be_stored_anywhere(text: str) -> None:
    mended = readable(text)
    mended.encode()
    assert "\0" not in mended
    assert readable(mended) == mended
