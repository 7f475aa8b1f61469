"""The aiohttp application: routes and the one place where errors become answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from gateway import metrics
from gateway.errors import Unavailable
from gateway.logs import get_logger

_log = get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(routes: Iterable[web.AbstractRouteDef], max_body_bytes: int) -> web.Application:
    """An application with these routes; bodies above the limit are answered 413."""
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
    return response


def _plain(error: web.HTTPException) -> web.StreamResponse:
    if error.status < 400:
        return error
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    body = {"error": (error.reason or "refused").lower().replace(" ", "_"), "message": error.text or ""}
    return web.json_response(body, status=error.status, headers=headers)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"
