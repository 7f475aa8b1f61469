"""The road with a Slack channel on it: a mock Slack, a channel by events or by socket, what was answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from storage import channels
from tests.integration.road import Road, Running, open_road
from tests.platforms.slack import APP_TOKEN, BOT_TOKEN, BOT_USER, SIGNING_SECRET, TEAM, MockSlack

ADA: Final = "U0AKADA001"
ROUTE: Final = "slackslackslackslack"
GENERAL: Final = "C0AKGENERAL"
MENTION: Final = f"<@{BOT_USER}>"


class SlackRoad:
    """A road, and the Slack on it."""

    def __init__(self, road: Road, slack: MockSlack) -> None:
        self.road = road
        self.slack = slack

    async def connect(self, *, socket_mode: bool = False) -> None:
        """Connect the road's bot to the mock's workspace."""
        self.slack.world.socket_mode = socket_mode
        config = {
            "workspace": {"team_id": TEAM, "bot_user_id": BOT_USER},
            "event_delivery": "socket_mode" if socket_mode else "events_api",
            "authentication": {
                "bot_token": BOT_TOKEN,
                "signing_secret": SIGNING_SECRET,
                "app_token": APP_TOKEN,
            },
        }
        change = await self.road.change()
        async with self.road.database.transaction([self.road.ids.organization]) as connection:
            await channels.create_channel(
                connection, change, self.road.keyring, chatbot_id=self.road.ids.bot, type="slack", name="Slack",
                route=ROUTE, config=config, polled=socket_mode,
                secret_paths=[f"/authentication/{name}" for name in ("bot_token", "signing_secret", "app_token")],
                settings={
                    "api_base": self.slack.api,
                    "rate_limits": {"channel": "unlimited", "recipient": "unlimited"},
                },
            )  # fmt: skip

    def lead_to(self, worker: Running) -> None:
        """Where the mock delivers from now on."""
        self.slack.courier.url = f"http://127.0.0.1:{worker.port}/webhook/slack/{ROUTE}"

    def answers(self, channel: str = "") -> list[str]:
        """What was posted, in private to Ada unless a channel is named."""
        return [sent.text for sent in self.slack.sent(channel or self.slack.world.private(ADA).id)]

    async def answered(self, *texts: str, channel: str = "", seconds: float = 10.0) -> None:
        """Wait until as much was posted, and compare it, in order."""
        with suppress(TimeoutError):  # the comparison says more
            await self.slack.wait(lambda: len(self.answers(channel)) >= len(texts), seconds)
        assert self.answers(channel) == list(texts)

    async def taken(self, count: int, seconds: float = 10.0) -> None:
        """Wait until so many requests were answered with a 2xx."""
        await self.slack.wait(lambda: len(self.accepted()) >= count, seconds)

    def accepted(self) -> Sequence[str]:
        """Ids of the events that a 2xx was given for."""
        return [attempt.id for attempt in self.slack.courier.attempts if 200 <= attempt.status < 300]

    async def parked(self) -> list[str]:
        """Why events ran no turn."""
        rows = await self.road.rows("SELECT error FROM inbox WHERE status = 'parked' ORDER BY received_at")
        return [row["error"] for row in rows]

    async def settled(self) -> None:
        """Wait until nothing is pending in the outbox."""
        await self.road.settled()

    async def turns(self) -> int:
        """How many events are in the inbox."""
        return await self.road.count("inbox", "status = 'done'")


@asynccontextmanager
async def open_slack_road(database_url: str, redis_url: str, folder: Path) -> AsyncIterator[SlackRoad]:
    """A provisioned database and a mock Slack; nothing is connected yet."""
    async with open_road(database_url, redis_url, folder) as road, MockSlack().running() as slack:
        slack.world.person(ADA)
        yield SlackRoad(road, slack)
