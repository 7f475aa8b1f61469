"""The mock Graph API over HTTP: routes a call to what it is about, and lets the ordered faults happen."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import msgspec
from aiohttp import web

from tests.platforms.common.faults import Programme, strike
from tests.platforms.common.server import MockServer
from tests.platforms.whatsapp import files, messages, templates
from tests.platforms.whatsapp.control import Control
from tests.platforms.whatsapp.delivery import Courier
from tests.platforms.whatsapp.errors import GraphError, no_object, parameter
from tests.platforms.whatsapp.faults import Fault
from tests.platforms.whatsapp.world import APP, DISPLAY, JSON, NUMBER, Number, Sent, World

MAX_BODY: Final = 110 * 1024 * 1024
_VERSION = re.compile(r"v\d+\.\d+")
_JSON: Final = {"Content-Type": "application/json; charset=UTF-8"}
_encode = msgspec.json.Encoder().encode


class MockWhatsApp(MockServer):
    """A Graph API of our own. `async with MockWhatsApp().running() as mock: … mock.url …`"""

    def __init__(
        self,
        *,
        bench: bool = False,
        open_chats: bool = False,
        rate_limits: bool = False,
        seed: int = 0,
    ) -> None:
        self.world = World(bench=bench, open_chats=open_chats, rate_limits=rate_limits, seed=seed)
        super().__init__(self.world.changed)
        self.faults = Programme(Fault, seed)
        self.courier = Courier(self.world)
        self.world.on_webhook = self.courier.feed
        self.world.add_number(NUMBER, DISPLAY)
        self.seen: list[tuple[str, str, str]] = []
        """Every request that is no control: method, path with its query, and the Authorization header."""
        self._control = Control(self)

    @property
    def number(self) -> Number:
        """The number that is there from the beginning."""
        return self.world.numbers[NUMBER]

    def sent(self, to: str = "", kind: str = "") -> list[Sent]:
        """Accepted messages in order, without marks as read; of one customer and kind or of all."""
        return [
            one
            for one in self.world.log
            if to in ("", one.to) and (kind == one.kind if kind else one.kind not in ("read", "typing"))
        ]

    def _server(self) -> web.Server:
        return web.Server(self._handle, request_factory=_request, access_log=None)

    async def _stop_delivering(self) -> None:
        await self.courier.close()

    async def reset(self) -> None:
        """Forget everything: numbers, customers, templates, media, log, faults. The default number is there again."""
        await self.courier.close()
        self.courier.attempts.clear()
        self.courier.delivered.clear()
        self.faults.clear()
        self.world.log.clear()
        self.world.numbers.clear()
        self.world.templates.clear()
        self.world.media.clear()
        self.world.add_number(NUMBER, DISPLAY)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path.startswith("/_control/"):
            return await self._control.handle(request, path.removeprefix("/_control/"))
        if not self.world.bench:
            self.seen.append((request.method, request.raw_path, request.headers.get("Authorization", "")))
        if path == "/whatsapp_business/attachments/":
            return files.download(self.world, request)
        version, _, rest = path.lstrip("/").partition("/")
        try:
            if not _VERSION.fullmatch(version):
                raise GraphError(2500, message=f"Unknown path components: /{version}")
            self.world.check_token(request.headers.get("Authorization", ""))
            return await self._answer(request, rest.strip("/").split("/"))
        except GraphError as error:
            return _refusal(error)

    async def _answer(self, request: web.BaseRequest, path: list[str]) -> web.StreamResponse:
        given: JSON = {}
        if request.method == "POST" and path[-1] != "media":
            given = await _given(request)
        edge = path[1] if len(path) > 1 else ""
        to = str(given.get("to") or given.get("recipient") or "")
        fault = self.faults.pick(edge or path[0], to) if self.faults.faults else None
        if fault is None:
            return _result(await self._execute(request, path, given))

        async def carry_out() -> web.Response:
            return _result(await self._execute(request, path, given))

        return await strike(request, fault, lambda: _refusal(fault.error()), carry_out)

    async def _execute(self, request: web.BaseRequest, path: list[str], given: JSON) -> Any:
        id, edge = path[0], path[1] if len(path) > 1 else ""
        number, media = self.world.numbers.get(id), self.world.media.get(id)
        match request.method, edge:
            case "POST", "messages" if number is not None:
                return messages.post(number, given)
            case "POST", "media" if number is not None:
                return await files.upload(self.world, request)
            case "GET", "" if number is not None:
                return _number(number, self.world.account_webhook, request.query.get("fields", "id"))
            case "POST", "" if number is not None:
                return await self._configure(number, given)
            case "GET", "" if media is not None:
                return files.look_up(self.world, media, self.url, request.query.get("phone_number_id"))
            case "DELETE", "" if media is not None:
                del self.world.media[id]
                return {"success": True}
            case _, "subscribed_apps" if id == self.world.account:
                return await self._subscribe(request.method, given)
            case "GET", "message_templates" if id == self.world.account:
                return templates.page_of(self.world, dict(request.query))
            case "GET", "phone_numbers" if id == self.world.account:
                return {"data": [_number(one, "", "all") for one in self.world.numbers.values()]}
        raise no_object(id, request.method)

    async def _configure(self, number: Number, given: JSON) -> JSON:
        """POST /<phone number id> with webhook_configuration: tried out before it counts."""
        configuration = given.get("webhook_configuration")
        if not isinstance(configuration, dict):
            raise parameter("The parameter webhook_configuration is required.")
        url = configuration.get("override_callback_uri", "")
        if url:
            await self.courier.verify(url, str(configuration.get("verify_token", "")))
        number.webhook_url, number.verify_token = url, str(configuration.get("verify_token", ""))
        return {"success": True}

    async def _subscribe(self, method: str, given: JSON) -> JSON:
        if method == "GET":
            app = {"name": "Mock App", "id": APP, "link": "https://www.facebook.com/games/?app_id=1"}
            return {"data": [{"whatsapp_business_api_data": app}] if self.world.subscribed else []}
        url = given.get("override_callback_uri", "")
        if url:
            await self.courier.verify(url, str(given.get("verify_token", "")))
        self.world.account_webhook = url
        self.world.subscribed = method == "POST"
        return {"success": True}


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """A request that may carry WhatsApp's largest file; aiohttp's default is 1 MiB."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)


