"""The neutral markup: what it makes of a text, that no text breaks it, and that values stay data."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.markup import MAX_ADDRESS, MAX_DEPTH, MAX_SPANS, Marked, escape, parse, shifted
from engine.messages import Span
from tests.pace import assert_within

MARKS = st.text(alphabet="*_~|`[]()<>\\ \n\0\1aé重😀0:/.-htps", max_size=60)
ANY = st.text(max_size=60) | MARKS


def looks(source: str) -> list[tuple[str, str]]:
    """(kind, the stretch) of each span."""
    marked = parse(source)
    return [(span.kind, marked.text[span.start : span.end]) for span in marked.spans]


@pytest.mark.parametrize(
    ("source", "text", "spans"),
    [
        ("**a** *b* _c_ __d__ ~~e~~ ||f|| `g`", "a b c d e f g", [
            ("bold", "a"), ("italic", "b"), ("italic", "c"), ("underline", "d"), ("strike", "e"), ("spoiler", "f"),
            ("code", "g"),
        ]),
        ("***both***", "both", [("bold", "both"), ("italic", "both")]),
        ("**a *b* c**", "a b c", [("bold", "a b c"), ("italic", "b")]),
        ("*a **b** c*", "a b c", [("italic", "a b c"), ("bold", "b")]),
        ("[our **best**](https://shop.example/a_(b)?q=1)!", "our best!", [("link", "our best"), ("bold", "best")]),
        ("> one\n> *two*\nthree", "one\ntwo\nthree", [("quote", "one\ntwo"), ("italic", "two")]),
        ("see\n```py\nx = *1*\n```\nor `*2*`", "see\nx = *1*\nor *2*", [("pre", "x = *1*"), ("code", "*2*")]),
        ("``a`b``", "a`b", [("code", "a`b")]),
        ("- **one**\n- two", "- one\n- two", [("bold", "one")]),
        ("这是**重点**和*强调*吗", "这是重点和强调吗", [("bold", "重点"), ("italic", "强调")]),
        ("(*a*), *b*.", "(a), b.", [("italic", "a"), ("italic", "b")]),
    ],
)  # fmt: skip
def test_markup_becomes_text_and_spans(source: str, text: str, spans: list[tuple[str, str]]) -> None:
    assert parse(source).text == text
    assert looks(source) == spans


@pytest.mark.parametrize(
    "source",
    [
        "2 * 3 * 4 = 24, 2*3*4", "snake_case_name", "* one\n* two", "** a **", "**open", "*a\n\nb*", "a | b || c",
        "~x~ and ~~~x~~~", "[x](ftp://shop.example)", "[x] (https://shop.example)", "[x](javascript:alert(1))", "****",
        "```\nnever closed", "*****", "1 > 0, >:(", "`open", "\\q", "5 <> 6", "",
    ],
)  # fmt: skip
def test_what_is_no_markup_stays_as_it_is_written(source: str) -> None:
    assert parse(source) == Marked(source)


def test_a_backslash_takes_the_meaning() -> None:
    assert parse(r"\*a\* \[b](https://x.example) \> \`c\` \\") == Marked(
        r"*a* [b](https://x.example) > `c` \ ".rstrip()
    )


def test_what_was_opened_within_and_never_closed_is_text() -> None:
    assert parse("**a *b**") == Marked("a *b", (Span(kind="bold", start=0, end=4),))


def test_places_are_code_points() -> None:
    (span,) = parse("👩‍👩‍👧 **é**").spans
    assert (span.start, span.end) == (6, 7)


def test_a_pre_has_its_language_and_a_link_its_address() -> None:
    assert [span.value for span in parse("```sql\nselect 1\n```\n[a](https://x.example/é)").spans] == [
        "sql",
        "https://x.example/é",
    ]


def test_there_is_no_link_within_a_link() -> None:
    assert looks("[a [b](https://x.example) c](https://y.example)") == [("link", "b")]


def test_a_link_to_too_long_an_address_is_text() -> None:
    source = f"[a](https://x.example/{'a' * MAX_ADDRESS})"
    assert parse(source) == Marked(source)


@pytest.mark.parametrize(
    "value", ["", " Ana ", "*Ana*", "a\n\nb", "2", "`", "](https://evil.example)", "\0", "\0\1"]
)
def test_a_value_is_like_a_word_whatever_it_holds(value: str) -> None:
    marked = parse(f"Dear **{escape(value)}**, `{escape(value)}`\n> {escape(value)}")
    assert marked.text == f"Dear {value}, {value}\n{value}"
    assert [span.kind for span in marked.spans] == (["bold", "code", "quote"] if value else [])


def test_a_value_makes_an_address() -> None:
    (span,) = parse(f"[Order](https://shop.example/{escape('a b)<1>')})").spans
    assert span.value == "https://shop.example/a%20b)%3C1%3E"
    assert looks(f"[Open]({escape('https://shop.example')})") == [("link", "Open")]
    assert looks(f"[Open]({escape('javascript:1')})") == []


def test_spans_move_with_the_text_before_them() -> None:
    assert shifted(parse("**a**").spans, 4) == (Span(kind="bold", start=4, end=5),)


def test_spans_are_bounded_in_number_and_depth() -> None:
    many = parse("*a* " * (MAX_SPANS + 50))
    assert (many.text, len(many.spans)) == ("a " * (MAX_SPANS + 50), MAX_SPANS)
    deep = parse("**(" * 40 + "y" + ")**" * 40)
    assert deep.text == "(" * 40 + "y" + ")" * 40
    ends: list[int] = []
    for span in deep.spans:
        while ends and ends[-1] <= span.start:
            ends.pop()
        ends.append(span.end)
        assert len(ends) <= MAX_DEPTH


@settings(max_examples=500)
@given(ANY)
def test_spans_lie_within_the_text_nest_and_never_cross(source: str) -> None:
    marked = parse(source)
    ends: list[int] = []
    last = 0
    for span in marked.spans:
        assert last <= span.start < span.end <= len(marked.text)
        last = span.start
        while ends and ends[-1] <= span.start:
            ends.pop()
        assert not ends or span.end <= ends[-1]
        ends.append(span.end)


@settings(max_examples=500)
@given(ANY)
def test_an_escaped_text_comes_back_without_spans(text: str) -> None:
    assert parse(escape(text)) == Marked(text)


@settings(max_examples=300)
@given(ANY, ANY, ANY)
def test_a_value_changes_no_markup_around_it(before: str, value: str, after: str) -> None:
    """Whatever is written around it: the same marks with any two values, and the value stands there as it is."""
    before, after = before.replace("\0", ""), after.replace("\0", "")
    kinds = [span.kind for span in parse(f"{before}{escape('word')}{after}").spans if span.kind != "link"]
    marked = parse(f"{before}{escape(value or 'x')}{after}")
    assert [span.kind for span in marked.spans if span.kind != "link"] == kinds


@given(st.text(alphabet="abc 重é,.!?\n", max_size=80))
def test_plain_words_are_themselves(text: str) -> None:
    assert parse(text) == Marked(text)


@pytest.mark.parametrize(
    "hostile",
    [
        "*a " * 6_000, "[a](" * 4_000, "`" * 20_000, "".join("`" * size + " " for size in range(190)),
        "**a *b" + "[[" * 4_000 + "x***y" * 2_000, "](a(" * 5_000, "> " * 10_000, "```\n" * 5_001, "***a" * 5_000,
        "\0" * 20_001, "[x](https://a.b/" + "(" * 19_000, "[[[a](https://x.y)" * 1_200,
    ],
    ids=range(12),
)  # fmt: skip
def test_a_hostile_text_takes_no_more_than_in_proportion(hostile: str) -> None:
    assert_within(0.2, lambda: parse(hostile))
