"""Outside of the customer's window: the channel's template, or held with a reason, and the lane goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from engine.messages import OutboundMessage, TemplateCall
from gateway.web.background import Background
from storage.ids import new_id
from tests.integration.parcel_road import heard, leave, messages, open_parcels, parcel_worker, post, say
from tests.integration.road import Road, open_road, until
from tests.platforms.parcel import CAPABILITIES, MockParcel, report

TABLE: Final = replace(
    CAPABILITIES, window_hours=24, window_code="131047", certainty="status", confirm_seconds=5.0
)
WELCOME: Final = {"name": "welcome_v2", "language": "en_US", "category": "UTILITY", "status": "APPROVED"}
OFFER: Final = {"name": "offer_v1", "language": "en_US", "category": "MARKETING", "status": "APPROVED"}
TEMPLATES: Final = {"welcome": WELCOME, "offer": OFFER}
WINDOW: Final = {"template": "welcome", "parameters": {"name": "Ada", "message": "{{text}}"}}


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


@pytest.fixture
async def parcel() -> AsyncIterator[MockParcel]:
    async with MockParcel().running() as mock:
        yield mock


async def met(road: Road, parcel: MockParcel) -> None:
    """Ada has written and was answered, by a worker that is gone."""
    async with parcel_worker(road, parcel, TABLE) as running:
        await say(running, "1", "hello")
        await road.settled()
    parcel.taken.clear()


async def letters(road: Road) -> list[tuple[str, str, str]]:
    """What was set aside: its status, the kind of trouble, the reason."""
    rows = await road.rows(
        "SELECT status, payload ->> 'trouble' AS trouble, last_error FROM effects ORDER BY position"
    )
    return [(row["status"], row["trouble"], row["last_error"]) for row in rows]


async def carried_out(road: Road, parcel: MockParcel, *sent: OutboundMessage) -> list[tuple[str, str]]:
    """Let a worker carry these sends out; what was taken: template and words."""
    for message in sent:
        await leave(road, message)
    async with parcel_worker(road, parcel, TABLE):
        await road.settled()
    return [(one.template, one.text) for one in parcel.taken if one.method == "send"]


async def test_a_send_in_the_window_goes_as_it_is(road: Road, parcel: MockParcel) -> None:
    await open_parcels(road, window=WINDOW, message_templates=TEMPLATES)
    await met(road, parcel)
    await heard(road, 23.9)
    assert await carried_out(road, parcel, OutboundMessage(text="still there?")) == [("", "still there?")]


async def test_a_send_outside_the_window_becomes_the_channels_template(
    road: Road, parcel: MockParcel
) -> None:
    await open_parcels(road, window=WINDOW, message_templates=TEMPLATES)
    await met(road, parcel)
    await heard(road, 24.1)
    taken = await carried_out(road, parcel, OutboundMessage(text="still  there,\nAda?"))
    assert taken == [("welcome", "Ada,still there, Ada?")]
    row = (await messages(road))[-1]
    assert row["status"] == "sent"
    assert msgspec.json.decode(row["metadata"])["delivery"].startswith(
        "template welcome instead of the message: "
    )
    assert await road.observer.fetchval("SELECT count FROM template_sends WHERE category = 'utility'") == 1


async def test_without_a_template_it_is_held_and_the_next_send_goes(road: Road, parcel: MockParcel) -> None:
    await open_parcels(road, message_templates=TEMPLATES)
    await met(road, parcel)
    await heard(road, 48)
    template = OutboundMessage(text="", template=TemplateCall(key="welcome", parameters=(("name", "Ada"),)))
    taken = await carried_out(road, parcel, OutboundMessage(text="still there?"), template)
    assert taken == [("welcome", "Ada")], "what is approved goes at any time"
    ((status, trouble, reason),) = await letters(road)
    assert (status, trouble) == ("held", "window")
    assert reason.startswith("the customer last wrote at 20")
    held = (await messages(road))[-2]
    assert (held["status"], held["error"]) == ("queued", reason)


@pytest.mark.parametrize("writes", [True, False], ids=["writes", "control: silent"])
async def test_a_customer_who_wrote_meanwhile_opens_the_window_for_what_waited(
    road: Road, parcel: MockParcel, writes: bool
) -> None:
    """Both were taken over a second before the window closes; the first keeps the second waiting for longer."""
    await open_parcels(road)
    await met(road, parcel)
    await leave(road, OutboundMessage(text="a"))
    await leave(road, OutboundMessage(text="b"))
    parcel.faults.extend(["busy"] * 6)
    await heard(road, 24 - 1.5 / 3600)
    async with parcel_worker(road, parcel, TABLE) as running:
        await until(lambda: bool(parcel.tries) and parcel.tries[-1][2] == 429)
        if writes:
            await say(running, "2", "hi")
        await road.settled()
    assert parcel.texts("ada") == (["a", "b", "echo hi"] if writes else ["a"])


@pytest.mark.parametrize("template", [True, False], ids=["template", "held"])
async def test_the_platforms_own_word_on_the_window_counts_as_ours(
    road: Road, parcel: MockParcel, template: bool
) -> None:
    await open_parcels(road, message_templates=TEMPLATES, **({"window": WINDOW} if template else {}))
    parcel.faults.append("window")
    async with parcel_worker(road, parcel, TABLE) as running:
        await say(running, "1", "hello")
        await road.settled()
    taken = [(one.template, one.text) for one in parcel.taken if one.method == "send"]
    assert taken == ([("welcome", "Ada,echo hello")] if template else [])
    assert [letter[:2] for letter in await letters(road)] == ([] if template else [("held", "window")])


@pytest.mark.parametrize("template", [True, False], ids=["template", "held"])
async def test_a_message_that_failed_later_because_of_the_window_comes_to_the_same(
    road: Road, parcel: MockParcel, template: bool
) -> None:
    await open_parcels(road, message_templates=TEMPLATES, **({"window": WINDOW} if template else {}))
    async with parcel_worker(road, parcel, TABLE) as running:
        await say(running, "1", "hello")
        await road.settled()
        first = next(one for one in parcel.taken if one.method == "send")
        failure = report(first.id, "failed", key=first.key, error="131047: Re-engagement message")
        for _ in range(2):  # platforms repeat themselves
            await post(running, reports=[failure])
        await road.settled()
        await post(running, reports=[failure])
        taken = [(one.template, one.text) for one in parcel.taken if one.method == "send"]
        (row,) = await messages(road)
    assert taken == [("", "echo hello")] + ([("welcome", "Ada,echo hello")] if template else [])
    assert row["status"] == ("sent" if template else "queued")
    assert [letter[:2] for letter in await letters(road)] == ([] if template else [("held", "window")])


@pytest.mark.parametrize("template", [True, False], ids=["template", "held"])
async def test_a_call_in_doubt_that_the_window_stopped_comes_to_the_same(
    road: Road, parcel: MockParcel, template: bool
) -> None:
    await open_parcels(road, message_templates=TEMPLATES, **({"window": WINDOW} if template else {}))
    parcel.faults.append("cut")
    async with parcel_worker(road, parcel, TABLE) as running:
        await say(running, "1", "hello")
        await until(lambda: in_doubt(road))
        first = next(one for one in parcel.taken if one.method == "send")
        await post(
            running,
            reports=[report(first.id, "failed", key=first.key, error="131047: Re-engagement message")],
        )
        await road.settled()
        (row,) = await messages(road)
    taken = [(one.template, one.text) for one in parcel.taken if one.method == "send"]
    assert taken == [("", "echo hello")] + ([("welcome", "Ada,echo hello")] if template else [])
    assert row["status"] == ("sent" if template else "queued")
    assert [letter[:2] for letter in await letters(road)] == ([] if template else [("held", "window")])


async def in_doubt(road: Road) -> bool:
    return bool(await road.count("effects", "payload -> 'doubt' = 'true'"))


@pytest.mark.parametrize("template", [True, False], ids=["template", "held"])
async def test_a_failure_that_is_reported_before_our_own_note_is_written_comes_to_the_same(
    road: Road, parcel: MockParcel, template: bool
) -> None:
    await open_parcels(road, message_templates=TEMPLATES, **({"window": WINDOW} if template else {}))
    parcel.faults.append("slow")
    async with parcel_worker(road, parcel, TABLE) as running:
        background = Background()
        background.spawn(say(running, "1", "hello"))
        await parcel.wait(lambda: bool(parcel.texts("ada")))
        first = next(one for one in parcel.taken if one.method == "send")
        await post(
            running,
            reports=[report(first.id, "failed", key=first.key, error="131047: Re-engagement message")],
        )
        assert await road.count("effects", "status = 'pending'") == 1, "the send is not noted yet"
        await until(lambda: reopened(road))
        await road.settled()
        (row,) = await messages(road)
        await background.close()
    assert row["status"] == ("sent" if template else "queued")
    assert [letter[:2] for letter in await letters(road)] == ([] if template else [("held", "window")])


async def reopened(road: Road) -> bool:
    return bool(await road.count("messages", "metadata ? 'reopened'"))


# Templates


def offer() -> OutboundMessage:
    """A marketing template."""
    return OutboundMessage(template=TemplateCall(key="offer", parameters=(("n", "1"),)))


async def test_templates_of_a_category_end_at_the_days_limit(road: Road, parcel: MockParcel) -> None:
    compliance = {"rate_limiting": {"marketing_messages": 2, "utility_messages": "unlimited"}}
    await open_parcels(road, message_templates=TEMPLATES, compliance=compliance)
    await met(road, parcel)
    parcel.faults.append("busy")  # a second try counts nothing
    welcome = OutboundMessage(template=TemplateCall(key="welcome", parameters=(("n", "2"),)))
    taken = await carried_out(road, parcel, offer(), offer(), offer(), welcome)
    assert taken == [("offer", "1"), ("offer", "1"), ("welcome", "2")]
    today = datetime.now(UTC).date()
    assert await letters(road) == [
        ("held", "limit", f"2 marketing templates have gone out on {today} (UTC) already")
    ]


@pytest.mark.parametrize(
    ("said", "goes"),
    [
        ([], False),
        ([("marketing", True)], True),
        ([("messages", True)], True),
        ([("marketing", True), ("marketing", False)], False),
        ([("marketing", True), ("messages", False)], False),
        ([("messages", False), ("messages", True)], True),
    ],
)
async def test_marketing_goes_to_those_who_agreed(
    road: Road, parcel: MockParcel, said: list[tuple[str, bool]], goes: bool
) -> None:
    await open_parcels(road, message_templates=TEMPLATES, compliance={"opt_in_required": True})
    await met(road, parcel)
    for number, (purpose, granted) in enumerate(said):
        await road.observer.execute(
            "INSERT INTO consents (id, organization_id, customer_id, conversation_id, channel_id, chatbot_id, purpose,"
            " granted, text, recorded_at) SELECT $1, organization_id, customer_id, id, channel_id, chatbot_id, $2, $3,"
            " 'x', now() + make_interval(secs => $4) FROM conversations WHERE contact_key = 'ada'",
            new_id(), purpose, granted, number,
        )  # fmt: skip
    welcome = OutboundMessage(template=TemplateCall(key="welcome"))
    taken = await carried_out(road, parcel, offer(), welcome)
    assert [key for key, _ in taken] == (["offer", "welcome"] if goes else ["welcome"])
    assert [letter[:2] for letter in await letters(road)] == ([] if goes else [("held", "consent")])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "message_templates of the channel has no template offer"),
        ({"message_templates": {"offer": {**OFFER, "status": "REJECTED"}}}, "the template offer is REJECTED"),
        ({"message_templates": TEMPLATES}, "the template offer is PAUSED (low quality)"),
    ],
    ids=["unknown", "rejected", "paused since"],
)
async def test_a_template_that_is_not_approved_is_held(
    road: Road, parcel: MockParcel, settings: dict[str, Any], reason: str
) -> None:
    await open_parcels(road, **settings)
    await met(road, parcel)
    if "PAUSED" in reason:
        await road.observer.execute(
            "INSERT INTO message_templates (organization_id, channel_id, name, language, category, status, reason)"
            " SELECT organization_id, id, 'offer_v1', 'en_US', 'MARKETING', 'PAUSED', 'low quality' FROM channels"
            " WHERE type = 'slack'"
        )
    assert await carried_out(road, parcel, offer()) == []
    assert await letters(road) == [("held", "template", reason)]


async def test_marketing_waits_for_business_hours_where_the_channel_says_so(
    road: Road, parcel: MockParcel
) -> None:
    """An hour that has no minutes is never: the test needs no clock."""
    hours = {"start": "00:00", "end": "00:01", "timezone": "UTC"}
    if datetime.now(UTC).hour == 0:
        hours = {"start": "12:00", "end": "12:01", "timezone": "UTC"}
    await open_parcels(
        road, message_templates=TEMPLATES, compliance={"business_hours_only": True}, business_hours=hours
    )
    await met(road, parcel)
    welcome = OutboundMessage(template=TemplateCall(key="welcome"))
    assert [key for key, _ in await carried_out(road, parcel, offer(), welcome)] == ["welcome"]
    assert [letter[:2] for letter in await letters(road)] == [("held", "hours")]
