"""Reading a customer's file over HTTP, for adapters whose platform hands files out.

A file's address may contain a token, or is asked with one: no redirect is followed, and no error names the request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final

from aiohttp import ClientResponse, ClientSession
from yarl import URL

from adapters.errors import SendFailed
from adapters.transport import BROKEN, asked_again, transport_failure

CHUNK_BYTES: Final = 65_536


def trusted_url(address: str, own: str, hosts: Collection[str]) -> URL | None:
    """`address`, if it may see a channel's token: one of the API at `own`, or over https one of `hosts` or below them.

    It is parsed once, and by what connects: two parsers may see two hosts in one text.
    """
    try:
        url = URL(address)
        if url.is_absolute() and url.origin() == URL(own).origin():
            return url
    except ValueError:
        return None
    host = url.host or ""
    is_known = any(host == known or host.endswith(f".{known}") for known in hosts)
    return url if is_known and url.scheme == "https" and url.port == 443 else None


async def ask_for(
    session: ClientSession, url: URL, server: str, headers: Mapping[str, str] | None = None
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
