"""The widget's frames: what is read, what is refused, and in which words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import get_args
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Unverified
from adapters.protocol import Envelope
from adapters.web import frames
from adapters.web.adapter import Visit, WebAdapter
from adapters.web.frames import encode
from adapters.web.reading import BadFrame, parse_frame
from engine.events import (
    AlbumReceived,
    ChoiceMade,
    CommandReceived,
    ContactReceived,
    Context,
    ConversationOpened,
    LocationReceived,
    MediaReceived,
    ReactionReceived,
    Referral,
    TextReceived,
)
from engine.messages import Choice, OutboundMessage
from tests.unit.web_doubles import NOW, web_channel

ID = UUID("7d1f0f5e-64c1-4f0e-9a55-0f1d2b3c4d5e")
MEDIA = UUID("0b9a3a52-5a35-4b8e-8a53-4cf7d0c3f6a1")


def text(value: str, **extra: object) -> bytes:
    return json.dumps({"type": "text", "id": str(ID), "text": value, **extra}, ensure_ascii=False).encode()


GOOD: dict[str, object] = {
    "text": "x",
    "files": [{"media": str(MEDIA), "kind": "image"}],
    "latitude": 1.5,
    "longitude": 2.5,
    "phone": "+4930123456",
    "message": "m",
}
KINDS = {type_.__struct_config__.tag for type_ in get_args(frames.ClientFrame)}
FIELDS = {field for type_ in get_args(frames.ClientFrame) for field in type_.__struct_fields__}


def said(kind: str, **fields: object) -> bytes:
    return json.dumps({"type": kind, "id": str(ID), **fields}).encode()


def a_file(**fields: object) -> dict[str, object]:
    return {"media": str(MEDIA), "kind": "document", **fields}


def refusal(data: bytes) -> BadFrame:
    with pytest.raises(BadFrame) as caught:
        parse_frame(data)
    return caught.value


def test_reads_every_kind_of_frame() -> None:
    assert parse_frame(b'{"type":"hello","seq":12,"token":"t","language":"de-AT"}') == frames.Hello(
        token="t", seq=12, language="de-AT"
    )
    assert parse_frame(b'{"type":"hello","token":null}') == frames.Hello()
    assert parse_frame(text("hello")) == frames.Text(id=ID, text="hello")
    picked = json.dumps({"type": "choice", "id": str(ID), "choice": "3kf9:1", "title": "Yes"}).encode()
    assert parse_frame(picked) == frames.Choice(id=ID, choice="3kf9:1", title="Yes")
    restart = json.dumps({"type": "command", "id": str(ID), "command": "restart"}).encode()
    assert parse_frame(restart) == frames.Command(id=ID, command="restart")
    assert parse_frame(json.dumps({"type": "open", "id": str(ID)}).encode()) == frames.Open(id=ID)
    assert parse_frame(b'{"type":"receipt","seq":14,"state":"read"}') == frames.Seen(seq=14, state="read")
    assert parse_frame(b'{"type":"ping"}') == frames.Ping()
    assert parse_frame(b'{"type":"resume","seq":3}') == frames.Resume(seq=3)
    assert parse_frame(
        said(
            "file", files=[{"media": str(MEDIA), "kind": "image", "name": "a.png", "size": 3}], caption="look"
        )
    ) == frames.Files(
        id=ID, files=(frames.Uploaded(media=MEDIA, kind="image", name="a.png", size=3),), caption="look"
    )
    assert parse_frame(said("location", latitude=52.5, longitude=-13)) == frames.Location(
        id=ID, latitude=52.5, longitude=-13.0
    )
    assert parse_frame(said("contact", name=" Ana ", phone="+49 (30) 123-45")) == frames.Contact(
        id=ID, name="Ana", phone="+493012345"
    )
    assert parse_frame(said("reaction", message="m1", emoji=["👍"])) == frames.React(
        id=ID, message="m1", emoji=("👍",)
    )


def test_ignores_fields_of_a_newer_widget() -> None:
    assert parse_frame(text("hi", mood="good")) == frames.Text(id=ID, text="hi")


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "bad_json", "JSON"),
        (b"hello", "bad_json", "JSON"),
        (b'{"type":"text","text":"\xff"}', "bad_json", "UTF-8"),
        (b'{"x":' + b"[" * 20_000, "bad_json", "JSON"),
        (b"[]", "bad_frame", "object"),
        (b"{}", "bad_frame", "type"),
        (b'{"type":"dance"}', "bad_frame", "$.type"),
        (b'{"type":"text","text":"hi"}', "bad_frame", "id"),
        (b'{"type":"text","id":"7","text":"hi"}', "bad_frame", "$.id"),
        (b'{"type":"text","id":7,"text":"hi"}', "bad_frame", "$.id"),
        (b'{"type":"receipt","seq":"14","state":"read"}', "bad_frame", "$.seq"),
        (b'{"type":"receipt","seq":-1,"state":"read"}', "bad_frame", "$.seq"),
        (b'{"type":"receipt","seq":true,"state":"read"}', "bad_frame", "$.seq"),
        (b'{"type":"receipt","seq":1e99,"state":"read"}', "bad_frame", "$.seq"),
        (b'{"type":"receipt","seq":99999999999,"state":"read"}', "bad_frame", "$.seq"),
        (b'{"type":"receipt","seq":1,"state":"loved"}', "bad_frame", "$.state"),
        (b'{"type":"hello","seq":1.5}', "bad_frame", "$.seq"),
        (b'{"type":"hello","x":"\\ud800","seq":' + b"1" * 5_000 + b"}", "bad_json", "JSON"),
    ],
)
def test_refuses_with_the_place_of_what_is_wrong(data: bytes, code: str, words: str) -> None:
    error = refusal(data)
    assert error.code == code
    assert words in error.message
    assert error.frame().retry is False


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("location", {"latitude": 90.1, "longitude": 0}, "$.latitude"),
        ("location", {"latitude": 0, "longitude": -180.5}, "$.longitude"),
        ("location", {"latitude": "52", "longitude": 0}, "$.latitude"),
        ("location", {"latitude": 52}, "longitude"),
        ("location", {"latitude": 1, "longitude": 1, "name": "x" * 257}, "$.name"),
        ("contact", {"name": "Ana"}, "phone"),
        ("contact", {"phone": "123"}, "$.phone"),
        ("contact", {"phone": "+-./() +-"}, "$.phone"),
        ("contact", {"phone": "call me maybe"}, "$.phone"),
        ("contact", {"phone": "1234567890123456"}, "$.phone"),
        ("contact", {"phone": "1" * 33}, "$.phone"),
        ("reaction", {"message": "", "emoji": []}, "$.message"),
        ("reaction", {"message": "m" * 65}, "$.message"),
        ("reaction", {"message": "m", "emoji": [""]}, "$.emoji"),
        ("reaction", {"message": "m", "emoji": ["👍"] * 4}, "$.emoji"),
        ("reaction", {"message": "m", "emoji": "👍"}, "$.emoji"),
        ("file", {"files": []}, "$.files"),
        ("file", {"files": [a_file()] * 2}, "twice"),
        ("file", {"files": [a_file(media=str(UUID(int=at))) for at in range(11)]}, "$.files"),
        ("file", {"files": [a_file(media="me")]}, "$.files[0].media"),
        ("file", {"files": [a_file(kind="sticker")]}, "$.files[0].kind"),
        ("file", {"files": [a_file(kind="image", mime="application/pdf")]}, "$.files[0].kind"),
        ("file", {"files": [a_file(mime="text/html; charset")]}, "$.files[0].mime"),
        ("file", {"files": [a_file(size=-1)]}, "$.files[0].size"),
        ("file", {"files": [a_file(seconds=90_000)]}, "$.files[0].seconds"),
        ("file", {"files": [a_file(name="x" * 257)]}, "$.files[0].name"),
    ],
)
def test_what_is_shared_is_checked(kind: str, fields: dict[str, object], words: str) -> None:
    error = refusal(said(kind, **fields))
    assert (error.code, error.id) == ("bad_frame", ID)
    assert words in error.message


def test_a_caption_has_the_bound_of_a_text() -> None:
    error = refusal(said("file", files=[a_file()], caption="a" * 4_001))
    assert (error.code, error.id) == ("too_long", ID)
    assert "$.caption" in error.message


def test_bounds_are_counted_in_their_unit() -> None:
    assert parse_frame(text("🙂" * 4_000)) == frames.Text(id=ID, text="🙂" * 4_000)
    long = refusal(text("a" * 4_001))
    assert (long.code, long.id) == ("too_long", ID)
    assert "4001" in long.message
    large = refusal(text("a" * 33_000))
    assert large.code == "too_large"
    assert refusal(text(" \n\t ")).code == "empty"


def test_names_the_frame_that_was_refused() -> None:
    wrong = json.dumps({"type": "text", "id": str(ID), "text": 5}).encode()
    assert refusal(wrong).id == ID
    frame = refusal(wrong).frame()
    assert frame.id == str(ID)


def test_replaces_what_the_database_cannot_store() -> None:
    assert parse_frame(text("a\0b")) == frames.Text(id=ID, text="a\ufffdb")
    lone = b'{"type":"text","id":"' + str(ID).encode() + b'","text":"cut \\ud83d off"}'
    assert parse_frame(lone) == frames.Text(id=ID, text="cut \ufffd off")
    whole = b'{"type":"text","id":"' + str(ID).encode() + b'","text":"\\ud83d\\ude42 \\udc00"}'
    assert parse_frame(whole) == frames.Text(id=ID, text="🙂 \ufffd")


def test_lone_surrogates_are_mended_wherever_they_are() -> None:
    data = said("file", files=[a_file(name="half \ud83d")], caption="\udc00")
    assert parse_frame(data) == frames.Files(
        id=ID, files=(frames.Uploaded(media=MEDIA, kind="document", name="half \ufffd"),), caption="\ufffd"
    )
    nul = said("contact", name="A\0na", phone="+4930123")
    assert parse_frame(nul) == frames.Contact(id=ID, name="A\ufffdna", phone="+4930123")


def test_ids_that_are_written_differently_are_the_same() -> None:
    upper = json.dumps({"type": "text", "id": str(ID).upper(), "text": "hi"}).encode()
    assert parse_frame(upper) == parse_frame(text("hi"))


@given(st.binary(max_size=300))
def test_no_bytes_make_it_crash(data: bytes) -> None:
    try:
        frame = parse_frame(data)
    except BadFrame as error:
        assert error.message
    else:
        assert isinstance(frame, msgspec.Struct)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(sorted(FIELDS)),
)
def test_no_value_in_any_field_makes_it_crash(value: object, kind: str, field: str) -> None:
    data = json.dumps({"type": kind, "id": str(ID), "seq": 1, **GOOD, field: value}).encode()
    try:
        frame = parse_frame(data)
    except BadFrame as error:
        assert error.code in {"bad_frame", "bad_json", "too_long", "too_large", "empty"}
    else:
        assert "\0" not in str(getattr(frame, "text", ""))


def test_frames_become_events_of_the_visitor() -> None:
    adapter, visitor = WebAdapter(lambda *_: None), uuid4()
    said = adapter.event(frames.Text(id=ID, text="hi"), Visit(visitor=visitor, language="de"), NOW)
    assert said.body == TextReceived(text="hi")
    assert (said.external_id, said.message) == (str(ID), str(ID))
    assert said.conversation_key == said.sender.external_id == str(visitor)
    assert (said.sender.language, said.occurred_at) == ("de", NOW)
    picked = adapter.event(frames.Choice(id=ID, choice="a:1", title="Yes"), Visit(visitor=visitor), NOW)
    assert picked.body == ChoiceMade(choice="a:1", title="Yes")
    restart = adapter.event(frames.Command(id=ID, command="restart"), Visit(visitor=visitor), NOW)
    assert restart.body == CommandReceived(command="start")


def test_what_is_shared_becomes_typed_events() -> None:
    adapter, visit = WebAdapter(lambda *_: None), Visit(visitor=uuid4())
    other = uuid4()
    one = frames.Uploaded(media=MEDIA, kind="image", name="a.png", mime="image/png", size=3)
    two = frames.Uploaded(media=other, kind="document")
    single = adapter.event(frames.Files(id=ID, files=(one,), caption="look"), visit, NOW)
    assert single.body == MediaReceived(
        kind="image",
        file=f"media:{MEDIA}",
        caption="look",
        name="a.png",
        mime_type="image/png",
        size=3,
        media=str(MEDIA),
    )
    album = adapter.event(frames.Files(id=ID, files=(one, two), caption="both"), visit, NOW)
    assert isinstance(album.body, AlbumReceived)
    assert album.body.caption == "both"
    assert [item.media for item in album.body.items] == [str(MEDIA), str(other)]
    place = adapter.event(frames.Location(id=ID, latitude=1, longitude=2), visit, NOW)
    assert place.body == LocationReceived(latitude=1, longitude=2)
    card = adapter.event(frames.Contact(id=ID, phone="+4930123", name="Ana"), visit, NOW)
    assert card.body == ContactReceived(phone="+4930123", name="Ana", own=False)
    reaction = adapter.event(frames.React(id=ID, message="m", emoji=("👍",)), visit, NOW)
    assert reaction.body == ReactionReceived(emoji=("👍",), message="m")


def test_the_page_goes_along_with_what_begins_a_conversation_only() -> None:
    adapter = WebAdapter(lambda *_: None)
    visit = Visit(
        visitor=uuid4(), timezone="Asia/Tokyo", page="https://a.example/", title="A", payload="ref42"
    )
    first = adapter.event(frames.Open(id=ID), visit, NOW, first=True)
    assert first.sender.timezone == "Asia/Tokyo"
    assert first.context == Context(
        referral=Referral(source="page", url="https://a.example/", headline="A", payload="ref42")
    )
    assert adapter.event(frames.Text(id=ID, text="hi"), visit, NOW).context is None
    assert adapter.event(frames.Open(id=ID), Visit(visitor=uuid4()), NOW, first=True).context is None


def test_opening_counts_once_for_a_visitor() -> None:
    adapter, visitor = WebAdapter(lambda *_: None), uuid4()
    first = adapter.event(frames.Open(id=uuid4()), Visit(visitor=visitor), NOW)
    second = adapter.event(frames.Open(id=uuid4()), Visit(visitor=visitor), NOW)
    assert first.body == ConversationOpened()
    assert first.external_id == second.external_id == f"start:{visitor}"


async def test_a_send_becomes_a_frame_with_its_place_in_the_conversation() -> None:
    pushed: list[tuple[UUID, int, bytes]] = []
    adapter = WebAdapter(lambda *call: pushed.append(call))
    channel, conversation, key = web_channel(), uuid4(), uuid4()
    message = OutboundMessage(
        text="Which one?", choices=(Choice(id="a:0", title="This"), Choice(id="a:1", title="That"))
    )
    at = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
    envelope = Envelope(key=key, conversation_id=conversation, seq=7, at=at)
    (call,) = adapter.render("visitor", message, channel.access)
    receipt = await adapter.send(call, channel.access, envelope)
    ((where, seq, frame),) = pushed
    assert (where, seq, receipt.message) == (conversation, 7, str(key))
    assert json.loads(frame) == {
        "type": "message",
        "seq": 7,
        "id": str(key),
        "from": "bot",
        "text": "Which one?",
        "choices": [{"id": "a:0", "title": "This"}, {"id": "a:1", "title": "That"}],
        "at": "2026-11-22T12:30:00Z",
    }


async def test_typing_is_a_frame_without_a_number() -> None:
    pushed: list[tuple[UUID, int, bytes]] = []
    adapter = WebAdapter(lambda *call: pushed.append(call))
    call = adapter.announce("visitor", "", web_channel().access, typing=True)
    assert call is not None
    envelope = Envelope(key=uuid4(), conversation_id=ID, seq=7, at=NOW)
    receipt = await adapter.send(call, web_channel().access, envelope)
    assert receipt.message == ""
    assert [(seq, json.loads(frame)["type"]) for _, seq, frame in pushed] == [(0, "typing")]
    pushed.clear()
    read = adapter.announce("visitor", "c1", web_channel().access, typing=False)
    assert read is not None
    await adapter.send(read, web_channel().access, envelope)
    assert [(seq, json.loads(frame)) for _, seq, frame in pushed] == [(0, {"type": "read", "message": "c1"})]
    assert adapter.announce("visitor", "", web_channel().access, typing=False) is None


def test_nothing_comes_in_by_webhook() -> None:
    adapter = WebAdapter(lambda *_: None)
    with pytest.raises(Unverified):
        adapter.verify(b"{}", {}, web_channel().access, NOW)
    parsed = adapter.parse(text("hi"), web_channel().access, NOW)
    assert parsed.events == ()
    assert [parked.raw for parked in parsed.parked] == [text("hi")]


def test_an_ack_of_no_message_has_no_number() -> None:
    assert json.loads(encode(frames.Ack(id="x"))) == {"type": "ack", "id": "x"}
    assert json.loads(encode(frames.Ack(id="x", seq=4))) == {"type": "ack", "id": "x", "seq": 4}
