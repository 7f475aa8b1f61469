"""`gateway deliveries`: what did not go out is listed, shown, replayed in order under its own key, and dropped."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from msgspec.structs import replace

from engine.messages import Choice, OutboundMessage
from gateway.admin.bots import require_organization
from gateway.admin.deliveries import Desk, as_json
from gateway.delivery.trouble import WORDS
from storage.letters import State
from tests.integration.command import Commander, Done
from tests.integration.parcel_road import leave, messages, open_parcels, parcel_worker, post, say
from tests.integration.road import Road, open_road, until
from tests.platforms.parcel import CAPABILITIES, MockParcel, report

TABLE: Final = replace(CAPABILITIES, certainty="status", confirm_seconds=1.0)


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        await open_parcels(road)
        yield road


@pytest.fixture
async def parcel() -> AsyncIterator[MockParcel]:
    async with MockParcel().running() as mock:
        yield mock


@pytest.fixture
def gateway(tmp_path: Path, database_url: str, redis_url: str) -> Commander:
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    return Commander(folder=tmp_path, variables=servers)


async def run(gateway: Commander, *arguments: str, code: int = 0) -> Done:
    done = await gateway("deliveries", *arguments, "--organization", "road")
    assert done.code == code, done
    return done


async def listed(gateway: Commander, *options: str) -> list[dict[str, Any]]:
    letters: list[dict[str, Any]] = json.loads((await run(gateway, "list", "--json", *options)).out)
    return letters


async def known(road: Road, *states: State) -> list[dict[str, Any]]:
    """The same without a process of its own."""
    organization = await require_organization(road.database, "road")
    desk = Desk(road.database, organization)
    return [as_json(letter) for letter in await desk.find(states or ("failed", "held"), limit=100)]


async def dead(road: Road, parcel: MockParcel, *faults: Any) -> None:
    """Ada asked for three messages, and the first ones met these faults."""
    parcel.faults.extend(faults)
    async with parcel_worker(road, parcel, TABLE) as running:
        await say(running, "1", "three x")
        await road.settled()


async def test_dead_letters_are_listed_with_the_reason_and_what_to_do(
    road: Road, parcel: MockParcel, gateway: Commander
) -> None:
    await dead(road, parcel, "gone", "refused")
    first, second = await listed(gateway)
    assert (first["state"], first["trouble"], first["error"]) == ("failed", "gone", "410: blocked")
    assert (second["state"], second["trouble"], second["error"]) == (
        "failed",
        "refused",
        "400: not like this",
    )
    assert (first["recipient"], first["channel"]) == ("ada", "slack Parcels")
    assert (first["meaning"], first["advice"]) == WORDS["gone"]
    assert [letter["id"] for letter in await listed(gateway, "--error", "400")] == [second["id"]]
    assert await listed(gateway, "--held") == []
    assert await listed(gateway, "--channel", "telegram") == []
    assert len(await listed(gateway, "--channel", "Parcels")) == 2
    assert await listed(gateway, "--since", "2031-01-01") == []
    table = (await run(gateway, "list")).out
    assert "410: blocked" in table
    assert "1 three x" not in table, "what was said is shown by `show` alone"
    shown = (await run(gateway, "show", first["id"])).out
    assert "1 three x" in shown
    assert WORDS["gone"][1] in shown


async def test_a_replayed_letter_goes_under_its_old_key_behind_what_waits_by_then(
    road: Road, parcel: MockParcel, gateway: Commander
) -> None:
    await dead(road, parcel, "gone", "refused")
    parcel.faults.extend(["busy"] * 3)
    await leave(road, OutboundMessage(text="later"))
    async with parcel_worker(road, parcel, TABLE):
        await until(lambda: bool(parcel.tries) and parcel.tries[-1][2] == 429)
        keys = [letter["id"] for letter in await known(road)]
        parcel.faults.extend(["busy"] * 4)  # so that it still waits when the replay comes
        assert "2 of 2 replayed." in (await run(gateway, "replay", "--all")).out
        await road.settled(20)
    assert parcel.texts("ada") == ["3 three x", "later", "1 three x", "2 three x"]
    sends = [one for one in parcel.taken if one.method == "send"]
    assert [one.key for one in sends[2:]] == keys
    assert {row["status"] for row in await messages(road)} == {"sent"}
    assert await known(road) == []
    audit = await road.rows(
        "SELECT resource_id FROM audit_log WHERE action = 'replayed' AND resource = 'delivery'"
    )
    assert sorted(row["resource_id"] for row in audit) == sorted(keys)


async def test_a_message_of_several_calls_is_replayed_from_the_call_that_failed(
    road: Road, parcel: MockParcel, gateway: Commander
) -> None:
    parcel.faults.extend(["slow", "refused"])
    async with parcel_worker(road, parcel, TABLE) as running:
        await say(running, "1", "long")
        await road.settled()
        (letter,) = await known(road)
        await run(gateway, "replay", letter["id"][:18])
        await road.settled()
    calls = [one.call for one in parcel.taken if one.method == "send"]
    assert calls == list(range(len(calls)))
    assert len(calls) > 2


async def test_a_message_that_was_reported_as_failed_is_listed_and_sent_anew_whole(
    road: Road, parcel: MockParcel, gateway: Commander
) -> None:
    async with parcel_worker(road, parcel, TABLE) as running:
        await say(running, "1", "wait")
        await parcel.wait(lambda: bool(parcel.texts("ada")))
        await road.settled()
        first = next(one for one in parcel.taken if one.method == "send")
        failure = report(first.id, "failed", key=first.key, error="131026: undeliverable")
        await post(running, reports=[failure])
        (letter,) = await known(road)
        assert (letter["state"], letter["trouble"]) == ("failed", "reported")
        assert letter["error"] == "131026: undeliverable"
        assert "skip" in (await run(gateway, "show", letter["id"])).out, "its choices are shown"
        await run(gateway, "replay", letter["id"])
        await post(running, reports=[failure])  # the platform repeats itself: that concerns the former try
        await road.settled()
        again = [one for one in parcel.taken if one.text == first.text and one.method == "send"][-1]
        await post(running, reports=[report(again.id, "read", key=again.key)])
        row = next(row for row in await messages(road) if row["id"] == UUID(letter["id"]))
    assert again.id != first.id
    assert (row["status"], row["external_id"], row["error"]) == ("read", again.id, None)


async def test_what_waits_is_listed_when_asked_for(
    road: Road, parcel: MockParcel, gateway: Commander
) -> None:
    parcel.faults.extend(["busy"] * 100)
    async with parcel_worker(road, parcel, TABLE) as running:
        await say(running, "1", "hello")
        await until(lambda: bool(parcel.tries))
    assert await known(road) == []
    (letter,) = await known(road, "waiting")
    assert (letter["state"], letter["error"]) == ("waiting", "429: too fast for this one")
    assert "tried again at" in letter["advice"]


async def test_a_dropped_letter_is_gone_and_stays_failed(
    road: Road, parcel: MockParcel, gateway: Commander
) -> None:
    await dead(road, parcel, "gone")
    (letter,) = await known(road)
    assert "1 of 1 dropped." in (await run(gateway, "drop", letter["id"])).out
    assert await known(road) == []
    assert await road.count("effects") == 0
    row = next(row for row in await messages(road) if row["id"] == UUID(letter["id"]))
    assert (row["status"], row["error"]) == ("failed", "410: blocked")
    assert "there is no such message" in (await run(gateway, "drop", letter["id"], code=1)).err
    assert await road.count("audit_log", "action = 'dropped' AND resource = 'delivery'") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["replay"], "name the messages by their ids, or all of them with --all"),
        (["replay", "abc", "--error", "400"], "--channel and --error choose among all"),
        (["show", "abc"], "there is no such message"),
        (["list", "--since", "yesterday"], "'yesterday' is no time"),
        (["list", "--channel", "nowhere"], "there is no channel 'nowhere'"),
    ],
)
async def test_a_wrong_command_says_what_to_write(
    road: Road, gateway: Commander, arguments: list[str], told: str
) -> None:
    assert told in (await run(gateway, *arguments, code=1)).err


async def test_choices_survive_a_replay(road: Road, parcel: MockParcel, gateway: Commander) -> None:
    """A failed message's effect is gone: it is put together again from the transcript."""
    async with parcel_worker(road, parcel, TABLE) as running:
        await say(running, "1", "wait")
        await road.settled()
        first = next(one for one in parcel.taken if one.method == "send")
        await post(running, reports=[report(first.id, "failed", error="131026: x")])
    await run(gateway, "replay", "--all", "--error", "131026")
    (row,) = await road.rows(
        "SELECT payload -> 'send' -> 'message' -> 'choices' AS choices FROM effects WHERE lane = 'delivery'"
    )
    choices = [Choice(**choice) for choice in json.loads(row["choices"])]
    assert [choice.title for choice in choices] == ["skip"]
