"""What a media store is, wherever it keeps its bytes: a folder, a bucket.

A file's place follows from its id alone, so that storing it twice (after a crash, or by two workers) leaves one. What
is being written is nowhere to be seen before it is whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import msgspec

CHUNK_BYTES: Final = 256 * 1024
"""About what a store hands out at once."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is in the store for good."""

    place: str
    """Where: what `open` and `delete` take."""
    size: int
    """Bytes."""
    sha256: str
    """In hexadecimal."""


class MediaStore(Protocol):
    """A store. Its methods raise `StoreAway` and `StoreMisconfigured`; `open` also `NotThere`."""

    async def put(self, id: UUID, chunks: AsyncIterator[bytes]) -> Stored:
        """Keep what `chunks` yields as the file `id`. Whatever they raise comes out, and then nothing is kept."""

    def open(
        self, place: str, start: int = 0, end: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes from `start` to before `end` (None: the end of the file)."""

    async def size(self, place: str) -> int | None:
        """The file's size in bytes; None when there is no such file."""

    async def delete(self, place: str) -> None:
        """Remove a file; one that is not there is no error."""

    async def tidy(self, before: datetime) -> int:
        """Remove what broken writes from before that moment have left; returns how many there were."""

    async def close(self) -> None:
        """Let go of connections and threads."""


class Digest:
    """Counts and hashes what passes."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def feed(self, chunk: bytes) -> None:
        """These bytes, too."""
        self._hash.update(chunk)
        self.size += len(chunk)

    def stored(self, place: str) -> Stored:
        """What came to lie at `place`."""
        return Stored(place=place, size=self.size, sha256=self._hash.hexdigest())


def place_of(id: UUID) -> str:
    """Where the file `id` lies: `3f/a0/<id>`. The folders come from a digest: ids that are made together share
    their beginnings, and would share their folder.
    """
    fan = hashlib.sha256(id.bytes).hexdigest()
    return f"{fan[:2]}/{fan[2:4]}/{id}"


def checked_place(place: str) -> str:
    """`place`, if it is one that `place_of` gives. Raises `ValueError`: no path from outside is ever used."""
    try:
        id = UUID(place.rpartition("/")[2])
    except ValueError:
        raise ValueError("no place of a media store") from None
    if place != place_of(id):
        raise ValueError("no place of a media store")
    return place
