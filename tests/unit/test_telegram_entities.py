"""Whatever is marked in whatever text: the same stretch in UTF-16 units, taken by the mock Bot API, and read back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.entities import read_entities, write_entities
from adapters.text import is_blank
from engine.events import Entity, TextReceived
from engine.messages import OutboundMessage, Span, SpanKind
from tests.channels import ACCESS, calls_for
from tests.platforms.telegram.errors import ApiError
from tests.platforms.telegram.marks import caption, message_text
from tests.platforms.telegram.parameters import Parameters

KINDS: list[SpanKind] = ["bold", "italic", "underline", "strike", "spoiler", "code", "pre", "quote", "link"]
TEXTS = st.text(
    st.one_of(st.characters(codec="utf-8", exclude_characters="\x00"), st.sampled_from("🚲👩🏽‍🔧é \n ab")),
    min_size=1,
    max_size=60,
)


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, tuple[Span, ...]]:
    """A text and spans anywhere in it, and somewhat beyond."""
    text = draw(TEXTS)
    spans = []
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(KINDS))
        value = {"link": "https://velo.example", "pre": "python"}.get(kind, "")
        spans.append(Span(kind=kind, start=start, end=draw(st.integers(start, len(text) + 2)), value=value))
    return text, tuple(spans)


def cut(text: str, offset: int, length: int) -> str:
    """A stretch as Telegram cuts it out."""
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")


@given(marked_texts())
def test_entities_name_the_same_stretch_in_utf16_units(marked: tuple[str, tuple[Span, ...]]) -> None:
    text, spans = marked
    entities = write_entities(text, spans)
    visible = [span for span in spans if text[span.start : span.end]]
    assert [cut(text, int(one["offset"]), int(one["length"])) for one in entities] == [
        text[span.start : span.end] for span in visible
    ]


@given(marked_texts(), st.booleans())
def test_a_marked_text_is_never_refused(marked: tuple[str, tuple[Span, ...]], picture: bool) -> None:
    text, spans = marked
    message = OutboundMessage(text=text, spans=spans)
    if picture and not is_blank(text):
        captioned = Parameters(caption=text, caption_entities=write_entities(text, spans))
        assert caption(captioned)[0] == text.strip()
    for call in calls_for(TelegramAdapter(), "42", message):
        said = Parameters(json.loads(call.body))
        kept, entities = message_text(said)
        assert kept == said["text"].strip()
        assert all(cut(kept, one["offset"], one["length"]) for one in entities)


@given(marked_texts())
def test_what_is_written_is_read_back(marked: tuple[str, tuple[Span, ...]]) -> None:
    text, spans = marked
    read = read_entities(text, write_entities(text, spans))
    assert read == tuple(
        Entity(kind=span.kind, start=span.start, end=min(span.end, len(text)), value=span.value)
        for span in spans
        if text[span.start : span.end]
    )


@given(TEXTS, st.lists(st.tuples(st.integers(-2, 80), st.integers(-2, 80)), max_size=5))
def test_entities_of_any_numbers_are_read_within_the_text(text: str, places: list[tuple[int, int]]) -> None:
    marks = [{"type": "bold", "offset": offset, "length": length} for offset, length in places]
    for entity in read_entities(text, marks):
        assert 0 <= entity.start < entity.end <= len(text)


@given(TEXTS)
def test_a_parsed_entity_is_what_telegram_marked(text: str) -> None:
    middle = len(text) // 2
    units = len(text[:middle].encode("utf-16-le")) // 2
    length = len(text[middle:].encode("utf-16-le")) // 2
    marks = [{"type": "hashtag", "offset": units, "length": length}]
    update = {"update_id": 1, "message": {"chat": {"id": 9}, "text": text, "entities": marks}}
    body = json.dumps(update).encode()
    parsed = TelegramAdapter().parse(body, ACCESS, datetime(2026, 11, 1, tzinfo=UTC))
    (event,) = parsed.events
    if isinstance(event.body, TextReceived):
        assert [event.body.text[one.start : one.end] for one in event.body.entities] == [text[middle:]]


@pytest.mark.parametrize(
    ("offset", "length", "complaint"),
    [(0, 9, "ends after the end"), (1, 1, "in a middle of a UTF-16 symbol"), (0, 1, "in a middle")],
)
def test_the_mock_refuses_entities_that_count_code_points(offset: int, length: int, complaint: str) -> None:
    marks = [{"type": "bold", "offset": offset, "length": length}]
    with pytest.raises(ApiError, match=complaint):
        message_text(Parameters(text="🚲 abc", entities=marks))
