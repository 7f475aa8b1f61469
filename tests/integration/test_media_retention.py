"""Files whose time is over go: from the store first, then the row, in batches, of every tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from gateway.media.local import LocalStore
from gateway.media.retention import BATCH, MediaRetention
from gateway.media.s3 import S3Store
from gateway.media.s3_address import parse_s3
from gateway.media.store import MediaStore, place_of
from gateway.worker import utc_now
from storage.database import Database
from storage.deliveries import transaction
from storage.housekeeping import Housekeeper
from storage.ids import new_id
from storage.media import Received, StoredFile, mark_stored, receive
from tests.platforms.s3 import MockS3
from tests.unit.media_samples import stream

NOW = utc_now()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalStore]:
    store = LocalStore(tmp_path / "media")
    yield store
    await store.close()


async def tenant(database: Database, slug: str) -> UUID:
    id = new_id()
    async with database.transaction([id]) as connection:
        await connection.exec_driver_sql(
            "INSERT INTO organizations (id, name, slug) VALUES ($1, $2, $2)", (id, slug)
        )
    return id


async def keep(
    database: Database, store: MediaStore, organization: UUID, expires_at: datetime | None, count: int = 1
) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    async with database.raw() as connection, transaction(connection, {organization}):
        rows = [
            Received(
                id=id, organization_id=organization, channel_id=new_id(), conversation_id=new_id(),
                direction="in", kind="document", file="x",
            )
            for id in ids
        ]  # fmt: skip
        await receive(connection, rows, NOW, expires_at)
        for id in ids:
            stored = await store.put(id, stream(b"bytes"))
            file = StoredFile(
                kind="document", mime_type="text/plain", size=5, sha256=stored.sha256, place=stored.place
            )
            await mark_stored(connection, id, file, "", NOW)
    return ids


async def left(database: Database, organization: UUID) -> list[UUID]:
    async with database.raw() as connection, transaction(connection, {organization}):
        return [row["id"] for row in await connection.fetch("SELECT id FROM media ORDER BY id")]


def on_disk(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def test_what_is_over_goes_and_what_is_not_stays(
    database: Database, store: LocalStore, tmp_path: Path
) -> None:
    one, two = await tenant(database, "one"), await tenant(database, "two")
    await keep(database, store, one, NOW - timedelta(seconds=1))
    fresh = await keep(database, store, one, NOW + timedelta(days=1))
    forever = await keep(database, store, two, None)
    await keep(database, store, two, NOW - timedelta(days=5))
    await MediaRetention(Housekeeper(database), database, store).run(NOW)
    assert await left(database, one) == fresh and await left(database, two) == forever
    assert on_disk(tmp_path) == {str(id) for id in (*fresh, *forever)}


async def test_more_than_a_batch_goes_in_one_run(
    database: Database, store: LocalStore, tmp_path: Path
) -> None:
    one = await tenant(database, "one")
    await keep(database, store, one, NOW - timedelta(days=1), count=BATCH + 7)
    await MediaRetention(Housekeeper(database), database, store).run(NOW)
    assert await left(database, one) == [] and on_disk(tmp_path) == set()


async def test_a_row_whose_file_is_gone_already_is_forgotten(database: Database, store: LocalStore) -> None:
    """A run that ended between the two leaves such rows."""
    one = await tenant(database, "one")
    (id,) = await keep(database, store, one, NOW - timedelta(days=1))
    await store.delete(place_of(id))
    await MediaRetention(Housekeeper(database), database, store).run(NOW)
    assert await left(database, one) == []


async def test_while_the_store_is_away_rows_stay(database: Database) -> None:
    one = await tenant(database, "one")
    async with MockS3().running() as mock:
        bucket = S3Store(parse_s3(mock.url()), utc_now, first_wait=0.01)
        ids = await keep(database, bucket, one, NOW - timedelta(days=1))
        mock.faults.extend(["503"] * 10)
        retention = MediaRetention(Housekeeper(database), database, bucket)
        await retention.run(NOW)
        assert await left(database, one) == ids and len(mock.objects) == 1
        mock.faults.clear()
        await retention.run(NOW)
        assert await left(database, one) == [] and mock.objects == {}
        await bucket.close()


async def test_the_queues_ages_are_still_told(database: Database, store: LocalStore) -> None:
    assert await MediaRetention(Housekeeper(database), database, store).queue_ages(NOW) == {}
