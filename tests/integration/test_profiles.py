"""Who a new customer is, where the platform has to be asked: Slack from end to end, with the others beside it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from storage.audit import Change
from storage.completing import Completed, Told, complete
from storage.errors import Conflict
from storage.merges import merge
from tests.integration.four import Four, open_four
from tests.integration.road import until, update
from tests.platforms.slack import TEAM, Fault, people
from tests.platforms.whatsapp.people import message_body

ADA: Final = "U0AKADA001"
MAIL: Final = "ada@moorland.example"
KEY: Final = f"{TEAM}:{ADA}"
NUMBER: Final = "4915550100311"
KNOWN: Final = "hello {{user.first_name}}|{{user.language}}|{{user.timezone}}|{{user.email}}"
FLOW: Final[dict[str, Any]] = {
    "start_node": "say",
    "nodes": [{"id": "say", "type": "message", "config": {"message": KNOWN}}],
}


class Opener:
    """Opens the four with one's own settings."""

    def __init__(self, database_url: str, redis_url: str, folder: Path) -> None:
        self._parts = (database_url, redis_url, folder)

    def __call__(self, **settings: Any) -> AbstractAsyncContextManager[Four]:
        return open_four(*self._parts, flow=FLOW, **settings)


@pytest.fixture
def opened(database_url: str, redis_url: str, tmp_path: Path) -> Opener:
    return Opener(database_url, redis_url, tmp_path)


@pytest.fixture
async def four(opened: Opener) -> AsyncIterator[Four]:
    async with opened() as running:
        lead(running)
        yield running


def lead(four: Four, **about: Any) -> None:
    """The mock delivers to the worker; Ada is a member."""
    four.slack.courier.url = four.webhook("slack")
    four.slack.world.person(ADA, **({"email": MAIL} | about))


async def say(four: Four, text: str = "hi", **more: Any) -> None:
    """Ada writes on Slack, and everything that follows has happened."""
    before = await four.count("inbox")
    people.say(four.slack, ADA, text, **more)

    async def taken() -> bool:
        return await four.count("inbox") > before

    await until(taken, 10.0)
    await four.settled()


async def customer(four: Four) -> Mapping[str, Any]:
    """Whoever is known by Ada's id on Slack."""
    (row,) = await four.rows(
        "SELECT c.* FROM customers c JOIN customer_identities i ON i.customer_id = c.id"
        " WHERE i.external_id = $1",
        KEY,
    )
    return dict(row)


async def letters(four: Four) -> list[tuple[str, str]]:
    """Work that was given up, and why."""
    rows = await four.rows("SELECT kind, last_error FROM effects WHERE status = 'dead'")
    return [(row["kind"], row["last_error"]) for row in rows]


def lookups(four: Four) -> int:
    """How often somebody was looked up, refusals included."""
    return sum(one.hits for one in four.slack.faults.faults if one.method == "users.info")


async def somebody_waits(four: Four) -> bool:
    """Whether a transaction waits for another one's lock."""
    query = (
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE NOT l.granted AND a.datname = current_database()"
    )
    return int(await four.observer.fetchval(query)) > 0


async def whatsapp(four: Four) -> None:
    """Somebody writes on WhatsApp."""
    body = message_body(four.whatsapp.number, NUMBER, "text", {"body": "hi"})[1]
    assert (await four.post("whatsapp", json.dumps(body).encode()))[0] == 200
    await four.settled()


async def verified_on_whatsapp(four: Four, email: str = MAIL.upper()) -> Mapping[str, Any]:
    """A customer on WhatsApp whose address was verified elsewhere, before Ada writes on Slack."""
    await whatsapp(four)
    (row,) = await four.rows("UPDATE customers SET email = $1, email_verified_at = now() RETURNING *", email)
    return dict(row)


async def test_a_new_customer_has_a_name_a_language_and_a_time_zone(four: Four) -> None:
    await say(four)
    found = await customer(four)
    assert (found["first_name"], found["last_name"]) == ("Ada", "Quist")
    assert (found["language"], found["timezone"]) == ("en-GB", "Europe/London")
    assert found["email"] == MAIL and found["email_verified_at"] is not None
    assert await four.count("effects") == 0


async def test_the_next_turn_knows_who_it_is(four: Four) -> None:
    await say(four)
    await say(four, "again")
    said = [one.text for one in four.slack.sent(four.slack.world.private(ADA).id)]
    assert said == ["hello |||", f"hello Ada|en-GB|Europe/London|{MAIL}"]


