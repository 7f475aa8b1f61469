"""A visitor's upload: only with a session, from an allowed site, of what its content shows to be taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import aiohttp
import msgspec
import pytest

from adapters.web import token
from gateway.media.upload_rates import VISITOR_BURST
from gateway.worker import utc_now
from storage.media import find_upload
from tests.integration.media_road import Read, files, read, stored_files
from tests.integration.road import WEB_ROUTE, Road, Running, open_road, until
from tests.unit.media_samples import SAMPLES, picture, png_claiming

PHOTO = picture("PNG")
SECRET = "s" * 40
SITE = "https://shop.example"


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


def session(road: Road, visitor: UUID) -> str:
    return "Bearer " + token.issue(SECRET, road.ids.web, visitor, utc_now())


async def send(
    running: Running, data: Any, *, route: str = WEB_ROUTE, name: str = "", **headers: str
) -> Read:
    url = f"http://127.0.0.1:{running.port}/widget/{route}/media" + (f"?name={quote(name)}" if name else "")
    async with aiohttp.ClientSession() as client:
        async with client.post(url, data=data, headers=headers) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Read(status=answer.status, headers=found, body=await answer.read())


async def configure(road: Road, **settings: Any) -> None:
    text = msgspec.json.encode(settings).decode()
    await road.observer.execute("UPDATE channels SET settings = $2 WHERE id = $1", road.ids.web, text)


async def test_a_picture_is_uploaded_and_is_the_visitors_own(road: Road) -> None:
    visitor = uuid4()
    async with road.worker() as running:
        answer = await send(running, PHOTO, name="cät.png", Authorization=session(road, visitor), Origin=SITE)
        told = answer.told
        id = UUID(told["media"])
        assert answer.status == 201 and answer.headers["access-control-allow-origin"] == "*"
        assert {name: told[name] for name in ("kind", "name", "mime_type", "size")} == {
            "kind": "image", "name": "cät.png", "mime_type": "image/png", "size": len(PHOTO),
        }  # fmt: skip
        assert (await read(running, told["url"])).body == PHOTO
        owns = running.worker.media.intake.owns
        assert await owns(id, road.ids.web, visitor)
        assert not await owns(id, road.ids.web, uuid4())
        assert not await owns(id, road.ids.telegram, visitor)
        assert not await owns(uuid4(), road.ids.web, visitor)
    (media,) = await files(road)
    assert id.version == 4
    assert media.expires_at is not None and media.expires_at - media.created_at == timedelta(days=1)


async def test_a_form_is_read_as_browsers_send_it(road: Road) -> None:
    async with road.worker() as running:
        form = aiohttp.FormData()
        form.add_field("comment", "not a file")
        form.add_field("file", PHOTO, filename="a.png", content_type="text/html")
        answer = await send(running, form, Authorization=session(road, uuid4()))
        empty = aiohttp.FormData({"comment": "x"}, default_to_multipart=True)
        none = await send(running, empty, Authorization=session(road, uuid4()))
    assert (answer.status, answer.told["mime_type"], answer.told["name"]) == (201, "image/png", "a.png")
    assert (none.status, none.told["message"]) == (400, "There is no file in the form.")


async def test_what_a_conversation_names_is_kept_as_long_as_any_file(road: Road) -> None:
    """The widget's frame names the upload; its row gets the conversation, and the event a link."""
    visitor = uuid4()
    async with road.worker() as running:
        answer = await send(running, PHOTO, name="a.png", Authorization=session(road, visitor))
        media = answer.told["media"]
        async with aiohttp.ClientSession() as client:
            url = f"http://127.0.0.1:{running.port}/widget/{WEB_ROUTE}/socket"
            async with client.ws_connect(url) as socket:
                signed = session(road, visitor).removeprefix("Bearer ")
                await socket.send_json({"type": "hello", "token": signed, "seq": 0})
                frame = {"media": media, "kind": "image", "name": "a.png"}
                await socket.send_json(
                    {"type": "file", "id": str(uuid4()), "files": [frame], "caption": "mine"}
                )
                await until(lambda: _adopted(road))
    (kept,) = await files(road)
    assert str(kept.id) == media and kept.expires_at is not None
    assert kept.expires_at - kept.created_at > timedelta(days=89)
    (row,) = await road.rows("SELECT event -> 'body' AS body FROM inbox WHERE event -> 'body' ? 'media'")
    body = msgspec.json.decode(row["body"])
    assert body["media"] == media and "/media/k1." in body["url"]
    assert await road.count("effects", "kind = 'fetch_media'") == 0


async def _adopted(road: Road) -> bool:
    return await road.count("media", "conversation_id IS NOT NULL") == 1


