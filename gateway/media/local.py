"""A media store in a folder, for one machine or a shared file system.

A file is written to `incoming/` under a random name, synced to the disk, moved to its place in one step, and the
folder that it came to is synced, too: when `put` returns, a power cut takes nothing back. All of it happens in a
few threads of its own, so that a slow disk holds up no event loop.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, TypeVar
from uuid import UUID

from gateway.media.errors import NotThere, StoreAway
from gateway.media.store import CHUNK_BYTES, Digest, Stored, checked_place, place_of

THREADS: Final = 8
INCOMING: Final = "incoming"
SUFFIX: Final = ".part"
FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

_T = TypeVar("_T")


class LocalStore:
    """A `MediaStore` under `folder`, which is made at the first write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="media")

    def __repr__(self) -> str:
        return f"LocalStore({self._folder})"

    async def put(self, id: UUID, chunks: AsyncIterator[bytes]) -> Stored:
        """See `MediaStore.put`."""
        place = place_of(id)
        digest = Digest()
        draft, file = await self._run(self._begin)
        try:
            try:
                buffer = bytearray()
                async for chunk in chunks:
                    buffer += chunk
                    if len(buffer) >= CHUNK_BYTES:
                        await self._run(_write, file, bytes(buffer), digest)
                        buffer.clear()
                await self._run(_write, file, bytes(buffer), digest)
            finally:
                await self._run(file.close)
            await self._run(self._settle, draft, self._folder / place)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        return digest.stored(place)

    @asynccontextmanager
    async def open(
        self, place: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `MediaStore.open`."""
        file = await self._run(_open, self._path(place), start)
        try:
            yield self._read(file, None if end is None else end - start)
        finally:
            await self._run(file.close)

    async def size(self, place: str) -> int | None:
        """See `MediaStore.size`."""
        try:
            return (await self._run(self._path(place).stat)).st_size
        except NotThere:
            return None

    async def delete(self, place: str) -> None:
        """See `MediaStore.delete`."""
        path = self._path(place)
        await self._run(lambda: path.unlink(missing_ok=True))

    async def tidy(self, before: datetime) -> int:
        """See `MediaStore.tidy`."""
        return await self._run(self._tidy, before.timestamp())

    async def close(self) -> None:
        """See `MediaStore.close`."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _read(self, file: BinaryIO, left: int | None) -> AsyncIterator[bytes]:
        while left is None or left > 0:
            chunk = await self._run(file.read, CHUNK_BYTES if left is None else min(left, CHUNK_BYTES))
            if not chunk:
                return
            if left is not None:
                left -= len(chunk)
            yield chunk

    def _path(self, place: str) -> Path:
        return self._folder / checked_place(place)

    def _begin(self) -> tuple[Path, BinaryIO]:
        incoming = self._folder / INCOMING
        incoming.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        draft = incoming / f"{secrets.token_hex(16)}{SUFFIX}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        return draft, os.fdopen(descriptor, "wb", buffering=0)

    def _settle(self, draft: Path, path: Path) -> None:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(path)
        for folder in (path.parent, path.parent.parent, self._folder):
            _sync(folder)

    def _tidy(self, before: float) -> int:
        removed = 0
        for draft in self._drafts():
            with suppress(FileNotFoundError):  # its writer has come to an end meanwhile
                if draft.stat().st_mtime < before:
                    draft.unlink()
                    removed += 1
        return removed

    def _drafts(self) -> Iterator[Path]:
        incoming = self._folder / INCOMING
        return incoming.glob(f"*{SUFFIX}") if incoming.is_dir() else iter(())

    async def _run(self, function: Callable[..., _T], *arguments: object) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        except FileNotFoundError:
            raise NotThere("the file is not in the media folder") from None
        except OSError as error:
            raise StoreAway(f"the media folder {self._folder}: {error.strerror}") from None


def _write(file: BinaryIO, data: bytes, digest: Digest) -> None:
    digest.feed(data)
    view = memoryview(data)
    while view:  # an unbuffered file may take a part only
        view = view[file.write(view) :]


def _open(path: Path, start: int) -> BinaryIO:
    file = path.open("rb", buffering=0)
    file.seek(start)
    return file


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