async def test_a_known_customer_is_not_looked_up_again(four: Four) -> None:
    await say(four)
    four.slack.faults.add(Fault(kind="error", code="fatal_error", method="users.info"))
    await say(four, "again")
    await say(four, "<@U0AKBOT001> and here", channel="C0AKGENERAL")
    assert await four.count("conversations") == 2
    assert lookups(four) == 0
    people.say(four.slack, "U0AKBEN001", "a stranger")  # the control: somebody new is
    await until(lambda: lookups(four) > 0, 10.0)


async def test_who_speaks_up_in_a_channel_first_is_looked_up(four: Four) -> None:
    await say(four, "<@U0AKBOT001> hello", channel="C0AKGENERAL")
    found = await customer(four)
    assert (found["language"], found["timezone"], found["email"]) == ("en-GB", "Europe/London", MAIL)


async def test_platforms_whose_events_tell_it_are_not_asked(four: Four) -> None:
    await whatsapp(four)
    await four.post("telegram", update(1, 4242, "hi"))
    await four.settled()
    assert await four.count("customers") == 2
    assert [one.method for one in four.slack.world.log] == []
    assert await letters(four) == []


async def test_one_person_with_one_verified_address_is_one_customer(four: Four) -> None:
    older = await verified_on_whatsapp(four)
    await say(four)
    found = await customer(four)
    assert found["id"] == older["id"], "the oldest is kept, and its address compared without case"
    assert found["timezone"] == "Europe/London"
    assert await four.count("customers", "merged_into IS NULL") == 1
    (made,) = await four.rows("SELECT reason FROM customer_merges")
    assert made["reason"] == "email"


async def test_an_address_that_nobody_vouched_for_merges_nobody(four: Four) -> None:
    """The control of the test above."""
    await whatsapp(four)
    await four.observer.execute("UPDATE customers SET email = $1", MAIL)
    await say(four)
    assert await four.count("customers", "merged_into IS NULL") == 2


async def test_a_customer_is_completed_and_not_merged_when_merging_is_switched_off(opened: Opener) -> None:
    async with opened(merge_verified=False) as four:
        lead(four)
        await verified_on_whatsapp(four)
        await say(four)
        assert (await customer(four))["email_verified_at"] is not None
        assert await four.count("customers", "merged_into IS NULL") == 2


async def test_without_the_scope_for_addresses_the_rest_is_there(four: Four) -> None:
    four.slack.world.scopes = "chat:write,users:read"
    await say(four)
    found = await customer(four)
    assert (found["language"], found["timezone"], found["email"]) == ("en-GB", "Europe/London", None)
    assert await letters(four) == []


async def test_another_workspaces_word_merges_nobody(opened: Opener) -> None:
    async with opened() as four:
        lead(four, team="T0AKOTHER1")
        await verified_on_whatsapp(four)
        await say(four)
        found = await customer(four)
        assert (found["language"], found["email"]) == ("en-GB", None)
        assert await four.count("customers", "merged_into IS NULL") == 2


async def test_the_platforms_wait_is_kept(four: Four) -> None:
    four.slack.faults.add(Fault(kind="rate_limit", method="users.info", seconds=2, times=1))
    started = time.monotonic()
    people.say(four.slack, ADA, "hi")

    async def told() -> bool:
        rows = await four.rows("SELECT last_error FROM effects WHERE kind = 'fetch_profile'")
        return bool(rows) and "asks to wait 2 s" in (rows[0]["last_error"] or "")

    await until(told, 5.0)
    assert (await customer(four))["language"] is None
    await four.settled()
    assert (await customer(four))["language"] == "en-GB"
    assert time.monotonic() - started >= 2.0
    assert lookups(four) == 1, "nobody asked while it had to wait"


async def test_a_wait_holds_for_everybody_on_the_channel(four: Four) -> None:
    four.slack.faults.add(Fault(kind="rate_limit", method="users.info", seconds=3))
    people.say(four.slack, ADA, "hi")
    await until(lambda: lookups(four) == 1, 5.0)
    people.say(four.slack, "U0AKBEN001", "hi")

    async def waits() -> bool:
        return await four.count("effects", "kind = 'fetch_profile' AND last_error IS NOT NULL") == 2

    await until(waits, 2.5)
    assert lookups(four) == 1, "the second was not even asked for"
    four.slack.faults.clear()
    await four.settled()
    assert await four.count("customers", "language = 'en-GB'") == 2


async def test_what_breaks_is_tried_again(four: Four) -> None:
    for kind in ("refuse", "cut"):
        four.slack.faults.add(Fault(kind=kind, method="users.info", times=1))
    await say(four)
    assert lookups(four) == 2
    assert (await customer(four))["timezone"] == "Europe/London"