async def _given(request: web.BaseRequest) -> JSON:
    """A call's parameters: JSON, or a form."""
    if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    body = await request.read()
    if not body:
        return {}
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise GraphError(100, message="(#100) The request's JSON can't be parsed") from None
    if not isinstance(value, dict):
        raise parameter("The request's JSON must be an object.")
    return value


def _number(number: Number, account_webhook: str, fields: str) -> JSON:
    configuration = {"application": ""}
    if account_webhook:
        configuration["whatsapp_business_account"] = account_webhook
    if number.webhook_url:
        configuration["phone_number"] = number.webhook_url
    known = {
        "id": number.id,
        "display_phone_number": f"+{number.display}",
        "verified_name": "Mock Bikes",
        "quality_rating": "GREEN",
        "throughput": {"level": "STANDARD"},
        "code_verification_status": "VERIFIED",
        "name_status": "APPROVED",
        "status": "CONNECTED",
        "platform_type": "CLOUD_API",
        "webhook_configuration": configuration,
    }
    wanted = known.keys() if fields == "all" else {"id", *fields.split(",")}
    return {name: value for name, value in known.items() if name in wanted}


def _result(result: Any) -> web.Response:
    return web.Response(body=_encode(result), headers=_JSON)


def _refusal(error: GraphError) -> web.Response:
    return web.Response(status=error.status, body=_encode(error.body()), headers=_JSON)
