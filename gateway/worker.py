"""The composition root: one worker process, put together from its parts. Nothing is wired anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from aiohttp import web

from adapters.protocol import Adapter, Parsed
from adapters.slack.adapter import SlackAdapter
from adapters.telegram.adapter import TelegramAdapter
from adapters.whatsapp.adapter import WhatsAppAdapter
from gateway.alarm import Alarm
from gateway.bots import BotRegistry
from gateway.channel import Channel
from gateway.channel_defaults import channel_defaults
from gateway.checkpoints import arm
from gateway.consent_news import ConsentNews
from gateway.delivery.claims import Claims
from gateway.delivery.parts import Delivery
from gateway.demo import ROUTE
from gateway.directory import Directory
from gateway.embedding import shared_embedder
from gateway.http.app import make_app
from gateway.http.operations import Operations
from gateway.http.webhook import Webhooks
from gateway.identity.codes import LinkCodes
from gateway.identity.filling import CodeFiller
from gateway.identity.profiles import Profiles
from gateway.identity.unifying import Unifying
from gateway.logs import get_logger
from gateway.media.parts import MediaParts
from gateway.polling import Poller
from gateway.settings import Settings, host_list
from gateway.socket_mode import SocketMode
from gateway.sweeper import Sweeper
from gateway.template_news import TemplateNews
from gateway.transcript import StoredTranscript
from gateway.turns import Accepted, TurnLoop
from gateway.turns.batch import BatchRunner
from gateway.turns.notices import Notices
from gateway.web.service import WebService
from gateway.work.addresses import AddressPolicy
from gateway.work.book import Book
from gateway.work.email import Mailer, MailServer, mail_server
from gateway.work.http import HttpClient
from gateway.work.notice import Notice
from gateway.work.performer import Performer
from gateway.work.runner import WorkRunner
from gateway.work.slots import Slots
from storage.database import Database
from storage.encryption import Keyring
from storage.housekeeping import Housekeeper
from storage.secrets import load_secrets

KEEPALIVE_SECONDS = 75.0
SHUTDOWN_SECONDS = 2.0
"""How long connections that are still busy after the drain may take."""
WORK_SHARE = 0.5
"""The part of the drain time that calls under way may take: their results want turns, and those want sends."""
_log = get_logger(__name__)


def utc_now() -> datetime:
    """The clock of a running gateway."""
    return datetime.now(UTC)


class Worker:
    """One process that serves. `database_url` and `redis_url` are resolved: embedded servers run already."""

    def __init__(
        self,
        settings: Settings,
        *,
        database_url: str,
        redis_url: str,
        keyring: Keyring,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self.owner: UUID = uuid4()
        lease = timedelta(seconds=settings.lease_seconds)
        self.database = Database(database_url, pool_size=settings.database_pool_size)
        self.media = MediaParts(settings, self.database, keyring, clock)
        codes = LinkCodes(keyring)
        filler = CodeFiller(self.database, codes, clock)
        self.web = WebService(
            transcript=StoredTranscript(self.database, filler), redis_url=redis_url, clock=clock,
            link=self.media.links.link, owns=self.media.intake.owns,
        )  # fmt: skip
        self.delivery = Delivery(self.database, redis_url, self.owner, lease, clock, filler)
        self.statuses = self.delivery.statuses
        telegram = TelegramAdapter(files=self.media.files)
        slack = SlackAdapter(files=self.media.files)
        self.adapters: dict[str, Adapter] = {
            "telegram": telegram, "whatsapp": WhatsAppAdapter(self.media.files), "slack": slack,
            "web": self.web.adapter,
        }  # fmt: skip
        self.directory = Directory(
            self.database, keyring, self.adapters, channel_defaults(settings), clock, self.media.links
        )
        self.media.connect(self.directory)
        self.marker = self.delivery.marker
        runner = BatchRunner(
            BotRegistry(self.database, shared_embedder),
            self.owner,
            lease,
            clock,
            self.media.marks,
            Notices(codes, merges=settings.merge_verified),
        )
        self.lanes = self.delivery.lanes
        self.turns = TurnLoop(self.database, runner, self.lanes, settings.turn_lanes)
        self.claims = Claims(
            self.database, self.directory, self.turns.accept_event, self.lanes,
            owner=self.owner, lease=lease, clock=clock,
        )  # fmt: skip
        self.http = HttpClient(AddressPolicy(host_list(settings.http_allowed_hosts)), clock)
        unifying = Unifying(self.database, clock, merges=settings.merge_verified)
        performer = Performer(
            self.http, Mailer(_mail_server(settings)), partial(load_secrets, self.database, keyring),
            self.media.fetching, unifying, Profiles(self.database, unifying, clock), clock,
        )  # fmt: skip
        self.work = WorkRunner(
            Book(self.database, self.owner, lease, clock), self.directory, self.turns.accept_event, performer,
            Slots(settings.work_concurrency), clock,
        )  # fmt: skip
        alarm = Alarm(clock)
        self._left_behind = Notice(self.work.offer, alarm.set)
        self.sweeper = Sweeper(
            self.claims, self.lanes, self.work, alarm, self.media.housekeeper(Housekeeper(self.database)),
            lease, clock,
        )  # fmt: skip
        self.poller = Poller(
            self.database, self.directory, self.turns.accept, telegram,
            platform="telegram", owner=self.owner, clock=clock,
        )  # fmt: skip
        self.socket_mode = SocketMode(
            self.database, self.directory, self.turns.accept, slack, owner=self.owner, clock=clock
        )
        self.operations = Operations(
            required={"database": self._check_database}, helpful={"valkey": self.web.check}
        )
        self._background: list[asyncio.Task[None]] = []
        self._clock = clock

    async def start(self) -> web.AppRunner:
        """Start every part; returns the runner that serves the application."""
        arm()
        templates = TemplateNews(self.database, self._clock)
        webhooks = Webhooks(
            self.directory,
            self.turns.accept,
            self.statuses,
            templates,
            ConsentNews(self.database),
            self._clock,
        )
        self.web.connect(
            accept=self._accept_from_socket,
            find_channel=partial(self.directory.by_route, "web"),
            statuses=self.statuses,
            demo_route=self._demo_route,
        )
        routes = [
            web.post("/webhook/{platform}/{route}", webhooks.post),
            web.get("/webhook/{platform}/{route}", webhooks.get, allow_head=False),
            web.get("/healthz", self.operations.healthz),
            web.get("/health", self.operations.healthz),
            web.get("/readyz", self.operations.readyz),
            *([web.get("/metrics", self.operations.metrics)] if self._settings.metrics else []),
            *self.web.routes(),
            *self.media.routes(self.directory),
        ]
        app = make_app(routes, self._settings.max_body_bytes)
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=KEEPALIVE_SECONDS,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await runner.setup()
        self.turns.start(self.claims.want, self._left_behind)
        self.delivery.start()
        self.work.start()
        self.sweeper.start()
        await self.web.start()
        self._background = [
            asyncio.create_task(self.directory.watch(), name="directory"),
            asyncio.create_task(self.poller.run(), name="poller"),
            asyncio.create_task(self.socket_mode.run(), name="socket-mode"),
        ]
        return runner

    async def stop(self, runner: web.AppRunner) -> None:
        """Accept nothing more, finish what is under way within the drain time, let go of the rest."""
        deadline = asyncio.get_running_loop().time() + self._settings.drain_seconds
        self.operations.draining = True
        for site in list(runner.sites):
            await site.stop()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.web.close_sockets()
        await self.work.stop(max(0.0, deadline - asyncio.get_running_loop().time()) * WORK_SHARE)
        await self.turns.stop()
        await self.sweeper.stop()
        await self.statuses.stop()
        left = await self.lanes.stop(max(0.0, deadline - asyncio.get_running_loop().time()))
        await self.marker.stop(max(1.0, deadline - asyncio.get_running_loop().time()))
        try:
            await self.claims.release(left)
        except Exception as error:  # the leases run out by themselves
            _log.warning("leases not released", left=len(left), error=str(error))
        await self.delivery.close()
        await runner.cleanup()
        await self.web.stop()
        await self.http.close()
        await self.media.close()
        for adapter in self.adapters.values():
            await adapter.close()
        await self.database.dispose()

    def _accept_from_socket(self, channel: Channel, parsed: Parsed) -> Awaitable[list[Accepted]]:
        """A socket may be older than the version that has been published since."""
        return self.turns.accept(self.directory.current(channel), parsed)

    async def _demo_route(self) -> str | None:
        return ROUTE if await self.directory.by_route("web", ROUTE) else None

    async def _check_database(self) -> None:
        async with self.database.raw() as connection:
            await connection.fetchval("SELECT 1")


def _mail_server(settings: Settings) -> MailServer | None:
    if settings.smtp_url is None:
        return None
    return mail_server(settings.smtp_url.get_secret_value(), settings.smtp_from)
