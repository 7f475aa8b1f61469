"""G5 on WhatsApp and Slack as they are: answers that are cut off double nothing; and WhatsApp's window."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from storage.channels import create_channel
from tests.integration.road import Road, Running, open_road, until
from tests.integration.slack_road import ADA, SlackRoad, open_slack_road
from tests.platforms.slack import Fault as SlackFault
from tests.platforms.slack import people as slackers
from tests.platforms.whatsapp import APP_SECRET, NUMBER, TOKEN, Fault, MockWhatsApp, Template, people

ROUTE: Final = "whatsappwhatsappwhatsapp"
CUSTOMERS: Final = [f"49151000{number:04d}" for number in range(20)]
UNLIMITED: Final = {"channel": "unlimited", "recipient": "unlimited"}
WELCOME: Final[dict[str, Any]] = {
    "name": "welcome_v2",
    "language": "en_US",
    "category": "UTILITY",
    "status": "APPROVED",
    "components": [{"type": "BODY", "text": "News for you: {{message}}"}],
}


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


@pytest.fixture
async def whatsapp() -> AsyncIterator[MockWhatsApp]:
    async with MockWhatsApp().running() as mock:
        mock.world.statuses = "shuffled"
        yield mock


async def connect(road: Road, mock: MockWhatsApp, **settings: Any) -> None:
    """A WhatsApp channel on the mock."""
    async with road.database.transaction([road.ids.organization]) as connection:
        await create_channel(
            connection, await road.change(), road.keyring, chatbot_id=road.ids.bot, type="whatsapp",
            name="WhatsApp", route=ROUTE,
            config={
                "authentication": {
                    "access_token": TOKEN, "app_secret": APP_SECRET, "business_phone_number_id": NUMBER,
                },
                "webhook_configuration": {"verify_token": "v" * 20},
            },
            secret_paths=[
                "/authentication/access_token", "/authentication/app_secret", "/webhook_configuration/verify_token",
            ],
            settings={"api_base": mock.url, "rate_limits": UNLIMITED, **settings},
        )  # fmt: skip


@asynccontextmanager
async def worker(road: Road, mock: MockWhatsApp) -> AsyncIterator[Running]:
    """A worker that the mock's webhooks go to."""
    async with road.worker(lease_seconds=30.0) as running:
        mock.number.webhook_url = f"http://127.0.0.1:{running.port}/webhook/whatsapp/{ROUTE}"
        yield running


def texts(mock: MockWhatsApp, to: str) -> list[str]:
    """What a customer was sent."""
    return [sent.content["body"] for sent in mock.sent(to, "text")]


async def test_cut_answers_double_nothing_on_whatsapp(road: Road, whatsapp: MockWhatsApp) -> None:
    """Sixty sends, every third answer cut off; each report comes several times and in any order."""
    await connect(road, whatsapp, mark_as_read=False)
    whatsapp.world.repeats = 3
    fault = Fault(kind="cut", path="messages", probability=0.35)
    whatsapp.faults.add(fault)
    async with worker(road, whatsapp):
        for customer in CUSTOMERS:
            people.say(whatsapp.number, customer, "three x")
        await whatsapp.wait(lambda: len(whatsapp.sent(kind="text")) >= 3 * len(CUSTOMERS), 50)
        await road.settled(30)
        await until(lambda: whatsapp.courier.pending == 0)
    assert fault.hits > 10
    for customer in CUSTOMERS:
        assert texts(whatsapp, customer) == ["1 three x", "2 three x", "3 three x"]
    rows = await road.rows("SELECT status, external_id FROM messages WHERE sender_type = 'bot'")
    assert Counter(row["status"] for row in rows) == {"read": 3 * len(CUSTOMERS)}
    assert {row["external_id"] for row in rows} == {sent.message for sent in whatsapp.sent(kind="text")}


async def test_without_reports_a_cut_answer_is_sent_again_on_whatsapp(
    road: Road, whatsapp: MockWhatsApp
) -> None:
    """The control: what the test above shows is the reports' doing."""
    await connect(road, whatsapp, mark_as_read=False)
    whatsapp.world.statuses = "none"
    whatsapp.faults.add(Fault(kind="cut", path="messages", times=1))
    async with worker(road, whatsapp):
        people.say(whatsapp.number, CUSTOMERS[0], "hi")
        await whatsapp.wait(lambda: len(whatsapp.sent(kind="text")) == 2, 40)
        await road.settled()


@pytest.mark.parametrize("late", [False, True], ids=["in the answer", "in a report"])
async def test_outside_of_the_window_whatsapp_gets_the_template(
    road: Road, whatsapp: MockWhatsApp, late: bool
) -> None:
    """Meta's clock is a day ahead of ours: it is Meta who says that the window is closed."""
    window = {"template": "welcome", "parameters": {"message": "{{text}}"}}
    await connect(road, whatsapp, window=window, message_templates={"welcome": WELCOME}, mark_as_read=False)
    whatsapp.world.add_template(Template(name="welcome_v2", components=WELCOME["components"]))
    whatsapp.world.refuse_late = late
    async with worker(road, whatsapp):
        whatsapp.faults.add(Fault(kind="late", path="messages", seconds=1.0, times=1))
        people.say(whatsapp.number, CUSTOMERS[0], "hi")
        await until(lambda: whatsapp.faults.faults[0].hits == 1)
        whatsapp.world.shift = 25 * 3600
        await whatsapp.wait(lambda: bool(whatsapp.sent(kind="template")), 20)
        await road.settled()
        await until(lambda: whatsapp.courier.pending == 0)
    (template,) = whatsapp.sent(kind="template")
    assert template.content["name"] == "welcome_v2"
    assert template.content["components"][0]["parameters"][0]["text"] == "echo hi"
    (row,) = await road.rows(
        "SELECT status, metadata ->> 'delivery' AS note FROM messages WHERE sender_type = 'bot'"
    )
    assert row["status"] == "read"
    assert row["note"].startswith("template welcome instead of the message")


async def test_cut_answers_double_nothing_on_slack(database_url: str, redis_url: str, tmp_path: Path) -> None:
    async with open_slack_road(database_url, redis_url, tmp_path) as slack_road:
        await slack_road.connect()
        fault = SlackFault(kind="cut", method="chat.postMessage", probability=0.5)
        slack_road.slack.faults.add(fault)
        async with slack_road.road.worker(lease_seconds=30.0) as running:
            slack_road.lead_to(running)
            await said_and_answered(slack_road)
        assert fault.hits >= 3


async def said_and_answered(slack_road: SlackRoad) -> None:
    """Ada asks five times for three messages, and gets them once each, in order."""
    expected = []
    for number in range(5):
        slackers.say(slack_road.slack, ADA, f"three {number}")
        expected += [f"{part} three {number}" for part in (1, 2, 3)]
        await slack_road.taken(number + 1)
    await slack_road.answered(*expected, seconds=40)
    await slack_road.road.settled()
