"""The checks of a file while it streams into the store: its size, its type by content, its pixels and frames.

A refusal is raised out of the stream, so the store keeps nothing of the file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from gateway.media import kinds, pictures
from gateway.media.errors import NotAllowed
from gateway.media.frames import FrameCounter
from gateway.media.pictures import MEASURED, STEPS, Dimensions
from gateway.media.rules import Rules, kind_of
from gateway.media.store import Stored
from storage.media import StoredFile

ANY: Final = ""
"""A kind that the content decides."""


class Checked:
    """One file on its way through. `kind` is the sender's word for it (`engine.messages.MediaKind`), or ANY."""

    def __init__(self, rules: Rules, *, kind: str = ANY, declared: str = "", name: str = "") -> None:
        self._rules = rules
        self._declared = declared
        self._name = name
        self._size = 0
        self._frames: FrameCounter | None = None
        self.kind = kind
        self.mime_type = ""
        self.dimensions: Dimensions | None = None

    def stored(self, file: Stored) -> StoredFile:
        """What is to be noted of the file that came through and is in the store now."""
        size = self.dimensions
        return StoredFile(
            kind=self.kind,
            mime_type=self.mime_type,
            size=file.size,
            sha256=file.sha256,
            place=file.place,
            width=size.width if size else None,
            height=size.height if size else None,
        )

    async def stream(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """What `chunks` yields, once its beginning is known to be taken. Raises `NotAllowed`, and what they raise."""
        head = bytearray()
        steps = iter(STEPS)
        step = next(steps)
        begun = False
        async for chunk in chunks:
            self._count(chunk)
            if begun:
                yield chunk
                continue
            head += chunk
            while not begun and len(head) >= step:
                following = next(steps, None)
                begun = self._begin(bytes(head), last=following is None)
                step = following or step
            if begun:
                self._watch(bytes(head))
                yield bytes(head)
        if not begun:
            if not head:
                raise NotAllowed("the file is empty")
            self._begin(bytes(head), last=True)
            self._watch(bytes(head))
            yield bytes(head)

    def _count(self, chunk: bytes) -> None:
        self._size += len(chunk)
        self._rules.check_size(self._size)
        if self._frames is not None:
            self._watch(chunk)

    def _begin(self, head: bytes, *, last: bool) -> bool:
        """Whether the beginning tells all that it has to; `last` when no more of it is waited for."""
        if not self.mime_type:
            mime_type = kinds.type_of(head[: kinds.HEAD_BYTES], self._declared, self._name)
            self.kind = self.kind or kind_of(mime_type)
            self._rules.check_type(self.kind, mime_type)
            self.mime_type = mime_type
        if self.mime_type in MEASURED:
            self.dimensions = pictures.measure(self.mime_type, head)
            if self.dimensions is None:
                if last:
                    raise NotAllowed("the picture's header can't be read")
                return False
        self._frames = FrameCounter(self.mime_type)
        return True

    def _watch(self, chunk: bytes) -> None:
        assert self._frames is not None
        self._frames.feed(chunk)
        if self.dimensions is not None:
            pictures.check(self.dimensions, self._frames.frames, self._frames.largest)
