"""The frames that widget and server exchange: JSON objects in WebSocket text messages.

`adapters.web.reading` reads what a widget sent, strictly; the `Welcome`, `Message`, … structs are what a server sends.
Either side ignores what it does not know, so that a page with an older script works with a newer server.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from engine.messages import Card, ContactCard, Link, MediaKind, Place, Reaction, Request, Span

MAX_FILES: Final = 10
"""Files that are sent as one."""
MAX_FILE_BYTES: Final = 2**40
"""No size that is larger is believed; what may be uploaded is decided when it is."""


Seq: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Name: TypeAlias = Annotated[str, Meta(max_length=256)]
MessageId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class _Frame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """Base of every frame, either way."""


class Hello(_Frame, frozen=True, kw_only=True, tag="hello"):
    """The first frame: `{"type": "hello", "token": "…", "seq": 12, "language": "en", "timezone": "Europe/Berlin"}`

    `seq` is the highest number up to which the widget has every message of `conversation`; 0 is none. `page` and
    `title` are those of the page that shows the widget; `payload` is what that page gave the visitor along.
    """

    token: Annotated[str, Meta(max_length=4096)] | None = None
    conversation: Annotated[str, Meta(max_length=64)] = ""
    seq: Seq = 0
    language: Annotated[str, Meta(max_length=64)] = ""
    timezone: Annotated[str, Meta(max_length=64)] = ""
    page: Annotated[str, Meta(max_length=2048)] = ""
    title: Annotated[str, Meta(max_length=512)] = ""
    payload: Name = ""


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


class Uploaded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A file that the visitor uploaded before, by the id that the upload was answered with.

    `{"media": "<uuid>", "kind": "image", "name": "a.png", "mime": "image/png", "size": 48211}`
    """

    media: UUID
    kind: Literal["image", "video", "audio", "voice", "document"]
    name: Name = ""
    mime: Annotated[str, Meta(max_length=128, pattern=r"^([\w.+-]+/[\w.+-]+)?$")] = ""
    size: Annotated[int, Meta(ge=0, le=MAX_FILE_BYTES)] | None = None
    """Bytes."""
    seconds: Annotated[int, Meta(ge=0, le=86_400)] | None = None
    """How long a sound or film plays."""


class Files(_Frame, frozen=True, kw_only=True, tag="file"):
    """The visitor sent files. `{"type": "file", "id": "<uuid>", "files": [{"media": "<uuid>", …}], "caption": "…"}`"""

    id: UUID
    files: Annotated[tuple[Uploaded, ...], Meta(min_length=1, max_length=MAX_FILES)]
    caption: str = ""


class Location(_Frame, frozen=True, kw_only=True, tag="location"):
    """The visitor shared a place, in degrees. `{"type": "location", "id": "<uuid>", "latitude": 52.5, …}`"""

    id: UUID
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: Name = ""


class Contact(_Frame, frozen=True, kw_only=True, tag="contact"):
    """The visitor shared a name and a number. `{"type": "contact", "id": "<uuid>", "name": "Ana", "phone": "+49…"}`

    Anybody can write any number there: nothing vouches for it.
    """

    id: UUID
    phone: Annotated[str, Meta(min_length=5, max_length=32, pattern=r"^\+?[0-9 ()./-]+$")]
    name: Name = ""


class React(_Frame, frozen=True, kw_only=True, tag="reaction"):
    """The visitor's reactions to a message are now these. `{"type": "reaction", "id": "<uuid>", "message": "…", …}`"""

    id: UUID
    message: MessageId
    emoji: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=32)], ...], Meta(max_length=3)] = ()


class Seen(_Frame, frozen=True, kw_only=True, tag="receipt"):
    """Everything up to `seq` has arrived, or was read. `{"type": "receipt", "seq": 14, "state": "read"}`"""

    seq: Seq
    state: Literal["delivered", "read"]


class Ping(_Frame, frozen=True, kw_only=True, tag="ping"):
    """Are you there? `{"type": "ping"}`"""


class Resume(_Frame, frozen=True, kw_only=True, tag="resume"):
    """The widget saw a gap: send everything above `seq` again. `{"type": "resume", "seq": 12}`"""

    seq: Seq


Said: TypeAlias = Open | Text | Choice | Command | Files | Location | Contact | React
"""The frames that run a turn. Each carries the widget's own id, and is answered by an ack or an error."""
ClientFrame: TypeAlias = Hello | Said | Seen | Ping | Resume


class BotFace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the bot introduces itself."""

    name: str


class Welcome(_Frame, frozen=True, kw_only=True, tag="welcome"):
    """The answer to a hello. `conversation` is empty until something was said; `seq` is its last number.

    `appearance`, `behavior` and `loading` are the channel's settings, as the widget's configuration has them.
    """

    token: str
    conversation: str
    seq: int
    bot: BotFace
    appearance: dict[str, Any]
    behavior: dict[str, Any] = {}
    loading: dict[str, Any] = {}


class Option(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A quick reply as the widget shows it."""

    id: str
    title: str
    description: str = ""


class File(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A picture, film, sound or document as the widget shows it.

    `url` is http(s), or a path on this server; empty when there is nothing to fetch any more. `size` is in bytes.
    """

    kind: MediaKind
    url: str
    alt: str = ""
    name: str = ""
    mime: str = ""
    size: int | None = None
    seconds: int | None = None


class Message(_Frame, frozen=True, kw_only=True, tag="message"):
    """One message of the conversation. `client_id` is the widget's own id, for the visitor's messages.

    All parts are optional, and a widget shows those that it knows. `text` says everything in words, for a widget that
    is too old for a part; where that is more than the message's own text, the text is in `words`.
    """

    seq: int
    id: str
    sender: Literal["bot", "agent", "system", "customer"] = msgspec.field(name="from")
    text: str
    words: str | None = None
    """The text to show beside the parts, when it is not `text`."""
    spans: tuple[Span, ...] = ()
    """How the words look; `start` and `end` count code points."""
    choices: tuple[Option, ...] = ()
    menu: str = ""
    """Set for a page of a longer menu, the same for all its pages: the choices whose ids begin with it leaf on."""
    media: tuple[File, ...] = ()
    cards: tuple[Card, ...] = ()
    links: tuple[Link, ...] = ()
    location: Place | None = None
    contact: ContactCard | None = None
    request: Request | None = None
    """What the visitor is asked to share, with a button for it."""
    reaction: Reaction | None = None
    """Put to the visitor's message of that `client_id`; such a message has nothing else to show."""
    replaces: str = ""
    """The id of the earlier message that this one takes the place of."""
    reply: str = ""
    """The `client_id` of the visitor's message that this one quotes."""
    choice: str = ""
    """What the visitor picked, for a message of theirs that is a choice."""
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


class Read(_Frame, frozen=True, kw_only=True, tag="read"):
    """The visitor's message of this `client_id` was read, and every one before it."""

    message: str


class Pong(_Frame, frozen=True, kw_only=True, tag="pong"):
    """The answer to a ping."""


class Error(_Frame, frozen=True, kw_only=True, tag="error"):
    """Something was refused. With `retry` the same frame, with the same id, may be sent again later."""

    code: str
    message: str
    retry: bool
    id: str | None = None


ServerFrame: TypeAlias = Welcome | Message | Ack | Typing | Read | Pong | Error

encode: Final = msgspec.json.Encoder().encode
"""A server frame as UTF-8 JSON."""
