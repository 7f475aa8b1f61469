"""The mock by remote control: JSON under /_control/, for tests and benchmarks in another process.

| call                  | body                                                          | answer                 |
|-----------------------|---------------------------------------------------------------|------------------------|
| GET    health         |                                                               | {"ok": true}           |
| POST   reset          |                                                               | {}                     |
| POST   bots           | {"token", "username"?}                                        | {"id"}                 |
| POST   settings       | {"open_chats"?, "rate_limits"?, "bench"?, "retry_schedule"?,  | {}                     |
|                       |  "retry_after_scale"?, "lose_answers"?}                       |                        |
| POST   chats          | {"chats": [1, …]}                                             | {}                     |
| POST   messages       | one or a list of {"chat", "text" or "content", "thread"?,     | {"updates": [id, …]}   |
|                       |  "person"?}                                                   |                        |
| POST   presses        | one or a list of {"chat", "message_id", "data"}               | {"updates": [id, …]}   |
| POST   edits          | one or a list of {"chat", "message_id", "text"}               | {"updates": [id, …]}   |
| POST   reactions      | one or a list of {"chat", "message_id", "emoji": [...]}       | {"updates": [id, …]}   |
| POST   blocks         | one or a list of {"chat", "blocked"}                          | {"updates": [id, …]}   |
| POST   queries        | one or a list of {"user", "text"}: inline queries             | their own ids          |
| POST   files          | one or a list of {"chat", "kind", "data" (base64), "name"?}   | {"updates": [id, …]}   |
| POST   updates        | one or a list of {"kind", "payload"}: any update              | {"updates": [id, …]}   |
| POST   repeats        | {"update": id}: a delivered update comes once more            | {}                     |
| POST   faults         | one or a list of faults (see `faults.Fault`)                  | {}                     |
| GET    faults         |                                                               | the faults, with hits  |
| DELETE faults         |                                                               | {}                     |
| GET    log            | ?since=0&limit=10000: accepted calls                          | {"log": […], "next"}   |
| GET    deliveries     | ?since=0&limit=10000: attempts at webhooks                    | {"log": […], "next"}   |
| GET    state          |                                                               | counts                 |

Every POST takes "token" to name a bot other than the first.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from tests.platforms.telegram import people
from tests.platforms.telegram.faults import Fault
from tests.platforms.telegram.world import JSON, Bot, Person

if TYPE_CHECKING:
    from tests.platforms.telegram.server import MockTelegram

MAX_PAGE: Final = 10_000


class Control:
    """What the remote control does."""

    def __init__(self, mock: MockTelegram) -> None:
        self._mock = mock
        self.webhook_errors: list[str] = []
        """What calls in webhooks' answers were refused for; the real server tells nobody."""

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
                self.webhook_errors.clear()
                return {}
            case "POST", "bots":
                return {"id": self._mock.world.add_bot(given["token"], given.get("username", "mock_bot")).id}
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
            case "POST", "chats":
                for chat in given["chats"]:
                    self._bot(given).chat(chat)
                return {}
            case "POST", "repeats":
                self._bot(given).repeat(given["update"])
                return {}
            case "POST", _ if name in _ACTS:
                act = _ACTS[name]
                return {"updates": [act(self._bot(one), one) for one in _many(given)]}
        return None

    def _bot(self, given: JSON) -> Bot:
        return self._mock.world.bots[given.get("token", self._mock.default_token)]

    def _settings(self, given: JSON) -> JSON:
        world, courier = self._mock.world, self._mock.courier
        world.open_chats = given.get("open_chats", world.open_chats)
        world.rate_limits = given.get("rate_limits", world.rate_limits)
        world.bench = given.get("bench", world.bench)
        courier.retry_schedule = tuple(given.get("retry_schedule", courier.retry_schedule))
        courier.retry_after_scale = given.get("retry_after_scale", courier.retry_after_scale)
        courier.lose_answers = given.get("lose_answers", courier.lose_answers)
        return {}

    def _state(self) -> JSON:
        bots = self._mock.world.bots.values()
        return {
            "sent": len(self._mock.world.log),
            "attempts": len(self._mock.courier.attempts),
            "pending": sum(len(bot.pending) for bot in bots),
            "webhooks": sum(bot.webhook is not None for bot in bots),
            "webhook_errors": self.webhook_errors,
        }


def _say(bot: Bot, given: JSON) -> int | None:
    if "content" in given:
        return people.send(bot, given["chat"], given["content"])
    person = msgspec.convert(given["person"], Person) if "person" in given else None
    return people.say(bot, given["chat"], given["text"], person=person, thread=given.get("thread"))


def _file(bot: Bot, given: JSON) -> int | None:
    data = base64.b64decode(given["data"])
    return people.send_file(bot, given["chat"], given["kind"], data, name=given.get("name", ""))


_ACTS: Final[dict[str, Callable[[Bot, JSON], int | None]]] = {
    "messages": _say,
    "presses": lambda bot, one: people.press(bot, one["chat"], one["message_id"], one["data"]),
    "edits": lambda bot, one: people.edit(bot, one["chat"], one["message_id"], one["text"]),
    "reactions": lambda bot, one: people.react(bot, one["chat"], one["message_id"], one["emoji"]),
    "blocks": lambda bot, one: people.block(bot, one["chat"], one["blocked"]),
    "queries": lambda bot, one: int(people.query(bot, one["user"], one["text"])),
    "files": _file,
    "updates": lambda bot, one: bot.receive(one["kind"], one["payload"]),
}


def _many(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _page(request: web.BaseRequest, log: Sequence[Any]) -> JSON:
    since = int(request.query.get("since", 0))
    page = log[since : since + min(int(request.query.get("limit", MAX_PAGE)), MAX_PAGE)]
    return {"log": page, "next": since + len(page)}