async def test_a_refusal_for_good_is_a_dead_letter_with_the_reason(four: Four) -> None:
    four.slack.faults.add(Fault(kind="error", code="invalid_arguments", method="users.info"))
    await say(four)
    ((kind, reason),) = await letters(four)
    assert kind == "fetch_profile" and "invalid_arguments" in reason
    assert lookups(four) == 1


async def test_a_lookup_that_is_too_old_is_given_up_with_the_reason(four: Four) -> None:
    four.slack.world.scopes = "chat:write"
    people.say(four.slack, ADA, "hi")

    async def told() -> bool:
        return await four.count("effects", "kind = 'fetch_profile' AND last_error IS NOT NULL") == 1

    await until(told, 5.0)
    await four.observer.execute(
        "UPDATE effects SET created_at = created_at - interval '25 hours', due_at = now()"
    )
    await four.settled()
    ((kind, reason),) = await letters(four)
    assert kind == "fetch_profile" and "lacks a scope" in reason


async def test_nobody_is_bothered_with_somebody_whom_the_platform_does_not_know(four: Four) -> None:
    four.slack.faults.add(Fault(kind="error", code="user_not_found", method="users.info"))
    await say(four)
    assert lookups(four) == 1
    assert (await customer(four))["language"] is None
    assert await letters(four) == []


async def test_what_is_known_already_stays(four: Four) -> None:
    """The lookup comes late: meanwhile the customer was linked with one who has a name, a language and an address."""
    await whatsapp(four)
    (older,) = await four.rows(
        "UPDATE customers SET first_name = 'Adeline', last_name = NULL, language = 'fr', email = 'a@b.example',"
        " email_verified_at = now() RETURNING id"
    )
    four.slack.faults.add(Fault(kind="rate_limit", method="users.info", seconds=2, times=1))
    people.say(four.slack, ADA, "hi")
    await until(lambda: lookups(four) > 0, 5.0)
    newer = (await customer(four))["id"]
    change = Change(organization_id=four.ids.organization, actor="test", now=datetime.now(UTC))
    async with four.worker.database.transaction([four.ids.organization]) as connection:
        await merge(connection, change, older["id"], newer, "link")
    await four.settled()
    found = await customer(four)
    assert found["id"] == older["id"]
    assert (found["first_name"], found["last_name"]) == ("Adeline", None), "names are not mixed"
    assert (found["language"], found["email"]) == ("fr", "a@b.example")
    assert found["timezone"] == "Europe/London"


async def test_an_address_that_was_only_typed_gives_way_to_the_verified_one(four: Four) -> None:
    four.slack.faults.add(Fault(kind="rate_limit", method="users.info", seconds=1, times=1))
    people.say(four.slack, ADA, "hi")
    await until(lambda: lookups(four) > 0, 5.0)
    await four.observer.execute("UPDATE customers SET email = 'typed@elsewhere.example'")
    await four.settled()
    found = await customer(four)
    assert found["email"] == MAIL and found["email_verified_at"] is not None


async def test_a_customer_who_was_forgotten_meanwhile_stays_forgotten(four: Four) -> None:
    four.slack.faults.add(Fault(kind="rate_limit", method="users.info", seconds=1, times=1))
    people.say(four.slack, ADA, "hi")
    await until(lambda: lookups(four) > 0, 5.0)
    await four.observer.execute("DELETE FROM customer_identities")
    await four.settled()
    assert await letters(four) == []
    assert await four.count("customers", "language IS NOT NULL") == 0


async def test_a_merge_in_the_same_moment_is_met_with_another_look(four: Four) -> None:
    await whatsapp(four)
    (older,) = await four.rows("SELECT id FROM customers")
    four.slack.world.scopes = "chat:write,users:read"
    await say(four)
    newer = (await customer(four))["id"]
    channel, now = four.ids.channels["slack"], datetime.now(UTC)
    told = Told(email=MAIL)

    async def complete_now() -> Completed | None:
        async with four.worker.database.transaction([four.ids.organization]) as connection:
            return await complete(connection, channel, KEY, told, now)

    change = Change(organization_id=four.ids.organization, actor="test", now=now)
    async with four.worker.database.transaction([four.ids.organization]) as connection:
        await merge(connection, change, older["id"], newer, "operator")
        beside = asyncio.create_task(complete_now())
        await until(lambda: somebody_waits(four), 5.0)
    with pytest.raises(Conflict):
        await beside
    assert (await complete_now()) == Completed(customer_id=older["id"], verified=True)
    assert (await customer(four))["email"] == MAIL
