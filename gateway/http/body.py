"""Reading a request's body: whole, in time, or not at all."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

BODY_SECONDS = 10.0
"""How long a body may take to arrive; platforms take milliseconds."""


async def read_body(request: web.Request) -> bytes:
    """The body, decompressed. Raises 408 when it does not come in time, 400 when it breaks off or can't be
    decoded, 413 when it is too large.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="The body did not arrive in time.") from None
    except (RequestPayloadError, ConnectionError):
        raise web.HTTPBadRequest(text="The body broke off, or is not encoded as its headers say.") from None
