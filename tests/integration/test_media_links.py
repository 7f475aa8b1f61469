"""What a signed link answers: the file as harmless as it can be shown, or nothing that tells a stranger anything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import pytest

from gateway.media.http import disposition
from gateway.worker import utc_now
from storage.ids import new_id
from storage.keyring import add_key
from storage.media import Received, StoredFile, mark_stored, receive
from tests.integration.media_road import Read, link, read, stored_files
from tests.integration.road import Road, Running, open_road
from tests.platforms.s3 import MockS3
from tests.unit.media_samples import SAMPLES, stream

DATA = bytes(range(256)) * 1_000


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


async def keep(
    road: Road, running: Running, data: bytes = DATA, mime_type: str = "image/png", name: str = "a.png"
) -> UUID:
    """A stored file, as a fetch leaves it."""
    media, now = running.worker.media, utc_now()
    file = Received(
        id=new_id(), organization_id=road.ids.organization, channel_id=road.ids.telegram, conversation_id=new_id(),
        direction="in", kind="document", file="x", name=name,
    )  # fmt: skip
    await receive(road.observer, [file], now, None)
    stored = await media.store.put(file.id, stream(data, 60_000))
    found = StoredFile(
        kind="document", mime_type=mime_type, size=stored.size, sha256=stored.sha256, place=stored.place
    )
    await mark_stored(road.observer, file.id, found, name, now)
    return file.id


async def shown(road: Road, running: Running, id: UUID, method: str = "GET", **headers: str) -> Read:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await read(running, link(running, id, road.ids.organization), method=method, **named)


SHOWN = {
    "image/png": ("inline", "image/png"),
    "audio/ogg": ("inline", "audio/ogg"),
    "video/mp4": ("inline", "video/mp4"),
    "application/pdf": ("inline", "application/pdf"),
    "image/svg+xml": ("attachment", "image/svg+xml"),
    "text/html": ("attachment", "text/html; charset=utf-8"),
    "application/xml": ("attachment", "application/xml"),
    "text/plain": ("attachment", "text/plain; charset=utf-8"),
    "image/tiff": ("attachment", "image/tiff"),
    "application/octet-stream": ("attachment", "application/octet-stream"),
    "application/javascript": ("attachment", "application/javascript"),
}


async def test_only_what_runs_no_script_is_shown_in_place(road: Road) -> None:
    async with road.worker() as running:
        for mime_type, (how, content_type) in SHOWN.items():
            answer = await shown(road, running, await keep(road, running, mime_type=mime_type))
            assert (answer.status, answer.body) == (200, DATA)
            headers = answer.headers
            assert headers["content-disposition"].startswith(f"{how}; ")
            assert headers["content-type"] == content_type
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["content-security-policy"].startswith("default-src 'none'; ")
            assert headers["content-security-policy"].endswith("; sandbox") == (
                mime_type != "application/pdf"
            )
            assert headers["cross-origin-resource-policy"] == "cross-origin"
            assert headers["cache-control"].startswith("private, max-age=")
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["server"] == "gateway"


async def test_an_svg_of_a_customer_is_saved_and_not_shown(road: Road) -> None:
    data, mime_type = SAMPLES["bare svg"]
    async with road.worker() as running:
        answer = await shown(road, running, await keep(road, running, data, mime_type, "logo.svg"))
    assert (
        answer.headers["content-disposition"]
        == "attachment; filename=\"logo.svg\"; filename*=UTF-8''logo.svg"
    )


async def test_parts_of_a_file(road: Road) -> None:
    async with road.worker() as running:
        id = await keep(road, running)
        part = await shown(road, running, id, Range="bytes=10-19")
        rest = await shown(road, running, id, Range="bytes=255990-")
        end = await shown(road, running, id, Range="bytes=-5")
        none = await shown(road, running, id, Range="bytes=256000-")
        many = await shown(road, running, id, Range="bytes=0-1,4-5")
        head = await shown(road, running, id, method="HEAD")
    assert (part.status, part.body, part.headers["content-range"]) == (206, DATA[10:20], "bytes 10-19/256000")
    assert (rest.status, rest.body, end.body) == (206, DATA[-10:], DATA[-5:])
    assert (none.status, none.headers["content-range"], none.body) == (416, "bytes */256000", b"")
    assert (many.status, many.body) == (200, DATA)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "256000")
    assert head.headers["accept-ranges"] == "bytes"


async def test_what_a_reader_has_already_is_not_sent_again(road: Road) -> None:
    async with road.worker() as running:
        id = await keep(road, running)
        tag = (await shown(road, running, id)).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await shown(road, running, id, If_None_Match=known)
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        other = await shown(road, running, id, If_None_Match='"other"')
        changed = await shown(road, running, id, Range="bytes=0-1", If_Range='"other"')
        same = await shown(road, running, id, Range="bytes=0-1", If_Range=tag)
    assert other.status == 200 and changed.status == 200
    assert (same.status, same.body) == (206, DATA[:2])


async def test_whatever_is_no_link_is_answered_alike(road: Road) -> None:
    """Forged, of no file, of another tenant, expired, nonsense: status, headers and body are the same."""
    async with road.worker(clock=lambda: utc_now() - timedelta(hours=200)) as earlier:
        id = await keep(road, earlier)
        expired = link(earlier, id, road.ids.organization)
    async with road.worker() as running:
        good = link(running, id, road.ids.organization)
        assert (await read(running, good)).status == 200
        forged = good[:-1] + ("A" if good[-1] != "A" else "B")
        wrong = [
            expired, forged, link(running, uuid4(), road.ids.organization), link(running, id, uuid4()),
            "/media/x", "/media/k1.", f"/media/{id}", good.replace("k1.", "k9."), "/media/%00",
        ]  # fmt: skip
        answers = [await read(running, url) for url in wrong]
    for answer in answers:
        assert answer.status == 404
        assert answer.body == answers[0].body
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        assert headers == {name: value for name, value in answers[0].headers.items() if name != "date"}
    assert answers[0].told == {
        "error": "not_found",
        "message": "This link leads nowhere, or its time is over.",
    }


async def test_a_link_outlives_a_rotated_key(road: Road, tmp_path: Path) -> None:
    async with road.worker() as running:
        id = await keep(road, running)
        old = link(running, id, road.ids.organization)
        add_key(tmp_path / "encryption.keys")
        new = link(running, id, road.ids.organization)
        assert "/k1." in old and "/k2." in new
        assert [(await read(running, url)).status for url in (old, new)] == [200, 200]


async def test_a_file_that_the_store_has_lost_is_gone(road: Road, tmp_path: Path) -> None:
    async with road.worker() as running:
        id = await keep(road, running)
        (path,) = stored_files(tmp_path)
        await asyncio.to_thread(path.unlink)
        first = await shown(road, running, id)
        second = await shown(road, running, id)
    assert (first.status, first.body) == (second.status, second.body) and first.status == 410
    assert await road.count("media", "status = 'gone'") == 1


async def test_a_bucket_behind_links_is_never_named(road: Road) -> None:
    """The file comes through the gateway, in parts too; while the bucket is away, readers are told to come back."""
    data = os.urandom(300_000)
    async with MockS3().running() as mock:
        async with road.worker(media_url=mock.url()) as running:
            id = await keep(road, running, data)
            whole = await shown(road, running, id)
            part = await shown(road, running, id, Range="bytes=5-9")
            mock.faults.extend(["redirect"])
            away = await shown(road, running, id)
    assert (whole.status, whole.body) == (200, data)
    assert (part.status, part.body) == (206, data[5:10])
    assert away.status == 503 and "retry-after" in away.headers
    for answer in (whole, part, away):
        assert "location" not in answer.headers and mock.host.encode() not in answer.body
    assert mock.refused == []


async def test_a_link_leads_to_the_public_address(road: Road) -> None:
    async with road.worker(public_url="https://bot.example/gw") as running:
        assert link(running, uuid4(), road.ids.organization).startswith("https://bot.example/gw/media/k1.")


async def test_a_reader_who_goes_away_disturbs_nobody(road: Road) -> None:
    async with road.worker() as running:
        id = await keep(road, running, os.urandom(8_000_000))
        path = "/media/" + link(running, id, road.ids.organization).rpartition("/")[2]
        async with aiohttp.ClientSession() as session:
            response = await session.get(f"http://127.0.0.1:{running.port}{path}")
            await response.content.read(1000)
            response.close()
        assert (await shown(road, running, id, Range="bytes=0-0")).status == 206


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.png", "inline; filename=\"a.png\"; filename*=UTF-8''a.png"),
        (
            "Grüße 😀.pdf",
            "inline; filename=\"Gr__e _.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%F0%9F%98%80.pdf",
        ),
        ("../../etc/passwd", "inline; filename=\"passwd\"; filename*=UTF-8''passwd"),
        ("C:\\temp\\a.txt", "inline; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
        ('a"; evil="b', "inline; filename=\"a__ evil__b\"; filename*=UTF-8''a%22%3B%20evil%3D%22b"),
        ("a\r\nSet-Cookie: x", "inline; filename=\"aSet-Cookie_ x\"; filename*=UTF-8''aSet-Cookie%3A%20x"),
        ("..", "inline"),
        ("", "inline"),
    ],
)
def test_names_of_files_in_the_header(name: str, header: str) -> None:
    assert disposition("inline", name) == header
