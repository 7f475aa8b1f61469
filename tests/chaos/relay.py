"""A relay that lies, between the customers and the gateway, or between the gateway and the Bot API or an
integration.

It shows that the checker sees a broken guarantee in a real run, without touching the gateway. Each lie strikes
every few eligible requests:

| lie        | stands before  | what it does                                                                   |
|------------|----------------|--------------------------------------------------------------------------------|
| swallow    | the gateway    | answers a webhook with 200 and forwards nothing: an accepted event is lost     |
| rename     | the gateway    | forwards an update, and again with another update_id: a second turn            |
| hide       | the gateway    | keeps one of the bot's messages from the widget, always: a gap                 |
| drop       | the Bot API    | answers a send with success and forwards nothing: the reply is lost            |
| repeat     | the Bot API    | forwards a send twice: a duplicate that no kill explains                       |
| swap       | the Bot API    | lets a chat's next send overtake this one: out of order                        |
| invent     | an integration | answers a call and forwards nothing: the call is lost                          |
| call-again | an integration | forwards a call twice: a duplicate that no kill explains                       |
| rekey      | an integration | forwards a call, and again under another key                                   |
| refuse     | an integration | answers 500 and forwards nothing: the result is lost                           |

    python -m tests.chaos.relay --to http://127.0.0.1:8080 --lie swallow --lie rename
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections import Counter
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import WSMsgType, web

from tests.chaos.integration import CALLS_PATH, KEY_HEADER

EVERY: Final = 12
BEFORE_GATEWAY: Final = ("swallow", "rename", "hide")
BEFORE_PLATFORM: Final = ("drop", "repeat", "swap")
BEFORE_INTEGRATION: Final = ("invent", "call-again", "rekey", "refuse")
_PASSED_ON: Final = ("Content-Type", "X-Telegram-Bot-Api-Secret-Token", KEY_HEADER)
LIES: Final = (*BEFORE_GATEWAY, *BEFORE_PLATFORM, *BEFORE_INTEGRATION)
_ACCEPTED: Final = msgspec.json.encode({"ok": True, "result": {"message_id": 1}})


class Relay:
    """Forwards everything to `target`, except where it lies."""

    def __init__(self, target: str, lies: list[str], every: int) -> None:
        self._target = target
        self._lies = lies
        self._every = every
        self._chances: Counter[str] = Counter()
        self._held: dict[Any, tuple[str, bytes]] = {}
        self._session: aiohttp.ClientSession

    async def open(self, app: web.Application) -> None:
        """Before it serves."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self, app: web.Application) -> None:
        """After it has served."""
        await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request, or one socket."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        body = await request.read()
        if request.path.startswith("/webhook/"):
            return await self._webhook(request, body)
        if request.path.endswith("/sendMessage"):
            return await self._send(request, body)
        if request.path == CALLS_PATH:
            return await self._call(request, body)
        return await self._forward(request, body)

    async def _webhook(self, request: web.Request, body: bytes) -> web.Response:
        update = msgspec.json.decode(body)
        if update["message"]["text"][-1].isdecimal():  # an echo: nobody waits for its answer
            match self._lie("swallow", "rename"):
                case "swallow":
                    return web.Response()
                case "rename":
                    await self._forward(request, body)
                    update["update_id"] += 1_000_000
                    body = msgspec.json.encode(update)
        return await self._forward(request, body)

    async def _send(self, request: web.Request, body: bytes) -> web.Response:
        call = msgspec.json.decode(body)
        held = self._held.pop(call["chat_id"], None)
        lie = self._lie("drop", "repeat", "swap") if held is None and call["text"].startswith("echo") else ""
        match lie:
            case "drop":
                return web.Response(body=_ACCEPTED, content_type="application/json")
            case "swap":
                self._held[call["chat_id"]] = request.path, body
                return web.Response(body=_ACCEPTED, content_type="application/json")
            case "repeat":
                await self._forward(request, body)
        answer = await self._forward(request, body)
        if held is not None:
            await self._forward(request, held[1])
        return answer

    async def _call(self, request: web.Request, body: bytes) -> web.Response:
        match self._lie(*BEFORE_INTEGRATION):
            case "invent":
                return web.Response(body=body, content_type="application/json")
            case "refuse":
                return web.Response(status=500)
            case "call-again":
                await self._forward(request, body)
            case "rekey":
                await self._forward(request, body, **{KEY_HEADER: "another"})
        return await self._forward(request, body)

    async def _forward(self, request: web.Request, body: bytes, **changed: str) -> web.Response:
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers} | changed
        try:
            async with self._session.request(
                request.method, self._target + request.raw_path, data=body, headers=headers
            ) as answer:
                return web.Response(
                    status=answer.status, body=await answer.read(), content_type=answer.content_type
                )
        except (aiohttp.ClientError, OSError):
            return web.Response(status=503)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        client = web.WebSocketResponse(compress=False)
        await client.prepare(request)
        async with self._session.ws_connect(self._target + request.raw_path) as server:
            upward = asyncio.create_task(_upward(client, server))
            with contextlib.suppress(ConnectionError):
                async for message in server:
                    if message.type is WSMsgType.TEXT and not self._hidden(message.data):
                        await client.send_str(message.data)
            upward.cancel()
        await client.close()
        return client

    def _hidden(self, frame: str) -> bool:
        """The answer to a widget's third event never arrives."""
        return "hide" in self._lies and '"text":"echo w' in frame and 'e3"' in frame

    def _lie(self, *lies: str) -> str:
        """Which lie it is this time; mostly none."""
        for lie in lies:
            if lie in self._lies:
                self._chances[lie] += 1
                if self._chances[lie] % self._every == 0:
                    return lie
        return ""


async def _upward(client: web.WebSocketResponse, server: aiohttp.ClientWebSocketResponse) -> None:
    async for message in client:
        if message.type is WSMsgType.TEXT:
            await server.send_str(message.data)
    await server.close()


async def _serve(arguments: argparse.Namespace) -> None:
    relay = Relay(arguments.to, arguments.lie, arguments.every)
    app = web.Application()
    app.on_startup.append(relay.open)
    app.on_cleanup.append(relay.close)
    app.router.add_route("*", "/{path:.*}", relay.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await runner.cleanup()


def main() -> None:
    """Serve until SIGINT or SIGTERM; prints the address."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.relay")
    parser.add_argument("--to", required=True, help="what it stands before")
    parser.add_argument("--lie", action="append", default=[], choices=LIES)
    parser.add_argument("--every", type=int, default=EVERY, help="one lie in so many chances")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
