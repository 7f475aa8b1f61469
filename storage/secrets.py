"""A bot's secrets, such as the keys of the services that its flow calls: encrypted, and never shown again.

A secret that is set anew gets a new row id. Values are bound to the id of their row, so that an old one that
somebody puts back does not decrypt.
"""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.database import Database
from storage.encryption import Binding, decrypt_config, encrypt_config
from storage.errors import NotFound, SecretInvalid
from storage.keyring import Keyring
from storage.tables import secrets

MAX_SECRET_BYTES = 16_384

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_FIELD = "value"
_PATH = f"/{_FIELD}"


class StoredSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What may be told of a secret: that it is there, and since when."""

    id: UUID
    chatbot_id: UUID
    name: str
    created_at: datetime
    updated_at: datetime


_TOLD = tuple(secrets.c[name] for name in StoredSecret.__struct_fields__)


async def set_secret(
    connection: AsyncConnection, change: Change, keyring: Keyring, *, chatbot_id: UUID, name: str, value: str
) -> StoredSecret:
    """Store a secret of a bot, or replace it. Raises `SecretInvalid`."""
    check_name(name)
    if not value or len(value.encode()) > MAX_SECRET_BYTES:
        raise SecretInvalid(f"a secret has 1 to {MAX_SECRET_BYTES} bytes")
    identifier = change.new_id()
    binding = _binding(change.organization_id, identifier)
    row = insert(secrets).values(
        id=identifier,
        organization_id=change.organization_id,
        chatbot_id=chatbot_id,
        name=name,
        value=encrypt_config({_FIELD: value}, {_PATH}, keyring, binding),
        created_at=change.now,
        updated_at=change.now,
    )
    replaced = {column: row.excluded[column] for column in ("id", "value", "updated_at")}
    stored = await connection.execute(
        row.on_conflict_do_update(index_elements=["chatbot_id", "name"], set_=replaced).returning(*_TOLD)
    )
    secret = StoredSecret(**stored.one()._mapping)
    await record(connection, change, "set", "secret", secret.id, _details(chatbot_id, name))
    return secret


async def delete_secret(connection: AsyncConnection, change: Change, *, chatbot_id: UUID, name: str) -> None:
    """Forget a secret of a bot. Raises `NotFound`."""
    found = (secrets.c.chatbot_id == chatbot_id) & (secrets.c.name == name)
    deleted = (await connection.execute(delete(secrets).where(found).returning(secrets.c.id))).one_or_none()
    if deleted is None:
        raise NotFound(f"there is no secret {name!r} of this bot")
    await record(connection, change, "removed", "secret", deleted.id, _details(chatbot_id, name))


async def list_secrets(connection: AsyncConnection, chatbot_id: UUID) -> list[StoredSecret]:
    """A bot's secrets by name, without their values."""
    query = select(*_TOLD).where(secrets.c.chatbot_id == chatbot_id).order_by(secrets.c.name)
    return [StoredSecret(**row._mapping) for row in await connection.execute(query)]


async def load_secrets(
    database: Database, keyring: Keyring, organization_id: UUID, chatbot_id: UUID
) -> dict[str, str]:
    """A bot's secrets by name, decrypted. Raises `DecryptionFailed`, which names the row and no value."""
    query = select(secrets.c.id, secrets.c.name, secrets.c.value).where(secrets.c.chatbot_id == chatbot_id)
    async with database.transaction([organization_id]) as connection:
        rows = (await connection.execute(query)).all()
    return {
        row.name: decrypt_config(row.value, keyring, _binding(organization_id, row.id))[_FIELD]
        for row in rows
    }


def check_name(name: str) -> None:
    """Raises `SecretInvalid` for what can't be the name of a secret."""
    if not _NAME.fullmatch(name):
        raise SecretInvalid(
            "a secret's name has up to 64 letters, digits and _, and does not begin with a digit"
        )


def _binding(organization_id: UUID, secret_id: UUID) -> Binding:
    return Binding(organization_id=organization_id, table="secrets", row_id=secret_id, column="value")


def _details(chatbot_id: UUID, name: str) -> dict[str, str]:
    return {"name": name, "chatbot_id": str(chatbot_id)}
