"""Files: those that customers sent are read with the bot's token, those for customers are uploaded and shared.

https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import msgspec
from yarl import URL

from adapters.download import ask_for, chunks_of, trusted_url
from adapters.errors import Misconfigured, Refused, SendFailed, TryLater
from adapters.protocol import Call, ChannelAccess, Content, Envelope, Files, Receipt, Upload
from adapters.slack.capabilities import FILE_BYTES
from adapters.slack.client import SlackClient, api_base, token_of
from adapters.slack.failures import SERVER
from adapters.text import clean
from adapters.transport import BROKEN, transport_failure

MAX_UNSIZED: Final = 50 * 1024 * 1024
"""Bytes of a file whose size nobody tells, which is held in memory, for Slack wants to know the size first."""
MAX_NAME: Final = 200
HOSTS: Final = ("slack.com",)
"""Slack's own, with those below it; over https only."""
_EXTENSIONS: Final[dict[str, str]] = {"image": ".png", "video": ".mp4", "audio": ".mp3", "voice": ".m4a"}


async def upload(
    client: SlackClient, files: Files | None, call: Call, access: ChannelAccess, envelope: Envelope
) -> Receipt:
    """Upload a call's files and share them in one message. Raises `SendFailed`; until the last request nothing shows.

    The message can carry no metadata; the id of its text block is our key, by which it is found again.
    """
    if files is None:
        raise Misconfigured("this gateway has no store to read files from")
    body: dict[str, Any] = msgspec.json.decode(call.body)
    channel = await client.channel_of(body["channel"], access)
    given: list[dict[str, str]] = []
    for one, about in zip(call.uploads, body["files"], strict=True):
        given.append(await _upload(client, files, one, about, access))
    blocks = [{**block, "block_id": block_mark(envelope)} for block in body["blocks"]]
    shared = await client.call(
        "files.completeUploadExternal",
        access,
        {"files": given, "channel_id": channel, "thread_ts": body.get("thread_ts"), "blocks": blocks},
    )
    named = shared.get("files")
    first = named[0] if type(named) is list and named else None
    return Receipt(message=str(first.get("id", "")) if type(first) is dict else "")


def block_mark(envelope: Envelope) -> str:
    """The id of the block that shows whose upload a message is."""
    return f"{envelope.key}:{envelope.call}"


async def _upload(
    client: SlackClient, files: Files, upload: Upload, about: dict[str, str], access: ChannelAccess
) -> dict[str, str]:
    """One file, up to but without its being shared: what `completeUploadExternal` wants to know of it."""
    async with files.open(upload.source) as content:
        data: AsyncIterator[bytes] | bytes = content.chunks
        size = content.size
        if size is None:
            data = await _whole(content)
            size = len(data)
        if not 0 < size <= FILE_BYTES:
            raise Refused(f"the file has {size} bytes; Slack takes 1 to {FILE_BYTES}", code="file_size")
        name = _name(upload, content)
        place = await client.ask(
            "files.getUploadURLExternal",
            access,
            {"filename": name, "length": size, "alt_txt": about.get("alt") or None},
        )
        url, file = place.get("upload_url"), place.get("file_id")
        if type(url) is not str or type(file) is not str:
            raise TryLater("Slack names no place to upload to", code="upload_url")
        await _push(client, url, data, size)
    return {"id": file, "title": about.get("title") or name}


async def _whole(content: Content) -> bytes:
    data = bytearray()
    async for chunk in content.chunks:
        data += chunk
        if len(data) > MAX_UNSIZED:
            raise Refused(f"a file of unknown size is larger than {MAX_UNSIZED} bytes", code="file_size")
    return bytes(data)


def _name(upload: Upload, content: Content) -> str:
    """A file name; its ending is what Slack shows the file by."""
    name = clean(upload.name or content.name).replace("/", "_").strip() or upload.kind
    if "." not in name:
        subtype = content.mime_type.partition("/")[2].partition(";")[0]
        plain = subtype.isalnum() and len(subtype) <= 5
        name += f".{subtype}" if plain else _EXTENSIONS.get(upload.kind, "")
    return name[-MAX_NAME:]


async def _push(client: SlackClient, url: str, data: AsyncIterator[bytes] | bytes, size: int) -> None:
    """Give the bytes to the address that Slack named, which carries its own permission: no token goes there."""
    failure: SendFailed
    try:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        response = await client.session.open().post(
            URL(url, encoded=True), data=data, headers=headers, allow_redirects=False
        )
        await response.read()
        if response.status == 200:
            return
        failure = TryLater(f"Slack did not take the file (HTTP {response.status})", code=str(response.status))
    except BROKEN as error:
        # Whatever broke: a file that is not shared yet is seen by nobody.
        lost = transport_failure(error, SERVER)
        failure = lost if isinstance(lost, TryLater) else TryLater(lost.reason, code=lost.code)
    raise failure


@asynccontextmanager
async def fetch(client: SlackClient, file: str, access: ChannelAccess) -> AsyncIterator[Content]:
    """Read a file by `MediaReceived.file`: its private address, or its id. Raises `SendFailed`.

    The bot's token goes to Slack's own hosts and to the API's address, and nowhere else.
    """
    if not file.startswith(("https://", "http://")):
        file = await _address(client, file, access)
    url = trusted_url(file, api_base(access), HOSTS)
    if url is None:
        raise Refused("the file is not kept by Slack", code="foreign_host")
    headers = {"Authorization": f"Bearer {token_of(access)}"}
    async with await ask_for(client.session.open(), url, SERVER, headers) as response:
        _check(response, url)
        yield Content(
            chunks=chunks_of(response, SERVER),
            mime_type=response.headers.get("Content-Type", "").partition(";")[0],
            size=response.content_length,
        )


async def _address(client: SlackClient, file: str, access: ChannelAccess) -> str:
    """The address of a file by its id. In shared channels Slack tells no more at first."""
    found = (await client.ask("files.info", access, {"file": file})).get("file")
    address = found.get("url_private") if type(found) is dict else None
    if type(address) is not str or not address:
        raise Refused("Slack names no address of the file", code="file_not_found")
    return address


def _check(response: aiohttp.ClientResponse, url: URL) -> None:
    """Whether it is the file. Without the right to read it Slack answers with the page for signing in."""
    kind = response.headers.get("Content-Type", "")
    page = kind.startswith("text/html") and not url.path.lower().endswith((".html", ".htm"))
    match response.status:
        case 200 if not page:
            return
        case 200 | 301 | 302 | 303 | 307 | 308 | 401 | 403:
            raise Misconfigured(
                "Slack does not let the app read files; it needs the scope files:read", code="files:read"
            )
        case 404 | 410:
            raise Refused("the file is gone", code=str(response.status))
        case 429:
            raise TryLater("Slack asks to wait: too many files", code="429")
    raise TryLater(f"Slack does not hand out the file (HTTP {response.status})", code=str(response.status))
