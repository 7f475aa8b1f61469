"""Files of a message as media. https://docs.slack.dev/reference/objects/file-object"""

from __future__ import annotations

from typing import Any, Final

from adapters.reading import MAX_INTEGER, Object, Unhandled, integer, string
from engine.events import AlbumReceived, MediaReceived
from engine.messages import MediaKind

MAX_FILES: Final = 20
"""Files of one message that are read; Slack's clients attach at most ten."""
_KINDS: Final[dict[str, MediaKind]] = {"image": "image", "video": "video", "audio": "audio"}
_GONE: Final = frozenset({"tombstone", "hidden_by_limit"})


def media_of(files: list[Any], caption: str) -> MediaReceived | AlbumReceived:
    """One file as it is, several as an album. Raises `Unhandled` when none of them is there any more."""
    read = [one for file in files[:MAX_FILES] if type(file) is dict and (one := _media(file)) is not None]
    if not read:
        raise Unhandled("files that Slack does not keep any more, or that can't be read")
    if len(read) > 1:
        return AlbumReceived(items=tuple(read), caption=caption)
    (one,) = read
    return MediaReceived(
        kind=one.kind,
        file=one.file,
        caption=caption,
        name=one.name,
        mime_type=one.mime_type,
        size=one.size,
        seconds=one.seconds,
    )


def _media(file: Object) -> MediaReceived | None:
    """A file by its private address, which only the bot's token opens; by its id where Slack tells no more."""
    reference = string(file, "url_private_download") or string(file, "url_private") or string(file, "id")
    if not reference or string(file, "mode") in _GONE:
        return None
    size, milliseconds = integer(file.get("size")), integer(file.get("duration_ms"))
    return MediaReceived(
        kind=_kind(file),
        file=reference,
        name=string(file, "name") or string(file, "title"),
        mime_type=string(file, "mimetype"),
        size=size if size is not None and 0 <= size <= MAX_INTEGER else None,
        seconds=round(milliseconds / 1000) if milliseconds is not None and milliseconds >= 0 else None,
    )


def _kind(file: Object) -> MediaKind:
    match string(file, "subtype"):
        case "slack_audio":
            return "voice"
        case "slack_video":
            return "video"
    return _KINDS.get(string(file, "mimetype").partition("/")[0], "document")
