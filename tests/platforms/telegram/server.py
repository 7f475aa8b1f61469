"""The mock Bot API over HTTP: routes a call to its method, and lets the ordered faults happen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from aiohttp import web

from tests.platforms.common.faults import Programme, strike
from tests.platforms.common.server import MockServer
from tests.platforms.telegram import updates
from tests.platforms.telegram.control import Control
from tests.platforms.telegram.delivery import Courier
from tests.platforms.telegram.errors import ApiError
from tests.platforms.telegram.fast import FastConnection
from tests.platforms.telegram.faults import Fault
from tests.platforms.telegram.methods import METHODS
from tests.platforms.telegram.parameters import Parameters, read_parameters
from tests.platforms.telegram.stock import download
from tests.platforms.telegram.world import DEFAULT_TOKEN, Bot, Sent, World

_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")
_JSON: Final = {"Content-Type": "application/json"}
_NOT_FOUND: Final = ApiError(404, "Not Found")

_encode = msgspec.json.Encoder().encode


class MockTelegram(MockServer):
    """A Bot API of our own. `async with MockTelegram().running() as mock: … mock.url …`"""

    def __init__(
        self,
        *,
        bench: bool = False,
        open_chats: bool = False,
        rate_limits: bool = False,
        seed: int = 0,
        token: str = DEFAULT_TOKEN,
    ) -> None:
        self.world = World(bench=bench, open_chats=open_chats, rate_limits=rate_limits)
        super().__init__(self.world.changed)
        self.faults = Programme(Fault, seed)
        self.courier = Courier(self._execute_answer, seed)
        self.default_token = token
        self.world.add_bot(token)
        self._control = Control(self)
        self.fast_connections: set[asyncio.Transport] = set()
        """Open connections on the short way (see `fast`)."""

    @property
    def bot(self) -> Bot:
        """The bot that is there from the beginning."""
        return self.world.bots[self.default_token]

    def sent(self, chat: int | None = None, method: str = "sendMessage") -> list[Sent]:
        """Accepted calls of a method, in order; of one chat or of all."""
        return [entry for entry in self.world.log if entry.method == method and chat in (None, entry.chat)]

    def http_handler(self) -> web.RequestHandler:
        """aiohttp's protocol for one more connection."""
        assert self._web is not None
        return self._web()

    def _protocols(self, server: web.Server) -> Callable[[], asyncio.BaseProtocol]:
        return (lambda: FastConnection(self)) if self.world.bench else server

    def _hang_up(self) -> None:
        for transport in list(self.fast_connections):
            transport.abort()

    async def _stop_delivering(self) -> None:
        await self.courier.close()

    async def reset(self) -> None:
        """Forget everything: bots, chats, updates, log, faults. The default bot is there again."""
        await self.courier.close()
        self.courier.attempts.clear()
        self.faults.clear()
        self.world.log.clear()
        self.world.bots.clear()
        self._control.webhook_errors.clear()
        self.world.add_bot(self.default_token)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path.startswith("/_control/"):
            return await self._control.handle(request, path.removeprefix("/_control/"))
        if path.startswith("/file/bot"):
            return self._download(path.removeprefix("/file/bot"))
        token, _, method = path.removeprefix("/bot").partition("/")
        if not path.startswith("/bot") or not method:
            return _refusal(_NOT_FOUND)
        token = unquote(token) if "%" in token else token
        bot = self.world.bots.get(token)
        if bot is None:
            return _refusal(ApiError(401, "Unauthorized") if _TOKEN.fullmatch(token) else _NOT_FOUND)
        try:
            given = await read_parameters(request, self.world.max_upload)
            return await self._answer(request, bot, method.lower(), given)
        except ApiError as error:
            return _refusal(error)

    def _download(self, path: str) -> web.Response:
        """A file of the file server, as Telegram gives it out: without telling its type."""
        token, _, file_path = unquote(path).partition("/")
        bot = self.world.bots.get(token)
        try:
            if bot is None:
                raise ApiError(401, "Unauthorized")
            file = download(bot, file_path)
        except ApiError as error:
            return _refusal(error)
        return web.Response(body=file.data, content_type="application/octet-stream")

    async def _answer(
        self, request: web.BaseRequest, bot: Bot, method: str, given: Parameters
    ) -> web.StreamResponse:
        fault = self.faults.pick(method, _chat_of(given)) if self.faults.faults else None
        if fault is None:
            return _result(await self._execute(bot, method, given))

        async def carry_out() -> web.Response:
            return _result(await self._execute(bot, method, given))

        return await strike(request, fault, lambda: _refusal(fault.error()), carry_out)

    async def _execute(self, bot: Bot, method: str, given: Parameters) -> Any:
        known = METHODS.get(method)
        if known is not None:
            return known(bot, given, "call")
        match method:
            case "getupdates":
                return [msgspec.Raw(body) for body in await updates.get_updates(bot, given)]
            case "setwebhook" | "deletewebhook":
                if method == "deletewebhook":
                    given.pop("url", None)
                updates.set_webhook(bot, given)
                await self.courier.reset(bot)
                return True
            case "getwebhookinfo":
                return updates.webhook_info(bot)
        raise _NOT_FOUND

    def _execute_answer(self, bot: Bot, method: str, given: dict[str, Any]) -> None:
        """A call that a webhook answered with: the same checks, and silence about the outcome."""
        known = METHODS.get(method)
        if known is None or method.startswith(("get", "set")):
            return
        try:
            known(bot, Parameters(given), "webhook")
        except ApiError as error:
            self._control.webhook_errors.append(error.description)


def _chat_of(given: Parameters) -> int | None:
    try:
        return given.integer("chat_id")
    except ApiError:
        return None


def _result(result: Any) -> web.Response:
    return web.Response(body=_encode({"ok": True, "result": result}), headers=_JSON)


def _refusal(error: ApiError) -> web.Response:
    return web.Response(status=error.code, body=_encode(error.body()), headers=_JSON)
