"""One run: a gateway of two workers under load, somebody who disturbs it, and the history that is left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.chaos.checker import Report, check
from tests.chaos.collect import Calls, Observer, Platform
from tests.chaos.history import Disturbance, History
from tests.chaos.load import Log, Pace, TelegramChats, open_session, wait_until
from tests.chaos.processes import GatewayProcess, free_port
from tests.chaos.widget import Widget
from tests.chaos.world import Servers, start_gateway

DRAIN_SECONDS: Final = 60.0
"""So long the gateway may take to finish what is left when nobody disturbs it any more."""
REAPED_WITHIN: Final = 0.15
"""Seconds between a worker's death and its supervisor's line about it."""
SIGKILLED: Final = 9


class Run:
    """The parts of one run. `start_gateway` again and again; `finish` once."""

    def __init__(
        self,
        servers: Servers,
        *,
        rate: float = 120.0,
        chats: int = 32,
        widgets: int = 8,
        events: int | None = None,
        seed: int = 1,
    ) -> None:
        self.servers = servers
        self.pace = Pace(rate, events, seed)
        self.log = Log()
        self.disturbances: list[Disturbance] = []
        self.gateway: GatewayProcess | None = None
        self.history: History | None = None
        self.port = free_port()
        self.ended_by_themselves: list[str] = []
        """Workers that ended otherwise than by SIGKILL: a bug, unless the run wants it."""
        self.widgets: dict[str, Widget] = {}
        self._chats = chats
        self._widget_count = widgets
        self.gateway_url = f"http://127.0.0.1:{self.port}"
        self.webhook_url = self.gateway_url
        """Where the customers speak; a relay may stand in between."""
        self.telegram_url = ""
        """Where the gateway finds the Bot API; empty for the mock itself."""
        self.integration_url = ""
        """What the bot calls; empty for the integration itself."""
        self._counted = 0
        self._customers: list[asyncio.Task[None]] = []
        self._background: list[asyncio.Task[None]] = []
        self.platform: Platform
        self.calls: Calls
        self.observer: Observer

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[Run]:
        """With a fresh database and an empty platform; in the end nothing of it runs any more."""
        self._database_url, self._channels = await self.servers.database(self.integration_url)
        self.observer = Observer(self._database_url)
        async with open_session() as session, open_session() as control:
            self.platform = Platform(control, self.servers.telegram.url)
            await self.platform.forget()
            self.calls = Calls(control, self.servers.integration.url)
            await self.calls.forget()
            self._session = session
            try:
                yield self
            finally:
                for task in (*self._customers, *self._background):
                    task.cancel()
                await asyncio.gather(*self._customers, *self._background, return_exceptions=True)
                if self.gateway is not None:
                    await asyncio.to_thread(self.gateway.kill)

    async def start_gateway(self, **variables: str) -> GatewayProcess:
        """A new gateway on the same port; `variables` such as GATEWAY_CRASH_AT go to it."""
        environment = self.servers.environment(self._database_url, self.telegram_url)
        self.gateway = await asyncio.to_thread(
            start_gateway, environment, self.servers.folder, self.port, **variables
        )
        self._counted = 0
        return self.gateway

    def start_load(self) -> None:
        """Let the customers begin to write."""
        base = self.webhook_url
        telegram = TelegramChats(
            self._session, f"{base}/webhook/telegram/{self._channels.telegram_route}",
            self._channels.telegram_secret, self.pace, self.log, self.platform.seen,
        )  # fmt: skip
        self._customers = [
            asyncio.create_task(telegram.run(chat), name=f"t{chat}") for chat in range(1, self._chats + 1)
        ]
        socket = f"{base}/widget/{self._channels.web_route}/socket".replace("http", "ws", 1)
        for number in range(1, self._widget_count + 1):
            chat = f"w{number}"
            widget = self.widgets[chat] = Widget(self._session, socket, chat, self.pace, self.log)
            self._customers.append(asyncio.create_task(widget.talk(), name=chat))
            self._background.append(asyncio.create_task(widget.run(), name=f"{chat}-socket"))
        self._background.append(asyncio.create_task(self.platform.watch(), name="platform"))

    async def play(self, disturb: Callable[[Run], Coroutine[Any, Any, None]]) -> None:
        """Disturb the gateway; the customers write from when it accepts for the first time."""
        disturbing = asyncio.create_task(disturb(self))
        await wait_until(lambda: self.gateway is not None or disturbing.done())
        self.start_load()
        await disturbing

    def count_kills(self) -> int:
        """Workers killed since this gateway started; new ones are noted as disturbances."""
        assert self.gateway is not None
        deaths = list(self.gateway.deaths)
        for death in deaths[self._counted :]:
            if death.status != SIGKILLED:
                self.ended_by_themselves.append(f"a worker ended with status {death.status}")
            self._killed("worker", death.at - REAPED_WITHIN, death.at)
        self._counted = len(deaths)
        return sum(death.status == SIGKILLED for death in deaths)

    async def kill_group(self) -> int:
        """kill -9 of supervisor and workers at once; returns how many workers had been killed before."""
        assert self.gateway is not None
        gateway = self.gateway
        before = time.monotonic()
        moment = await asyncio.to_thread(gateway.kill)
        killed = self.count_kills()
        self._killed("group", before, moment)
        self.gateway = None
        return killed

    def disturbed(self, disturbance: Disturbance) -> None:
        """Note what was done."""
        self.disturbances.append(disturbance)

    def _killed(self, what: str, start: float, end: float) -> None:
        self.disturbances.append(Disturbance(trouble="kill", what=what, start=start, end=end))

    async def customers_done(self, seconds: float) -> bool:
        """Wait until every customer has said everything, with every word acknowledged."""
        _, late = await asyncio.wait(self._customers, timeout=seconds)
        for task in self._customers:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error
        return not late

    async def finish(self, seconds: float = DRAIN_SECONDS) -> Report:
        """No more to say: wait until all is done, `seconds` at most for each part, then check what happened."""
        self.pace.stop()
        await self.customers_done(seconds * 2)
        await self.observer.drained(seconds)
        await self._widgets_caught_up(seconds / 4)
        if self.gateway is not None:
            self.count_kills()
        await self.platform.fetch()
        self.history = await self.observer.history(
            self.log, self.platform.arrivals, await self.calls.fetch(), self.disturbances
        )
        for widget in self.widgets.values():
            widget.close()
        return check(self.history)

    async def _widgets_caught_up(self, seconds: float) -> None:
        counts = await self.observer.message_counts()
        chats = {chat: visitor for visitor, chat in self.log.visitors.items()}
        await wait_until(
            lambda: all(
                widget.place >= counts.get(chats.get(chat, ""), 0) for chat, widget in self.widgets.items()
            ),
            seconds,
        )
