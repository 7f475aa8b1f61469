"""The mock by remote control: JSON under /_control/, for tests and benchmarks in another process.

| call                  | body                                                          | answer                 |
|-----------------------|---------------------------------------------------------------|------------------------|
| GET    health         |                                                               | {"ok": true}           |
| POST   reset          |                                                               | {}                     |
| POST   numbers        | {"id", "display"?}                                            | {"id"}                 |
| POST   settings       | {"open_chats"?, "rate_limits"?, "bench"?, "refuse_late"?,     | {}                     |
|                       |  "statuses"?, "repeats"?, "shift"?, "retry_schedule"?,        |                        |
|                       |  "lose_answers"?}                                             |                        |
| POST   customers      | one or a list of {"id", "name"?, "username"?, "user_id"?,     | {}                     |
|                       |  "wa_id"?, "reachable"?}                                      |                        |
| POST   templates      | one or a list of `world.Template`                             | {}                     |
| POST   decisions      | one or a list of {"name", "language", "status", "reason"?}    | {}                     |
| POST   messages       | one or a list of {"customer", "text"; or "kind", "content"}   | {"messages": [id, …]}  |
| POST   batches        | {"texts": [[customer, text], …]}: all in one body             | {"messages": [id, …]}  |
| POST   presses        | one or a list of {"customer", "message", "choice"}            | {"messages": [id, …]}  |
| POST   echoes         | one or a list of {"customer", "text"}                         | {"messages": [id, …]}  |
| POST   webhooks       | one or a list of bodies to post as they are                   | {}                     |
| POST   repeats        | {"n": place among the delivered}: it comes once more          | {}                     |
| POST   faults         | one or a list of faults (see `faults.Fault`)                  | {}                     |
| GET    faults         |                                                               | the faults, with hits  |
| DELETE faults         |                                                               | {}                     |
| GET    log            | ?since=0&limit=10000: accepted calls                          | {"log": […], "next"}   |
| GET    deliveries     | ?since=0&limit=10000: attempts at webhooks                    | {"log": […], "next"}   |
| GET    state          |                                                               | counts                 |

Every POST takes "number" to name a phone number id other than the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from tests.platforms.whatsapp import people, templates
from tests.platforms.whatsapp.faults import Fault
from tests.platforms.whatsapp.world import JSON, NUMBER, Number, Template

if TYPE_CHECKING:
    from tests.platforms.whatsapp.server import MockWhatsApp

MAX_PAGE: Final = 10_000
_WORLD_SETTINGS: Final = (
    "open_chats", "rate_limits", "bench", "refuse_late", "statuses", "repeats", "shift",
)  # fmt: skip


class Control:
    """What the remote control does."""

    def __init__(self, mock: MockWhatsApp) -> None:
        self._mock = mock

    async def handle(self, request: web.BaseRequest, name: str) -> web.Response:
        """One control call. 404 for a name that there is not, 400 with the reason for a body that won't do."""
        try:
            answer = await self._dispatch(request, name)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, IndexError) as error:
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
            case "POST", "numbers":
                display = given.get("display", "15550100201")
                return {"id": self._mock.world.add_number(given["id"], display).id}
            case "POST", "settings":
                return self._settings(given)
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
                return self._state()
            case "POST", "repeats":
                self._mock.courier.repeat(given["n"])
                return {}
            case "POST", "templates":
                for template in msgspec.convert(_many(given), list[Template]):
                    self._mock.world.add_template(template)
                return {}
            case "POST", "batches":
                texts = [(customer, text) for customer, text in given["texts"]]
                return {"messages": people.say_many(self._number(given), texts)}
            case "POST", _ if name in _ACTS:
                act = _ACTS[name]
                return {"messages": [act(self._number(one), one) for one in _many(given)]}
            case "POST", _ if name in _CHANGES:
                change = _CHANGES[name]
                for one in _many(given):
                    change(self._number(one), one)
                return {}
        return None

    def _number(self, given: JSON) -> Number:
        return self._mock.world.numbers[given.get("number", NUMBER)]

    def _settings(self, given: JSON) -> JSON:
        world, courier = self._mock.world, self._mock.courier
        for name in _WORLD_SETTINGS:
            if name in given:
                setattr(world, name, given[name])
        courier.retry_schedule = tuple(given.get("retry_schedule", courier.retry_schedule))
        courier.lose_answers = given.get("lose_answers", courier.lose_answers)
        return {}

    def _state(self) -> JSON:
        return {
            "sent": len(self._mock.world.log),
            "attempts": len(self._mock.courier.attempts),
            "pending": self._mock.courier.pending,
            "webhooks": sum(bool(number.webhook_url) for number in self._mock.world.numbers.values()),
        }


def _say(number: Number, given: JSON) -> str:
    if "kind" in given:
        return people.send(number, given["customer"], given["kind"], given["content"])
    return people.say(number, given["customer"], given["text"])


def _customer(number: Number, given: JSON) -> None:
    customer = number.customer(given["id"])
    for name in ("name", "username", "user_id", "wa_id", "reachable"):
        if name in given:
            setattr(customer, name, given[name])


def _decide(number: Number, given: JSON) -> None:
    templates.decide(number, given["name"], given["language"], given["status"], given.get("reason", "NONE"))


_ACTS: Final[dict[str, Callable[[Number, JSON], str]]] = {
    "messages": _say,
    "presses": lambda number, one: people.press(number, one["customer"], one["message"], one["choice"]),
    "echoes": lambda number, one: people.echo(number, one["customer"], one["text"]),
}
_CHANGES: Final[dict[str, Callable[[Number, JSON], None]]] = {
    "customers": _customer,
    "decisions": _decide,
    "webhooks": lambda number, one: number.world.on_webhook(number, "raw", one),
}


def _many(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _page(request: web.BaseRequest, log: Sequence[Any]) -> JSON:
    since = int(request.query.get("since", 0))
    page = log[since : since + min(int(request.query.get("limit", MAX_PAGE)), MAX_PAGE)]
    return {"log": page, "next": since + len(page)}
