"""Files that customers sent: asked for by their id, read from Telegram's file server.

A file's address contains the bot token and holds for an hour, so it never leaves this module.

https://core.telegram.org/bots/api#getfile
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import msgspec
from yarl import URL

from adapters.download import ask_for, chunks_of
from adapters.errors import Refused, SendFailed, TryLater, Uncertain
from adapters.protocol import Call, ChannelAccess, Content
from adapters.telegram.client import TelegramClient, api_base, bot_token
from adapters.telegram.failures import SERVER
from adapters.telegram.wire import encode
from adapters.transport import asked_again

_PATH = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+){0,5}")
_PLAIN: Final = "application/octet-stream"


class _Found(msgspec.Struct):
    file_path: str = ""
    file_size: int | None = None


class _Answer(msgspec.Struct):
    ok: bool
    result: _Found


_decode = msgspec.json.Decoder(_Answer).decode


@asynccontextmanager
async def open_file(client: TelegramClient, file: str, access: ChannelAccess) -> AsyncIterator[Content]:
    """Read a file by its `file_id`. Raises `Refused` when it is gone or larger than Telegram gives out (20 MB)."""
    found = await _find(client, file, access)
    url = _address(found.file_path, access)
    response = await ask_for(client.session.open(), url, SERVER)
    try:
        if response.status != 200:
            raise _by_status(response.status)
        yield Content(
            chunks=chunks_of(response, SERVER),
            mime_type="" if response.content_type == _PLAIN else response.content_type,
            size=response.content_length or found.file_size,
            name=found.file_path.rpartition("/")[2],
        )
    finally:
        response.close()


async def _find(client: TelegramClient, file: str, access: ChannelAccess) -> _Found:
    """Where the file lies now. Nothing is in doubt when a question goes unanswered."""
    call = Call(method="getFile", body=encode({"file_id": file}))
    failure: SendFailed
    try:
        status, body = await client.request(call, access)
        if status == 200 and (found := _read(body)) is not None:
            return found
        failure = client.failure(call, status, body, access)
    except Uncertain as uncertain:
        failure = uncertain
    if isinstance(failure, Refused) and "file is too big" in failure.reason:
        failure = Refused("Telegram gives out files of at most 20 MB; this one is larger", code="400")
    raise asked_again(failure)


def _read(body: bytes) -> _Found | None:
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return answer.result if answer.ok and answer.result.file_path else None


def _address(path: str, access: ChannelAccess) -> URL:
    """The file's address. A path that leads anywhere else than into the file server is refused."""
    if path.startswith("/"):
        raise Refused("the Bot API server runs in local mode and keeps its files to itself", code="local")
    if not _PATH.fullmatch(path) or ".." in path.split("/") or "." in path.split("/"):
        raise Refused("Telegram names a file path of an unknown form", code="path")
    return URL(f"{api_base(access)}/file/bot{bot_token(access)}/{quote(path)}", encoded=True)


def _by_status(status: int) -> SendFailed:
    if status == 404:
        return Refused("Telegram has the file no more", code="404")
    if status == 429 or status >= 500:
        return TryLater(f"Telegram's file server is out of order (HTTP {status})", code=str(status))
    return Refused(f"Telegram's file server refuses the file (HTTP {status})", code=str(status))
