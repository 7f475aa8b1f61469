"""Cutting text into messages: lengths in the limit's unit, cuts where a reader would make them."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.capabilities import Limit, Unit
from adapters.text import MAX_PARTS, clean, fitting, is_blank, shorten, split, split_rich
from engine.messages import Span, SpanKind


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def visible(text: str) -> str:
    return "".join(character for character in text if not is_blank(character))


def test_what_fits_is_left_whole() -> None:
    assert split("a b\n\nc", Limit(6, "utf16")) == ["a b\n\nc"]


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("one two three\n\nfour\nfive six", 20, ["one two three", "four\nfive six"]),
        ("one two three\nfour five", 20, ["one two three", "four five"]),
        ("One two three. Four five", 20, ["One two three.", "Four five"]),
        ('He said "stop!" Then left', 20, ['He said "stop!"', "Then left"]),
        ("これは長い文です。次の文です。", 10, ["これは長い文です。", "次の文です。"]),
        ("alpha beta gamma", 12, ["alpha beta", "gamma"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("a. bbbbbbbbbbbb", 10, ["a. bbbbbbb", "bbbbb"]),
    ],
)
def test_cuts_at_the_best_place_in_the_later_half(text: str, limit: int, parts: list[str]) -> None:
    assert split(text, Limit(limit, "utf16")) == parts


@pytest.mark.parametrize(
    "cluster",
    [
        "👩🏽‍🔧",  # joined, with a skin tone
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # tag sequence: Scotland
        "🇸🇪",
        "e\u0301",
        "❤️",
        "1️⃣",
        "각",  # Hangul in three jamo
        "क्षि",
        "กำ",
        "ｶﾞ",
    ],
)
def test_never_cuts_inside_a_visible_character(cluster: str) -> None:
    text = cluster * 40
    for limit in range(units(cluster), units(cluster) * 3):
        parts = split(text, Limit(limit, "utf16"))
        assert "".join(parts) == text
        for part in parts:
            assert part == cluster * (len(part) // len(cluster))


def test_a_pair_of_flags_is_cut_between_them() -> None:
    assert split("🇸🇪🇯🇵🇩🇪", Limit(8, "utf16")) == ["🇸🇪🇯🇵", "🇩🇪"]


def test_an_endless_cluster_is_cut_all_the_same() -> None:
    text = "e" + "\u0301" * 1000
    parts = split(text, Limit(100, "utf16"))
    assert "".join(parts) == text
    assert max(map(units, parts)) <= 100


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(min_value=8, max_value=60))
@example("\r\n" * 30, 8)
@example("\U0001f1f8" * 50, 9)
@example("\u200d" * 50, 9)
@example("a" * 20 + "\u200b" * 300, 8)
def test_nothing_visible_is_lost(text: str, limit: int) -> None:
    parts = split(text, Limit(limit, "utf16"))
    assert all(0 < units(part) <= limit for part in parts)
    assert not any(is_blank(part) for part in parts)
    assert visible("".join(parts)) == visible(text)


def test_a_text_beyond_all_bounds_ends_in_an_ellipsis() -> None:
    parts = split("word " * 200_000, Limit(4096, "utf16"))
    assert len(parts) == MAX_PARTS
    assert parts[-1].endswith("…")
    assert max(map(units, parts)) <= 4096


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b\u200d", "\u2800", "\u3164", "\ufeff", "\u00a0"])
def test_blank(text: str) -> None:
    assert is_blank(text)
    assert split(text, Limit(10, "utf16")) == []


@pytest.mark.parametrize("text", ["a", ".", "…", "🚲", "\u200bx", "\ufffd"])
def test_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_clean_replaces_what_can_not_be_stored() -> None:
    assert clean("a\x00b\ud800c\udfffd🚲") == "a\ufffdb\ufffdc\ufffdd🚲"


@pytest.mark.parametrize(
    ("text", "size", "short"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("ab cd", 4, "ab…"), ("a👩🏽‍🔧b", 4, "a…")],
)
def test_shorten(text: str, size: int, short: str) -> None:
    assert shorten(text, size) == short


UNITS: tuple[Unit, ...] = ("bytes", "code_points", "utf16")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@st.composite
def rich(draw: st.DrawFn) -> tuple[str, tuple[Span, ...]]:
    """A text with stretches of all kinds, anywhere in it."""
    text = draw(TEXTS)
    kinds = st.sampled_from(get_args(SpanKind))
    spans: list[Span] = []
    for _ in range(draw(st.integers(0, 4)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        spans.append(Span(kind=draw(kinds), start=start, end=end, value=str(len(spans))))
    return text, tuple(spans)


@given(TEXTS, st.sampled_from(UNITS), st.integers(min_value=16, max_value=80))
def test_every_unit_is_kept_to(text: str, unit: Unit, size: int) -> None:
    limit = Limit(size, unit)
    parts = split(text, limit)
    assert all(limit.measure(part) <= size for part in parts)
    assert visible("".join(parts)) == visible(text)


@given(TEXTS, st.sampled_from(UNITS), st.integers(min_value=0, max_value=80))
def test_the_fitting_beginning_is_the_longest(text: str, unit: Unit, size: int) -> None:
    limit = Limit(size, unit)
    head = fitting(text, limit)
    assert text.startswith(head)
    assert limit.measure(head) <= size
    assert head == text or limit.measure(text[: len(head) + 1]) > size


@given(rich(), st.integers(min_value=16, max_value=60))
def test_every_stretch_is_found_again_in_the_parts(content: tuple[str, tuple[Span, ...]], size: int) -> None:
    text, spans = content
    parts = split_rich(text, spans, Limit(size, "code_points"))
    assert [part for part, _ in parts] == split_rich_texts(text, spans, size)
    for span in spans:
        pieces = [
            part[cut.start : cut.end] for part, cuts in parts for cut in cuts if cut.value == span.value
        ]
        assert visible("".join(pieces)) == visible(text[span.start : span.end])


def split_rich_texts(text: str, spans: tuple[Span, ...], size: int) -> list[str]:
    """The parts must be pieces of the text, in order, with nothing visible between them."""
    position = 0
    texts = [part for part, _ in split_rich(text, spans, Limit(size, "code_points"))]
    for part in texts:
        found = text.index(part, position)
        assert is_blank(text[position:found])
        position = found + len(part)
    return texts


@pytest.mark.parametrize("kind", ["link", "code", "pre"])
def test_links_and_code_are_not_torn_apart(kind: Any) -> None:
    text = "Please have a look at this page. It is here"
    span = Span(kind=kind, start=22, end=31)  # "this page"
    parts = split_rich(text, (span,), Limit(27, "code_points"))
    assert [part for part, _ in parts] == ["Please have a look at", "this page. It is here"]
    assert parts[1][1] == (Span(kind=kind, start=0, end=9),)


def test_a_code_block_beyond_the_limit_is_cut_at_its_lines() -> None:
    code = "\n".join(f"line {number:03}" for number in range(20))
    parts = split_rich(code, (Span(kind="pre", start=0, end=len(code), value="py"),), Limit(40, "utf16"))
    assert all(re.fullmatch(r"(line \d{3}\n?)+", part) for part, _ in parts)
    assert all(spans == (Span(kind="pre", start=0, end=len(part), value="py"),) for part, spans in parts)


def test_bold_goes_on_behind_a_cut() -> None:
    parts = split_rich("one two three four", (Span(kind="bold", start=4, end=18),), Limit(10, "code_points"))
    assert parts == [
        ("one two", (Span(kind="bold", start=4, end=7),)),
        ("three four", (Span(kind="bold", start=0, end=10),)),
    ]
