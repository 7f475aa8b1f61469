"""One customer behind several ids of a channel, and on several channels: recognised, merged, and parted again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.events import ContactReceived, Context, IdentityChanged, InboundEvent
from gateway.away import AGAIN
from storage.database import Database
from storage.deliveries import transaction
from storage.errors import Conflict, NotFound
from storage.identities import consents_of
from storage.ids import new_id
from storage.merges import merge, merges_of, unmerge
from storage.organizations import ensure_organization
from storage.window import find_consent
from tests.integration.identity_scene import NOW, Scene, open_scene

NUMBER = "4915550100311"
PHONE = "+4915550100311"
USER = "DE.770011"


@pytest.fixture
async def scene(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(database, database_url, tmp_path) as scene:
        yield scene


# Other ids of the same person on the same channel


async def test_a_conversation_goes_on_when_the_platform_begins_to_tell_another_id(scene: Scene) -> None:
    await scene.hear("whatsapp", scene.whatsapp("name", number=NUMBER))
    before = await scene.row("SELECT id, customer_id FROM conversations")
    await scene.hear("whatsapp", scene.whatsapp("Maya", number=NUMBER, user=USER))
    after = await scene.row("SELECT id, customer_id, contact_key, state_version FROM conversations")
    assert after == {**before, "contact_key": USER, "state_version": 2}
    assert await scene.known_as(before["customer_id"]) == {USER: False, NUMBER: True}
    said = await scene.rows("SELECT content FROM messages WHERE sender_type = 'bot' ORDER BY seq")
    assert [row["content"] for row in said] == ["name?", "thanks Maya"], "the flow went on where it was"


async def test_a_stranger_with_another_number_is_another_customer(scene: Scene) -> None:
    """The control of the test above."""
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER))
    await scene.hear("whatsapp", scene.whatsapp(number="4915550100312", user=USER))
    assert len(await scene.customers()) == 2
    assert sorted(await scene.talks()) == sorted([NUMBER, USER])


async def test_who_is_known_by_the_scoped_id_goes_on_under_the_bare_number_and_back(scene: Scene) -> None:
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER, user=USER))
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER))
    assert list(await scene.talks()) == [NUMBER]
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER, user=USER))
    assert list(await scene.talks()) == [USER]
    assert await scene.row("SELECT count(*) AS n FROM conversations") == {"n": 1}
    (customer,) = await scene.customers()
    assert await scene.known_as(customer["id"]) == {USER: False, NUMBER: True}


async def test_a_number_that_changed_hands_does_not_open_the_former_owners_conversation(scene: Scene) -> None:
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER, user=USER))
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER, user="DE.880022"))
    await scene.work()
    former, present = await scene.customers()
    assert await scene.talks() == {USER: former["id"], "DE.880022": present["id"]}
    assert await scene.known_as(former["id"]) == {USER: False}
    assert await scene.known_as(present["id"]) == {"DE.880022": False, NUMBER: True}
    assert former["phone_verified_at"] is None
    assert present["phone_verified_at"] is not None


async def test_first_contacts_of_one_person_by_two_workers_end_in_one_customer(scene: Scene) -> None:
    """The same person under two ids at once, on both of which the platform names the other."""
    for attempt in range(8):
        number, user = f"491555020{attempt:04}", f"DE.9{attempt}"
        bodies = [scene.whatsapp(number=number), scene.whatsapp(number=number, user=user)] * 2

        async def one(body: Any) -> None:
            for _ in range(4):  # as the turn loop does when another transaction was in the way
                try:
                    await scene.hear("whatsapp", body)
                    return
                except AGAIN:
                    continue
            raise AssertionError("always in the way")

        unique = list({body.events[0].external_id: body for body in bodies}.values())
        await asyncio.gather(*(one(body) for body in unique))
        await scene.work()
        found = await scene.rows(
            "SELECT DISTINCT customer_id FROM customer_identities WHERE external_id = ANY ($1)",
            [number, user],
        )
        talks = await scene.rows("SELECT id FROM conversations WHERE contact_key = ANY ($1)", [number, user])
        assert (len(found), len(talks)) == (1, 1), attempt


async def test_a_newcomer_brings_what_the_platform_vouches_for(scene: Scene) -> None:
    vouched = {"phone": NUMBER, "email": "Maya@Example.org", "timezone": "Europe/Berlin", "language": "de"}
    await scene.hear("web", scene.event("visitor", "hi", username="maya", **vouched))
    (customer,) = await scene.customers()
    assert (customer["phone"], customer["email"]) == (PHONE, "Maya@Example.org")
    assert (customer["timezone"], customer["language"]) == ("Europe/Berlin", "de")
    assert customer["phone_verified_at"] is not None
    assert customer["email_verified_at"] is not None


# Ids that change


async def test_a_changed_number_moves_the_conversation_and_what_waits_in_it(scene: Scene) -> None:
    await scene.hear("whatsapp", scene.whatsapp("name", number=NUMBER))
    (customer,) = await scene.customers()
    system = {"type": "user_changed_number", "wa_id": "4915550100999", "body": "changed"}
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER, type="system", text=None, system=system))
    assert await scene.talks() == {"4915550100999": customer["id"]}
    assert await scene.known_as(customer["id"]) == {"4915550100999": False}
    (moved,) = await scene.customers()
    assert moved["phone"] == "+4915550100999"
    waiting = await scene.rows(
        "SELECT c.contact_key FROM effects e JOIN conversations c ON c.id = e.conversation_id WHERE lane = 'delivery'"
    )
    assert {row["contact_key"] for row in waiting} == {"4915550100999"}
    await scene.hear("whatsapp", scene.whatsapp("Maya", number="4915550100999"))
    last = await scene.row("SELECT content FROM messages ORDER BY seq DESC LIMIT 1")
    assert last["content"] == "thanks Maya"


async def test_the_next_owner_of_an_old_number_is_a_stranger(scene: Scene) -> None:
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER, user=USER))
    system = {"type": "user_changed_user_id", "user_id": "DE.991", "body": "changed"}
    await scene.hear(
        "whatsapp", scene.whatsapp(number=NUMBER, user=USER, type="system", text=None, system=system)
    )
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER))
    await scene.work()
    assert len(set((await scene.talks()).values())) == 2


async def test_a_new_id_that_spoke_first_keeps_its_conversation_and_nothing_is_lost(scene: Scene) -> None:
    await scene.hear("whatsapp", scene.whatsapp("first", number=NUMBER))
    await scene.hear("whatsapp", scene.whatsapp("second", number="4915550100999"))
    await scene.work()
    change = IdentityChanged(old=NUMBER, new="4915550100999")
    await scene.hear("whatsapp", scene.event(NUMBER, change))
    await scene.work()
    (customer,) = await scene.customers()
    assert await scene.talks() == {"4915550100999": customer["id"]}
    both = await scene.rows("SELECT contact_key, status, customer_id FROM conversations ORDER BY created_at")
    assert [(row["contact_key"], row["status"]) for row in both] == [
        ("4915550100999", "archived"),
        ("4915550100999", "active"),
    ]
    assert {row["customer_id"] for row in both} == {customer["id"]}
    kept = await scene.rows("SELECT content FROM messages WHERE sender_type = 'customer' ORDER BY created_at")
    assert [row["content"] for row in kept] == ["first", "second"]
    assert (await scene.row("SELECT reason FROM customer_merges"))["reason"] == "identity"


async def test_a_group_that_became_a_supergroup_goes_on(scene: Scene) -> None:
    mentioned: dict[str, Any] = {
        "text": "/start",
        "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
    }
    await scene.hear("telegram", scene.telegram(7, group=-55, **mentioned))
    before = await scene.talks()
    await scene.hear("telegram", scene.telegram(7, group=-55, migrate_to_chat_id=-100200))
    assert await scene.talks() == {"-100200": before["-55"]}


# Verified numbers and addresses


async def test_one_person_on_whatsapp_and_telegram_becomes_one_customer(scene: Scene) -> None:
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER, user=USER))
    (first,) = await scene.customers()
    assert first["language"] is None
    await scene.hear("telegram", scene.telegram(7, text="hallo"))
    assert len(await scene.customers()) == 2
    await scene.hear("telegram", scene.own_contact(7, NUMBER))  # without +, as Telegram may send it
    assert await scene.work() == 2
    (customer,) = await scene.customers()
    assert customer["id"] == first["id"], "the oldest is kept"
    assert customer["language"] == "de", "carried along"
    assert await scene.known_as(customer["id"]) == {USER: False, NUMBER: True, "7": False}
    assert set((await scene.talks()).values()) == {customer["id"]}
    await scene.hear("telegram", scene.telegram(7, text="again"))
    assert len(await scene.customers()) == 1


async def test_somebody_elses_contact_merges_nobody(scene: Scene) -> None:
    """The control of the test above."""
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER))
    await scene.hear(
        "telegram", scene.telegram(7, contact={"phone_number": NUMBER, "first_name": "M", "user_id": 8})
    )
    await scene.work()
    assert len(await scene.customers()) == 2


async def test_merging_by_verified_numbers_can_be_switched_off(scene: Scene) -> None:
    scene.merges = False
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER))
    await scene.hear("telegram", scene.own_contact(7, PHONE))
    assert await scene.work() == 0
    assert [row["phone"] for row in await scene.customers()] == [PHONE, PHONE]


async def test_what_was_left_to_be_merged_before_it_was_switched_off_is_not(scene: Scene) -> None:
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER))
    await scene.hear("telegram", scene.own_contact(7, PHONE))
    scene.merges = False
    assert await scene.work() == 2
    assert len(await scene.customers()) == 2


async def test_addresses_are_compared_without_case(scene: Scene) -> None:
    await scene.hear("web", scene.event("a", "hi", email="maya@example.org"))
    await scene.hear("web", scene.event("b", "hi", email="Maya@Example.ORG"))
    await scene.work()
    (customer,) = await scene.customers()
    assert await scene.known_as(customer["id"]) == {"a": False, "b": False}


async def test_a_known_customers_number_is_verified_once_the_platform_tells_it(scene: Scene) -> None:
    await scene.hear("web", scene.event("a", "hi"))
    await scene.hear("web", scene.event("a", "hi", phone=PHONE))
    (customer,) = await scene.customers()
    assert customer["phone"] == PHONE
    assert customer["phone_verified_at"] is not None
    await scene.hear("web", scene.event("a", "hi", phone="+4915550100999"))
    assert (await scene.customers())[0]["phone"] == PHONE, "what is verified is not changed in passing"


async def test_numbers_are_kept_in_one_form_however_a_platform_writes_them(scene: Scene) -> None:
    await scene.hear("telegram", scene.own_contact(7, "+52 1 55 1234 5678"))
    (customer,) = await scene.customers()
    assert customer["phone"] == "+525512345678", (
        "Mexico's old mobile prefix is dropped, as WhatsApp's ids have it"
    )


async def test_in_a_group_nobody_is_taken_for_somebody_else(scene: Scene) -> None:
    """A group's conversation belongs to whoever began it: what others share there is not the beginner's."""
    group = Context(place="group", mentioned=True)

    def said(parsed: Any) -> Any:
        (event,) = parsed.events
        assert isinstance(event, InboundEvent)
        return msgspec.structs.replace(parsed, events=(msgspec.structs.replace(event, context=group),))

    await scene.hear("web", said(scene.event("room", "hi", external_id="ann")))
    card = ContactReceived(phone=PHONE, own=True)
    await scene.hear("web", said(scene.event("room", card, external_id="bob")))
    (customer,) = await scene.customers()
    assert customer["phone"] is None


async def test_customers_whom_an_operator_has_parted_stay_apart(scene: Scene) -> None:
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER))
    await scene.hear("telegram", scene.own_contact(7, PHONE))
    await scene.work()
    done = await scene.row("SELECT id FROM customer_merges")
    async with scene.database.transaction([scene.ids.organization]) as connection:
        await unmerge(connection, scene.change(), done["id"])
    assert len(await scene.customers()) == 2
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER))
    await scene.hear("telegram", scene.own_contact(7, PHONE))
    await scene.work()
    assert len(await scene.customers()) == 2


# Link codes


async def test_a_link_code_joins_two_channels_and_leaves_no_trace(scene: Scene) -> None:
    await scene.hear("web", scene.event("visitor", "hi", language="pt"))
    (visitor,) = await scene.customers()
    code = scene.codes.make(scene.ids.organization, visitor["id"], scene.now)
    start: dict[str, Any] = {
        "text": f"/start link_{code}",
        "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
    }
    await scene.hear("telegram", scene.telegram(7, **start))
    await scene.hear("whatsapp", scene.whatsapp(f"link {code}", number=NUMBER))
    assert await scene.work() == 3
    (customer,) = await scene.customers()
    assert await scene.known_as(customer["id"]) == {"visitor": False, "7": False, NUMBER: False}
    assert {row["reason"] for row in await scene.rows("SELECT reason FROM customer_merges")} == {"link"}
    said = await scene.rows("SELECT content FROM messages WHERE sender_type = 'customer' ORDER BY created_at")
    assert [row["content"] for row in said] == ["hi", "/start", "link"]
    for table in ("messages", "inbox", "effects", "conversations", "customer_merges", "audit_log"):
        stored = await scene.rows(f"SELECT count(*) AS n FROM {table} t WHERE t::text LIKE $1", f"%{code}%")
        assert stored == [{"n": 0}], table


@pytest.mark.parametrize("spoil", ["forged", "expired", "foreign"])
async def test_a_code_that_is_not_valid_is_part_of_the_text(scene: Scene, spoil: str) -> None:
    await scene.hear("web", scene.event("visitor", "hi"))
    (visitor,) = await scene.customers()
    organization = new_id() if spoil == "foreign" else scene.ids.organization
    code = scene.codes.make(organization, visitor["id"], scene.now)
    if spoil == "forged":
        code = ("A" if code[-1] != "A" else "B").join((code[:-1], ""))
    if spoil == "expired":
        scene.now += timedelta(hours=25)
    await scene.hear("whatsapp", scene.whatsapp(f"link {code}", number=NUMBER))
    await scene.work()
    assert len(await scene.customers()) == 2
    said = await scene.rows("SELECT content FROM messages WHERE sender_type = 'customer' ORDER BY created_at")
    assert said[-1]["content"] == f"link {code}"


# Merging, by an operator


async def two(scene: Scene) -> tuple[Any, Any]:
    await scene.hear("web", scene.event("a", "hi", first_name="Ann"))
    await scene.hear(
        "web", scene.event("b", "hi", first_name="Bea", last_name="Bo", language="de", timezone="Asia/Tokyo")
    )
    first, second = await scene.customers()
    return first["id"], second["id"]


async def test_a_merge_carries_along_what_the_kept_customer_lacks(scene: Scene) -> None:
    kept, merged = await two(scene)
    await scene.observer.execute(
        "UPDATE customers SET variables = $2, metadata = $3 WHERE id = $1", kept, '{"tier": "gold"}', "{}"
    )
    await scene.observer.execute(
        "UPDATE customers SET variables = $2, metadata = $3, opted_out_at = $4 WHERE id = $1",
        merged, '{"tier": "silver", "size": 42}', '{"note": "x"}', scene.now,
    )  # fmt: skip
    async with scene.database.transaction([scene.ids.organization]) as connection:
        done = await merge(connection, scene.change(), kept, merged, "operator")
    row = await scene.row("SELECT *, variables::text, metadata::text FROM customers WHERE id = $1", kept)
    assert (row["first_name"], row["last_name"]) == ("Ann", None), "names are not mixed"
    assert (row["language"], row["timezone"]) == ("de", "Asia/Tokyo")
    assert row["variables"] == '{"size": 42, "tier": "gold"}'
    assert row["metadata"] == '{"note": "x"}'
    assert row["opted_out_at"] is not None, "who does not want to be written to has said so for both"
    assert set((await scene.talks()).values()) == {kept}
    async with scene.database.transaction([scene.ids.organization]) as connection:
        undone = await unmerge(connection, scene.change(), done.id)
    assert (undone.identities, undone.conversations, undone.left) == (1, 1, ())
    row = await scene.row("SELECT *, variables::text FROM customers WHERE id = $1", kept)
    assert (row["language"], row["opted_out_at"], row["variables"]) == (None, None, '{"tier": "gold"}')
    assert await scene.talks() == {"a": kept, "b": merged}
    actions = await scene.rows(
        "SELECT action FROM audit_log WHERE resource = 'customer' ORDER BY created_at, id"
    )
    assert [entry["action"] for entry in actions] == ["merged", "unmerged"]


async def test_undoing_tells_what_was_changed_since_and_leaves_it(scene: Scene) -> None:
    kept, merged = await two(scene)
    async with scene.database.transaction([scene.ids.organization]) as connection:
        done = await merge(connection, scene.change(), kept, merged, "operator")
    await scene.observer.execute("UPDATE customers SET language = 'fr' WHERE id = $1", kept)
    await scene.observer.execute("DELETE FROM customer_identities WHERE external_id = 'b'")
    async with scene.database.transaction([scene.ids.organization]) as connection:
        undone = await unmerge(connection, scene.change(), done.id)
    assert undone.left == (
        "1 of the identities are not this customer's any more, or gone",
        "language was changed since",
    )
    assert (await scene.row("SELECT language FROM customers WHERE id = $1", kept))["language"] == "fr"


async def test_what_cannot_be_merged_or_undone_is_refused_with_the_reason(scene: Scene) -> None:
    first, second = await two(scene)
    await scene.hear("web", scene.event("c", "hi"))
    third = (await scene.customers())[-1]["id"]
    stranger = new_id()
    organization = scene.ids.organization

    async def refused(kept: Any, merged: Any, *, by: Any = organization) -> str:
        with pytest.raises((Conflict, NotFound)) as caught:
            async with scene.database.transaction([by]) as connection:
                await merge(connection, scene.change(), kept, merged, "operator")
        return str(caught.value)

    assert "with itself" in await refused(first, first)
    assert await refused(first, stranger) == f"there is no customer {stranger}"
    other = await ensure_organization(scene.database, slug="other", name="O", actor="t", now=scene.now)
    assert "there is no customer" in await refused(first, second, by=other.id)
    async with scene.database.transaction([organization]) as connection:
        inner = await merge(connection, scene.change(), second, third, "operator")
        outer = await merge(connection, scene.change(), first, second, "operator")
    assert f"is merged into {second} already" in await refused(third, second)
    assert f"is merged into {first} already" in await refused(first, second)

    async def not_undone(merge_id: Any) -> str:
        with pytest.raises((Conflict, NotFound)) as caught:
            async with scene.database.transaction([organization]) as connection:
                await unmerge(connection, scene.change(), merge_id)
        return str(caught.value)

    assert f"undo the merge {outer.id} first" in await not_undone(inner.id)
    assert "there is no merge" in await not_undone(stranger)
    async with scene.database.transaction([organization]) as connection:
        await unmerge(connection, scene.change(), outer.id)
        await unmerge(connection, scene.change(), inner.id)
    assert "already" in await not_undone(inner.id)
    assert await scene.talks() == {"a": first, "b": second, "c": third}
    async with scene.database.transaction([organization]) as connection:
        assert [one.id for one in await merges_of(connection, second)] == [inner.id, outer.id]


async def test_one_of_several_opt_outs_taken_back_leaves_the_others_standing(scene: Scene) -> None:
    first, second = await two(scene)
    await scene.hear("web", scene.event("c", "hi"))
    third = (await scene.customers())[-1]["id"]
    await scene.observer.execute(
        "UPDATE customers SET opted_out_at = $2 WHERE id = ANY ($1)", [second, third], scene.now
    )
    async with scene.database.transaction([scene.ids.organization]) as connection:
        one = await merge(connection, scene.change(), first, second, "operator")
        other = await merge(connection, scene.change(), first, third, "operator")
        await unmerge(connection, scene.change(), one.id)
    query = "SELECT opted_out_at FROM customers WHERE id = $1"
    assert (await scene.row(query, first))["opted_out_at"] is not None
    async with scene.database.transaction([scene.ids.organization]) as connection:
        await unmerge(connection, scene.change(), other.id)
    assert (await scene.row(query, first))["opted_out_at"] is None


async def test_whoever_can_be_reached_on_one_channel_can_be_reached(scene: Scene) -> None:
    first, second = await two(scene)
    await scene.hear("web", scene.event("c", "hi"))
    third = (await scene.customers())[-1]["id"]
    await scene.observer.execute("UPDATE customers SET reachable = id = ANY ($1)", [second, third])
    query = "SELECT reachable FROM customers WHERE id = $1"
    async with scene.database.transaction([scene.ids.organization]) as connection:
        one = await merge(connection, scene.change(), first, second, "operator")
        other = await merge(connection, scene.change(), first, third, "operator")
    assert (await scene.row(query, first))["reachable"] is True
    async with scene.database.transaction([scene.ids.organization]) as connection:
        await unmerge(connection, scene.change(), one.id)
    assert (await scene.row(query, first))["reachable"] is True, "the third is still part of it"
    async with scene.database.transaction([scene.ids.organization]) as connection:
        undone = await unmerge(connection, scene.change(), other.id)
    assert (await scene.row(query, first))["reachable"] is False
    assert undone.left == ()


async def test_who_blocks_the_bot_after_a_merge_is_not_made_reachable_by_undoing_it(scene: Scene) -> None:
    first, second = await two(scene)
    await scene.observer.execute("UPDATE customers SET reachable = false WHERE id = $1", first)
    async with scene.database.transaction([scene.ids.organization]) as connection:
        done = await merge(connection, scene.change(), first, second, "operator")
    await scene.observer.execute("UPDATE customers SET reachable = false WHERE id = $1", first)
    async with scene.database.transaction([scene.ids.organization]) as connection:
        undone = await unmerge(connection, scene.change(), done.id)
    assert (await scene.row("SELECT reachable FROM customers WHERE id = $1", first))["reachable"] is False
    assert undone.left == ("reachable was changed since",)


async def test_consents_are_found_under_every_id_that_was_merged(scene: Scene) -> None:
    first, second = await two(scene)
    talk = await scene.row(
        "SELECT id, channel_id, chatbot_id FROM conversations WHERE customer_id = $1", second
    )
    await scene.observer.execute(
        "INSERT INTO consents (id, organization_id, customer_id, conversation_id, channel_id, chatbot_id, purpose,"
        " granted, text) VALUES ($1, $2, $3, $4, $5, $6, 'marketing', true, 'Yes')",
        new_id(), scene.ids.organization, second, talk["id"], talk["channel_id"], talk["chatbot_id"],
    )  # fmt: skip

    async def found() -> list[tuple[str, bool]]:
        async with scene.database.raw() as connection, transaction(connection, {scene.ids.organization}):
            return [(one.purpose, one.granted) for one in await consents_of(connection, first)]

    assert await found() == []
    async with scene.database.transaction([scene.ids.organization]) as connection:
        await merge(connection, scene.change(), first, second, "operator")
    assert await found() == [("marketing", True)]
    talk = await scene.row("SELECT id FROM conversations WHERE contact_key = 'a'")
    async with scene.database.raw() as connection, transaction(connection, {scene.ids.organization}):
        assert (await find_consent(connection, talk["id"])).to_marketing, "what delivery asks sees it, too"


# Any sequence of merges and their undoing


Owners: TypeAlias = dict[str, list[tuple[str, str]]]


async def owners(scene: Scene) -> Owners:
    """Who owns what: identities and conversations with their customer."""
    return {
        table: sorted(
            (str(row["id"]), str(row["customer_id"]))
            for row in await scene.rows(f"SELECT id, customer_id FROM {table}")
        )
        for table in ("customer_identities", "conversations")
    }


async def profiles(scene: Scene) -> list[dict[str, Any]]:
    columns = (
        "id, first_name, last_name, email, email_verified_at, phone, phone_verified_at, language, timezone,"
        " opted_out_at, reachable, merged_into, variables::text, metadata::text"
    )
    return await scene.rows(f"SELECT {columns} FROM customers ORDER BY id")


async def attempt(scene: Scene, step: Any, *arguments: Any) -> bool:
    """Whether it was done; refused with a reason, nothing changes."""
    try:
        async with scene.database.transaction([scene.ids.organization]) as connection:
            await step(connection, scene.change(), *arguments)
    except Conflict:
        return False
    return True


async def people(scene: Scene, given: list[dict[str, Any]]) -> list[UUID]:
    """Customers with two identities and a conversation each, fresh for each example."""
    for table in ("customer_merges", "conversations", "customer_identities", "customers"):
        await scene.observer.execute(f"DELETE FROM {table}")
    ids = []
    for number, person in enumerate(given):
        await scene.hear("web", scene.event(f"w{number}", "hi"))
        await scene.hear("telegram", scene.event(f"t{number}", "hi"))
        first, second = (await scene.customers())[-2:]
        async with scene.database.transaction([scene.ids.organization]) as connection:
            await merge(connection, scene.change(), first["id"], second["id"], "operator")
        await scene.observer.execute("DELETE FROM customer_merges")
        await scene.observer.execute("DELETE FROM customers WHERE id = $1", second["id"])
        columns = ", ".join(f"{name} = ${place}" for place, name in enumerate(person, 2))
        await scene.observer.execute(
            f"UPDATE customers SET {columns} WHERE id = $1", first["id"], *person.values()
        )
        ids.append(first["id"])
    return ids


PERSON = st.fixed_dictionaries(
    {
        "language": st.sampled_from([None, "de", "pt"]),
        "email": st.sampled_from([None, "a@example.org", "b@example.org"]),
        "email_verified_at": st.sampled_from([None, NOW]),
        "opted_out_at": st.sampled_from([None, NOW]),
        "reachable": st.booleans(),
        "variables": st.sampled_from(["{}", '{"a": 1}', '{"a": 2, "b": 1}']),
    }
)
STEP = st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3))


async def test_after_any_merges_everything_is_somebodys_and_undoing_all_gives_the_beginning_back(
    scene: Scene,
) -> None:
    loop = asyncio.get_running_loop()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(people_given=st.lists(PERSON, min_size=4, max_size=4), steps=st.lists(STEP, max_size=12))
    def check(people_given: list[dict[str, Any]], steps: list[tuple[bool, int, int]]) -> None:
        asyncio.run_coroutine_threadsafe(example(people_given, steps), loop).result()

    async def example(people_given: list[dict[str, Any]], steps: list[tuple[bool, int, int]]) -> None:
        ids = await people(scene, people_given)
        beginning = (await owners(scene), await profiles(scene))
        for merges, one, other in steps:
            standing = await scene.rows(
                "SELECT id FROM customer_merges WHERE undone_at IS NULL ORDER BY merged_at"
            )
            if merges:
                await attempt(scene, merge, ids[one], ids[other], "operator")
            elif standing:
                await attempt(scene, unmerge, standing[(4 * one + other) % len(standing)]["id"])
            scene.now += timedelta(seconds=1)
            living = {str(row["id"]) for row in await scene.customers()}
            owned = await owners(scene)
            assert [id for id, _ in owned["conversations"]] == [id for id, _ in beginning[0]["conversations"]]
            assert {owner for rows in owned.values() for _, owner in rows} <= living
        for _ in range(len(steps) + 1):  # each round undoes at least one of those that stand
            standing = await scene.rows("SELECT id FROM customer_merges WHERE undone_at IS NULL ORDER BY id")
            done = [await attempt(scene, unmerge, row["id"]) for row in standing]
            assert any(done) or not standing
        assert (await owners(scene), await profiles(scene)) == beginning

    await asyncio.to_thread(check)


async def test_the_check_above_sees_an_identity_that_is_not_given_back(scene: Scene) -> None:
    """A merge that forgets what it moved, on purpose."""
    ids = await people(scene, [{"language": None}, {"language": "de"}])
    beginning = await owners(scene)
    assert await attempt(scene, merge, ids[0], ids[1], "operator")
    await scene.observer.execute(
        "UPDATE customer_merges SET before = jsonb_set(before, '{identities}', '[]')"
    )
    (row,) = await scene.rows("SELECT id FROM customer_merges")
    assert await attempt(scene, unmerge, row["id"])
    assert await owners(scene) != beginning
