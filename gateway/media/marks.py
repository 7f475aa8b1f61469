"""Marks the files in an event before its turn runs: each gets an id of ours and a signed link. No I/O.

The marked event is what the inbox keeps and what the step sees, so a replay sees the same. A piece is marked once: the
pieces of an album that the engine gathers later are in its state with their marks.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import structs

from engine.events import AlbumReceived, EventBody, HumanReplied, InboundEvent, MediaReceived
from gateway.channel import Channel
from gateway.media.links import MediaLinks
from storage.ids import derived

FIRST_ORDINAL: Final = 4_000
"""Of an event's files among the ids that belong to its inbox row. Its effects have 1 and the following."""
MAX_FILES: Final = 64
"""Of one event. Platforms send 10 as one; a piece beyond this stays unmarked, and is not kept."""


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was marked. Its id is that of its effect, too."""

    id: UUID
    ordinal: int
    direction: Literal["in", "out"]
    piece: MediaReceived
    stored: bool
    """Whether the store has it already: a visitor's upload."""


class MediaMarks:
    """Marks for one deployment; `keep` is how long a file is kept, None for ever."""

    def __init__(self, links: MediaLinks, keep: timedelta | None) -> None:
        self._links = links
        self._keep = keep

    def expiry(self, now: datetime) -> datetime | None:
        """When a file that came now is forgotten."""
        return None if self._keep is None else now + self._keep

    def mark(
        self, channel: Channel, event: InboundEvent, inbox_id: UUID, now: datetime
    ) -> tuple[InboundEvent, list[Marked]]:
        """The event with its files marked, and those files."""
        body = event.body
        if not isinstance(body, MediaReceived | AlbumReceived | HumanReplied):
            return event, []
        marked: list[Marked] = []

        def piece(one: MediaReceived, direction: Literal["in", "out"] = "in") -> MediaReceived:
            return self._piece(channel, one, direction, inbox_id, now, marked)

        changed: EventBody
        match body:
            case MediaReceived():
                changed = piece(body)
            case AlbumReceived():
                changed = structs.replace(body, items=tuple(piece(item) for item in body.items))
            case HumanReplied():
                changed = structs.replace(body, media=tuple(piece(item, "out") for item in body.media))
        return structs.replace(event, body=changed), marked

    def _piece(
        self,
        channel: Channel,
        piece: MediaReceived,
        direction: Literal["in", "out"],
        inbox_id: UUID,
        now: datetime,
        marked: list[Marked],
    ) -> MediaReceived:
        if len(marked) >= MAX_FILES or not (piece.file or piece.media):
            return piece
        ordinal = FIRST_ORDINAL + len(marked)
        id = UUID(piece.media) if piece.media else derived(inbox_id, ordinal)
        stored = bool(piece.media)
        piece = structs.replace(piece, media=str(id), url=self._links.link(channel.organization_id, id, now))
        marked.append(Marked(id=id, ordinal=ordinal, direction=direction, piece=piece, stored=stored))
        return piece
