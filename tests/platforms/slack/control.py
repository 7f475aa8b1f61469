"""The mock by remote control: JSON under /_control/, for tests and benchmarks in another process.

| call                  | body                                                          | answer                 |
|-----------------------|---------------------------------------------------------------|------------------------|
| GET    health         |                                                               | {"ok": true}           |
| POST   reset          |                                                               | {}                     |
| POST   settings       | {"url"?, "rate_limits"?, "commercial"?, "socket_mode"?,       | {}                     |
|                       |  "echoes"?, "scale"?, "lose_answers"?}                        |                        |
| POST   people         | one or a list of {"id", …} (see `world.Person`)               | {}                     |
| POST   messages       | one or a list of {"user", "text", "channel"?, "thread"?}      | {"messages": [ts, …]}  |
| POST   events         | one or a list of events: any                                  | {"events": [id, …]}    |
| POST   presses        | one or a list of {"user", "channel", "ts", "action_id",       | {"statuses": […]}      |
|                       |  "option"?}                                                   |                        |
| POST   commands       | one or a list of {"user", "name", "text"?, "channel"?}        | {"statuses": […]}      |
| POST   faults         | one or a list of faults (see `faults.Fault`)                  | {}                     |
| GET    faults         |                                                               | the faults, with hits  |
| DELETE faults         |                                                               | {}                     |
| GET    log            | ?since=0&limit=10000: accepted calls                          | {"log": […], "next"}   |
| GET    deliveries     | ?since=0&limit=10000: requests to the app                     | {"log": […], "next"}   |
| GET    state          |                                                               | counts                 |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from tests.platforms.slack.faults import Fault
from tests.platforms.slack.world import JSON, Person

if TYPE_CHECKING:
    from tests.platforms.slack.server import MockSlack

MAX_PAGE: Final = 10_000


class Control:
    """What the remote control does."""

    def __init__(self, mock: MockSlack) -> None:
        self._mock = mock

    async def handle(self, request: web.BaseRequest, name: str) -> web.Response:
        """One control call. 404 for a name that there is not, 400 with the reason for a body that won't do."""
        try:
            answer = await self._dispatch(request, name)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        if answer is None:
            return web.json_response({"error": f"no control {request.method} {name}"}, status=404)
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    async def _dispatch(self, request: web.BaseRequest, name: str) -> Any:
        body = await request.read()
        given: Any = msgspec.json.decode(body) if body else {}
        match request.method, name:
            case "GET", "health":
                return {"ok": True}
            case "POST", "reset":
                await self._mock.reset()
                return {}
            case "POST", "settings":
                return self._settings(given)
            case "POST", "people":
                for person in msgspec.convert(_many(given), list[Person]):
                    self._mock.world.people[person.id] = person
                return {}
            case "POST", "faults":
                self._mock.faults.add(*msgspec.convert(_many(given), list[Fault]))
                return {}
            case "GET", "faults":
                return self._mock.faults.faults
            case "DELETE", "faults":
                self._mock.faults.clear()
                return {}
            case "GET", "log":
                return _page(request, self._mock.world.log)
            case "GET", "deliveries":
                return _page(request, self._mock.courier.attempts)
            case "GET", "state":
                return {
                    "sent": len(self._mock.world.log),
                    "attempts": len(self._mock.courier.attempts),
                    "sockets": self._mock.sockets.count,
                    "acknowledged": len(self._mock.sockets.acknowledged),
                }
        return await self._act(request.method, name, _many(given))

    async def _act(self, method: str, name: str, given: list[JSON]) -> Any:
        from tests.platforms.slack import people  # which imports the server

        match method, name:
            case "POST", "messages":
                return {"messages": [people.say(self._mock, **one) for one in given]}
            case "POST", "events":
                return {"events": [self._mock.tell(one)["event_id"] for one in given]}
            case "POST", "presses":
                return {"statuses": [(await people.press(self._mock, **one)).status for one in given]}
            case "POST", "commands":
                return {"statuses": [(await people.command(self._mock, **one)).status for one in given]}
        return None

    def _settings(self, given: JSON) -> JSON:
        world, courier = self._mock.world, self._mock.courier
        world.rate_limits = given.get("rate_limits", world.rate_limits)
        world.commercial = given.get("commercial", world.commercial)
        world.socket_mode = given.get("socket_mode", world.socket_mode)
        self._mock.echoes = given.get("echoes", self._mock.echoes)
        courier.url = given.get("url", courier.url)
        courier.scale = given.get("scale", courier.scale)
        courier.lose_answers = given.get("lose_answers", courier.lose_answers)
        return {}


def _many(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _page(request: web.BaseRequest, log: Sequence[Any]) -> JSON:
    since = int(request.query.get("since", 0))
    page = log[since : since + min(int(request.query.get("limit", MAX_PAGE)), MAX_PAGE)]
    return {"log": page, "next": since + len(page)}
