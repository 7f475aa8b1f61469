"""Text and spans as rich text: nothing is read as markup, and reading it back gives what was said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack.richtext import MAX_BLOCK_JSON, escape, json_size, rich_text, text_blocks
from adapters.slack.words import read_mrkdwn, read_words, unescape
from adapters.text import clean, is_blank
from engine.events import Entity
from engine.messages import Span, SpanKind
from tests.platforms.slack.blocks import check_blocks

STYLES: tuple[SpanKind, ...] = ("bold", "italic", "strike", "underline", "code")


def parts(text: str, *spans: Span) -> list[dict[str, Any]]:
    """The elements of the one section that a text becomes."""
    (section,) = rich_text(text, spans)["elements"]
    assert section["type"] == "rich_text_section"
    elements: list[dict[str, Any]] = section["elements"]
    return elements


def test_markup_of_slack_in_a_text_stays_text() -> None:
    for text in ("*bold* _it_ ~no~ `code`", "<@U123> <!channel> <#C1>", "a & b < c > d", ":tada:", "> quote"):
        assert parts(text) == [{"type": "text", "text": text}]


def test_spans_become_styles_and_may_nest() -> None:
    found = parts("all bold here", Span(kind="bold", start=0, end=13), Span(kind="italic", start=4, end=8))
    assert found == [
        {"type": "text", "text": "all ", "style": {"bold": True}},
        {"type": "text", "text": "bold", "style": {"bold": True, "italic": True}},
        {"type": "text", "text": " here", "style": {"bold": True}},
    ]


def test_a_spoiler_is_shown_openly() -> None:
    assert parts("the end", Span(kind="spoiler", start=0, end=7)) == [{"type": "text", "text": "the end"}]


def test_links_lead_where_they_should_and_nowhere_else() -> None:
    link = Span(kind="link", start=0, end=4, value="https://x.example/a?b=1")
    assert parts("here", link) == [{"type": "link", "url": "https://x.example/a?b=1", "text": "here"}]
    for address in ("javascript:alert(1)", "file:///etc/passwd", "", "https://x y"):
        assert parts("here", Span(kind="link", start=0, end=4, value=address)) == [
            {"type": "text", "text": "here"}
        ]


def test_bare_addresses_can_be_clicked() -> None:
    assert parts("see https://x.example/a, or (http://y.example).") == [
        {"type": "text", "text": "see "},
        {"type": "link", "url": "https://x.example/a"},
        {"type": "text", "text": ", or ("},
        {"type": "link", "url": "http://y.example"},
        {"type": "text", "text": ")."},
    ]
    code = parts("https://x.example", Span(kind="code", start=0, end=17))
    assert code == [{"type": "text", "text": "https://x.example", "style": {"code": True}}]


def test_code_and_quotes_stand_on_lines_of_their_own() -> None:
    block = rich_text(
        "run\nls -l\nas said",
        (Span(kind="pre", start=4, end=9), Span(kind="quote", start=10, end=17)),
    )
    assert [(one["type"], one["elements"][0]["text"]) for one in block["elements"]] == [
        ("rich_text_section", "run"),
        ("rich_text_preformatted", "ls -l"),
        ("rich_text_quote", "as said"),
    ]


def test_a_text_of_many_small_spans_is_cut_into_blocks_that_slack_takes() -> None:
    text = "ab " * 900
    spans = [Span(kind="bold", start=at, end=at + 1) for at in range(0, len(text), 3)]
    blocks = text_blocks(text, spans)
    assert len(blocks) > 5 and all(json_size(block) <= MAX_BLOCK_JSON for block in blocks)
    assert "".join(read_words({"blocks": [block]})[0] for block in blocks).replace(" ", "") == "ab" * 900


def test_nothing_to_see_is_no_block() -> None:
    assert text_blocks(" \n\u200b ", ()) == []


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=300)


@settings(max_examples=300, deadline=None)
@given(text=words)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    """Through the blocks that we send, and through the reader of the blocks that people send."""
    text = clean(text).strip()
    if is_blank(text):
        return
    block = rich_text(text)
    check_blocks([block])
    assert read_words({"blocks": [block]})[0] == text


@settings(max_examples=300, deadline=None)
@given(text=words)
def test_the_text_beside_the_blocks_is_never_markup(text: str) -> None:
    escaped = escape(text)
    assert unescape(escaped) == text
    assert "<" not in escaped and ">" not in escaped
    _, entities = read_mrkdwn(escaped)
    assert all(one.kind == "emoji" for one in entities), "`:name:` is all that is left of it"


@settings(max_examples=300, deadline=None)
@given(text=st.text("abc x&<*_\n", min_size=1, max_size=60), data=st.data())
def test_styles_come_back_where_they_were(text: str, data: st.DataObject) -> None:
    text = text.strip()
    if not text:
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    kind = data.draw(st.sampled_from(STYLES))
    block = rich_text(text, (Span(kind=kind, start=start, end=end),))
    check_blocks([block])
    read, entities = read_words({"blocks": [block]})
    assert read == text
    assert [one for one in entities if one.kind == kind] == [Entity(kind=kind, start=start, end=end)]


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=200))
def test_any_markup_can_be_read(text: str) -> None:
    read, entities = read_mrkdwn(text)
    assert all(0 <= one.start < one.end <= len(read) for one in entities)


@pytest.mark.parametrize(
    "text", ["<" * 20_000, "<a|" * 10_000, ":a" * 20_000, "&amp;" * 10_000, "<@U1>" * 10_000]
)
def test_hostile_markup_takes_no_time(text: str) -> None:
    import time

    started = time.process_time()
    read_mrkdwn(text)
    assert time.process_time() - started < 2.0
