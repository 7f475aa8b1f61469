"""Files to Meta: POST /<phone number id>/media, and the id that a message names instead of an address.

An id lives for 30 days, so a file that goes to many customers is uploaded once.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
"""

from __future__ import annotations

import tempfile
import time
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from typing import IO, Any, Final, Protocol
from uuid import UUID

import aiohttp
import msgspec
from yarl import URL

from adapters.errors import Refused, Uncertain
from adapters.protocol import ChannelAccess, Files, Upload
from adapters.transport import asked_again
from adapters.whatsapp.access import access_token, api_url, phone_number_id
from adapters.whatsapp.capabilities import MEDIA_BYTES, MEGABYTE
from adapters.whatsapp.failures import refusal, unreadable_answer

TYPES: Final[dict[str, frozenset[str]]] = {
    "image": frozenset({"image/jpeg", "image/png"}),
    "video": frozenset({"video/mp4", "video/3gpp"}),
    "audio": frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
    "voice": frozenset({"audio/ogg", "audio/aac", "audio/amr", "audio/mpeg", "audio/mp4"}),
    "sticker": frozenset({"image/webp"}),
}
"""What WhatsApp takes of each kind, by MIME type; a document may be of any."""
IN_MEMORY: Final = MEGABYTE
"""Bytes of a file that are kept in memory on its way; what is larger lies in a temporary file."""
MAX_KEPT: Final = 4096
KEPT_SECONDS: Final = 20 * 86_400.0
"""How long an upload's id is used again; Meta keeps it for 30 days."""


class Request(Protocol):
    """How the client makes a request."""

    def __call__(
        self, method: str, url: URL, access: ChannelAccess, **how: Any
    ) -> Awaitable[tuple[int, bytes]]: ...


class _Uploaded(msgspec.Struct):
    id: str


_decode = msgspec.json.Decoder(_Uploaded).decode


class Uploads:
    """Uploads of one client, remembered for a while."""

    def __init__(self, files: Files | None, request: Request) -> None:
        self._files = files
        self._request = request
        self._kept: OrderedDict[tuple[UUID, str, str], tuple[str, float]] = OrderedDict()

    async def ids_of(self, uploads: Sequence[Upload], access: ChannelAccess) -> dict[str, str]:
        """The media id for each field that wants one. Raises `SendFailed`."""
        return {upload.field: await self._id_of(upload, access) for upload in uploads}

    def forget(self, uploads: Sequence[Upload], access: ChannelAccess) -> None:
        """Upload these anew the next time."""
        for upload in uploads:
            self._kept.pop(_key(upload, access), None)

    async def _id_of(self, upload: Upload, access: ChannelAccess) -> str:
        key = _key(upload, access)
        kept = self._kept.get(key)
        if kept is not None and kept[1] > time.monotonic():
            return kept[0]
        id = await self._upload(upload, access)
        self._kept[key] = (id, time.monotonic() + KEPT_SECONDS)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return id

    async def _upload(self, upload: Upload, access: ChannelAccess) -> str:
        if self._files is None:
            raise Refused(f"the file of this {upload.kind} can't be read here, so it can't be uploaded")
        limit = MEDIA_BYTES[upload.kind]
        async with self._files.open(upload.source) as content:
            mime_type = _checked_type(upload.kind, content.mime_type)
            if content.size is not None and content.size > limit:
                raise _too_large(upload.kind, limit)
            with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
                size = 0
                async for chunk in content.chunks:
                    size += len(chunk)
                    if size > limit:
                        raise _too_large(upload.kind, limit)
                    spool.write(chunk)
                if not size:
                    raise Refused(f"the file of this {upload.kind} is empty", code="media")
                spool.seek(0)
                return await self._post(spool, f"{upload.kind}{_extension(mime_type)}", mime_type, access)

    async def _post(self, file: IO[bytes], name: str, mime_type: str, access: ChannelAccess) -> str:
        form = aiohttp.FormData()
        form.add_field("messaging_product", "whatsapp")
        form.add_field("type", mime_type)
        form.add_field("file", file, filename=name, content_type=mime_type)
        url = api_url(access, f"{phone_number_id(access)}/media")
        lost: Uncertain
        try:
            status, body = await self._request("POST", url, access, data=form)
            if status == 200 and (id := _read(body)):
                return id
            raise refusal(status, body, access_token(access)) or unreadable_answer(status)
        except Uncertain as uncertain:
            lost = uncertain
        # A file that may lie at Meta's unused hurts nobody: nothing is in doubt.
        raise asked_again(lost)


def _read(body: bytes) -> str:
    try:
        return _decode(body).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def with_ids(body: bytes, ids: dict[str, str]) -> bytes:
    """A rendered call with the media ids at the places that the uploads name (`interactive.header.image`)."""
    call: Any = msgspec.json.decode(body)
    for field, id in ids.items():
        place = call
        for step in field.split("."):
            place = place[int(step)] if isinstance(place, list) else place[step]
        place["id"] = id
    return msgspec.json.encode(call)


def _key(upload: Upload, access: ChannelAccess) -> tuple[UUID, str, str]:
    return access.channel_id, upload.kind, upload.source


def _checked_type(kind: str, mime_type: str) -> str:
    """The MIME type without its parameters. Raises `Refused` for one that WhatsApp does not take of this kind."""
    bare = mime_type.partition(";")[0].strip().lower()
    allowed = TYPES.get(kind)
    if allowed is None:
        return bare or "application/octet-stream"
    if bare not in allowed:
        raise Refused(
            f"WhatsApp takes {kind} files of the types {', '.join(sorted(allowed))}, not {bare or 'an unknown one'}",
            code="media",
        )
    return f"{bare}; codecs=opus" if kind == "voice" and bare == "audio/ogg" else bare


def _too_large(kind: str, limit: int) -> Refused:
    return Refused(
        f"the file is larger than the {limit // 1024:,} KB that WhatsApp takes of {kind} files", code="media"
    )


def _extension(mime_type: str) -> str:
    """An ending for a file without a name."""
    subtype = mime_type.partition(";")[0].partition("/")[2]
    return (
        "." + {"jpeg": "jpg", "mpeg": "mp3", "3gpp": "3gp", "octet-stream": "bin"}.get(subtype, subtype)[:8]
    )
