"""The widget's frames: what is read, what is refused, and in which words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
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
from engine.events import ChoiceMade, CommandReceived, ConversationOpened, TextReceived
from engine.messages import Choice, OutboundMessage
from tests.unit.web_doubles import NOW, web_channel

ID = UUID("7d1f0f5e-64c1-4f0e-9a55-0f1d2b3c4d5e")


def text(value: str, **extra: object) -> bytes:
    return json.dumps({"type": "text", "id": str(ID), "text": value, **extra}, ensure_ascii=False).encode()


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
    st.sampled_from(["hello", "text", "choice", "command", "open", "receipt", "ping", "resume"]),
    st.sampled_from(["id", "text", "seq", "state", "choice", "title", "token", "command", "page"]),
)
def test_no_value_in_any_field_makes_it_crash(value: object, kind: str, field: str) -> None:
    data = json.dumps({"type": kind, "id": str(ID), "seq": 1, "text": "x", field: value}).encode()
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
