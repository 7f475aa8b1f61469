"""`gateway media`: what operators see of files, and how they delete one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.command import Commander, Done
from tests.integration.media_road import file_update, read, settled_file, stored_files
from tests.integration.road import Road, open_road
from tests.unit.media_samples import picture

PHOTO = picture("PNG")
HERE = ("--organization", "road")


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


@pytest.fixture
def gateway(tmp_path: Path, database_url: str, redis_url: str) -> Commander:
    variables = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "GATEWAY_DATA_DIR": str(tmp_path)}
    return Commander(folder=tmp_path, variables=variables)


def ok(done: Done) -> str:
    assert done.code == 0, done
    return done.out


async def test_a_file_is_listed_shown_and_forgotten(road: Road, gateway: Commander, tmp_path: Path) -> None:
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO, kind="document", name="my salary.png"))
        media = await settled_file(road)
        listed = ok(await gateway("media", "list", *HERE))
        assert str(media.id) in listed and "image/png" in listed and "salary" not in listed
        shown = ok(await gateway("media", "show", str(media.id), *HERE))
        link = next(line for line in shown.splitlines() if line.startswith("link: "))
        assert f"sha256: {media.sha256}" in shown and "pixels: 64 x 48" in shown
        assert (await read(running, link)).body == PHOTO
        assert "is forgotten" in ok(await gateway("media", "forget", str(media.id), *HERE))
        assert (await read(running, link)).status == 404
    assert stored_files(tmp_path) == [] and await road.count("media") == 0
    (entry,) = await road.rows("SELECT action, resource_id FROM audit_log WHERE resource = 'media'")
    assert (entry["action"], entry["resource_id"]) == ("forgotten", str(media.id))


async def test_a_file_that_is_not_there_is_told(road: Road, gateway: Commander) -> None:
    assert "There are no files." in ok(await gateway("media", "list", *HERE))
    for command in ("show", "forget"):
        done = await gateway("media", command, str(uuid4()), *HERE)
        assert done.code == 1 and "there is no file" in done.err


async def test_a_wrong_media_url_is_refused_at_start_without_its_secret(gateway: Commander) -> None:
    done = await gateway("media", "list", GATEWAY_MEDIA_URL="s3://KEY:hidden-secret@host/Bad_Bucket")
    assert done.code == 2 and "GATEWAY_MEDIA_URL" in done.err and "s3://KEY:SECRET@host/bucket" in done.err
    assert "hidden" not in done.out + done.err
