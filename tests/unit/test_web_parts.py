"""From neutral messages to the widget's frames, live and from the transcript."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, get_args
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.capabilities import Inbound, Outbound
from adapters.fit import fit
from adapters.protocol import Envelope
from adapters.web import frames
from adapters.web.adapter import Visit, WebAdapter
from adapters.web.capabilities import CAPABILITIES, TEXT
from adapters.web.parts import told
from engine.effects import Send
from engine.messages import (
    Card,
    CardButton,
    Choice,
    ContactCard,
    Link,
    Media,
    OutboundMessage,
    Paging,
    Place,
    Reaction,
    Span,
)
from gateway.turns.ledger import beside_text
from gateway.turns.transcript import describe
from gateway.web.hub import render
from gateway.web.ports import Entry
from tests.unit.web_doubles import NOW, ORGANIZATION, web_channel

KEPT = uuid4()
EVERYTHING = OutboundMessage(
    text="Hello",
    spans=(Span(kind="bold", start=0, end=5),),
    choices=(Choice(id="a:0", title="Yes", description="really"),),
    media=(
        Media(kind="image", url=f"media:{KEPT}", alt="A cat"),
        Media(kind="document", url="https://a.example/b"),
    ),
    cards=(Card(title="Tea", image=f"media:{KEPT}", buttons=(CardButton(title="Buy", id="k:1"),)),),
    links=(Link(title="Shop", url="https://a.example/"),),
    location=Place(latitude=1.5, longitude=2.5, name="Here"),
    contact=ContactCard(name="Ana", phone="+49 30 1"),
    request="location",
)


def link(organization_id: UUID, media_id: UUID) -> str:
    return f"https://gateway.example/media/{organization_id.int}/{media_id}"


def entry(content: str, payload: dict[str, Any], sender: str = "bot") -> Entry:
    return Entry(
        conversation_id=uuid4(),
        seq=7,
        id=uuid4(),
        sender_type=sender,  # type: ignore[arg-type]
        content=content,
        payload=payload,
        created_at=NOW,
        client_id="c1" if sender == "customer" else "",
    )


def kept(message: OutboundMessage) -> Entry:
    """The message as the transcript keeps it."""
    return entry(message.text, json.loads(beside_text(Send(message=message))))


def read(data: bytes) -> frames.Message:
    return msgspec.json.decode(data, type=frames.Message)


async def live(message: OutboundMessage, of: Entry) -> frames.Message:
    """The frame that delivery pushes for the message."""
    pushed: list[bytes] = []
    adapter = WebAdapter(lambda conversation, seq, frame: pushed.append(frame))
    fitting = fit(message, CAPABILITIES)
    assert fitting is not None
    (call,) = adapter.render("visitor", fitting, web_channel().access)
    envelope = Envelope(key=of.id, conversation_id=of.conversation_id, seq=of.seq, at=of.created_at)
    await adapter.send(call, web_channel().access, envelope)
    return read(pushed[0])


async def test_a_replay_shows_the_same_parts_as_the_message_did_when_it_was_new() -> None:
    stored = kept(EVERYTHING)
    replayed = read(render(stored, partial(link, ORGANIZATION)))
    address = link(ORGANIZATION, KEPT)
    resolved = msgspec.structs.replace(
        EVERYTHING,
        media=(msgspec.structs.replace(EVERYTHING.media[0], url=address), EVERYTHING.media[1]),
        cards=(msgspec.structs.replace(EVERYTHING.cards[0], image=address),),
    )
    assert replayed == await live(resolved, stored)
    assert replayed.words == "Hello"
    assert replayed.media[0] == frames.File(kind="image", url=address, alt="A cat")
    assert replayed.cards[0].image == address


async def test_paging_is_the_same_after_a_replay() -> None:
    options = tuple(Choice(id=f"m:{number}", title=str(number)) for number in range(50))
    message = OutboundMessage(
        text="Which?", choices=options, paging=Paging(key="m:p", more="More", back="Back", page=1)
    )
    stored = kept(message)
    replayed = read(render(stored))
    assert replayed == await live(message, stored)
    assert replayed.menu == "m:p"
    assert len(replayed.choices) == CAPABILITIES.choice_page
    assert [one.id for one in replayed.choices[-2:]] == ["m:p0", "m:p2"]


def test_an_older_widget_reads_everything_in_words() -> None:
    frame = told(EVERYTHING, seq=1, id="m", at=NOW)
    for words in ("Hello", "A cat", "Tea", "https://a.example/", "Here", "+49 30 1", "Shop"):
        assert words in frame.text
    plain = told(OutboundMessage(text="Just words"), seq=1, id="m", at=NOW)
    assert (plain.text, plain.words) == ("Just words", None)
    assert json.loads(frames.encode(plain)).keys() == {"type", "seq", "id", "from", "text", "at"}


def test_a_reaction_names_the_visitors_message_and_reads_as_its_emoji() -> None:
    message = OutboundMessage(reaction=Reaction(message="c1", emoji="👍"))
    frame = told(message, seq=1, id="m", at=NOW)
    assert frame.reaction == Reaction(message="c1", emoji="👍")
    assert (frame.text, frame.words) == ("👍", "")


def test_what_a_visitor_shared_is_shown_again_with_fresh_links() -> None:
    adapter, visit = WebAdapter(lambda *_: None), Visit(visitor=uuid4())
    files = (
        frames.Uploaded(media=KEPT, kind="image", name="a.png", mime="image/png", size=3),
        frames.Uploaded(media=uuid4(), kind="audio", seconds=4),
    )

    def replayed(frame: frames.Said) -> frames.Message:
        said = describe(adapter.event(frame, visit, NOW).body)
        assert said is not None
        stored = entry(said[1], json.loads(said[2]), sender="customer")
        return read(render(stored, partial(link, ORGANIZATION)))

    album = replayed(frames.Files(id=uuid4(), files=files, caption="look"))
    first = frames.File(kind="image", url=link(ORGANIZATION, KEPT), name="a.png", mime="image/png", size=3)
    assert (album.sender, album.words, album.client_id) == ("customer", "look", "c1")
    assert album.media[0] == first
    assert album.media[1].seconds == 4
    single = replayed(frames.Files(id=uuid4(), files=files[:1]))
    assert (single.media, single.words) == ((first,), "")
    place = replayed(frames.Location(id=uuid4(), latitude=1.5, longitude=2.5))
    assert place.location == Place(latitude=1.5, longitude=2.5)
    assert "openstreetmap" in place.text
    card = replayed(frames.Contact(id=uuid4(), phone="+4930123", name="Ana"))
    assert card.contact == ContactCard(name="Ana", phone="+4930123")
    picked = replayed(frames.Choice(id=uuid4(), choice="m:p1", title="More"))
    assert (picked.choice, picked.text) == ("m:p1", "More")


@pytest.mark.parametrize(
    "payload", [{}, {"type": "no_such_event"}, {"type": "media_received"}, {"choice": 5}, {"media": "x"}]
)
def test_what_the_transcript_cannot_tell_of_is_shown_as_words(payload: dict[str, Any]) -> None:
    frame = read(render(entry("words", payload, sender="customer")))
    assert (frame.text, frame.media, frame.choice) == ("words", (), "")


def test_without_a_store_a_file_has_no_address() -> None:
    frame = told(EVERYTHING, seq=1, id="m", at=NOW)
    assert (frame.media[0].url, frame.cards[0].image) == ("", "")
    odd = OutboundMessage(media=(Media(kind="image", url="media:sealed-token"),))
    assert told(odd, seq=1, id="m", at=NOW, link=lambda media: "never").media[0].url == ""


@given(st.text(max_size=60), st.integers(0, 80), st.integers(0, 80))
def test_spans_never_reach_beyond_the_words(text: str, start: int, end: int) -> None:
    span = Span(kind="bold", start=min(start, end), end=max(start, end))
    frame = told(OutboundMessage(text=text, spans=(span,)), seq=1, id="m", at=NOW)
    assert all(one.end <= len(frame.text) for one in frame.spans)


def test_a_text_of_any_length_stays_within_what_a_socket_takes() -> None:
    message = OutboundMessage(text="\x01" * 200_000, location=Place(latitude=0, longitude=0))
    frame = told(message, seq=1, id="m", at=NOW)
    assert len(frame.text) <= TEXT.size
    assert len(frames.encode(frame)) < 256 * 1024


def test_the_table_names_every_kind_and_says_how() -> None:
    assert CAPABILITIES.sends.keys() == set(get_args(Outbound))
    assert CAPABILITIES.hears.keys() == set(get_args(Inbound))
    for feature in (*CAPABILITIES.sends.values(), *CAPABILITIES.hears.values()):
        assert feature.level == "native" or feature.note


def test_fit_keeps_all_parts_that_the_widget_shows() -> None:
    assert fit(EVERYTHING, CAPABILITIES) == EVERYTHING
