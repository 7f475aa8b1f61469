"""A customer's file from the update to the store: marked once, checked by content, fetched again where that helps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from engine.events import InboundEvent, MediaReceived, Sender
from gateway.admin.inbox import Retrier
from gateway.media.store import place_of
from gateway.replay.loading import open_past
from gateway.replay.recorded import replay
from gateway.replay.words import replayed_lines
from gateway.worker import utc_now
from storage.ids import new_id
from storage.inbox import list_parked
from tests.integration.media_road import (
    CHAT,
    events,
    file_update,
    files,
    link,
    read,
    settled_file,
    stored_files,
)
from tests.integration.road import Road, open_road, until
from tests.platforms.telegram import Fault
from tests.platforms.telegram.stock import keep
from tests.unit.media_samples import SAMPLES, gif_claiming, picture, png_claiming, stream

PHOTO = picture("JPEG")


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


async def test_a_photo_is_marked_stored_and_answered(road: Road, tmp_path: Path) -> None:
    async with road.worker() as running:
        assert (await running.post(file_update(road, 1, PHOTO, caption="my cat"))).status == 200
        await road.delivered(CHAT, "echo my cat")
        media = await settled_file(road)
        answer = await read(running, (await events(road))[0]["url"])
    assert (media.status, media.kind, media.mime_type, media.size) == (
        "stored",
        "image",
        "image/jpeg",
        len(PHOTO),
    )
    assert (media.width, media.height, media.direction) == (64, 48, "in")
    assert media.expires_at is not None and media.expires_at - media.created_at == timedelta(days=90)
    assert answer.status == 200 and answer.body == PHOTO
    assert [path.read_bytes() for path in stored_files(tmp_path)] == [PHOTO]


async def test_the_stored_event_and_the_transcript_name_the_file(road: Road) -> None:
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        media = await settled_file(road)
        (body,) = await events(road)
        (row,) = await road.rows("SELECT payload FROM messages WHERE sender_type = 'customer'")
        named = running.worker.media.links.read_source(body["url"])
    assert body["media"] == str(media.id) == msgspec.json.decode(row["payload"])["media"]
    assert named is not None and (named.media_id, named.organization_id) == (media.id, road.ids.organization)
    assert body["file"].startswith("AgAC") and media.file == body["file"]


async def test_a_conversation_with_files_replays_as_it_was(road: Road) -> None:
    async with road.worker() as running:
        await running.say(1, CHAT, "name")
        await road.delivered(CHAT, "name?")
        await running.post(file_update(road, 2, PHOTO, caption="a photo is no name"))
        await running.say(3, CHAT, "Ada")
        await running.post(file_update(road, 4, PHOTO, caption="look"))
        await road.mock.wait(lambda: any(sent.text == "echo look" for sent in road.mock.sent(CHAT)))
        await until(lambda: _stored(road, 2))
        await road.settled()
    (row,) = await road.rows("SELECT id FROM conversations")
    past = await open_past(road.database, road.ids.organization, [row["id"]], utc_now())
    replayed = replay(past)[row["id"]]
    assert replayed.difference is None and len(replayed.turns) == 4, "\n".join(
        replayed_lines(replayed, trace=True)
    )


async def test_an_update_that_comes_twice_is_one_file(road: Road) -> None:
    async with road.worker() as running:
        update = file_update(road, 1, PHOTO)
        await asyncio.gather(running.post(update), running.post(update))
        await running.post(update)
        await settled_file(road)
    assert await road.count("media") == 1


async def test_each_piece_of_an_album_is_kept_once(road: Road) -> None:
    async with road.worker() as running:
        for number in (1, 2, 3):
            data = picture("JPEG", 10 * number, 10)
            await running.post(file_update(road, number, data, media_group_id="77"))
        await until(lambda: _stored(road, 3))
        await road.settled()
    assert sorted(media.width or 0 for media in await files(road)) == [10, 20, 30]


async def _stored(road: Road, count: int) -> bool:
    return await road.count("media", "status = 'stored'") == count


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (SAMPLES["html"][0], "sent as image, and is none"),
        (SAMPLES["exe"][0], "sent as image, and is none"),
        (png_claiming(60_000, 60_000), "megapixels"),
        (gif_claiming(1, 1, frame=(50_000, 50_000)), "megapixels"),
        (PHOTO + b"\0" * 200_000, "larger than"),
    ],
)
async def test_what_is_refused_leaves_nothing_but_its_reason(
    road: Road, tmp_path: Path, data: bytes, reason: str
) -> None:
    async with road.worker(media_max_bytes=100_000) as running:
        await running.post(file_update(road, 1, data, caption="look"))
        await road.delivered(CHAT, "echo look")
        media = await settled_file(road)
        answer = await read(running, (await events(road))[0]["url"])
    assert media.status == "refused" and reason in (media.reason or "") and media.place is None
    assert answer.status == 410 and reason in answer.told["message"]
    assert stored_files(tmp_path) == []
    assert await road.count("effects") == 0


async def test_a_document_may_be_anything_and_is_named_by_its_content(road: Road) -> None:
    async with road.worker() as running:
        await running.post(file_update(road, 1, SAMPLES["html"][0], kind="document", name="invoice.pdf"))
        media = await settled_file(road)
    assert (media.status, media.kind, media.mime_type, media.name) == (
        "stored", "document", "text/html", "invoice.pdf",
    )  # fmt: skip


async def test_a_channels_own_settings_are_kept_to(road: Road) -> None:
    await road.observer.execute(
        "UPDATE channels SET settings = $2 WHERE id = $1",
        road.ids.telegram, '{"media_settings": {"allowed_media_types": ["document"]}}',
    )  # fmt: skip
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        media = await settled_file(road)
    assert (media.status, media.reason) == ("refused", "files of the kind image are not taken here")


async def test_a_platform_that_asks_to_wait_is_not_asked_earlier(road: Road) -> None:
    road.mock.faults.add(Fault(kind="rate_limit", method="getFile", seconds=30.0, times=1))
    async with road.worker() as running:
        before = datetime.now(UTC)
        await running.post(file_update(road, 1, PHOTO))
        await until(lambda: _postponed(road))
        (effect,) = await road.rows(
            "SELECT due_at, last_error, payload FROM effects WHERE kind = 'fetch_media'"
        )
        waiting = await read(running, (await events(road))[0]["url"])
    assert effect["due_at"] - before >= timedelta(seconds=29.5)
    assert waiting.status == 503 and int(waiting.headers["retry-after"]) >= 25
    assert road.mock.faults.faults[0].hits == 1
    async with road.worker(clock=lambda: utc_now() + timedelta(seconds=60)) as running:
        assert (await settled_file(road)).status == "stored"


async def _postponed(road: Road) -> bool:
    return await road.count("effects", "kind = 'fetch_media' AND last_error IS NOT NULL") == 1


async def test_a_file_that_the_platform_has_no_more_is_gone(road: Road) -> None:
    async with road.worker() as running:
        update = file_update(road, 1, PHOTO)
        road.mock.bot.files.clear()
        await running.post(update)
        media = await settled_file(road)
        answer = await read(running, (await events(road))[0]["url"])
    assert media.status == "gone" and "wrong file_id" in (media.reason or "")
    assert answer.status == 410 and answer.told["message"] == "This file is no longer there."
    assert await road.count("effects") == 0


async def test_a_file_server_that_is_away_is_asked_again(road: Road) -> None:
    road.mock.faults.add(Fault(kind="error", method="getFile", status=502, times=1))
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        media = await settled_file(road)
    assert media.status == "stored"


async def test_a_crash_between_the_store_and_its_row_leaves_one_file(road: Road, tmp_path: Path) -> None:
    """The file lies in the store already, as a worker that was killed left it; the row says nothing of it."""
    road.mock.faults.add(Fault(kind="rate_limit", method="getFile", seconds=1.0, times=1))
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        await until(lambda: _postponed(road))
        (media,) = await files(road)
        await running.worker.media.store.put(media.id, stream(PHOTO))
        media = await settled_file(road)
    assert (media.status, media.place) == ("stored", place_of(media.id))
    assert [path.read_bytes() for path in stored_files(tmp_path)] == [PHOTO]


async def test_work_left_by_a_worker_that_is_gone_is_done_by_the_next(road: Road) -> None:
    road.mock.faults.add(Fault(kind="slow", method="getFile", seconds=60.0, times=1))
    async with road.worker(drain_seconds=0.2) as running:
        await running.post(file_update(road, 1, PHOTO))
        await until(lambda: road.mock.faults.faults[0].hits == 1)
    async with road.worker():
        assert (await settled_file(road)).status == "stored"


async def test_readers_who_come_early_wait_for_one_fetch(road: Road) -> None:
    road.mock.faults.add(Fault(kind="slow", method="getFile", seconds=0.5))
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        url = (await events(road))[0]["url"]
        answers = await asyncio.gather(*(read(running, url) for _ in range(8)))
        await road.settled()
    assert [answer.status for answer in answers] == [200] * 8
    assert road.mock.faults.faults[0].hits == 1


async def test_a_parked_event_that_is_retried_keeps_its_file(road: Road) -> None:
    """Parked events are stored as they came, without marks: those of a turn that did not happen would lead nowhere."""
    async with road.worker() as running:
        await running.say(1, CHAT, "hi")
        file = keep(road.mock.bot, "photo", "a.jpg", "", PHOTO)
        event = InboundEvent(
            external_id="2", conversation_key=str(CHAT), sender=Sender(external_id=str(CHAT)),
            body=MediaReceived(kind="image", file=file.id, caption="at last"), occurred_at=utc_now(),
        )  # fmt: skip
        await road.observer.execute(
            "INSERT INTO inbox (id, organization_id, channel_id, external_id, status, raw, error, expires_at) "
            "VALUES ($1, $2, $3, '2', 'parked', $4, 'a bug', now())",
            new_id(), road.ids.organization, road.ids.telegram, msgspec.json.encode(event),
        )  # fmt: skip
        async with road.database.transaction([road.ids.organization]) as connection:
            (parked,) = await list_parked(connection, 10)
        retrier = Retrier(road.database, road.keyring, utc_now, running.worker.media.marks)
        assert (await retrier.retry(parked)).result == "done"
        await retrier.close()
        media = await settled_file(road)
        await road.delivered(CHAT, "echo hi", "echo at last")
        assert (await events(road))[0]["media"] == str(media.id)
    assert media.status == "stored"


async def test_another_tenants_link_does_not_open_a_file(road: Road) -> None:
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        media = await settled_file(road)
        assert (await read(running, link(running, media.id, road.ids.organization))).status == 200
        assert (await read(running, link(running, media.id, uuid4()))).status == 404
