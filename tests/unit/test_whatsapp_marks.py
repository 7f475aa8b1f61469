"""Text in WhatsApp's marks, held against an independent reader: what was asked for is formatted, nothing else is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.capabilities import Limit
from adapters.text import MAX_PARTS, clean, is_blank
from adapters.whatsapp.marks import GRAVE, HAIR_SPACE, WORD_JOINER, mark, with_addresses
from adapters.whatsapp.phrasing import before_and_last, parts_of
from engine.messages import Span, SpanKind
from tests.platforms.whatsapp.marks import read

NASTY = st.text(alphabet=st.sampled_from("*_~`> \n\tab1.é中🚲\u200b-("), max_size=60)
ANY = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80)
TEXTS = st.one_of(NASTY, ANY, st.builds(lambda a, b, c: a + b + c, NASTY, ANY, NASTY))
KINDS: list[SpanKind] = ["bold", "italic", "strike", "code", "pre", "quote", "underline", "spoiler", "link"]


def words(text: str) -> str:
    """A text without what the escape adds, and with the back quotes that it replaces."""
    return re.sub(f"[{HAIR_SPACE}{WORD_JOINER}]", "", text).replace(GRAVE, "`")


def span(kind: SpanKind, start: int, end: int, value: str = "") -> Span:
    return Span(kind=kind, start=start, end=end, value=value)


@given(TEXTS)
def test_a_plain_text_is_shown_word_for_word_and_formats_nothing(text: str) -> None:
    shown = read(mark(text))
    assert shown.formatted == []
    assert words(shown.text) == words(text)


@st.composite
def nested(draw: st.DrawFn) -> tuple[str, tuple[Span, ...]]:
    """A text with spans that nest and never cross."""
    text = draw(TEXTS)
    spans: list[Span] = []
    ranges = [(0, len(text))]
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=6)):
        low, high = draw(st.sampled_from(ranges))
        start = draw(st.integers(low, high))
        end = draw(st.integers(start, high))
        if any(one.start < start < one.end < end or start < one.start < end < one.end for one in spans):
            continue
        spans.append(span(kind, start, end))
        ranges.append((start, end))
    return text, tuple(spans)


@given(nested())
def test_no_word_is_lost_and_nothing_unasked_for_is_formatted(case: tuple[str, tuple[Span, ...]]) -> None:
    text, spans = case
    shown = read(mark(text, spans))
    assert words(shown.text) == words(text)
    for kind, formatted in shown.formatted:
        assert dense(formatted) in dense(asked_for(kind, text, spans))


def asked_for(kind: str, text: str, spans: tuple[Span, ...]) -> str:
    """What of a text is to be of a kind; a block is code, and a quote takes whole lines."""
    if kind == "quote":
        return text
    kinds = ("code", "pre") if kind == "code" else (kind,)
    ranges = [(one.start, one.end) for one in spans if one.kind in kinds]
    return "".join(
        character
        for index, character in enumerate(text)
        if any(start <= index < end for start, end in ranges)
    )


def dense(text: str) -> str:
    """The characters of a text that can be seen."""
    return "".join(character for character in words(text) if not is_blank(character))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["bold", "italic", "strike", "code", "plain"]),
            st.text(alphabet="abc é中1", min_size=1, max_size=8).filter(str.strip),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_can_be_shown_is_shown(pieces: list[tuple[SpanKind, str]]) -> None:
    text, spans = "", []
    for kind, said in pieces:
        said = said.strip()
        if kind != "plain":  # type: ignore[comparison-overlap]
            spans.append(span(kind, len(text), len(text) + len(said)))
        text += said + " "
    expected = [(kind, said.strip()) for kind, said in pieces if kind != "plain"]  # type: ignore[comparison-overlap]
    assert sorted(read(mark(text, spans)).formatted) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "spans", "marked"),
    [
        ("hello", (), "hello"),
        ("snake_case_name and 2*3*4", (), "snake_case_name and 2*3*4"),
        ("* one\n- two\n1. three", (), "* one\n- two\n1. three"),
        ("*bold*", (), f"*{HAIR_SPACE}bold*"),
        ("a lone * and a lone _", (), "a lone * and a lone _"),
        ("`code`", (), f"{GRAVE}code{GRAVE}"),
        ("it`s one", (), "it`s one"),
        ("> no quote", (), f"{WORD_JOINER}> no quote"),
        ("https://velo.example/_a_/*b*", (), "https://velo.example/_a_/*b*"),
        ("very bold", (span("bold", 5, 9),), "very *bold*"),
        ("very bold", (span("bold", 4, 9),), "very *bold*"),
        ("both", (span("bold", 0, 4), span("italic", 0, 4)), "*_both_*"),
        ("bold and more", (span("bold", 0, 13), span("italic", 5, 8)), "*bold _and_ more*"),
        ("two\nlines", (span("strike", 0, 9),), "~two~\n~lines~"),
        ("inside", (span("bold", 2, 4),), "inside"),
        ("5*6*7", (span("bold", 0, 5),), "5*6*7"),
        ("x = 1", (span("code", 0, 5),), "`x = 1`"),
        ("def f():\n    return 1\n", (span("pre", 0, 22, "python"),), "```def f():\n    return 1```\n"),
        ("one", (span("pre", 0, 3),), "```one```"),
        ("say\nit", (span("quote", 0, 6),), "> say\n> it"),
        ("hidden line", (span("spoiler", 0, 6), span("underline", 7, 11)), "hidden line"),
        ("a `b` c", (span("code", 6, 7),), f"a {GRAVE}b{GRAVE} `c`"),
    ],
)
def test_marks(text: str, spans: tuple[Span, ...], marked: str) -> None:
    assert mark(text, spans) == marked


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        (
            "our site now",
            (span("link", 4, 8, "https://velo.example"),),
            "our site (https://velo.example) now",
        ),
        ("https://velo.example", (span("link", 0, 20, "https://velo.example"),), "https://velo.example"),
        ("jo@velo.example", (span("link", 0, 15, "mailto:jo@velo.example"),), "jo@velo.example"),
        (
            "a b c",
            (span("link", 0, 1, "x:1"), span("bold", 4, 5), span("link", 2, 3, "x:2")),
            "a (x:1) b (x:2) *c*",
        ),
        ("go", (span("link", 0, 2, "x:1"), span("bold", 0, 2)), "*go* (x:1)"),
    ],
)
def test_a_link_shows_its_address(text: str, spans: tuple[Span, ...], expected: str) -> None:
    assert mark(*with_addresses(text, spans)) == expected


@given(nested(), st.integers(1, 40))
def test_long_texts_are_cut_within_the_limit_and_keep_every_word(
    case: tuple[str, tuple[Span, ...]], size: int
) -> None:
    text, spans = case
    limit = Limit(60, "code_points")
    long = (text + " ") * size
    parts = parts_of(long, spans, limit)
    assert all(len(part) <= limit.size for part in parts)
    if len(parts) < MAX_PARTS:
        assert "".join(dense(read(part).text) for part in parts) == dense(clean(long))


@given(nested(), st.integers(1, 30))
def test_the_last_piece_fits_under_buttons(case: tuple[str, tuple[Span, ...]], size: int) -> None:
    text, spans = case
    before, last = before_and_last((text + "\n") * size, spans, Limit(50, "code_points"))
    assert 0 < len(last) <= 50
    assert all(0 < len(part) <= 4096 for part in before)


def test_the_reader_reads() -> None:
    """The reader above is no yes-man: it sees what is not escaped."""
    assert read("*bold* and _it_ `code` ~gone~").formatted == [
        ("bold", "bold"),
        ("italic", "it"),
        ("code", "code"),
        ("strike", "gone"),
    ]
    assert read("```a\nb```\n> quoted").formatted == [("code", "a\nb"), ("quote", "quoted")]
    assert read("* no* _ no_ snake_case_ 2*3*4").formatted == []
