"""A media store in a bucket of an S3-compatible service.

What fits into one part is put as it is. A longer stream becomes a multipart upload, part by part, so that its length
need not be known and memory is bounded; until it is completed nobody sees it, and when it breaks off it is aborted.
An upload that a crash has left goes by the bucket's lifecycle rule (AbortIncompleteMultipartUpload).
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final
from uuid import UUID
from xml.sax.saxutils import escape

import aiohttp
from aiohttp.abc import AbstractResolver

from gateway.media.errors import MediaError, NotThere, StoreAway, StoreMisconfigured
from gateway.media.s3_address import S3Address
from gateway.media.s3_client import FIRST_WAIT_SECONDS, S3Client
from gateway.media.store import CHUNK_BYTES, Digest, Stored, checked_place, place_of

PART_BYTES: Final = 5 * 1024 * 1024
"""The least that a part may have, but for the last one."""
WRITES: Final = 16
"""Files that are written at the same time: each holds up to two parts in memory."""

_UPLOAD_ID = re.compile(r"<UploadId>([^<]{1,2000})</UploadId>")


class S3Store:
    """A `MediaStore` in the bucket at `address`."""

    def __init__(
        self,
        address: S3Address,
        clock: Callable[[], datetime],
        *,
        first_wait: float = FIRST_WAIT_SECONDS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._address = address
        self._client = S3Client(address, clock, first_wait=first_wait, resolver=resolver)
        self._writes = asyncio.Semaphore(WRITES)

    def __repr__(self) -> str:
        return f"S3Store({self._address!r})"

    async def put(self, id: UUID, chunks: AsyncIterator[bytes]) -> Stored:
        """See `MediaStore.put`."""
        async with self._writes:
            return await self._put(place_of(id), chunks)

    @asynccontextmanager
    async def open(
        self, place: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `MediaStore.open`."""
        async with self._client.get(checked_place(place), start, end) as response:
            yield _chunks(response)

    async def size(self, place: str) -> int | None:
        """See `MediaStore.size`."""
        try:
            answer = await self._client.call("HEAD", checked_place(place))
        except NotThere:
            return None
        return int(answer.headers.get("content-length", "0"))

    async def delete(self, place: str) -> None:
        """See `MediaStore.delete`."""
        with suppress(NotThere):
            await self._client.call("DELETE", checked_place(place))

    async def tidy(self, before: datetime) -> int:
        """Nothing: the bucket's lifecycle rule does."""
        del before
        return 0

    async def close(self) -> None:
        """See `MediaStore.close`."""
        await self._client.close()

    async def _put(self, place: str, chunks: AsyncIterator[bytes]) -> Stored:
        digest = Digest()
        upload: _Upload | None = None
        buffer = bytearray()
        try:
            async for chunk in chunks:
                digest.feed(chunk)
                buffer += chunk
                while len(buffer) >= PART_BYTES:
                    upload = upload or await _Upload.begin(self._client, place)
                    await upload.part(bytes(buffer[:PART_BYTES]))
                    del buffer[:PART_BYTES]
            if upload is None:
                await self._client.call("PUT", place, body=bytes(buffer))
            else:
                await upload.finish(bytes(buffer))
                await self._completed(upload, place, digest.size)
        except BaseException:
            if upload is not None:
                await asyncio.shield(upload.abort())
            raise
        return digest.stored(place)

    async def _completed(self, upload: _Upload, place: str, size: int) -> None:
        """Make a whole of it. When the answer to that was lost, the next try meets an upload that is no more."""
        try:
            await upload.complete()
        except NotThere:
            if await self.size(place) != size:
                raise StoreAway("the upload is gone and the file is not there") from None


class _Upload:
    """A multipart upload under way."""

    def __init__(self, client: S3Client, key: str, id: str) -> None:
        self._client = client
        self._key = key
        self._id = id
        self._tags: list[str] = []

    @classmethod
    async def begin(cls, client: S3Client, key: str) -> _Upload:
        answer = await client.call("POST", key, {"uploads": ""})
        found = _UPLOAD_ID.search(answer.body)
        if found is None:
            raise StoreMisconfigured("the answer is none of an S3 service: it names no upload")
        return cls(client, key, html.unescape(found[1]))

    async def part(self, data: bytes) -> None:
        query = {"partNumber": str(len(self._tags) + 1), "uploadId": self._id}
        answer = await self._client.call("PUT", self._key, query, data)
        self._tags.append(answer.headers.get("etag", ""))

    async def finish(self, rest: bytes) -> None:
        if rest:
            await self.part(rest)

    async def complete(self) -> None:
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for number, tag in enumerate(self._tags, 1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        await self._client.call("POST", self._key, {"uploadId": self._id}, body)

    async def abort(self) -> None:
        with suppress(MediaError):  # the lifecycle rule does it then
            await self._client.call("DELETE", self._key, {"uploadId": self._id})


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            yield chunk
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise StoreAway(f"the bucket's answer broke off: {type(error).__name__}") from None
