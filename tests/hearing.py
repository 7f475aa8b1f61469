"""What each platform's bodies come to: every payload under `tests/payloads/`, and the widget's frames, heard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, get_args
from uuid import UUID

import msgspec

from adapters.capabilities import Inbound, Level
from adapters.protocol import Parsed
from adapters.web.adapter import Visit, WebAdapter
from adapters.web.frames import Said
from adapters.web.reading import parse_frame
from engine.events import (
    AlbumReceived,
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    ConversationOpened,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    OrderPlaced,
    PollAnswered,
    QueryReceived,
    ReactionReceived,
    TextReceived,
)
from engine.messages import SpanKind
from tests.speaking import adapter_of
from tests.unit.slack_bodies import body as slack_body

PAYLOADS: Final = Path("tests/payloads")
NOW: Final = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
_VISITOR: Final = Visit(
    visitor=UUID(int=7),
    language="de",
    timezone="Europe/Berlin",
    page="https://shop.example/bikes",
    title="Bikes",
)
_ID: Final = "0198f2f0-0000-7000-8000-000000000001"


def _file(number: int, kind: str) -> dict[str, object]:
    media = f"0198f2f0-0000-7000-8000-00000000000{number}"
    mime = "application/pdf" if kind == "document" else f"{kind}/x"
    return {"media": media, "kind": kind, "name": "a", "mime": mime, "size": 9}


FRAMES: Final[dict[str, dict[str, object]]] = {
    "open": {"type": "open"},
    "text": {"type": "text", "text": "hello"},
    "choice": {"type": "choice", "choice": "a:0", "title": "A"},
    "command": {"type": "command", "command": "restart"},
    "location": {"type": "location", "latitude": 52.5, "longitude": 13.4},
    "contact": {"type": "contact", "phone": "+4915112345678", "name": "Ana"},
    "reaction": {"type": "reaction", "message": "17", "emoji": ["👍"]},
    **{kind: {"type": "file", "files": [_file(1, kind)]} for kind in ("image", "audio", "video", "document")},
    "album": {"type": "file", "files": [_file(1, "image"), _file(2, "image")]},
}
"""What a widget sends."""
_BODIES: Final[dict[type, Inbound]] = {
    TextReceived: "text",
    CommandReceived: "command",
    ChoiceMade: "choice",
    AlbumReceived: "album",
    LocationReceived: "location",
    ContactReceived: "contact",
    ReactionReceived: "reaction",
    MessageEdited: "edit",
    MessageDeleted: "deletion",
    PollAnswered: "poll_answer",
    FormSubmitted: "form",
    OrderPlaced: "order",
    QueryReceived: "inline_query",
    MembersChanged: "members",
    HumanReplied: "echo",
    IdentityChanged: "identity_change",
    ContactabilityChanged: "blocked",
    ConversationOpened: "opened",
}
_FORMATS: Final = frozenset((*get_args(SpanKind), "mention", "hashtag", "url", "email", "phone"))


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One body and one thing that it shows; `kind` is None for what was parked."""

    source: str
    kind: Inbound | None
    level: Level
    reason: str = ""


@cache
def hearings(platform: str) -> tuple[Heard, ...]:
    """Everything that the platform's bodies show."""
    return tuple(_web() if platform == "web" else _posted(platform))


def _posted(platform: str) -> Iterator[Heard]:
    adapter, _, access = adapter_of(platform)
    for path in sorted((PAYLOADS / platform).glob("*.json")):
        posted = slack_body(path.stem) if platform == "slack" else path.read_bytes().strip()
        yield from _parsed(path.name, adapter.parse(posted, access, NOW))


def _parsed(source: str, parsed: Parsed) -> Iterator[Heard]:
    for event in parsed.events:
        for kind in sorted(shown_by(event)):
            yield Heard(source=source, kind=kind, level="native")
        if isinstance(event.body, CommandReceived) and event.body.command == "start":
            yield Heard(source=source, kind="opened", level="fallback")
    if parsed.statuses:
        yield Heard(source=source, kind="status", level="native")
    for parked in parsed.parked:
        yield Heard(source=source, kind=None, level="dropped", reason=parked.reason)


def _web() -> Iterator[Heard]:
    adapter = adapter_of("web")[0]
    assert isinstance(adapter, WebAdapter)
    for source, frame in FRAMES.items():
        said = parse_frame(msgspec.json.encode({**frame, "id": _ID}))
        assert isinstance(said, Said)
        event = adapter.event(said, _VISITOR, NOW, first=True)
        for kind in sorted(shown_by(event)):
            yield Heard(source=source, kind=kind, level="native")
    yield Heard(source="receipt", kind="status", level="native")


def shown_by(event: InboundEvent) -> Iterator[Inbound]:
    """All that one event tells a flow."""
    body, context = event.body, event.context
    if isinstance(body, MediaReceived):
        yield body.kind
        if body.album:
            yield "album"
    else:
        yield _BODIES[type(body)]
    if isinstance(body, TextReceived) and any(entity.kind in _FORMATS for entity in body.entities):
        yield "formatting"
    if context is None:
        return
    if context.referral is not None:
        yield "deep_link"
    if context.reply_to:
        yield "reply"
    if context.forwarded:
        yield "forward"
    if context.mentioned:
        yield "mention"
    if context.place != "private":
        yield "group_message"
        if event.conversation_key.count(":") > (1 if event.conversation_key.startswith("T") else 0):
            yield "topic"
