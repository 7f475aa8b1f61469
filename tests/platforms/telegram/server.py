"""The mock Bot API over HTTP: routes a call to its method, and lets the ordered faults happen.

aiohttp's low-level server without an application: no router, no middlewares, so that a benchmark measures
the gateway and not its mock.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from aiohttp import web

from tests.platforms.telegram import updates
from tests.platforms.telegram.control import Control
from tests.platforms.telegram.delivery import Courier
from tests.platforms.telegram.errors import ApiError
from tests.platforms.telegram.fast import FastConnection
from tests.platforms.telegram.faults import Fault, Programme
from tests.platforms.telegram.methods import METHODS
from tests.platforms.telegram.parameters import Parameters, read_parameters
from tests.platforms.telegram.stock import download
from tests.platforms.telegram.world import DEFAULT_TOKEN, Bot, Sent, World

SHUTDOWN_SECONDS: Final = 1.0
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")
_JSON: Final = {"Content-Type": "application/json"}
_NOT_FOUND: Final = ApiError(404, "Not Found")

_encode = msgspec.json.Encoder().encode


class MockTelegram:
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
        self.faults = Programme(seed)
        self.courier = Courier(self._execute_answer, seed)
        self.default_token = token
        self.world.add_bot(token)
        self.url = ""
        self._control = Control(self)
        self.fast_connections: set[asyncio.Transport] = set()
        """Open connections on the short way (see `fast`)."""
        self._web: web.Server | None = None
        self._listener: asyncio.Server | None = None

    @property
    def bot(self) -> Bot:
        """The bot that is there from the beginning."""
        return self.world.bots[self.default_token]

    def sent(self, chat: int | None = None, method: str = "sendMessage") -> list[Sent]:
        """Accepted calls of a method, in order; of one chat or of all."""
        return [entry for entry in self.world.log if entry.method == method and chat in (None, entry.chat)]

    async def wait(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until something that the mock logs makes `condition` true. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.world.changed.clear()
                await self.world.changed.wait()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `url` then says where."""
        self._web = web.Server(self._handle, access_log=None)
        self._listener = await asyncio.get_running_loop().create_server(
            (lambda: FastConnection(self)) if self.world.bench else self._web,
            host,
            port,
            reuse_address=True,
            backlog=1024,
        )
        self.url = f"http://{host}:{self._listener.sockets[0].getsockname()[1]}"

    def http_handler(self) -> web.RequestHandler:
        """aiohttp's protocol for one more connection."""
        assert self._web is not None
        return self._web()

    async def stop(self) -> None:
        """Stop listening, stop delivering."""
        await self.courier.close()
        if self._listener is None or self._web is None:
            return
        self._listener.close()
        for transport in list(self.fast_connections):
            transport.abort()
        await self._web.shutdown(SHUTDOWN_SECONDS)
        self._listener = self._web = None

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[MockTelegram]:
        """Started, and stopped in the end."""
        await self.start(port=port)
        try:
            yield self
        finally:
            await self.stop()

    async def reset(self) -> None:
        """Forget everything: bots, chats, updates, log, faults. The default bot is there again."""
        await self.courier.close()
        self.courier.attempts.clear()
        self.faults.clear()
        self.world.log.clear()
        self.world.bots.clear()
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
        if fault.kind in ("rate_limit", "error"):
            return _page(fault) if fault.html else _refusal(fault.error())
        if fault.kind == "refuse":
            return _dropped(request)
        if fault.kind == "late":
            await asyncio.sleep(fault.seconds)
        answer = _result(await self._execute(bot, method, given))
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "cut":
            return _dropped(request)
        if fault.kind == "cut_body":
            return await _half(request, answer)
        return answer

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


def _page(fault: Fault) -> web.Response:
    """What the proxy before the Bot API shows when the Bot API itself is away."""
    text = f"<html><head><title>{fault.status}</title></head><body><h1>{fault.status}</h1></body></html>"
    headers = {"Location": fault.location} if fault.location else None
    return web.Response(status=fault.status, text=text, content_type="text/html", headers=headers)


def _dropped(request: web.BaseRequest) -> web.Response:
    """Break the connection; the response that is returned meets a closed transport and goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _half(request: web.BaseRequest, answer: web.Response) -> web.StreamResponse:
    """Announce the whole answer and write half of it."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    half = web.StreamResponse(headers={**_JSON, "Content-Length": str(len(body))})
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half
