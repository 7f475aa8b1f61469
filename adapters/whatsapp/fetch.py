"""Files from customers: GET /<media id> for an address that lives five minutes, then the file itself.

The address comes from outside, so the access token goes only to Meta's own hosts, and nowhere by a redirect.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import msgspec

from adapters.download import ask_for, chunks_of, trusted_url
from adapters.errors import Refused, SendFailed, TryLater, Uncertain
from adapters.protocol import ChannelAccess, Content
from adapters.transport import asked_again
from adapters.whatsapp.access import access_token, api_base, api_url, largest_file, phone_number_id
from adapters.whatsapp.client import SERVER, WhatsAppClient, failure_of

HOSTS: Final = ("fbsbx.com", "fbcdn.net", "facebook.com", "whatsapp.net", "whatsapp.com")
"""Meta's own hosts, with those below them; over https only."""
MAX_REDIRECTS: Final = 3

_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")


class _Media(msgspec.Struct):
    url: str
    mime_type: str = ""
    file_size: int | str | None = None


_decode = msgspec.json.Decoder(_Media).decode


@asynccontextmanager
async def fetch_media(client: WhatsAppClient, file: str, access: ChannelAccess) -> AsyncIterator[Content]:
    """Read a customer's file by its media id, as it comes. Raises `SendFailed`: `Refused` when it is gone, too large,
    or said to be on a host that is not Meta's."""
    if _ID.fullmatch(file) is None or file.strip(".") == "":
        raise Refused("this is no media id of WhatsApp's", code="media")
    media = await _look_up(client, file, access)
    limit = largest_file(access)
    size = _size(media.file_size)
    if size is not None and size > limit:
        raise _too_large(limit)
    response = await _open(client, media.url, access)
    try:
        announced = response.content_length
        if announced is not None and announced > limit:
            raise _too_large(limit)
        yield Content(
            chunks=_chunks(response, limit),
            mime_type=media.mime_type or response.content_type,
            size=announced if announced is not None else size,
        )
    finally:
        response.close()


async def _look_up(client: WhatsAppClient, file: str, access: ChannelAccess) -> _Media:
    url = api_url(access, file).with_query(phone_number_id=phone_number_id(access))
    lost: Uncertain
    try:
        status, body = await client.request("GET", url, access)
        if status == 200:
            if (media := _read(body)) is not None:
                return media
            raise Refused("Meta's answer about the file can't be read", code="media")
        raise failure_of(status, body, access)
    except Uncertain as uncertain:
        lost = uncertain
    raise asked_again(lost)  # nothing is in doubt when a question goes unanswered


def _read(body: bytes) -> _Media | None:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


async def _open(client: WhatsAppClient, address: str, access: ChannelAccess) -> aiohttp.ClientResponse:
    """The response with the file. Each step of a redirect is checked like the first address."""
    headers = {"Authorization": f"Bearer {access_token(access)}"}
    for _ in range(MAX_REDIRECTS + 1):
        url = trusted_url(address, api_base(access), HOSTS)
        if url is None:
            raise Refused(
                "the file is said to be on a host that is not Meta's; it was not asked", code="media"
            )
        response = await ask_for(client.session.open(), url, SERVER, headers)
        if response.status == 200:
            return response
        response.close()
        location = response.headers.get("Location", "")
        if not (300 <= response.status < 400 and location):
            raise _gone(response.status)
        address = location
    raise Refused("the file is behind too many redirects", code="media")


def _gone(status: int) -> SendFailed:
    if status in (404, 410) or 400 <= status < 429:
        return Refused(
            f"the file is gone (HTTP {status}); WhatsApp keeps it for some days only", code="media"
        )
    return TryLater(f"the file could not be read (HTTP {status})", code=str(status))


async def _chunks(response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    """The file's bytes as they come, never more than `limit`. Raises `SendFailed`."""
    read = 0
    async for chunk in chunks_of(response, SERVER):
        read += len(chunk)
        if read > limit:
            raise _too_large(limit)
        yield chunk


def _size(value: int | str | None) -> int | None:
    if isinstance(value, int):
        return value
    return (
        int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 16 else None
    )


def _too_large(limit: int) -> Refused:
    return Refused(f"the file is larger than the {limit // 1024:,} KB that this channel takes", code="media")
