"""Secrets of bots: encrypted at rest, bound to their row, recorded without their value, rotated, and never shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from storage.audit import Change
from storage.bots import save_chatbot
from storage.database import Database
from storage.encryption import Keyring, add_key
from storage.errors import DecryptionFailed, NotFound, SecretInvalid
from storage.keys import count_by_key, rotate
from storage.organizations import ensure_organization
from storage.secrets import MAX_SECRET_BYTES, delete_secret, list_secrets, load_secrets, set_secret
from tests.integration.command import Commander, Done

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
VALUE = "correct-horse-battery-staple"


class Vault:
    """One bot's secrets, in short."""

    def __init__(self, database: Database, keyring: Keyring, organization: UUID, bot: UUID) -> None:
        self.database = database
        self.keyring = keyring
        self.organization = organization
        self.bot = bot

    async def set(self, name: str, value: str, now: datetime = NOW) -> str:
        """The repr of what is told of it."""
        async with self.database.transaction([self.organization]) as connection:
            change = Change(organization_id=self.organization, actor="test", now=now)
            stored = await set_secret(
                connection, change, self.keyring, chatbot_id=self.bot, name=name, value=value
            )
        return repr(stored)

    async def remove(self, name: str) -> None:
        async with self.database.transaction([self.organization]) as connection:
            change = Change(organization_id=self.organization, actor="test", now=NOW)
            await delete_secret(connection, change, chatbot_id=self.bot, name=name)

    async def load(self, organization: UUID | None = None) -> dict[str, str]:
        return await load_secrets(self.database, self.keyring, organization or self.organization, self.bot)

    async def fetch(self, query: str) -> list[tuple[object, ...]]:
        async with self.database.transaction([self.organization]) as connection:
            return [tuple(row) for row in await connection.exec_driver_sql(query)]


async def open_vault(database: Database, keyring: Keyring, slug: str) -> Vault:
    organization = await ensure_organization(database, slug=slug, name=slug, actor="test", now=NOW)
    change = Change(organization_id=organization.id, actor="test", now=NOW)
    async with database.transaction([organization.id]) as connection:
        bot = await save_chatbot(connection, change, slug="bot", name="Bot")
    return Vault(database, keyring, organization.id, bot.id)


@pytest.fixture
async def vault(database: Database, tmp_path: Path) -> Vault:
    return await open_vault(database, Keyring.open(tmp_path / "keys"), "a")


async def test_a_secret_comes_back_as_it_was_and_is_stored_encrypted(vault: Vault) -> None:
    told = await vault.set("CRM_KEY", VALUE) + await vault.set("other", "héllo\n\0")
    assert await vault.load() == {"CRM_KEY": VALUE, "other": "héllo\n\0"}
    ((stored,),) = await vault.fetch("SELECT value FROM secrets WHERE name = 'CRM_KEY'")
    assert isinstance(stored, str)
    document = msgspec.json.decode(stored)
    assert set(document) == {"value"}
    assert document["value"].startswith("encrypted:AES256:k1:")
    (record,) = await vault.fetch("SELECT string_agg(details::text || resource, ' ') FROM audit_log")
    for text in (told, stored, str(record)):
        assert VALUE not in text
    assert "CRM_KEY" in str(record)


async def test_a_secret_that_is_set_again_keeps_its_beginning_and_nothing_else(vault: Vault) -> None:
    await vault.set("KEY", "first-value")
    ((old_id, old_value),) = await vault.fetch("SELECT id, value::text FROM secrets")
    await vault.set("KEY", "second-value", NOW + timedelta(days=1))
    assert await vault.load() == {"KEY": "second-value"}
    async with vault.database.transaction([vault.organization]) as connection:
        (secret,) = await list_secrets(connection, vault.bot)
    assert (secret.name, secret.created_at, secret.updated_at) == ("KEY", NOW, NOW + timedelta(days=1))
    assert secret.id != old_id
    async with vault.database.transaction([vault.organization]) as connection:
        await connection.exec_driver_sql("UPDATE secrets SET value = $1::jsonb", (old_value,))
    with pytest.raises(DecryptionFailed) as caught:
        await vault.load()
    assert "first-value" not in str(caught.value)


async def test_a_removed_secret_is_gone_and_its_removal_on_record(vault: Vault) -> None:
    await vault.set("KEY", VALUE)
    await vault.remove("KEY")
    assert await vault.load() == {}
    with pytest.raises(NotFound):
        await vault.remove("KEY")
    actions = await vault.fetch("SELECT action FROM audit_log WHERE resource = 'secret' ORDER BY id")
    assert actions == [("set",), ("removed",)]


