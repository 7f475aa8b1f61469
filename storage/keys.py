"""Rotation of the encryption key: every encrypted field comes under the active key while the server runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import Table, Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.encryption import PREFIX, Binding, reencrypt_config
from storage.errors import DecryptionFailed
from storage.keyring import Keyring
from storage.organizations import organization_ids
from storage.tables import AnyRow, metadata

BATCH_ROWS = 100
BATCH_ORGANIZATIONS = 200
MAX_TRIES = 5
"""How often a row is read again because somebody changed it meanwhile; the next rotation gets it otherwise."""

_VALUE = f'"{PREFIX}([A-Za-z0-9_-]+):'


class EncryptedColumn(msgspec.Struct, frozen=True):
    """A jsonb column that may hold encrypted values, of a table with `id` and `organization_id`."""

    table_name: str
    column: str

    @property
    def table(self) -> Table:
        """The table's description."""
        return metadata.tables[self.table_name]

    def binding(self, row: AnyRow) -> Binding:
        """Where this row's document is stored."""
        return Binding(
            organization_id=row.organization_id, table=self.table_name, row_id=row.id, column=self.column
        )


ENCRYPTED = (EncryptedColumn("deployment_configs", "platform_config"), EncryptedColumn("secrets", "value"))
"""Every column with encrypted values. A table that gets one joins here."""


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """What a rotation came to."""

    changed: int
    """Values that are under the active key now and were not before."""
    left: dict[str, int]
    """Values that are still under other keys, by key id: these keys must stay known."""
    failures: tuple[str, ...]
    """Fields that did not decrypt, by place; they stay as they are."""


async def rotate(database: Database, keyring: Keyring) -> Rotation:
    """Put every encrypted value under the active key. Can be stopped at any moment and run again.

    Rows are changed in small transactions and only if nobody changed them meanwhile; readers are never kept
    waiting, and read the old value or the new one, each with a key that they know.
    """
    changed = 0
    failures: list[str] = []
    for organizations in _chunks(await organization_ids(database)):
        for encrypted in ENCRYPTED:
            changed += await _rotate_column(database, keyring, organizations, encrypted, failures)
    left = await count_by_key(database)
    active, _ = keyring.active
    left.pop(active, None)
    return Rotation(changed=changed, left=left, failures=tuple(failures))


async def count_by_key(database: Database) -> dict[str, int]:
    """How many values are encrypted under each key id."""
    counts: Counter[str] = Counter()
    for organizations in _chunks(await organization_ids(database)):
        async with database.transaction(organizations) as connection:
            for encrypted in ENCRYPTED:
                text = cast(encrypted.table.c[encrypted.column], Text)
                matches = func.regexp_matches(text, _VALUE, "g", type_=ARRAY(Text)).label("match")
                key_id = select(matches).subquery().c.match[1]
                rows = await connection.execute(select(key_id, func.count()).group_by(key_id))
                counts.update({row[0]: row[1] for row in rows})
    return dict(counts)


async def _rotate_column(
    database: Database,
    keyring: Keyring,
    organizations: Sequence[UUID],
    encrypted: EncryptedColumn,
    failures: list[str],
) -> int:
    table, column = encrypted.table, encrypted.table.c[encrypted.column]
    query = (
        select(table.c.id, table.c.organization_id, column.label("document"))
        .where(cast(column, Text).contains(f'"{PREFIX}', autoescape=True))
        .order_by(table.c.id)
        .limit(BATCH_ROWS)
    )
    changed = 0
    last = UUID(int=0)
    while True:  # ends with the table: each round begins after the last row of the one before
        async with database.transaction(organizations) as connection:
            rows = (await connection.execute(query.where(table.c.id > last))).all()
            for row in rows:
                try:
                    changed += await _rotate_row(connection, keyring, encrypted, row)
                except DecryptionFailed as error:
                    failures.append(str(error))
        if len(rows) < BATCH_ROWS:
            return changed
        last = rows[-1].id


async def _rotate_row(
    connection: AsyncConnection, keyring: Keyring, encrypted: EncryptedColumn, row: AnyRow
) -> int:
    table, column = encrypted.table, encrypted.table.c[encrypted.column]
    document = row.document
    for _ in range(MAX_TRIES):
        renewed, count = reencrypt_config(document, keyring, encrypted.binding(row))
        if count == 0:
            return 0
        unchanged = (table.c.id == row.id) & (column == document)
        result = await connection.execute(update(table).where(unchanged).values({encrypted.column: renewed}))
        if result.rowcount == 1:
            return count
        again = (await connection.execute(select(column).where(table.c.id == row.id))).one_or_none()
        if again is None:
            return 0
        document = again[0]
    return 0


def _chunks(identifiers: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(identifiers), BATCH_ORGANIZATIONS):
        yield identifiers[start : start + BATCH_ORGANIZATIONS]
