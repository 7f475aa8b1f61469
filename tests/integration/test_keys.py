"""Key rotation while others read and write."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from storage.audit import Change
from storage.bots import save_chatbot
from storage.channels import create_channel, load_channel, replace_config
from storage.database import Database
from storage.encryption import Keyring, add_key
from storage.errors import DecryptionFailed
from storage.ids import new_id
from storage.keys import BATCH_ROWS, count_by_key, rotate
from storage.organizations import ensure_organization
from storage.tables import deployment_configs

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECRETS = ("/bot/token", "/secret")


def config(number: int) -> dict[str, object]:
    return {"bot": {"token": f"token-{number}", "name": f"bot {number}"}, "secret": f"secret-{number}"}


async def make_channels(
    database: Database, keyring: Keyring, slug: str, count: int
) -> tuple[UUID, list[UUID]]:
    organization = await ensure_organization(database, slug=slug, name=slug, actor="test", now=NOW)
    change = Change(organization_id=organization.id, actor="test", now=NOW)
    made = []
    async with database.transaction([organization.id]) as connection:
        bot = await save_chatbot(connection, change, slug="bot", name="Bot")
        for number in range(count):
            channel = await create_channel(
                connection,
                change,
                keyring,
                chatbot_id=bot.id,
                type="telegram",
                name=f"channel {number}",
                route=f"{slug}-{number}",
                config=config(number),
                secret_paths=SECRETS,
            )
            made.append(channel.id)
    return organization.id, made


async def test_every_field_of_every_tenant_comes_under_the_new_key(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    keyring = Keyring.open(path)
    tenants = [await make_channels(database, keyring, slug, 3) for slug in ("a", "b")]
    assert await count_by_key(database) == {"k1": 12}
    add_key(path)
    rotation = await rotate(database, keyring)
    assert (rotation.changed, rotation.left, rotation.failures) == (12, {}, ())
    assert await count_by_key(database) == {"k2": 12}
    assert (await rotate(database, keyring)).changed == 0
    only_new = Keyring.parse(path.read_text().splitlines()[0])
    for organization, channels in tenants:
        async with database.transaction([organization]) as connection:
            for number, channel in enumerate(channels):
                assert (await load_channel(connection, only_new, channel)).config == config(number)


async def test_readers_and_writers_go_on_during_a_rotation(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    organization, channels = await make_channels(database, Keyring.open(path), "a", BATCH_ROWS + 30)
    server = Keyring.open(path)
    newest = dict.fromkeys(range(len(channels)), 0)
    stop = asyncio.Event()
    reads = 0

    async def read() -> None:
        nonlocal reads
        while not stop.is_set():
            for number, channel in enumerate(channels):
                async with database.transaction([organization]) as connection:
                    found = (await load_channel(connection, server, channel)).config
                assert found["secret"] in {f"secret-{number}", f"secret-{number + 1000}"}
                reads += 1
                if stop.is_set():
                    return

    async def write() -> None:
        change = Change(organization_id=organization, actor="test", now=NOW)
        for number in range(0, len(channels), 3):
            async with database.transaction([organization]) as connection:
                await replace_config(
                    connection,
                    change,
                    server,
                    channels[number],
                    config=config(number + 1000),
                    secret_paths=SECRETS,
                )
            newest[number] = 1000

    readers = [asyncio.create_task(read()) for _ in range(3)]
    writer = asyncio.create_task(write())
    for _ in range(3):
        add_key(path)
        rotation = await rotate(database, Keyring.open(path))
        assert rotation.failures == ()
    await writer
    final = await rotate(database, Keyring.open(path))
    stop.set()
    await asyncio.gather(*readers)
    assert final.left == {}
    assert await count_by_key(database) == {"k4": 2 * len(channels)}
    assert reads > len(channels)
    async with database.transaction([organization]) as connection:
        for number, channel in enumerate(channels):
            found = (await load_channel(connection, server, channel)).config
            assert found == config(number + newest[number])


async def test_a_rotation_that_was_cut_off_is_taken_up_again(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    keyring = Keyring.open(path)
    await make_channels(database, keyring, "a", BATCH_ROWS + 50)
    add_key(path)
    task = asyncio.create_task(rotate(database, keyring))
    for _ in range(1000):
        if task.done() or "k2" in await count_by_key(database):
            break
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await count_by_key(database))["k2"] > 0
    assert (await rotate(database, keyring)).left == {}
    assert await count_by_key(database) == {"k2": 2 * (BATCH_ROWS + 50)}


async def test_a_field_that_does_not_open_is_reported_and_left_alone(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    keyring = Keyring.open(path)
    organization, channels = await make_channels(database, keyring, "a", 2)
    async with database.transaction([organization]) as connection:
        table = deployment_configs
        rows = (
            await connection.execute(select(table.c.id, table.c.platform_config).order_by(table.c.id))
        ).all()
        # The second row's secrets are copied over the first one's: bound to their row, they do not open there.
        await connection.execute(
            update(table).where(table.c.id == rows[0].id).values(platform_config=rows[1].platform_config)
        )
    add_key(path)
    rotation = await rotate(database, keyring)
    assert rotation.changed == 2
    assert rotation.left == {"k1": 2}
    assert len(rotation.failures) == 1
    assert str(rows[0].id) in rotation.failures[0]
    async with database.transaction([organization]) as connection:
        with pytest.raises(DecryptionFailed):
            await load_channel(connection, keyring, channels[0])
        assert (await load_channel(connection, keyring, channels[1])).config == config(1)


async def test_a_configuration_of_another_tenant_is_not_found(database: Database, tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path / "keys")
    _, channels = await make_channels(database, keyring, "a", 1)
    from storage.errors import NotFound

    async with database.transaction([new_id()]) as connection:
        with pytest.raises(NotFound):
            await load_channel(connection, keyring, channels[0])
