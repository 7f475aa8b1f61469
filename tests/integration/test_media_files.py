"""What adapters upload: files of the store, sealed for one organization, and files on the web that may be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from adapters.errors import Refused, SendFailed, TryLater
from engine.messages import Media, OutboundMessage
from gateway.media.download import Downloads
from gateway.media.files import GatewayFiles
from gateway.work.addresses import AddressPolicy
from gateway.worker import utc_now
from tests.integration.media_road import CHAT, file_update, settled_file
from tests.integration.parcel_road import leave
from tests.integration.road import Road, open_road
from tests.unit.media_samples import picture

PHOTO = picture("PNG", 300, 200)


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


class Web:
    """A site, and another one that redirects lead to; both note what they were asked."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[tuple[str, dict[str, str]]] = []

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((f"{headers['host'].partition(':')[0]}{request.path}", headers))
        match request.path.strip("/").split("/"):
            case ["to", *rest]:
                return web.Response(status=302, headers={"Location": self.url("/" + "/".join(rest))})
            case ["private"]:
                return web.Response(status=302, headers={"Location": self.url("/photo.png", "127.0.0.2")})
            case ["round"]:
                return web.Response(status=302, headers={"Location": self.url("/round")})
            case ["status", number]:
                return web.Response(status=int(number))
            case ["endless"]:
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(1_000):
                    await response.write(b"x" * 10_000)
                return response
            case ["short"]:
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                await response.prepare(request)
                await response.write(b"x" * 10)
                assert request.transport is not None
                request.transport.close()
                return response
            case _:
                return web.Response(body=PHOTO, content_type="image/png")


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    site = Web()
    runner = web.ServerRunner(web.Server(site.answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    site.port = runner.addresses[0][1]
    yield site
    await runner.cleanup()


@asynccontextmanager
async def downloads(*allowed: str, max_bytes: int = 100_000) -> AsyncIterator[Downloads]:
    opened = Downloads(AddressPolicy(allowed), max_bytes)
    yield opened
    await opened.close()


async def read(files: GatewayFiles | Downloads, source: str) -> tuple[bytes, str, int | None, str]:
    async with files.open(source) as content:
        data = b"".join([chunk async for chunk in content.chunks])
        return data, content.mime_type, content.size, content.name


async def test_a_stored_file_is_read_by_its_sealed_source_and_by_its_link(road: Road) -> None:
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        media = await settled_file(road)
        parts = running.worker.media
        for source in (
            parts.links.source(road.ids.organization, media.id), parts.links.link(road.ids.organization, media.id),
        ):  # fmt: skip
            data, mime_type, size, _ = await read(parts.files, source)
            assert (data, mime_type, size) == (PHOTO, "image/png", len(PHOTO))


async def test_a_source_that_nobody_sealed_for_the_tenant_opens_nothing(road: Road) -> None:
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        media = await settled_file(road)
        parts = running.worker.media
        for source, why in (
            (f"media:{media.id}", "none of ours"),
            (parts.links.source(uuid4(), media.id), "no such file"),
            (parts.links.source(road.ids.organization, uuid4()), "no such file"),
            ("media:" + parts.links.link(road.ids.organization, media.id).rpartition("/")[2], "none of ours"),
        ):
            with pytest.raises(Refused, match=why):
                await read(parts.files, source)


async def test_a_file_that_is_still_on_its_way_is_waited_for(road: Road) -> None:
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        media = await settled_file(road)
        source = running.worker.media.links.source(road.ids.organization, media.id)
        await road.observer.execute("UPDATE media SET status = 'pending', place = NULL")
        with pytest.raises(TryLater, match="on its way"):
            await read(running.worker.media.files, source)
        await road.observer.execute("UPDATE media SET status = 'refused', reason = 'too wide'")
        with pytest.raises(Refused, match="not kept: too wide"):
            await read(running.worker.media.files, source)


async def test_the_bot_sends_a_file_that_the_gateway_keeps(road: Road) -> None:
    """From `media:<id>` in a message, through delivery and the adapter, to the platform: its bytes are uploaded."""
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO, caption="hi"))
        await road.delivered(CHAT, "echo hi")
        media = await settled_file(road)
    shown = Media(kind="document", url=f"media:{media.id}", name="plan.png")
    await leave(road, OutboundMessage(text="here", media=(shown,)), who=str(CHAT))
    async with road.worker():
        await road.mock.wait(lambda: bool(road.mock.sent(CHAT, "sendDocument")), 10.0)
        await road.settled()
    (sent,) = road.mock.sent(CHAT, "sendDocument")
    assert road.mock.bot.files[sent.files[0]].data == PHOTO


