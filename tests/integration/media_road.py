"""The road with files: customers' photos and documents at the mock Bot API, and what lies in the store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import aiohttp
import msgspec

from storage.media import Media
from storage.media import find as find_media
from tests.integration.road import Road, Running, until
from tests.platforms.telegram.stock import keep

CHAT: Final = 7


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What an address answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The answer's JSON."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


def file_update(
    road: Road,
    update_id: int,
    data: bytes,
    *,
    kind: str = "photo",
    name: str = "a.jpg",
    chat: int = CHAT,
    **more: Any,
) -> bytes:
    """An update with a file that the mock gives out: a photo, or a document."""
    file = keep(road.mock.bot, kind, name, "", data)
    base = {"file_id": file.id, "file_unique_id": f"u{update_id}", "file_size": len(data)}
    content: dict[str, Any] = (
        {"photo": [{**base, "width": 64, "height": 48}]}
        if kind == "photo"
        else {"document": {**base, "file_name": name}}
    )
    person = {"id": chat, "is_bot": False, "first_name": "Ada"}
    message = {
        "message_id": update_id,
        "date": int(time.time()),
        "chat": {"id": chat, "type": "private", "first_name": "Ada"},
        "from": person,
        **content,
        **more,
    }
    return msgspec.json.encode({"update_id": update_id, "message": message})


async def events(road: Road) -> list[dict[str, Any]]:
    """The bodies of stored events with files, in order."""
    found = await road.rows("SELECT event FROM inbox WHERE event -> 'body' ? 'file' ORDER BY received_at, id")
    return [msgspec.json.decode(row["event"])["body"] for row in found]


async def files(road: Road) -> list[Media]:
    """Every file that the organization has, the oldest first."""
    ids = await road.rows("SELECT id FROM media ORDER BY created_at, id")
    found = [await find_media(road.observer, row["id"]) for row in ids]
    return [media for media in found if media is not None]


async def settled_file(road: Road, seconds: float = 10.0) -> Media:
    """The only file, once it is no longer pending and nothing is left to be done."""

    async def known() -> bool:
        return await road.count("media", "status <> 'pending'") == 1

    await until(known, seconds)
    await road.settled()
    (media,) = await files(road)
    return media


async def read(running: Running, url: str, *, method: str = "GET", **headers: str) -> Read:
    """What a link answers, whatever host it names: this worker is asked."""
    path = "/media/" + url.rpartition("/media/")[2]
    address = f"http://127.0.0.1:{running.port}{path}"
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.request(method, address, headers=headers, allow_redirects=False) as answer:
            return Read(
                status=answer.status,
                headers={name.lower(): value for name, value in answer.headers.items()},
                body=await answer.read(),
            )


def link(running: Running, media_id: UUID, organization: UUID) -> str:
    """A link as the worker makes them."""
    return running.worker.media.links.link(organization, media_id)


def stored_files(folder: Path) -> list[Path]:
    """Every file in the media folder, half-written ones included."""
    return [path for path in (folder / "media").rglob("*") if path.is_file()]
