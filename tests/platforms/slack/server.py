"""The mock Slack over HTTP: routes a call to its method, and lets the ordered faults happen."""

from __future__ import annotations

import time
from typing import Any, Final

import msgspec
from aiohttp import web

from tests.platforms.common.faults import Programme, strike
from tests.platforms.common.server import MockServer
from tests.platforms.slack.control import Control
from tests.platforms.slack.delivery import Attempt, Courier
from tests.platforms.slack.errors import ApiError
from tests.platforms.slack.faults import Fault
from tests.platforms.slack.methods import METHODS
from tests.platforms.slack.parameters import Parameters, read_parameters
from tests.platforms.slack.sockets import Sockets
from tests.platforms.slack.uploads import FILE_METHODS, receive
from tests.platforms.slack.world import (
    APP,
    APP_TOKEN,
    BOT_TOKEN,
    BOT_USER,
    JSON,
    SIGNING_SECRET,
    TEAM,
    Sent,
    World,
)

_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
_encode = msgspec.json.Encoder().encode


class MockSlack(MockServer):
    """A Slack of our own. `async with MockSlack().running() as mock: … mock.api …`"""

    def __init__(self, *, bench: bool = False, rate_limits: bool = False, seed: int = 0) -> None:
        self.world = World(bench=bench, rate_limits=rate_limits)
        self.world.on_event = self._echo
        super().__init__(self.world.changed)
        self.faults = Programme(Fault, seed)
        self.courier = Courier(SIGNING_SECRET, self.world.changed.set)
        self.sockets = Sockets(self.world.changed.set)
        self.echoes = False
        """Whether the app is told of its own messages too, as Slack does."""
        self._control = Control(self)

    @property
    def api(self) -> str:
        """The Web API's address, as `settings.api_base`."""
        return f"{self.url}/api"

    def sent(self, channel: str = "", method: str = "chat.postMessage") -> list[Sent]:
        """Accepted calls of a method, in order; of one channel or of all."""
        return [one for one in self.world.log if one.method == method and channel in ("", one.channel)]

    def tell(self, event: JSON, **more: Any) -> JSON:
        """Let the app know of an event, over a socket or its address. Returns the body."""
        body: JSON = {
            "token": "legacy",
            "team_id": TEAM,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": self.world.next_id("Ev"),
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": TEAM,
                    "user_id": BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            **more,
        }
        self.repeat(body)
        return body

    def repeat(self, body: JSON) -> None:
        """Deliver an event's body, for the first time or once more."""
        if self.world.socket_mode:
            self.sockets.carry("events_api", body)
        elif self.courier.url:
            self.courier.event(body)

    async def interact(self, payload: JSON) -> Attempt:
        """Let the app know of an interaction."""
        if self.world.socket_mode:
            return await self._carried("interactive", payload, payload["type"] != "block_actions")
        return await self.courier.interaction(payload)

    async def command(self, form: JSON) -> Attempt:
        """Let the app know of a slash command."""
        if self.world.socket_mode:
            return await self._carried("slash_commands", form, True)
        return await self.courier.command(form)

    async def _carried(self, kind: str, payload: JSON, takes_answer: bool) -> Attempt:
        started, before = time.monotonic(), len(self.sockets.acknowledged)
        self.sockets.carry(kind, payload, takes_answer=takes_answer)
        await self.wait(lambda: len(self.sockets.acknowledged) > before)
        answer = self.sockets.acknowledged[before].payload
        text = "" if answer is None else msgspec.json.encode(answer).decode()
        return Attempt(id=kind, retry=0, status=200, answer=text, started=started, finished=time.monotonic())

    def _echo(self, kind: str, event: JSON) -> None:
        if self.echoes:
            self.tell({**event, "type": kind, "event_ts": event.get("ts", "")})

    async def _stop_delivering(self) -> None:
        await self.courier.close()
        await self.sockets.close()

    async def reset(self) -> None:
        """Forget everything: people, channels, files, log, faults."""
        await self.courier.close()
        self.courier.attempts.clear()
        self.faults.clear()
        for known in (self.world.people, self.world.channels, self.world.files):
            known.clear()
        self.world.log.clear()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path.startswith("/api/"):
            return await self._api(request, path.removeprefix("/api/"))
        if path.startswith("/_control/"):
            return await self._control.handle(request, path.removeprefix("/_control/"))
        if path == "/_socket":
            return await self.sockets.serve(request)
        if path.startswith("/_upload/"):
            return self._upload(request, path.removeprefix("/_upload/"), await request.read())
        if path.startswith("/files-pri/"):
            return self._file(request, path.split("/")[-2])
        return web.Response(status=404)

    def _upload(self, request: web.BaseRequest, id: str, data: bytes) -> web.Response:
        if "Authorization" in request.headers:
            return web.Response(status=400, text="an upload address takes no token")
        status = receive(self.world, id, data)
        return web.Response(status=status, text=f"OK - {len(data)}" if status == 200 else "error")

    def _file(self, request: web.BaseRequest, id: str) -> web.Response:
        """A file's bytes; without the token, the page for signing in."""
        if request.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")
        file = self.world.files.get(id)
        if file is None or file.data is None:
            return web.Response(status=404)
        return web.Response(body=file.data, content_type=file.mime)

    async def _api(self, request: web.BaseRequest, method: str) -> web.StreamResponse:
        try:
            given, token = await read_parameters(request, method)
            self._authorise(method, token)
            return await self._answer(request, method, given)
        except ApiError as error:
            return _refusal(error)

    def _authorise(self, method: str, token: str) -> None:
        if not token:
            raise ApiError("not_authed")
        wanted, other = (
            (APP_TOKEN, BOT_TOKEN) if method == "apps.connections.open" else (BOT_TOKEN, APP_TOKEN)
        )
        if token == other:
            raise ApiError("not_allowed_token_type")
        if token != wanted:
            raise ApiError("invalid_auth")

    async def _answer(self, request: web.BaseRequest, method: str, given: Parameters) -> web.StreamResponse:
        channel = given.string("channel") or given.string("channel_id")
        fault = self.faults.pick(method, channel) if self.faults.faults else None
        if fault is None:
            return self._result(method, given)

        async def carry_out() -> web.Response:
            return self._result(method, given)

        return await strike(request, fault, lambda: _refusal(fault.error()), carry_out)

    def _result(self, method: str, given: Parameters) -> web.Response:
        headers = {**_JSON, "X-OAuth-Scopes": self.world.scopes}
        return web.Response(body=_encode({"ok": True, **self._execute(method, given)}), headers=headers)

    def _execute(self, method: str, given: Parameters) -> JSON:
        if known := METHODS.get(method):
            return known(self.world, given)
        if about_files := FILE_METHODS.get(method):
            return about_files(self.world, given, self.url)
        if method == "apps.connections.open":
            if not self.world.sockets_allowed:
                raise ApiError("socket_mode_not_enabled")
            return self.sockets.ticket(self.url)
        raise ApiError("unknown_method", req_method=method)


def _refusal(error: ApiError) -> web.Response:
    return web.Response(status=error.status, body=_encode(error.body()), headers={**_JSON, **error.headers})