async def test_another_tenants_file_is_not_sent(road: Road) -> None:
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO, caption="hi"))
        await settled_file(road)
    await leave(
        road, OutboundMessage(media=(Media(kind="document", url=f"media:{UUID(int=5)}"),)), who=str(CHAT)
    )
    async with road.worker():
        await road.settled()
    assert road.mock.sent(CHAT, "sendDocument") == []
    (row,) = await road.rows("SELECT status, error FROM messages WHERE status = 'failed'")
    assert "no such file" in row["error"]


async def test_a_file_on_the_web_is_read_and_nothing_personal_goes_there(site: Web) -> None:
    async with downloads("127.0.0.1") as files:
        data, mime_type, size, name = await read(files, site.url("/a/photo%20of%20us.png"))
    assert (data, mime_type, size, name) == (PHOTO, "image/png", len(PHOTO), "photo of us.png")
    ((_, headers),) = site.asked
    assert set(headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}


async def test_redirects_are_followed_where_they_may_lead(site: Web) -> None:
    async with downloads("127.0.0.1") as files:
        assert (await read(files, site.url("/to/to/photo.png")))[0] == PHOTO
        with pytest.raises(Refused, match="redirects"):
            await read(files, site.url("/round"))
        site.asked.clear()
        with pytest.raises(Refused, match="not public"):
            await read(files, site.url("/private"))
    assert [asked for asked, _ in site.asked] == ["127.0.0.1/private"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/x", "http://localhost:{port}/x", "http://[::1]:{port}/x", "http://0x7f000001:{port}/x",
        "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "ftp://a.example/x",
        "http://user:pass@a.example/x",
    ],
)  # fmt: skip
async def test_nothing_inside_the_house_is_read(site: Web, url: str) -> None:
    async with downloads() as files:
        with pytest.raises(Refused):
            await read(files, url.format(port=site.port))
    assert site.asked == []


@pytest.mark.parametrize(
    ("path", "error", "why"),
    [
        ("/status/404", Refused, "answers 404"),
        ("/status/401", Refused, "answers 401"),
        ("/status/503", TryLater, "answers 503"),
        ("/status/429", TryLater, "answers 429"),
        ("/endless", Refused, "more than 100000 bytes"),
        ("/short", TryLater, "broke off"),
    ],
)
async def test_what_does_not_come_says_whether_it_may_later(
    site: Web, path: str, error: type[SendFailed], why: str
) -> None:
    async with downloads("127.0.0.1") as files:
        with pytest.raises(error, match=why) as caught:
            await read(files, site.url(path))
    assert str(site.port) not in caught.value.reason


async def test_a_file_that_says_it_is_too_large_is_not_read(site: Web) -> None:
    async with downloads("127.0.0.1", max_bytes=10) as files:
        with pytest.raises(Refused, match="more than 10 bytes"):
            async with files.open(site.url("/photo.png")):
                raise AssertionError("it was opened")


async def test_a_server_that_is_not_there_may_be_later(site: Web) -> None:
    async with downloads("127.0.0.1") as files:
        with pytest.raises(TryLater, match="can't be read"):
            await read(files, "http://127.0.0.1:1/x")


async def test_a_source_is_good_for_longer_than_a_send_is_tried(road: Road) -> None:
    later: dict[str, Any] = {"clock": lambda: utc_now() + timedelta(hours=25)}
    async with road.worker() as running:
        await running.post(file_update(road, 1, PHOTO))
        media = await settled_file(road)
        source = running.worker.media.links.source(road.ids.organization, media.id)
    async with road.worker(**later) as running:
        assert (await read(running.worker.media.files, source))[0] == PHOTO
