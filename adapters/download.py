"""Reading a customer's file over HTTP, for adapters whose platform hands files out.

A file's address may contain a token, or is asked with one: no redirect is followed, and no error names the request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

from aiohttp import ClientResponse, ClientSession
from yarl import URL

from adapters.errors import SendFailed
from adapters.transport import BROKEN, asked_again, transport_failure

CHUNK_BYTES: Final = 65_536


async def ask_for(
    session: ClientSession, url: URL | str, server: str, headers: Mapping[str, str] | None = None
) -> ClientResponse:
    """The response with its headers; whoever asked closes it. Raises `SendFailed`, which names `server`."""
    failure: SendFailed
    try:
        return await session.get(url, headers=headers, allow_redirects=False)
    except BROKEN as error:
        failure = asked_again(transport_failure(error, server))
    raise failure


async def chunks_of(response: ClientResponse, server: str) -> AsyncIterator[bytes]:
    """The body as it comes. Raises `SendFailed`, which names `server`."""
    failure: SendFailed
    try:
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            yield chunk
        return
    except BROKEN as error:
        failure = asked_again(transport_failure(error, server))
    raise failure
