"""Media of a message: by its link where Meta can fetch it, else uploaded first."""

from __future__ import annotations

import ipaddress
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.protocol import Upload
from engine.messages import Media, MediaKind

CAPTIONED: Final = frozenset({"image", "video", "document"})
"""Kinds that carry a text; also those that can stand over buttons."""
_TYPES: Final[dict[MediaKind, str]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "audio",
    "document": "document",
    "sticker": "sticker",
}
_PRIVATE_ENDINGS: Final = (".local", ".localhost", ".internal", ".lan", ".test", ".invalid")


def type_of(media: Media) -> str:
    """WhatsApp's name for the kind."""
    return _TYPES[media.kind]


def media_object(media: Media, field: str) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    """The media object of a call, and what has to be uploaded for it.

    `field` is where the object stands in the call's body, such as `image` or `interactive.header.image`: the
    client puts the upload's id there.
    """
    if is_public(media.url):
        return {"link": media.url}, ()
    return {}, (Upload(field=field, source=media.url, kind=media.kind, name=media.name),)


def is_public(url: str) -> bool:
    """Whether Meta's servers can be expected to fetch it: http(s), and no address of one's own network."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    if parts.scheme not in ("https", "http") or not host or ("." not in host and ":" not in host):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return not host.endswith(_PRIVATE_ENDINGS)
