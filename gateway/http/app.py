"""The aiohttp application: routes and the one place where errors become answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from gateway import metrics
from gateway.errors import Unavailable
from gateway.logs import get_logger

SERVER: Final = "gateway"
"""What the header `Server` says, in place of the versions of what we are made of."""
_CLOSING: Final = frozenset({400, 408})
"""Statuses after which the connection can't be used again: nobody knows where the next request would begin."""

_log = get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(routes: Iterable[web.AbstractRouteDef], max_body_bytes: int) -> web.Application:
    """An application with these routes; bodies above the limit are answered 413."""
    logging.getLogger("aiohttp.server").addFilter(_TRANSFERS)
    app = web.Application(client_max_size=max_body_bytes, middlewares=[answer_errors])
    app.add_routes(routes)
    return app


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every failure a clear answer that tells nothing internal."""
    try:
        response = await handler(request)
    except Unavailable as error:
        response = web.json_response(
            {"error": "unavailable", "message": "Nothing was accepted; try again shortly."},
            status=503,
            headers={"Retry-After": str(error.retry_after)},
        )
    except web.HTTPException as error:
        response = _plain(error)
    except Exception:
        _log.exception("request failed", route=_route(request))
        response = web.json_response(
            {"error": "internal", "message": "Something went wrong on our side."}, status=500
        )
    metrics.requests(_route(request), response.status).inc()
    response.headers[hdrs.SERVER] = SERVER
    return response


class _BrokenTransfers(logging.Filter):
    """A request that is no HTTP, or that breaks off, is its client's fault: told when debugging, in one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError | RequestPayloadError | ConnectionError):
            return True
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        record.msg, record.args = "a client's request broke: %s", (type(error).__name__,)
        record.exc_info = None
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


_TRANSFERS: Final = _BrokenTransfers()


def _plain(error: web.HTTPException) -> web.StreamResponse:
    if error.status < 400:
        return error
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    body = {"error": (error.reason or "refused").lower().replace(" ", "_"), "message": error.text or ""}
    response = web.json_response(body, status=error.status, headers=headers)
    if error.status in _CLOSING:
        response.force_close()
    return response


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"
