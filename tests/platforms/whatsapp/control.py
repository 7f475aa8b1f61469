"""The mock by remote control: what `tests.platforms.common.control` has, and:

| call                  | body                                                          | answer                 |
|-----------------------|---------------------------------------------------------------|------------------------|
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
| GET    state          |                                                               | counts                 |

Every POST takes "number" to name a phone number id other than the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tests.platforms.common import control as common
from tests.platforms.common.control import many
from tests.platforms.whatsapp import people, templates
from tests.platforms.whatsapp.world import JSON, NUMBER, Number, Template

if TYPE_CHECKING:
    from tests.platforms.whatsapp.server import MockWhatsApp

_WORLD_SETTINGS: Final = (
    "open_chats", "rate_limits", "bench", "refuse_late", "statuses", "repeats", "shift",
)  # fmt: skip


class Control(common.Control):
    """What the remote control does."""

    def __init__(self, mock: MockWhatsApp) -> None:
        super().__init__(mock)
        self._mock = mock

    async def _act(self, method: str, name: str, given: Any) -> Any:
        match method, name:
            case "POST", "numbers":
                display = given.get("display", "15550100201")
                return {"id": self._mock.world.add_number(given["id"], display).id}
            case "POST", "settings":
                return self._settings(given)
            case "GET", "state":
                return self._state()
            case "POST", "repeats":
                self._mock.courier.repeat(given["n"])
                return {}
            case "POST", "templates":
                for template in msgspec.convert(many(given), list[Template]):
                    self._mock.world.add_template(template)
                return {}
            case "POST", "batches":
                texts = [(customer, text) for customer, text in given["texts"]]
                return {"messages": people.say_many(self._number(given), texts)}
            case "POST", _ if name in _ACTS:
                act = _ACTS[name]
                return {"messages": [act(self._number(one), one) for one in many(given)]}
            case "POST", _ if name in _CHANGES:
                change = _CHANGES[name]
                for one in many(given):
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
