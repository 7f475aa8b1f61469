"""The mock by remote control: what `tests.platforms.common.control` has, and:

| call                  | body                                                          | answer                 |
|-----------------------|---------------------------------------------------------------|------------------------|
| POST   settings       | {"url"?, "rate_limits"?, "commercial"?, "socket_mode"?,       | {}                     |
|                       |  "echoes"?, "scale"?, "lose_answers"?}                        |                        |
| POST   people         | one or a list of {"id", …} (see `world.Person`)               | {}                     |
| POST   messages       | one or a list of {"user", "text", "channel"?, "thread"?}      | {"messages": [ts, …]}  |
| POST   events         | one or a list of events: any                                  | {"events": [id, …]}    |
| POST   presses        | one or a list of {"user", "channel", "ts", "action_id",       | {"statuses": […]}      |
|                       |  "option"?}                                                   |                        |
| POST   commands       | one or a list of {"user", "name", "text"?, "channel"?}        | {"statuses": […]}      |
| GET    state          |                                                               | counts                 |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tests.platforms.common import control as common
from tests.platforms.common.control import many
from tests.platforms.slack.world import JSON, Person

if TYPE_CHECKING:
    from tests.platforms.slack.server import MockSlack


class Control(common.Control):
    """What the remote control does."""

    def __init__(self, mock: MockSlack) -> None:
        super().__init__(mock)
        self._mock = mock

    async def _act(self, method: str, name: str, given: Any) -> Any:
        match method, name:
            case "POST", "settings":
                return self._settings(given)
            case "POST", "people":
                for person in msgspec.convert(many(given), list[Person]):
                    self._mock.world.people[person.id] = person
                return {}
            case "GET", "state":
                return {
                    "sent": len(self._mock.world.log),
                    "attempts": len(self._mock.courier.attempts),
                    "sockets": self._mock.sockets.count,
                    "acknowledged": len(self._mock.sockets.acknowledged),
                }
        return await self._people(method, name, many(given))

    async def _people(self, method: str, name: str, given: list[JSON]) -> Any:
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
