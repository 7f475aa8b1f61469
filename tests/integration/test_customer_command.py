"""`gateway customer`: who is known by which ids, made one and parted again, and linked by a code that works."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.customers import list_customers
from storage.database import Database
from storage.merges import merge
from tests.integration.command import Commander, Done
from tests.integration.identity_scene import Scene, open_scene

NUMBER = "4915550100311"


@pytest.fixture
async def scene(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(database, database_url, tmp_path) as scene:
        yield scene


@pytest.fixture
def gateway(tmp_path: Path, database_url: str, redis_url: str) -> Commander:
    variables = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "GATEWAY_DATA_DIR": str(tmp_path)}
    return Commander(folder=tmp_path, variables=variables)


async def run(gateway: Commander, *arguments: str, code: int = 0) -> Done:
    done = await gateway("customer", *arguments, "--organization", "road")
    assert done.code == code, done
    return done


async def test_two_customers_are_listed_merged_shown_and_parted(scene: Scene, gateway: Commander) -> None:
    await scene.hear("whatsapp", scene.whatsapp(number=NUMBER))
    await scene.hear("telegram", scene.telegram(7, text="hallo"))
    first, second = (str(row["id"]) for row in await scene.customers())
    listed = (await run(gateway, "list")).out
    assert first in listed
    assert second in listed
    found = (await run(gateway, "list", "--search", NUMBER[3:])).out
    assert (first in found, second in found) == (True, False)
    merged = (await run(gateway, "merge", first, second)).out
    assert f"Merged {second} into {first}." in merged
    assert "1 identities, 1 conversations; carried along: language" in merged
    shown = (await run(gateway, "show", first)).out
    assert f"+{NUMBER} (verified " in shown
    assert "telegram Telegram" in shown
    assert "whatsapp WhatsApp" in shown
    assert "operator" in shown
    gone = (await run(gateway, "show", second)).out
    assert re.search(rf"merged into +{first}", gone)
    again = await run(gateway, "merge", first, second, code=1)
    assert f"is merged into {first} already" in again.err
    merge_id = re.search(r"unmerge (\S+)", merged)
    assert merge_id is not None
    undone = (await run(gateway, "unmerge", merge_id[1])).out
    assert f"Customer {second} is one of their own again." in undone
    assert len(await scene.customers()) == 2
    entries = await scene.rows(
        "SELECT actor, action FROM audit_log WHERE resource = 'customer' ORDER BY created_at"
    )
    assert [(row["actor"], row["action"]) for row in entries] == [("cli", "merged"), ("cli", "unmerged")]


async def test_what_nobody_knows_is_told(scene: Scene, gateway: Commander) -> None:
    await scene.hear("web", scene.event("a", "hi"))
    assert (
        "no customer begins with 'ffff'; see: gateway customer list"
        in (await run(gateway, "show", "ffff", code=1)).err
    )
    assert "no merge begins with 'x%'" in (await run(gateway, "unmerge", "x%", code=1)).err


async def test_the_code_that_is_printed_links_and_is_not_kept(scene: Scene, gateway: Commander) -> None:
    await scene.observer.execute(
        "UPDATE channels SET settings = $1 WHERE type = 'telegram'", '{"username": "cycles_bot"}'
    )
    await scene.observer.execute(
        "UPDATE channels SET settings = $1 WHERE type = 'whatsapp'",
        '{"business_account": {"phone_number": "+1 555 0100 200"}}',
    )
    await scene.hear("web", scene.event("visitor", "hi"))
    (visitor,) = await scene.customers()
    printed = (await run(gateway, "link", str(visitor["id"]))).out
    code = printed.split()[1]
    assert f"https://t.me/cycles_bot?start=link_{code}" in printed
    assert f"https://wa.me/15550100200?text=link%20{code}" in printed
    assert f"write: link {code}" in printed
    scene.now = datetime.now(UTC)
    await scene.hear("whatsapp", scene.whatsapp(f"link {code}", number=NUMBER))
    await scene.work()
    (customer,) = await scene.customers()
    assert set(await scene.known_as(customer["id"])) == {"visitor", NUMBER}
    assert await scene.rows("SELECT id FROM audit_log t WHERE t::text LIKE $1", f"%{code}%") == []


async def test_a_search_means_what_it_says_and_finds_who_was_merged(scene: Scene) -> None:
    for name in ("100% Ann", "Ann", "Bea_1", "Beax1"):
        await scene.hear("web", scene.event(name, "hi", first_name=name))

    async def names(search: str) -> set[str]:
        found = await list_customers(scene.database, scene.ids.organization, search, 10)
        return {one.name for one in found}

    assert await names("ann") == {"100% Ann", "Ann"}
    assert await names("0% a") == {"100% Ann"}
    assert await names("a_1") == {"Bea_1"}
    assert await names("\\") == set()
    by_name = {row["first_name"]: row["id"] for row in await scene.customers()}
    async with scene.database.transaction([scene.ids.organization]) as connection:
        await merge(connection, scene.change(), by_name["Ann"], by_name["Bea_1"], "operator")
    assert await names("bea_1") == {"Ann"}
