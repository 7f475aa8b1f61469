"""A mock by remote control: JSON under /_control/, for tests and benchmarks in another process.

What every platform has; each adds what its people do.

| call                  | body                                                          | answer                 |
|-----------------------|---------------------------------------------------------------|------------------------|
| GET    health         |                                                               | {"ok": true}           |
| POST   reset          |                                                               | {}                     |
| POST   faults         | one or a list of the platform's faults                        | {}                     |
| GET    faults         |                                                               | the faults, with hits  |
| DELETE faults         |                                                               | {}                     |
| GET    log            | ?since=0&limit=10000: accepted calls                          | {"log": […], "next"}   |
| GET    deliveries     | ?since=0&limit=10000: requests to the gateway                 | {"log": […], "next"}   |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec
from aiohttp import web

from tests.platforms.common.faults import Programme

MAX_PAGE: Final = 10_000


class World(Protocol):
    """Where accepted calls are logged."""

    @property
    def log(self) -> Sequence[Any]: ...


class Courier(Protocol):
    """Where requests to the gateway are logged."""

    @property
    def attempts(self) -> Sequence[Any]: ...


class Mock(Protocol):
    """What is controlled."""

    @property
    def world(self) -> World: ...

    @property
    def courier(self) -> Courier: ...

    @property
    def faults(self) -> Programme[Any]: ...

    async def reset(self) -> None: ...


class Control:
    """What the remote control does on every platform."""

    def __init__(self, controlled: Mock) -> None:
        self._controlled = controlled

    async def handle(self, request: web.BaseRequest, name: str) -> web.Response:
        """One control call. 404 for a name that there is not, 400 with the reason for a body that won't do."""
        try:
            body = await request.read()
            answer = await self._dispatch(request, name, msgspec.json.decode(body) if body else {})
        except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        if answer is None:
            return web.json_response({"error": f"no control {request.method} {name}"}, status=404)
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    async def _dispatch(self, request: web.BaseRequest, name: str, given: Any) -> Any:
        mock = self._controlled
        match request.method, name:
            case "GET", "health":
                return {"ok": True}
            case "POST", "reset":
                await mock.reset()
                return {}
            case "POST", "faults":
                mock.faults.order(many(given))
                return {}
            case "GET", "faults":
                return mock.faults.faults
            case "DELETE", "faults":
                mock.faults.clear()
                return {}
            case "GET", "log":
                return _page(request, mock.world.log)
            case "GET", "deliveries":
                return _page(request, mock.courier.attempts)
        return await self._act(request.method, name, given)

    async def _act(self, method: str, name: str, given: Any) -> Any:
        """The platform's own calls; None for a name that there is not."""
        raise NotImplementedError


def many(given: Any) -> list[Any]:
    """A list, or one thing as a list of one."""
    return given if isinstance(given, list) else [given]


def _page(request: web.BaseRequest, log: Sequence[Any]) -> dict[str, Any]:
    since = int(request.query.get("since", 0))
    page = log[since : since + min(int(request.query.get("limit", MAX_PAGE)), MAX_PAGE)]
    return {"log": page, "next": since + len(page)}
