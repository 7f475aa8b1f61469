"""The mock by remote control: what `tests.platforms.common.control` has, and:

| call                  | body                                                          | answer                 |
|-----------------------|---------------------------------------------------------------|------------------------|
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
| GET    state          |                                                               | counts                 |

Every POST takes "token" to name a bot other than the first.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tests.platforms.common import control as common
from tests.platforms.common.control import many
from tests.platforms.telegram import people
from tests.platforms.telegram.world import JSON, Bot, Person

if TYPE_CHECKING:
    from tests.platforms.telegram.server import MockTelegram


class Control(common.Control):
    """What the remote control does."""

    def __init__(self, mock: MockTelegram) -> None:
        super().__init__(mock)
        self._mock = mock
        self.webhook_errors: list[str] = []
        """What calls in webhooks' answers were refused for; the real server tells nobody."""

    async def _act(self, method: str, name: str, given: Any) -> Any:
        match method, name:
            case "POST", "bots":
                return {"id": self._mock.world.add_bot(given["token"], given.get("username", "mock_bot")).id}
            case "POST", "settings":
                return self._settings(given)
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
                return {"updates": [act(self._bot(one), one) for one in many(given)]}
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
