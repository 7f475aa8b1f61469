"""What goes with a send: the indicator, the mark as read, edits of earlier messages, and what can't be said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from adapters.capabilities import dropped, fallback
from engine.messages import OutboundMessage, Reaction
from tests.integration.parcel_road import leave, messages, open_parcels, parcel_worker, say
from tests.integration.road import Road, open_road
from tests.platforms.parcel import CAPABILITIES, MockParcel


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


@pytest.fixture
async def parcel() -> AsyncIterator[MockParcel]:
    async with MockParcel().running() as mock:
        yield mock


def announced(parcel: MockParcel) -> list[str]:
    """What was announced."""
    return [one.text for one in parcel.taken if one.method == "announce"]


# Announcements


async def test_a_customers_message_is_marked_as_read_once_however_many_messages_answer(
    road: Road, parcel: MockParcel
) -> None:
    await open_parcels(road)
    async with parcel_worker(road, parcel, CAPABILITIES) as running:
        await say(running, "m1", "three x")
        await say(running, "m2", "hi")
        await parcel.wait(lambda: len(parcel.texts("ada")) == 4 and len(announced(parcel)) == 2)
        await road.settled()
    assert sorted(announced(parcel)) == ["read m1", "read m2"]


@pytest.mark.parametrize(
    ("settings", "native"), [({"mark_as_read": False}, True), ({}, False)], ids=["not wanted", "not there"]
)
async def test_nothing_is_marked_as_read_where_nobody_wants_it_or_nothing_can(
    road: Road, parcel: MockParcel, settings: dict[str, Any], native: bool
) -> None:
    await open_parcels(road, **settings)
    sends = CAPABILITIES.sends if native else {**CAPABILITIES.sends, "mark_as_read": dropped("not there")}
    async with parcel_worker(road, parcel, replace(CAPABILITIES, sends=sends)) as running:
        await say(running, "m1", "hi")
        await parcel.wait(lambda: bool(parcel.texts("ada")))
        await road.settled()
    assert announced(parcel) == []


async def test_a_second_try_marks_nothing_again(road: Road, parcel: MockParcel) -> None:
    await open_parcels(road)
    async with parcel_worker(road, parcel, CAPABILITIES) as running:
        parcel.faults.append("busy")
        await say(running, "m1", "hi")
        await road.settled()
    assert parcel.texts("ada") == ["echo hi"]
    assert announced(parcel) == ["read m1"]


# Edits


async def test_a_send_that_replaces_a_label_edits_the_latest_message_of_it(
    road: Road, parcel: MockParcel
) -> None:
    await open_parcels(road)
    async with parcel_worker(road, parcel, CAPABILITIES) as running:
        await say(running, "m1", "hi")
        await road.settled()
    parcel.taken.clear()
    await leave(road, OutboundMessage(text="page 1"), label="menu")
    await leave(road, OutboundMessage(text="page 2"), label="menu", replaces="menu")
    await leave(road, OutboundMessage(text="page 3"), label="menu", replaces="menu")
    await leave(road, OutboundMessage(text="other"), replaces="never said")
    async with parcel_worker(road, parcel, CAPABILITIES):
        await road.settled()
    sends = [(one.text, one.edits) for one in parcel.taken if one.method == "send"]
    ids = [one.id for one in parcel.taken if one.method == "send"]
    assert sends == [("page 1", ""), ("page 2", ids[0]), ("page 3", ids[1]), ("other", "")]


async def test_an_edit_that_the_platform_refuses_is_said_anew(road: Road, parcel: MockParcel) -> None:
    await open_parcels(road)
    async with parcel_worker(road, parcel, CAPABILITIES) as running:
        await say(running, "m1", "hi")
        await road.settled()
    parcel.taken.clear()
    await leave(road, OutboundMessage(text="page 1"), label="menu")
    async with parcel_worker(road, parcel, CAPABILITIES):
        await road.settled()
        parcel.faults.append("refused")
        await leave(road, OutboundMessage(text="page 2"), label="menu", replaces="menu")
        await road.settled()
    sends = [(one.text, one.edits) for one in parcel.taken if one.method == "send"]
    assert sends == [("page 1", ""), ("page 2", "")]
    row = (await messages(road))[-1]
    assert row["status"] == "sent"
    assert msgspec.json.decode(row["metadata"]) == {"delivery": "said anew: not like this"}


async def test_where_nothing_can_be_edited_it_is_said_anew(road: Road, parcel: MockParcel) -> None:
    await open_parcels(road)
    table = replace(CAPABILITIES, sends={**CAPABILITIES.sends, "edit": fallback("a new message")})
    async with parcel_worker(road, parcel, table) as running:
        await say(running, "m1", "hi")
        await road.settled()
        await leave(road, OutboundMessage(text="page 1"), label="menu")
        await leave(road, OutboundMessage(text="page 2"), label="menu", replaces="menu")
        await road.settled()
    assert [(one.text, one.edits) for one in parcel.taken if one.method == "send"][1:] == [
        ("page 1", ""),
        ("page 2", ""),
    ]


# What can't be said


async def test_what_can_not_be_said_on_a_platform_is_noted_and_the_next_send_goes(
    road: Road, parcel: MockParcel
) -> None:
    await open_parcels(road)
    table = replace(CAPABILITIES, sends={**CAPABILITIES.sends, "reaction": dropped("there are none")})
    async with parcel_worker(road, parcel, table) as running:
        await say(running, "m1", "hi")
        await road.settled()
        await leave(road, OutboundMessage(reaction=Reaction(message="m1", emoji="")))
        await leave(road, OutboundMessage(text="next"))
        await road.settled()
    assert parcel.texts("ada") == ["echo hi", "next"]
    row = (await messages(road))[-2]
    assert (row["status"], row["external_id"]) == ("sent", None)
    assert msgspec.json.decode(row["metadata"]) == {"delivery": "dropped: nothing of it can be said on slack"}
