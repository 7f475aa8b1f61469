"""Files: a place to upload to, the upload, its being shared; and their bytes for whoever has the token.

https://docs.slack.dev/reference/methods/files.completeUploadExternal
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.platforms.slack.blocks import check_blocks
from tests.platforms.slack.errors import ApiError
from tests.platforms.slack.methods import target
from tests.platforms.slack.parameters import Parameters
from tests.platforms.slack.world import APP, BOT_ID, BOT_USER, JSON, StoredFile, World

MAX_BYTES: Final = 1_000_000_000


def get_upload_url(world: World, given: Parameters, base: str) -> JSON:
    """A place for a file of that name and length."""
    name, length = given.string("filename"), given.string("length")
    if not name:
        raise ApiError("invalid_arguments", "missing required field: filename [json-pointer:/filename]")
    if not length.isdigit() or int(length) == 0:
        raise ApiError("invalid_arguments", "must be greater than 0 [json-pointer:/length]")
    if int(length) > MAX_BYTES:
        raise ApiError("file_upload_size_restricted")
    file = StoredFile(id=world.next_id("F"), name=name, length=int(length), alt=given.string("alt_txt"))
    world.files[file.id] = file
    return {"upload_url": f"{base}/_upload/{file.id}", "file_id": file.id}


def receive(world: World, id: str, data: bytes) -> int:
    """The bytes of a file: 200, or what is wrong as an HTTP status."""
    file = world.files.get(id)
    if file is None:
        return 404
    if len(data) != file.length:
        return 400
    file.data = data
    return 200


def complete(world: World, given: Parameters, base: str) -> JSON:
    """Share uploaded files in one message; without a channel they stay the app's own."""
    named = given.nested("files", "invalid_arguments")
    if not isinstance(named, list) or not named:
        raise ApiError("invalid_arguments", "must provide an array [json-pointer:/files]")
    files = [_ready(world, one) for one in named]
    channel_id = given.string("channel_id")
    if not channel_id:
        return {"files": [{"id": file.id, "title": file.title} for file in files]}
    channel = target(world, Parameters(channel=channel_id))
    if channel.archived:
        raise ApiError("is_archived")
    if BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    blocks = given.nested("blocks", "invalid_blocks_format") or []
    comment = given.string("initial_comment")
    if comment:
        blocks = []
    if blocks:
        check_blocks(blocks)
    thread, ts = given.string("thread_ts"), world.next_ts()
    channel.messages[ts] = {
        "type": "message",
        "subtype": "file_share",
        "user": BOT_USER,
        "bot_id": BOT_ID,
        "app_id": APP,
        "ts": ts,
        "text": comment,
        "blocks": blocks,
        "files": [file_json(file, base) for file in files],
        **({"thread_ts": thread} if thread else {}),
    }
    world.record(
        "files.completeUploadExternal",
        channel.id,
        ts=ts,
        thread=thread,
        text=comment,
        blocks=blocks,
        files=[file.id for file in files],
    )
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


def _ready(world: World, one: Any) -> StoredFile:
    file = world.files.get(str(one.get("id"))) if isinstance(one, dict) else None
    if file is None or file.data is None:
        raise ApiError("file_not_found")
    file.title = str(one.get("title") or file.name)
    return file


def info(world: World, given: Parameters, base: str) -> JSON:
    """A file by its id."""
    file = world.files.get(given.string("file"))
    if file is None:
        raise ApiError("file_not_found")
    return {"file": file_json(file, base)}


def file_json(file: StoredFile, base: str) -> JSON:
    """A file object."""
    url = f"{base}/files-pri/{file.id}/{file.name}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mime,
        "size": file.length,
        "mode": "hosted",
        "is_external": False,
        "url_private": url,
        "url_private_download": url.replace("/files-pri/", "/files-pri/download/"),
    }


FILE_METHODS: Final[dict[str, Callable[[World, Parameters, str], JSON]]] = {
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete,
    "files.info": info,
}
