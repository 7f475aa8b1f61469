"""One visitor of a load test: a widget's side of a socket."""

from __future__ import annotations

import asyncio
import time
from typing import Final
from uuid import UUID, uuid4

import aiohttp
import msgspec

from adapters.web import frames
from gateway.flows.load_plan import Line

ANSWER_SECONDS: Final = 30.0
"""Without any sign of an answer for so long, a message counts as unanswered."""
SETTLE_SECONDS: Final = 3.0
"""How long the rest of an answer may take, on top of the flow's own delays."""

_decode: Final = msgspec.json.Decoder(frames.ServerFrame).decode


class Refused(Exception):
    """The server refused a message, or did not answer it."""


class Widget:
    """A socket that has said hello to nobody yet."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._offered: dict[str, str] = {}
        """Title -> id of the choices that were offered."""

    async def hello(self) -> None:
        """Begin as a new visitor. Raises Refused."""
        await self._send(frames.Hello())
        async with asyncio.timeout(ANSWER_SECONDS):
            while not isinstance(await self._hear(), frames.Welcome):
                pass

    async def exchange(self, line: Line) -> float | None:
        """Say a line and hear the answer; milliseconds to its first sign, None when there is none. Raises Refused."""
        exchange = _Exchange(line, await self._say(line))
        while not exchange.done:
            patience = ANSWER_SECONDS if exchange.first is None else SETTLE_SECONDS
            try:
                async with asyncio.timeout(patience + line.whole_delay_ms / 1000):
                    frame = await self._hear()
            except TimeoutError:
                if exchange.first is not None:
                    break  # the server's flow says less than the rehearsal's
                raise Refused(f"no answer in {ANSWER_SECONDS:g} s") from None
            if isinstance(frame, frames.Message):
                self._offered |= {choice.title: choice.id for choice in frame.choices}
            exchange.hear(frame)
        return exchange.first

    async def close(self) -> None:
        """Leave."""
        await self._socket.close()

    async def _say(self, line: Line) -> UUID:
        id = uuid4()
        if line.opens:
            await self._send(frames.Open(id=id))
        elif line.choice:
            choice = self._offered.get(line.choice, line.choice)
            await self._send(frames.Choice(id=id, choice=choice, title=line.choice))
        else:
            await self._send(frames.Text(id=id, text=line.text))
        return id

    async def _send(self, frame: frames.ClientFrame) -> None:
        await self._socket.send_str(msgspec.json.encode(frame).decode())

    async def _hear(self) -> frames.ServerFrame:
        message = await self._socket.receive()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise Refused(f"the server closed the socket ({self._socket.close_code})")
        try:
            frame: frames.ServerFrame = _decode(message.data)
        except msgspec.MsgspecError:
            raise Refused("the server sent a frame that no widget knows") from None
        return frame


class _Exchange:
    """A line on its way: what came back since it was sent."""

    def __init__(self, line: Line, id: UUID) -> None:
        self._line = line
        self._id = str(id)
        self._began = time.perf_counter()
        self._acknowledged = False
        self._messages = 0
        self._early: list[tuple[float, frames.Message]] = []
        """What came before the acknowledgement: it may answer this line, or still an earlier one."""
        self.first: float | None = None
        """Milliseconds to the first sign of an answer."""

    @property
    def done(self) -> bool:
        """Whether all that is to come has come."""
        return self._acknowledged and self._messages >= self._line.answers

    def hear(self, frame: frames.ServerFrame) -> None:
        """Note a frame. Raises Refused for an error."""
        passed = (time.perf_counter() - self._began) * 1000
        match frame:
            case frames.Error():
                raise Refused(f"the server refused: {frame.code}")
            case frames.Ack(id=self._id):
                self._acknowledge(frame.seq or 0)
            case frames.Typing():
                self._sign(passed)
            case frames.Message(sender="bot" | "agent" | "system") if self._acknowledged:
                self._answer(passed)
            case frames.Message(sender="bot" | "agent" | "system"):
                self._early.append((passed, frame))
            case _:
                pass

    def _acknowledge(self, seq: int) -> None:
        self._acknowledged = True
        for passed, message in self._early:
            if message.seq > seq:
                self._answer(passed)

    def _answer(self, passed: float) -> None:
        self._messages += 1
        self._sign(max(0.0, passed - self._line.own_delay_ms))

    def _sign(self, passed: float) -> None:
        if self.first is None:
            self.first = passed
