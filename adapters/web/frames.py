"""The frames that widget and server exchange: JSON objects in WebSocket text messages.

`parse_frame` reads what a widget sent, strictly; the `Welcome`, `Message`, … structs are what a server sends.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

MAX_FRAME_BYTES: Final = 32 * 1024
MAX_TEXT: Final = 4_000
"""Code points of one message."""
MAX_REASON: Final = 200
"""Code points of what an error frame says."""

Seq: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class _Frame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """Base of every frame, either way."""


class Hello(_Frame, frozen=True, kw_only=True, tag="hello"):
    """The first frame: `{"type": "hello", "token": "…", "seq": 12, "language": "en"}`

    `seq` is the highest number up to which the widget has every message of `conversation`; 0 is none.
    """

    token: Annotated[str, Meta(max_length=4096)] | None = None
    conversation: Annotated[str, Meta(max_length=64)] = ""
    seq: Seq = 0
    language: Annotated[str, Meta(max_length=64)] = ""
    page: Annotated[str, Meta(max_length=2048)] = ""


class Open(_Frame, frozen=True, kw_only=True, tag="open"):
    """The visitor opened the panel for the first time. `{"type": "open", "id": "<uuid>"}`"""

    id: UUID


class Text(_Frame, frozen=True, kw_only=True, tag="text"):
    """The visitor wrote. `{"type": "text", "id": "<uuid>", "text": "hello"}`"""

    id: UUID
    text: str


class Choice(_Frame, frozen=True, kw_only=True, tag="choice"):
    """The visitor picked a quick reply. `{"type": "choice", "id": "<uuid>", "choice": "3kf9:1", …}`"""

    id: UUID
    choice: Annotated[str, Meta(min_length=1, max_length=64)]
    title: Annotated[str, Meta(max_length=1000)] = ""


class Command(_Frame, frozen=True, kw_only=True, tag="command"):
    """The visitor used the menu. `{"type": "command", "id": "<uuid>", "command": "restart"}`"""

    id: UUID
    command: Literal["restart"]


class Seen(_Frame, frozen=True, kw_only=True, tag="receipt"):
    """Everything up to `seq` has arrived, or was read. `{"type": "receipt", "seq": 14, "state": "read"}`"""

    seq: Seq
    state: Literal["delivered", "read"]


class Ping(_Frame, frozen=True, kw_only=True, tag="ping"):
    """Are you there? `{"type": "ping"}`"""


class Resume(_Frame, frozen=True, kw_only=True, tag="resume"):
    """The widget saw a gap: send everything above `seq` again. `{"type": "resume", "seq": 12}`"""

    seq: Seq


Said: TypeAlias = Open | Text | Choice | Command
"""The frames that run a turn. Each carries the widget's own id, and is answered by an ack or an error."""
ClientFrame: TypeAlias = Hello | Said | Seen | Ping | Resume


class BotFace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the bot introduces itself."""

    name: str


class Welcome(_Frame, frozen=True, kw_only=True, tag="welcome"):
    """The answer to a hello. `conversation` is empty until something was said; `seq` is its last number."""

    token: str
    conversation: str
    seq: int
    bot: BotFace
    appearance: dict[str, Any]


class Option(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A quick reply as the widget shows it."""

    id: str
    title: str
    description: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="message", gc=False):
    """One message of the conversation. `client_id` is the widget's own id, for the visitor's messages."""

    seq: int
    id: str
    sender: Literal["bot", "agent", "system", "customer"] = msgspec.field(name="from")
    text: str
    choices: tuple[Option, ...] = ()
    at: datetime
    client_id: str = ""


class Ack(_Frame, frozen=True, kw_only=True, tag="ack"):
    """What the widget sent under `id` is committed; `seq` is its number, absent when it is no message.

    `conversation` is there when another conversation than before goes on from here.
    """

    id: str
    seq: int | None = None
    conversation: str | None = None


class Typing(_Frame, frozen=True, kw_only=True, tag="typing"):
    """The bot is about to answer, in about `ms` milliseconds."""

    ms: int


class Pong(_Frame, frozen=True, kw_only=True, tag="pong"):
    """The answer to a ping."""


class Error(_Frame, frozen=True, kw_only=True, tag="error"):
    """Something was refused. With `retry` the same frame, with the same id, may be sent again later."""

    code: str
    message: str
    retry: bool
    id: str | None = None


ServerFrame: TypeAlias = Welcome | Message | Ack | Typing | Pong | Error


class BadFrame(Exception):
    """A frame that is refused, with what is wrong, in words for the widget's developer."""

    def __init__(self, code: str, message: str, id: UUID | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message[:MAX_REASON]
        self.id = id

    def frame(self) -> Error:
        """The error frame that answers it."""
        id = str(self.id) if self.id else None
        return Error(code=self.code, message=self.message, retry=False, id=id)


class _OnlyId(msgspec.Struct):
    id: UUID | None = None


_decoder: Final = msgspec.json.Decoder(ClientFrame)
_id_decoder: Final = msgspec.json.Decoder(_OnlyId)
encode: Final = msgspec.json.Encoder().encode
"""A server frame as UTF-8 JSON."""


def parse_frame(data: bytes) -> ClientFrame:
    """Read one frame from its bytes. NUL and lone surrogates become U+FFFD. Raises `BadFrame`."""
    if len(data) > MAX_FRAME_BYTES:
        raise BadFrame("too_large", f"The frame has {len(data)} bytes; {MAX_FRAME_BYTES} are allowed.")
    try:
        frame = _decode(data)
    except msgspec.ValidationError as error:
        raise BadFrame("bad_frame", str(error), _id_of(data)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadFrame("bad_json", "The frame is not valid JSON in UTF-8.") from None
    match frame:
        case Text():
            return Text(id=frame.id, text=_text(frame))
        case Choice():
            if not frame.choice.isascii():
                raise BadFrame("bad_frame", "No such choice was offered - at `$.choice`", frame.id)
            return Choice(id=frame.id, choice=_clean(frame.choice), title=_clean(frame.title))
        case _:
            return frame


def _decode(data: bytes) -> ClientFrame:
    frame: ClientFrame
    try:
        frame = _decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # A browser writes half of a cut emoji as an escaped lone surrogate, which is valid JSON by its
        # grammar (RFC 8259, section 8.2) but which the strict decoder refuses. The slow one takes it.
        if b"\\u" not in data:
            raise
        frame = _decode_slowly(data)
    return frame


def _decode_slowly(data: bytes) -> ClientFrame:
    try:
        values = json.loads(data)
    except ValueError as error:  # also for what is no UTF-8, and for a number of too many digits
        raise msgspec.DecodeError(str(error)) from None
    frame: ClientFrame = msgspec.convert(_mend(values), ClientFrame)
    return frame


def _mend(value: Any) -> Any:
    """The top level's strings with lone surrogates replaced; nothing of ours is nested."""
    if not isinstance(value, dict):
        return value
    return {_whole(key): _whole(item) if isinstance(item, str) else item for key, item in value.items()}


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _clean(text: str) -> str:
    """PostgreSQL stores no NUL."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _text(frame: Text) -> str:
    if len(frame.text) > MAX_TEXT:
        reason = f"The text has {len(frame.text)} characters; {MAX_TEXT} are allowed - at `$.text`"
        raise BadFrame("too_long", reason, frame.id)
    if not frame.text.strip():
        raise BadFrame("empty", "There is no text - at `$.text`", frame.id)
    return _clean(frame.text)


def _id_of(data: bytes) -> UUID | None:
    """The id of a frame that is otherwise wrong, so that the widget knows which one is meant."""
    try:
        return _id_decoder.decode(data).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
