"""Connecting Telegram bots against a real database and Telegram's mock."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.errors import Misconfigured, SendFailed
from gateway.admin.bots import find_bot, require_organization
from gateway.admin.channels import channels_of, select_channel
from gateway.admin.flows import publish_document
from gateway.admin.telegram import Connected, TelegramConnector
from gateway.errors import Conflict, NotFound
from gateway.flows.document import read_document
from gateway.settings import Settings
from storage.channels import Channel
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import Organization, ensure_organization
from tests.platforms.telegram import DEFAULT_TOKEN, Fault, MockTelegram
from tests.platforms.telegram.world import Webhook

HELLO = Path(__file__).parents[2] / "docs" / "examples" / "hello.json"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PUBLIC = "https://bot.example.org"
KEYRING = Keyring.parse("k1:" + base64.b64encode(bytes(32)).decode())


@pytest.fixture
async def telegram() -> AsyncIterator[MockTelegram]:
    async with MockTelegram().running() as mock:
        yield mock


@pytest.fixture
async def owner(database: Database) -> Organization:
    """An organization with the published bots `hello` and `other`."""
    organization = await ensure_organization(database, slug="default", name="Default", actor="test", now=NOW)
    for slug in ("hello", "other"):
        await publish_document(database, organization, read_document(HELLO), slug=slug, now=NOW)
    return organization


class Desk:
    """An operator's desk: connects and lists."""

    def __init__(
        self, database: Database, owner: Organization, telegram: MockTelegram, public_url: str
    ) -> None:
        self._database = database
        self._owner = owner
        settings = Settings(telegram_api_base=telegram.url, public_url=public_url)
        self.connector = TelegramConnector(settings, database, KEYRING, owner)

    async def connect(
        self, *, bot: str = "hello", token: str = DEFAULT_TOKEN, polling: bool = False
    ) -> Connected:
        chosen = await find_bot(self._database, self._owner, bot)
        return await self.connector.connect(chosen, token, name="", polling=polling, now=NOW)

    async def channels(self) -> list[Channel]:
        return await channels_of(self._database, self._owner)

    async def states(self) -> list[tuple[str, str, bool]]:
        return [(channel.type, channel.status, channel.polled) for channel in await self.channels()]


def webhook_of(mock: MockTelegram) -> Webhook | None:
    return mock.bot.webhook


async def test_without_a_public_address_the_channel_polls(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    desk = Desk(database, owner, telegram, "")
    done = await desk.connect()
    assert (done.identity.username, done.webhook, done.renewed) == ("mock_bot", "", False)
    assert await desk.states() == [("telegram", "active", True)]
    assert webhook_of(telegram) is None


async def test_with_a_public_address_the_webhook_is_set(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    desk = Desk(database, owner, telegram, PUBLIC)
    done = await desk.connect()
    webhook = webhook_of(telegram)
    assert webhook is not None
    assert webhook.url == done.webhook == f"{PUBLIC}/webhook/telegram/{done.channel.route}"
    assert len(done.channel.route) >= 32
    assert len(webhook.secret) >= 32
    async with database.owner() as connection:
        stored = await connection.fetchval("SELECT platform_config::text FROM deployment_configs")
        told = await connection.fetchval("SELECT string_agg(details::text, ' ') FROM audit_log")
    assert stored.count("encrypted:AES256:") == 2
    for secret in (DEFAULT_TOKEN.partition(":")[2], webhook.secret):
        assert secret not in stored + told + repr(done)


async def test_the_same_telegram_bot_renews_its_channel(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    desk = Desk(database, owner, telegram, PUBLIC)
    first = await desk.connect()
    secret = telegram.bot.webhook.secret if telegram.bot.webhook else ""
    second = await desk.connect()
    webhook = webhook_of(telegram)
    assert webhook is not None
    assert second.renewed
    assert second.channel.id == first.channel.id
    assert webhook.url == first.webhook
    assert webhook.secret != secret
    third = await desk.connect(polling=True)
    assert third.replaced_webhook == ""
    assert webhook_of(telegram) is None
    assert await desk.states() == [("telegram", "active", True)]


async def test_a_webhook_of_somebody_else_is_told_when_it_is_replaced(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    telegram.bot.webhook = Webhook(url="https://elsewhere.example/hook")
    done = await Desk(database, owner, telegram, PUBLIC).connect()
    assert done.replaced_webhook == "https://elsewhere.example/hook"


async def test_a_telegram_bot_belongs_to_one_bot(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    desk = Desk(database, owner, telegram, "")
    first = await desk.connect(bot="hello")
    with pytest.raises(Conflict, match=f"gateway channel disconnect {first.channel.id}"):
        await desk.connect(bot="other")


async def test_after_disconnecting_it_may_answer_for_another_bot(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    desk = Desk(database, owner, telegram, PUBLIC)
    first = await desk.connect(bot="hello")
    assert await desk.connector.disconnect(first.channel, NOW) == ""
    assert webhook_of(telegram) is None
    second = await desk.connect(bot="other")
    assert second.channel.id != first.channel.id
    assert await desk.states() == [("telegram", "disabled", False), ("telegram", "active", False)]


async def test_an_unknown_token_stores_nothing(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    desk = Desk(database, owner, telegram, "")
    token = "111111111:wrong-token-of-the-right-form-000000000"
    with pytest.raises(Misconfigured, match="copy it anew from @BotFather") as caught:
        await desk.connect(token=token)
    assert "wrong-token" not in str(caught.value)
    assert await desk.channels() == []


async def test_a_channel_whose_webhook_is_refused_is_closed_again(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    desk = Desk(database, owner, telegram, PUBLIC)
    telegram.faults.add(Fault(method="setWebhook", kind="error", status=400, description="Bad Request: no"))
    with pytest.raises(SendFailed, match="no"):
        await desk.connect()
    assert await desk.states() == [("telegram", "disabled", False)]
    telegram.faults.clear()
    assert (await desk.connect()).renewed
    assert await desk.states() == [("telegram", "active", False)]


async def test_a_channel_is_closed_even_when_telegram_is_away(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    desk = Desk(database, owner, telegram, "")
    done = await desk.connect()
    telegram.faults.add(Fault(method="deleteWebhook", kind="refuse"))
    assert "can't be reached" in await desk.connector.disconnect(done.channel, NOW)
    assert await desk.states() == [("telegram", "disabled", True)]


async def test_channels_are_found_by_id_name_type_and_beginning(
    database: Database, owner: Organization, telegram: MockTelegram
) -> None:
    desk = Desk(database, owner, telegram, "")
    channel = (await desk.connect()).channel
    found = await desk.channels()
    for wanted in (str(channel.id), str(channel.id)[:12], "@mock_bot", "telegram", channel.route):
        assert select_channel(found, wanted).id == channel.id
    with pytest.raises(NotFound):
        select_channel(found, "web")


async def test_the_bot_must_be_said_when_there_are_several(database: Database, owner: Organization) -> None:
    with pytest.raises(Conflict, match=r"say which bot with --bot \(there are: hello, other\)"):
        await find_bot(database, owner, None)
    with pytest.raises(NotFound, match="there is no bot 'third'"):
        await find_bot(database, owner, "third")


async def test_an_unknown_organization_is_named(database: Database) -> None:
    with pytest.raises(NotFound, match="there is no organization 'nobody'"):
        await require_organization(database, "nobody")
