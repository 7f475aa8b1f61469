"""The file in an upload's request: the body itself, or the first file of a form. It is read as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Final

import aiohttp
from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestPayloadError

from adapters.protocol import Content
from gateway.media.errors import MediaError

SILENCE_SECONDS: Final = 30.0
MAX_FIELDS: Final = 8
"""Fields of a form that are passed over before its file."""
FORM_CHUNK: Final = 64 * 1024
MAX_NAME: Final = 150


class BrokenOff(MediaError):
    """The file did not come to its end."""


class NoFile(MediaError):
    """There is no file in the form."""


async def content_of(request: web.Request) -> Content:
    """The file that `request` brings. A body that is no form is the file; its name is then in the query (`?name=`).

    Raises `NoFile` and `BrokenOff`; so do the chunks.
    """
    if not request.content_type.startswith("multipart/"):
        return Content(
            chunks=_body(request),
            mime_type=request.headers.get(hdrs.CONTENT_TYPE, ""),
            size=request.content_length,
            name=request.query.get("name", "")[-MAX_NAME:],
        )
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            part = await _file_part(request)
    except (TimeoutError, ValueError, RequestPayloadError, ConnectionError):
        raise BrokenOff("the form can't be read") from None
    return Content(
        chunks=_part(part),
        mime_type=part.headers.get(hdrs.CONTENT_TYPE, ""),
        name=(part.filename or "")[-MAX_NAME:],
    )


async def _file_part(request: web.Request) -> aiohttp.BodyPartReader:
    reader = await request.multipart()
    for _ in range(MAX_FIELDS):
        part = await reader.next()
        if part is None:
            break
        if isinstance(part, aiohttp.BodyPartReader) and part.filename is not None:
            return part
    raise NoFile("there is no file in the form")


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    while chunk := await _in_time(request.content.readany()):
        yield chunk


async def _part(part: aiohttp.BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await _in_time(part.read_chunk(FORM_CHUNK)):
        yield chunk
    if not part.at_eof():
        raise BrokenOff("the form broke off")


async def _in_time(reading: Awaitable[bytes | bytearray]) -> bytes:
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            return bytes(await reading)
    except (TimeoutError, RequestPayloadError, ConnectionError, ValueError):
        raise BrokenOff("the file broke off") from None