@pytest.mark.parametrize("bad", ["", "Bearer", "Bearer x.y.z", "Basic abc"])
async def test_without_a_session_nothing_is_taken(road: Road, tmp_path: Path, bad: str) -> None:
    async with road.worker() as running:
        answer = await send(running, PHOTO, Authorization=bad)
        stranger = "Bearer " + token.issue(SECRET, uuid4(), uuid4(), utc_now())
        expired = "Bearer " + token.issue(SECRET, road.ids.web, uuid4(), utc_now() - timedelta(days=31))
        others = [await send(running, PHOTO, Authorization=one) for one in (stranger, expired)]
    assert [one.status for one in (answer, *others)] == [401] * 3
    assert await road.count("media") == 0 and stored_files(tmp_path) == []


async def test_sites_bots_and_channels_that_take_no_files(road: Road) -> None:
    await configure(road, security={"allowed_domains": ["shop.example"]})
    async with road.worker() as running:
        mine = session(road, uuid4())
        assert (await send(running, PHOTO, Authorization=mine, Origin=SITE)).status == 201
        wrong = await send(running, PHOTO, Authorization=mine, Origin="https://evil.example")
        assert (wrong.status, wrong.told["error"]) == (403, "wrong_site")
        assert wrong.headers["access-control-allow-origin"] == "*"  # the script may read why
        unknown = await send(running, PHOTO, route="nobody", Authorization=mine)
        assert (unknown.status, unknown.told["error"]) == (404, "unknown_bot")
    await configure(road, behavior={"file_upload": {"enabled": False}})
    async with road.worker() as running:
        closed = await send(running, PHOTO, Authorization=mine)
        assert (closed.status, closed.told["error"]) == (403, "no_files")


async def test_the_content_decides_what_is_taken(road: Road, tmp_path: Path) -> None:
    upload = {"max_size": "20KB", "allowed_types": ["image/*", ".docx"]}
    await configure(road, behavior={"file_upload": upload})
    async with road.worker() as running:
        for data, status in (
            (PHOTO, 201),
            (SAMPLES["docx"][0], 201),
            (SAMPLES["html"][0], 415),
            (SAMPLES["svg"][0], 415),
            (SAMPLES["exe"][0], 415),
            (png_claiming(40_000, 40_000), 415),
            (PHOTO + b"\0" * 20_480, 413),
            (b"", 415),
        ):
            headers = {"Authorization": session(road, uuid4()), "Content-Type": "image/png"}
            answer = await send(running, data, name="photo.png", **headers)
            assert answer.status == status, answer.body
    assert len(stored_files(tmp_path)) == 2
    assert {media.status for media in await files(road)} == {"stored", "refused"}


async def test_a_stream_without_a_length_is_cut_off_at_the_bound(road: Road, tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield PHOTO
        for _ in range(100):
            yield b"\0" * 65_536

    async with road.worker(media_max_bytes=1_000_000) as running:
        answer = await send(running, endless(), Authorization=session(road, uuid4()))
    assert (answer.status, answer.told["error"]) == (413, "too_large")
    assert stored_files(tmp_path) == []


async def test_an_upload_that_breaks_off_leaves_nothing_in_the_store(road: Road, tmp_path: Path) -> None:
    async with road.worker() as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(
            f"POST /widget/{WEB_ROUTE}/media HTTP/1.1\r\nHost: x\r\nAuthorization: {session(road, uuid4())}\r\n"
            "Content-Length: 500000\r\n\r\n".encode()
            + PHOTO
        )
        await writer.drain()
        await until(lambda: _begun(road))
        writer.close()
        await until(lambda: not stored_files(tmp_path))
        del reader
    (media,) = await files(road)
    assert media.status == "pending" and media.expires_at is not None  # forgotten by the housekeeper


async def _begun(road: Road) -> bool:
    return await road.count("media") == 1


async def test_a_visitor_who_uploads_very_often_is_told_to_wait(road: Road) -> None:
    mine = {"Authorization": ""}
    async with road.worker() as running:
        mine["Authorization"] = session(road, uuid4())
        answers = [await send(running, PHOTO, **mine) for _ in range(VISITOR_BURST + 1)]
        other = await send(running, PHOTO, Authorization=session(road, uuid4()))
    assert [answer.status for answer in answers] == [201] * VISITOR_BURST + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 6
    assert other.status == 201


async def test_browsers_may_ask_before_they_upload(road: Road) -> None:
    async with road.worker() as running, aiohttp.ClientSession() as client:
        url = f"http://127.0.0.1:{running.port}/widget/{WEB_ROUTE}/media"
        asked = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
        async with client.options(url, headers=asked) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_an_upload_of_another_visitor_is_found_by_nobody_else(road: Road) -> None:
    visitor = uuid4()
    async with road.worker() as running:
        answer = await send(running, PHOTO, Authorization=session(road, visitor))
    id = UUID(answer.told["media"])
    found = await find_upload(road.observer, id, channel_id=road.ids.web, visitor=visitor)
    assert found is not None and found.id == id
    assert await find_upload(road.observer, id, channel_id=road.ids.web, visitor=uuid4()) is None
