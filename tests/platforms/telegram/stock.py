"""Files: what a call sends (by upload, by an id, by an address), and what the bot may read again.

Telegram fetches addresses itself; the mock knows the web by `World.pages` and takes any other address for what
its name says.
"""

from __future__ import annotations

import itertools
import struct
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from tests.platforms.telegram.errors import ApiError, bad_request
from tests.platforms.telegram.parameters import Parameters
from tests.platforms.telegram.world import JSON, Bot, StoredFile

MediaKind: TypeAlias = Literal["photo", "video", "animation", "audio", "voice", "document", "sticker"]

PHOTO_BYTES: Final = 10 * 1024 * 1024
URL_PHOTO_BYTES: Final = 5 * 1024 * 1024
URL_BYTES: Final = 20 * 1024 * 1024
DOWNLOAD_BYTES: Final = 20 * 1024 * 1024
MAX_SIDES: Final = 10_000
MAX_RATIO: Final = 20
_MAGIC: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8")
_URL_DOCUMENTS: Final = (".pdf", ".zip", ".gif")
_ATTACH: Final = "attach://"
_numbers = itertools.count(1)


def stored(bot: Bot, given: Parameters, reference: object, kind: MediaKind) -> StoredFile:
    """The file that a parameter refers to. Raises `ApiError` where Telegram would."""
    if isinstance(reference, str) and reference.startswith(_ATTACH):
        part = given.files.get(reference.removeprefix(_ATTACH))
    else:
        part = given.files.get(kind)
    if part is not None:
        return _uploaded(bot, kind, part.name, part.mime_type, part.data)
    if not isinstance(reference, str) or not reference or reference.startswith(_ATTACH):
        raise bad_request(f"there is no {kind} in the request")
    if reference.startswith(("https://", "http://")):
        return _fetched(bot, kind, reference)
    known = bot.files.get(reference)
    if known is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if known.kind != kind:
        raise bad_request(f"can't use file of type {known.kind.title()} as {kind.title()}")
    return known


def keep(bot: Bot, kind: str, name: str, mime_type: str, data: bytes, size: int | None = None) -> StoredFile:
    """A file that the bot knows from now on, and may read by getFile."""
    number = next(_numbers)
    suffix = name.rpartition(".")[2] if "." in name else "bin"
    file = StoredFile(
        id=f"AgACAg-mock-{kind}-{number}",
        kind=kind,
        name=name,
        mime_type=mime_type,
        data=data,
        size=len(data) if size is None else size,
        path=f"{kind}s/file_{number}.{suffix}",
    )
    bot.files[file.id] = file
    return file


def _uploaded(bot: Bot, kind: MediaKind, name: str, mime_type: str, data: bytes) -> StoredFile:
    if not data:
        raise bad_request("file must be non-empty")
    if kind == "photo":
        if len(data) > PHOTO_BYTES:
            raise bad_request(
                f"file of size {len(data)} bytes is too big for a photo; the maximum size is {PHOTO_BYTES} bytes"
            )
        _check_picture(data)
    return keep(bot, kind, name, mime_type, data)


def _check_picture(data: bytes) -> None:
    if not data.startswith(_MAGIC):
        raise bad_request("IMAGE_PROCESS_FAILED")
    if data.startswith(_MAGIC[1]) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        longer, shorter = max(width, height), max(min(width, height), 1)
        if width + height > MAX_SIDES or longer / shorter > MAX_RATIO:
            raise bad_request("PHOTO_INVALID_DIMENSIONS")


def _fetched(bot: Bot, kind: MediaKind, url: str) -> StoredFile:
    parts = urlsplit(url)
    if "." not in (parts.hostname or "") or (parts.hostname or "").startswith(("127.", "10.", "192.168.")):
        raise bad_request("wrong file identifier/HTTP URL specified")
    page = bot.world.pages.get(url)
    if page is not None:
        if page.status != 200 or page.size > (URL_PHOTO_BYTES if kind == "photo" else URL_BYTES):
            raise bad_request("failed to get HTTP URL content")
        if not _fits(kind, page.mime_type):
            raise bad_request("wrong type of the web page content")
    elif kind == "document" and not parts.path.lower().endswith(_URL_DOCUMENTS):
        raise bad_request("wrong type of the web page content")
    return keep(bot, kind, parts.path.rpartition("/")[2], page.mime_type if page else "", b"", 1024)


def _fits(kind: MediaKind, mime_type: str) -> bool:
    """Whether Telegram takes what an address gave for this kind."""
    match kind:
        case "photo" | "sticker":
            return mime_type.startswith("image/")
        case "video" | "animation":
            return mime_type in ("video/mp4", "image/gif")
        case "audio":
            return mime_type in ("audio/mpeg", "audio/mp4")
        case "voice":
            return mime_type == "audio/ogg"
        case "document":
            return mime_type in ("application/pdf", "application/zip", "image/gif")


def content(kind: MediaKind, file: StoredFile) -> JSON:
    """A Message's field for a file of this kind."""
    base: JSON = {"file_id": file.id, "file_unique_id": f"u{file.id[-8:]}", "file_size": file.size}
    named = {"file_name": file.name, "mime_type": file.mime_type or "application/octet-stream"}
    frame = {"width": 640, "height": 480, "duration": 3}
    match kind:
        case "photo":
            return {"photo": [{**base, "width": 640, "height": 480}]}
        case "video":
            return {"video": {**base, **frame, **named}}
        case "animation":
            return {"animation": {**base, **frame, **named}, "document": {**base, **named}}
        case "audio" | "voice":
            return {kind: {**base, "duration": 3, "mime_type": named["mime_type"]}}
        case "document":
            return {"document": {**base, **named}}
        case "sticker":
            shape = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
            return {"sticker": {**base, **shape}}


def get_file(bot: Bot, file_id: str) -> JSON:
    """getFile: where a file lies, for up to 20 MB."""
    file = bot.files.get(file_id)
    if file is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if file.size > DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    answer: JSON = {
        "file_id": file.id,
        "file_unique_id": f"u{file.id[-8:]}",
        "file_size": file.size,
        "file_path": file.path,
    }
    return answer


def download(bot: Bot, path: str) -> StoredFile:
    """A file of the file server. Raises a 404 for one that there is not."""
    for file in bot.files.values():
        if file.path == path:
            return file
    raise ApiError(404, "Not Found: invalid file_path")
