"""Connecting WhatsApp and Slack as an operator does, against a running server and strict mocks, then talking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import Misconfigured
from gateway.admin.channels import access_to, channels_of
from gateway.admin.message_templates import templates_of
from gateway.admin.slack import SlackConnector
from gateway.admin.whatsapp import WhatsAppConnector
from gateway.doctor.channels import check_channel
from gateway.doctor.finding import Report
from gateway.errors import ConfigurationError, Conflict
from gateway.settings import Settings
from storage import bots
from storage.audit import Change
from storage.bots import Chatbot
from storage.channels import Channel
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import Organization, list_organizations
from tests.integration.four import SECRETS, Four, open_four
from tests.integration.road import until
from tests.platforms.slack import people as slack_people
from tests.platforms.whatsapp import ACCOUNT, NUMBER, Template
from tests.platforms.whatsapp import people as whatsapp_people

ANA = "4915112345678"
SECOND = "510000000000002"


class Office:
    """What an operator has: the running server's settings, its database and its keys."""

    def __init__(
        self, four: Four, database: Database, keyring: Keyring, owner: Organization, bot: Chatbot
    ) -> None:
        self.four = four
        self.database = database
        self.keyring = keyring
        self.owner = owner
        self.bot = bot
        self.settings = Settings(
            public_url=four.base,
            telegram_api_base=four.telegram.url,
            whatsapp_api_base=four.whatsapp.url,
            slack_api_base=four.slack.api,
        )

    def whatsapp(self) -> WhatsAppConnector:
        return WhatsAppConnector(self.settings, self.database, self.keyring, self.owner)

    def slack(self) -> SlackConnector:
        return SlackConnector(self.settings, self.database, self.keyring, self.owner)

    async def another_bot(self) -> Chatbot:
        change = Change(organization_id=self.owner.id, actor="test", now=datetime.now(UTC))
        async with self.database.transaction([self.owner.id]) as connection:
            return await bots.save_chatbot(connection, change, slug="second", name="Second")

    async def channel(self, type: str) -> list[Channel]:
        return [one for one in await channels_of(self.database, self.owner) if one.type == type]

    async def findings(self, channel: Channel) -> list[tuple[str, str]]:
        report = Report()
        await check_channel(report, self.settings, self.database, self.keyring, channel)
        return [(finding.state, finding.message) for finding in report.findings]