@pytest.mark.parametrize("name", ["", "1st", "with-hyphen", "a b", "é", "x" * 65, "KEY\n"])
async def test_a_name_that_no_flow_could_write_is_refused(vault: Vault, name: str) -> None:
    with pytest.raises(SecretInvalid):
        await vault.set(name, VALUE)
    with pytest.raises(DBAPIError, match="secrets_name_check"):
        async with vault.database.transaction([vault.organization]) as connection:
            await connection.exec_driver_sql(
                "INSERT INTO secrets (organization_id, chatbot_id, name, value) VALUES ($1, $2, $3, '{}')",
                (vault.organization, vault.bot, name),
            )


@pytest.mark.parametrize("value", ["", "é" * (MAX_SECRET_BYTES // 2 + 1)], ids=["empty", "too large"])
async def test_a_value_without_sense_is_refused(vault: Vault, value: str) -> None:
    with pytest.raises(SecretInvalid) as caught:
        await vault.set("KEY", value)
    assert not value or value not in str(caught.value)
    assert await vault.load() == {}


async def test_a_value_that_reads_like_an_encrypted_one_is_a_value(vault: Vault) -> None:
    await vault.set("KEY", "encrypted:AES256:k1:abc")
    assert await vault.load() == {"KEY": "encrypted:AES256:k1:abc"}


async def test_another_tenant_finds_nothing_and_can_not_give_this_bot_a_secret(
    vault: Vault, tmp_path: Path
) -> None:
    await vault.set("KEY", VALUE)
    other = await open_vault(vault.database, vault.keyring, "b")
    assert await vault.load(organization=other.organization) == {}
    with pytest.raises(DBAPIError, match="foreign key"):
        await Vault(vault.database, vault.keyring, other.organization, vault.bot).set("MINE", VALUE)


async def test_rotation_puts_every_secret_under_the_new_key(vault: Vault, tmp_path: Path) -> None:
    other = await open_vault(vault.database, vault.keyring, "b")
    for one in (vault, other):
        for number in range(3):
            await one.set(f"KEY_{number}", f"{VALUE}-{number}")
    assert await count_by_key(vault.database) == {"k1": 6}
    add_key(tmp_path / "keys")
    rotation = await rotate(vault.database, vault.keyring)
    assert (rotation.changed, rotation.left, rotation.failures) == (6, {}, ())
    assert await count_by_key(vault.database) == {"k2": 6}
    only_new = Keyring.parse((tmp_path / "keys").read_text().splitlines()[0])
    for one in (vault, other):
        one.keyring = only_new
        assert await one.load() == {f"KEY_{number}": f"{VALUE}-{number}" for number in range(3)}


async def test_the_secrets_of_a_bot_go_with_it(vault: Vault) -> None:
    await vault.set("KEY", VALUE)
    async with vault.database.transaction([vault.organization]) as connection:
        await connection.exec_driver_sql("DELETE FROM chatbots")
    assert await vault.fetch("SELECT id FROM secrets") == []


# The command


def ok(done: Done) -> Done:
    assert done.code == 0, done
    return done


async def test_the_command_takes_a_value_from_standard_input_and_never_shows_it(
    tmp_path: Path, database_url: str, redis_url: str, database: Database
) -> None:
    gateway = Commander(folder=tmp_path, variables={"DATABASE_URL": database_url, "REDIS_URL": redis_url})
    keyring = Keyring.open(tmp_path / ".gateway" / "encryption.keys")
    vault = await open_vault(database, keyring, "default")
    refused = await gateway("secret", "set", "no-name", "--bot", "bot", typed=VALUE)
    empty = await gateway("secret", "set", "CRM_KEY", "--bot", "bot", typed="\n")
    done = ok(await gateway("secret", "set", "CRM_KEY", "--bot", "bot", typed=f"{VALUE}\n"))
    listed = ok(await gateway("secret", "list"))
    assert refused.code == 1 and "digits and _" in refused.err
    assert empty.code == 1 and "1 to 16384 bytes" in empty.err
    assert "Stored the secret CRM_KEY of bot" in done.out
    assert "CRM_KEY" in listed.out
    for said in (refused, empty, done, listed):
        assert VALUE not in str(said)
    assert await vault.load() == {"CRM_KEY": VALUE}
    ok(await gateway("secret", "remove", "CRM_KEY", "--bot", "bot"))
    assert "There is no secret yet" in ok(await gateway("secret", "list")).out
    assert (await gateway("secret", "remove", "CRM_KEY")).code == 1
