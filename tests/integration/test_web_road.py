"""The web channel on the real road: a visitor uploads, is answered, and finds everything again on the next visit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from gateway.transcript import StoredTranscript
from gateway.web.hub import render
from tests.integration.road import WEB_ROUTE, Road, Running, open_road, until
from tests.integration.web_site import Widget
from tests.integration.widget_files import landscape, png

PICTURE = png(8, 6, landscape(0.2))


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def address(worker: Running, what: str) -> str:
    return f"http://127.0.0.1:{worker.port}/widget/{WEB_ROUTE}/{what}"


async def visit(
    client: aiohttp.ClientSession, worker: Running, **hello: Any
) -> tuple[Widget, dict[str, Any]]:
    widget = Widget(await client.ws_connect(address(worker, "socket")))
    return widget, await widget.hello(**hello)


async def upload(client: aiohttp.ClientSession, worker: Running, token: str, name: str) -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("file", PICTURE, filename=name, content_type="image/png")
    headers = {"Authorization": f"Bearer {token}"}
    async with client.post(address(worker, "media"), data=form, headers=headers) as response:
        assert response.status == 201, await response.text()
        answer: dict[str, Any] = await response.json()
    return answer


async def answer_to(widget: Widget, **frame: Any) -> dict[str, Any]:
    """Send a frame; its ack or error. What the bot announces meanwhile may come before."""
    id = str(uuid4())
    await widget.send(id=id, **frame)
    while True:  # bounded by the socket's patience
        answer: dict[str, Any] = json.loads(await widget.socket.receive_str(timeout=10))
        if answer.get("id") == id and answer["type"] in ("ack", "error"):
            return answer


async def hear(widget: Widget, count: int) -> list[dict[str, Any]]:
    """The next messages; other frames are passed over."""
    heard: list[dict[str, Any]] = []
    while len(heard) < count:
        frame = json.loads(await widget.socket.receive_str(timeout=10))
        heard += [frame] if frame["type"] == "message" else []
    return heard


async def test_an_uploaded_picture_reaches_the_flow_and_is_there_on_the_next_visit(
    road: Road, client: aiohttp.ClientSession
) -> None:
    async with road.worker() as worker:
        widget, _ = await visit(client, worker)
        pictures = [await upload(client, worker, widget.token, name) for name in ("one.png", "two.png")]
        files = [
            {
                "media": one["media"],
                "kind": one["kind"],
                "name": one["name"],
                "mime": one["mime_type"],
                "size": one["size"],
            }
            for one in pictures
        ]
        assert (await answer_to(widget, type="file", files=files, caption="look"))["seq"] == 1
        stranger, _ = await visit(client, worker)
        assert (await answer_to(stranger, type="file", files=files[:1]))["code"] == "unknown_file"

        again, welcome = await visit(client, worker, token=widget.token)
        assert welcome["seq"] >= 1
        (own, *_) = await hear(again, 1)
        assert (own["from"], own["words"]) == ("customer", "look")
        assert [one["name"] for one in own["media"]] == ["one.png", "two.png"]
        for one in own["media"]:
            path = one["url"].partition("/media/")[2]
            async with client.get(f"http://127.0.0.1:{worker.port}/media/{path}") as response:
                assert (response.status, await response.read()) == (200, PICTURE)


async def test_a_shared_place_and_contact_are_turns(road: Road, client: aiohttp.ClientSession) -> None:
    async with road.worker() as worker:
        widget, _ = await visit(client, worker, timezone="Europe/Berlin", page="https://a.example/p")
        await widget.send(type="location", id=str(uuid4()), latitude=52.5, longitude=13.4)
        await widget.send(type="contact", id=str(uuid4()), phone="+49 30 123456", name="Ana")
        await until(lambda: _count(road, "sender_type = 'customer'", 2))
        rows = await road.rows(
            "SELECT message_type, payload FROM messages WHERE sender_type = 'customer' ORDER BY seq"
        )
        assert [row["message_type"] for row in rows] == ["location", "contact"]
        assert json.loads(rows[1]["payload"])["phone"] == "+4930123456"
        (event,) = await road.rows(
            "SELECT event FROM inbox WHERE event->'body'->>'type' = 'location_received'"
        )
        told = json.loads(event["event"])
        assert told["sender"]["timezone"] == "Europe/Berlin"
        assert told["context"]["referral"]["url"] == "https://a.example/p"


async def test_a_replay_names_the_message_that_an_edit_replaces(
    road: Road, client: aiohttp.ClientSession
) -> None:
    async with road.worker() as worker:
        widget, _ = await visit(client, worker)
        await answer_to(widget, type="text", text="hello")
        await road.settled()
    (first,) = await road.rows("SELECT * FROM messages WHERE sender_type = 'bot'")
    database = road.database
    async with database.transaction([road.ids.organization]) as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute('UPDATE messages SET payload = \'{"label": "state"}\' WHERE id = $1', first["id"])
        columns = "id, organization_id, conversation_id, channel_id, seq, sender_type, message_type, content, payload"
        await raw.execute(
            f"INSERT INTO messages ({columns}, status, external_id, created_at) SELECT $2, organization_id,"
            " conversation_id, channel_id, seq + 1, sender_type, message_type, 'changed',"
            " '{\"replaces\": \"state\"}', 'sent', $3, created_at FROM messages WHERE id = $1",
            first["id"],
            uuid4(),
            str(uuid4()),
        )
    entries = await StoredTranscript(database).after(
        road.ids.organization, UUID(str(first["conversation_id"])), first["seq"] - 1, 10
    )
    before, after = (json.loads(render(entry)) for entry in entries)
    assert "replaces" not in before
    assert after["replaces"] == before["id"] == str(first["id"])


async def _count(road: Road, where: str, count: int) -> bool:
    return await road.count("messages", where) == count