@pytest.fixture
async def office(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[Office]:
    async with open_four(database_url, redis_url, tmp_path) as four:
        (owner,) = await list_organizations(database)
        async with database.transaction([owner.id]) as connection:
            (bot,) = await bots.list_chatbots(connection)
        yield Office(four, database, Keyring.open(tmp_path / "encryption.keys"), owner, bot)


def document(**more: Any) -> dict[str, Any]:
    return {
        "authentication": {"business_phone_number_id": SECOND},
        "business_account": {"business_account_id": ACCOUNT},
        **more,
    }


async def connect_whatsapp(office: Office, **more: Any) -> Any:
    given = {name: SECRETS["whatsapp"][name] for name in ("access_token", "app_secret")}
    return await office.whatsapp().connect(
        office.bot, document=document(**more), given=given, name="", now=datetime.now(UTC)
    )


async def test_a_connected_number_talks_at_once(office: Office) -> None:
    """Meta tries the address out while it is set, with the token that was made for it."""
    number = office.four.whatsapp.world.add_number(SECOND, "15550100300")
    done = await connect_whatsapp(office)
    assert done.webhook_trouble == ""
    assert number.webhook_url == done.webhook
    assert done.channel.name == done.number.display_phone_number
    whatsapp_people.say(number, ANA, "hello")
    await office.four.whatsapp.wait(lambda: bool(office.four.whatsapp.sent(ANA)), 10)
    (sent,) = office.four.whatsapp.sent(ANA)
    assert (sent.number, sent.content["body"]) == (SECOND, "echo hello")
    told = f"{done.number.display_phone_number} ({done.number.verified_name}) by webhook"
    assert await office.findings(done.channel) == [("ok", told)]


async def test_connecting_again_renews_and_keeps_the_address(office: Office) -> None:
    office.four.whatsapp.world.add_number(SECOND)
    first = await connect_whatsapp(office)
    again = await connect_whatsapp(office)
    assert again.renewed and not first.renewed
    assert (again.channel.id, again.webhook) == (first.channel.id, first.webhook)
    assert len(await office.channel("whatsapp")) == 2, "the one of the fixture, and this one"


async def test_one_number_answers_for_one_bot(office: Office) -> None:
    office.four.whatsapp.world.add_number(SECOND)
    await connect_whatsapp(office)
    office.bot = await office.another_bot()
    with pytest.raises(Conflict, match="gateway channel disconnect"):
        await connect_whatsapp(office)


async def test_disconnecting_removes_the_webhook_and_keeps_the_conversations(office: Office) -> None:
    number = office.four.whatsapp.world.add_number(SECOND)
    done = await connect_whatsapp(office)
    assert await office.whatsapp().disconnect(done.channel, datetime.now(UTC)) == ""
    assert number.webhook_url == ""
    (closed,) = [one for one in await office.channel("whatsapp") if one.id == done.channel.id]
    assert closed.status == "disabled"


async def test_what_meta_does_not_accept_is_told_and_nothing_is_stored(office: Office) -> None:
    before = len(await office.channel("whatsapp"))
    wrong = {"access_token": "EAAGwrong", "app_secret": "x"}
    with pytest.raises(Misconfigured):
        await office.whatsapp().connect(
            office.bot, document=document(), given=wrong, name="", now=datetime.now(UTC)
        )
    with pytest.raises(ConfigurationError, match="business_phone_number_id"):
        await office.whatsapp().connect(office.bot, document={}, given=wrong, name="", now=datetime.now(UTC))
    assert len(await office.channel("whatsapp")) == before


async def test_templates_come_from_meta_and_their_approval_with_them(office: Office) -> None:
    world = office.four.whatsapp.world
    number = world.add_number(SECOND)
    body = [{"type": "BODY", "text": "Hi {{customer_name}}"}]
    welcome = Template(name="welcome_v2", status="PENDING", components=body)
    world.add_template(welcome)
    done = await connect_whatsapp(
        office, message_templates={"welcome": {"name": "welcome_v2", "language": "en_US", "components": body}}
    )
    assert done.templates == 1
    access = await access_to(office.database, office.keyring, office.settings, done.channel)
    assert access.settings["message_templates"]["welcome"]["status"] == "PENDING"
    assert ("warn", "not approved: welcome (pending)") in await office.findings(done.channel)
    welcome.status = "APPROVED"
    change = {
        "event": "APPROVED", "message_template_id": 1, "message_template_name": "welcome_v2",
        "message_template_language": "en_US", "reason": "NONE",
    }  # fmt: skip
    world.on_webhook(number, "", number.webhook("message_template_status_update", change))

    async def approved() -> bool:
        (template,) = await templates_of(office.database, office.owner, done.channel)
        return template.status == "APPROVED"

    await until(approved)
    access = await access_to(office.database, office.keyring, office.settings, done.channel)
    assert access.settings["message_templates"]["welcome"]["status"] == "APPROVED"
    assert access.settings["message_templates"]["welcome_v2"]["components"] == body


async def test_a_connected_slack_app_talks_at_once(office: Office) -> None:
    (before,) = await office.channel("slack")
    given = {name: SECRETS["slack"][name] for name in ("bot_token", "signing_secret")}
    done = await office.slack().connect(office.bot, document={}, given=given, name="", now=datetime.now(UTC))
    assert done.channel.id != before.id
    assert not done.socket_mode
    office.four.slack.courier.url = done.webhook
    slack_people.say(office.four.slack, "U0ANA", "hello")
    await office.four.slack.wait(lambda: bool(office.four.slack.sent()), 10)
    assert [one.text for one in office.four.slack.sent()] == ["echo hello"]


async def test_slack_without_what_its_way_of_receiving_needs_is_refused(office: Office) -> None:
    for doc, missing in (({}, "signing_secret"), ({"event_delivery": "socket_mode"}, "app_token")):
        with pytest.raises(ConfigurationError, match=missing):
            await office.slack().connect(
                office.bot,
                document=doc,
                given={"bot_token": SECRETS["slack"]["bot_token"]},
                name="",
                now=datetime.now(UTC),
            )


async def test_two_numbers_of_one_bot_and_a_bot_of_its_own_keep_apart(office: Office) -> None:
    world = office.four.whatsapp.world
    second = world.add_number(SECOND, "15550100300")
    await connect_whatsapp(office)
    world.numbers[NUMBER].webhook_url = office.four.webhook("whatsapp")
    whatsapp_people.say(world.numbers[NUMBER], ANA, "to the first")
    whatsapp_people.say(second, ANA, "to the second")
    await office.four.whatsapp.wait(lambda: len(office.four.whatsapp.sent(ANA)) == 2, 10)
    said = {(one.number, one.content["body"]) for one in office.four.whatsapp.sent(ANA)}
    assert said == {(NUMBER, "echo to the first"), (SECOND, "echo to the second")}
    await asyncio.sleep(0)
    assert await office.four.count("conversations") == 2
