"""What a channel takes of its customers: which kinds and types of files, and how large.

Read from the channel's settings, under the names of its platform configuration:
`media_settings.max_file_size`, `.allowed_media_types`, `.image_formats` (…), `behavior.file_upload.max_size`,
`.allowed_types`. What a setting does not say is not restricted, but by GATEWAY_MEDIA_MAX_BYTES.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from adapters.errors import Misconfigured
from gateway.media import kinds
from gateway.media.errors import NotAllowed, TooLarge

UNITS: Final = {
    "": 1,
    "b": 1,
    "kb": 1024,
    "mb": 1024**2,
    "gb": 1024**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
"""As the platforms themselves mean them: 16MB is 16 × 1,048,576 bytes."""
_SIZE = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]{0,3})\s*\Z", re.IGNORECASE)
_FORMATS: Final = {
    "jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "mp4": "video/mp4", "3gpp": "video/3gpp", "3gp": "video/3gpp", "mov": "video/quicktime", "webm": "video/webm",
    "aac": "audio/aac", "amr": "audio/amr", "mpeg": "audio/mpeg", "mp3": "audio/mpeg", "ogg": "audio/ogg",
    "opus": "audio/ogg", "m4a": "audio/mp4", "wav": "audio/wav", "pdf": "application/pdf", "txt": "text/plain",
}  # fmt: skip
_LISTS: Final = {
    "image": "image_formats", "video": "video_formats", "audio": "audio_formats", "document": "document_formats",
}  # fmt: skip
_GROUPS: Final = {
    "image": "image",
    "sticker": "sticker",
    "video": "video",
    "audio": "audio",
    "voice": "audio",
}
"""Under which of `allowed_media_types` a kind falls; everything else is a document."""
_PLAYED: Final[Mapping[str, tuple[str, ...]]] = {
    "image": ("image/",),
    "sticker": ("image/", "video/webm", "application/gzip"),
    "video": ("video/", "image/gif", "image/webp"),
    "audio": ("audio/", "video/mp4", "video/webm", "video/ogg", "video/3gpp"),
    "voice": ("audio/", "video/mp4", "video/webm", "video/ogg", "video/3gpp"),
}
"""What the content of a kind may be; a document may be anything."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken. Empty lists restrict nothing."""

    max_bytes: int
    groups: frozenset[str] = frozenset()
    """Of image, sticker, video, audio, document."""
    formats: Mapping[str, frozenset[str]] = {}
    """MIME types by group."""
    patterns: tuple[str, ...] = ()
    """MIME types, or `image/*`."""

    def check_size(self, size: int) -> None:
        """Raises `TooLarge` for more bytes than are taken."""
        if size > self.max_bytes:
            raise TooLarge(f"the file is larger than {_told(self.max_bytes)}")

    def check_type(self, kind: str, mime_type: str) -> None:
        """Raises `NotAllowed` for a type that is not taken, or that is not what its kind says."""
        if kind in _PLAYED and not mime_type.startswith(_PLAYED[kind]):
            raise NotAllowed(f"the file was sent as {kind}, and is none")
        group = _GROUPS.get(kind, "document")
        # Who allows pictures has not thought of stickers.
        named = group in self.groups or (group == "sticker" and "image" in self.groups)
        if self.groups and not named:
            raise NotAllowed(f"files of the kind {kind} are not taken here")
        formats = self.formats.get(group)
        if formats and mime_type not in formats:
            raise NotAllowed(f"files of the type {mime_type} are not taken here")
        if self.patterns and not any(_matches(pattern, mime_type) for pattern in self.patterns):
            raise NotAllowed(f"files of the type {mime_type} are not taken here")


def rules_of(settings: Mapping[str, Any], max_bytes: int) -> Rules:
    """The rules of a channel with these settings; `max_bytes` is the deployment's bound.

    Raises `Misconfigured`, naming the setting: a guess could let in what was to be kept out.
    """
    media = _part(settings, "media_settings")
    upload = _part(_part(settings, "behavior"), "file_upload", "behavior.")
    sizes = [
        _size(part[name], f"{place}.{name}")
        for part, place, name in (
            (media, "media_settings", "max_file_size"),
            (upload, "behavior.file_upload", "max_size"),
        )
        if part.get(name) is not None
    ]
    groups = frozenset(_words(media.get("allowed_media_types"), "media_settings.allowed_media_types"))
    formats = {
        group: frozenset(_format(word) for word in _words(media.get(name), f"media_settings.{name}"))
        for group, name in _LISTS.items()
    }
    patterns = _words(upload.get("allowed_types"), "behavior.file_upload.allowed_types")
    return Rules(
        max_bytes=min([max_bytes, *sizes]),
        groups=groups,
        formats={group: types for group, types in formats.items() if types},
        patterns=tuple(_pattern(word) for word in patterns),
    )


def kind_of(mime_type: str) -> str:
    """The kind of a file that nobody has named one for."""
    top = mime_type.partition("/")[0]
    return top if top in ("image", "video", "audio") and mime_type != "image/svg+xml" else "document"


def _part(settings: Mapping[str, Any], name: str, place: str = "") -> Mapping[str, Any]:
    part = settings.get(name)
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise Misconfigured(f"{place}{name} is no object")
    return part


def _size(value: object, place: str) -> int:
    found = _SIZE.match(value) if isinstance(value, str) else None
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if found is None or found[2].lower() not in UNITS or not float(found[1]):
        raise Misconfigured(f'{place} is no size; write "16MB"')
    return int(float(found[1]) * UNITS[found[2].lower()])


def _words(value: object, place: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list | tuple) or not all(
        isinstance(word, str) and word.strip() for word in value
    ):
        raise Misconfigured(f'{place} is no list of words; write ["image"]')
    return [word.strip().lower() for word in value]


def _format(word: str) -> str:
    return _FORMATS.get(word) or kinds.of_name(f".{word}") or word


def _pattern(word: str) -> str:
    if word.startswith("."):
        return kinds.of_name(word) or word
    return word if word.endswith("/*") or word == "*" else kinds.normal(word) or word


def _matches(pattern: str, mime_type: str) -> bool:
    if pattern in ("*", "*/*"):
        return True
    # A picture that is a program is not meant by `image/*`: who wants it names it.
    if pattern.endswith("/*"):
        return mime_type.startswith(pattern[:-1]) and mime_type != "image/svg+xml"
    return pattern == mime_type


def _told(size: int) -> str:
    return f"{size / 1024**2:.3g} MiB" if size >= 1024**2 else f"{size / 1024:.3g} KiB"
