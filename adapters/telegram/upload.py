"""A call with files: multipart/form-data, streamed from where the files are kept to Telegram.

https://core.telegram.org/bots/api#sending-files
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec
from aiohttp import MultipartWriter
from aiohttp.payload import AsyncIterablePayload, StringPayload

from adapters.errors import Refused, SendFailed, TryLater
from adapters.protocol import Call, Content, Files, Upload
from adapters.telegram.capabilities import MEGABYTE, PHOTO_BYTES, UPLOAD_BYTES

MAX_NAME: Final = 128
"""Characters of a file's name that are passed on."""
_SUFFIXES: Final = {
    "photo": ".jpg",
    "video": ".mp4",
    "animation": ".mp4",
    "audio": ".mp3",
    "voice": ".ogg",
    "document": ".bin",
    "sticker": ".webp",
}


class Parcel:
    """The body of one request, and what went wrong at the files' side while it was written.

    aiohttp reports an error of the reader as a broken connection; `failure` tells the two apart.
    """

    def __init__(self) -> None:
        self.writer = MultipartWriter("form-data")
        self.failure: SendFailed | None = None

    async def pack(self, call: Call, files: Files | None, opened: AsyncExitStack, own_server: bool) -> None:
        """Open the call's files and put them beside its parameters. Raises `SendFailed`."""
        if files is None:
            raise Refused("this process has no store to take the file from", code="files")
        for name, value in msgspec.json.decode(call.body).items():
            self._append(name, value if type(value) is str else msgspec.json.encode(value).decode())
        for upload in call.uploads:
            content = await opened.enter_async_context(files.open(upload.source))
            self._append_file(upload, content, None if own_server else _limit(upload.kind))

    def _append(self, name: str, value: str) -> None:
        payload = StringPayload(value)
        payload.set_content_disposition("form-data", name=name)
        self.writer.append_payload(payload)

    def _append_file(self, upload: Upload, content: Content, limit: int | None) -> None:
        if limit is not None and content.size is not None and content.size > limit:
            raise too_large(content.size, limit)
        payload = _File(
            self._read(content, limit),
            content.size,
            content_type=content.mime_type or "application/octet-stream",
        )
        name = upload.name or content.name or upload.field + _SUFFIXES.get(upload.kind, "")
        name = "".join(character for character in name if character.isprintable())[:MAX_NAME]
        payload.set_content_disposition("form-data", name=upload.field, filename=name, quote_fields=False)
        self.writer.append_payload(payload)

    async def _read(self, content: Content, limit: int | None) -> AsyncIterator[bytes]:
        """The file's bytes, no more than `limit` and no others than announced."""
        count = 0
        try:
            async for chunk in content.chunks:
                count += len(chunk)
                if limit is not None and count > limit:
                    raise too_large(count, limit)
                yield chunk
            if content.size is not None and count != content.size:
                raise TryLater("the file's size changed while it was read", code="files")
        except SendFailed as error:
            self.failure = error
            raise
        except (OSError, TimeoutError) as error:
            self.failure = TryLater(f"the file can't be read ({type(error).__name__})", code="files")
            raise


class _File(AsyncIterablePayload):
    """A streamed part whose size is known beforehand, so that the request carries a Content-Length."""

    def __init__(self, chunks: AsyncIterator[bytes], size: int | None, **more: Any) -> None:
        super().__init__(chunks, **more)
        self._known = size

    @property
    def size(self) -> int | None:
        """Bytes, None when not known."""
        return self._known


def _limit(kind: str) -> int:
    return PHOTO_BYTES if kind == "photo" else UPLOAD_BYTES


def too_large(size: int, limit: int) -> Refused:
    """A file beyond Telegram's limit, in words that tell both."""
    return Refused(f"the file has {size / MEGABYTE:.1f} MB; {_at_most(limit)}", code="413")


def _at_most(limit: int) -> str:
    return f"Telegram takes at most {limit // MEGABYTE} MB of this kind"


TOO_LARGE_PHOTO: Final = _at_most(PHOTO_BYTES)
"""How the refusal of a photo ends that would still do as a document."""
