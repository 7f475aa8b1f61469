"""What a channel takes, from settings in the documents' shape."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.errors import Misconfigured
from gateway.media.errors import NotAllowed, TooLarge
from gateway.media.rules import kind_of, rules_of

MIB = 1024 * 1024
WHATSAPP: dict[str, Any] = {
    "media_settings": {
        "max_file_size": "16MB",
        "allowed_media_types": ["image", "audio", "video", "document"],
        "image_formats": ["JPEG", "PNG"],
        "video_formats": ["MP4", "3GPP"],
        "audio_formats": ["AAC", "AMR", "MPEG", "OGG"],
        "document_formats": ["PDF", "DOC", "DOCX", "PPT", "PPTX", "XLS", "XLSX"],
    }
}
WEB: dict[str, Any] = {
    "behavior": {
        "file_upload": {
            "enabled": True,
            "max_size": "10MB",
            "allowed_types": ["image/*", "application/pdf", ".doc", ".docx"],
        }
    }
}
DOC = "application/msword"


@pytest.mark.parametrize(
    ("settings", "kind", "mime_type", "taken"),
    [
        (WHATSAPP, "image", "image/jpeg", True),
        (WHATSAPP, "image", "image/gif", False),
        (WHATSAPP, "sticker", "image/webp", True),
        (WHATSAPP, "voice", "audio/ogg", True),
        (WHATSAPP, "audio", "audio/flac", False),
        (WHATSAPP, "document", DOC, True),
        (WHATSAPP, "document", "application/zip", False),
        (WHATSAPP, "document", "text/html", False),
        ({"media_settings": {"allowed_media_types": ["image"]}}, "video", "video/mp4", False),
        ({"media_settings": {"allowed_media_types": ["image"]}}, "image", "image/avif", True),
        (WEB, "image", "image/webp", True),
        (WEB, "image", "image/svg+xml", False),
        (WEB, "document", DOC, True),
        (WEB, "document", "application/pdf", True),
        (WEB, "video", "video/mp4", False),
        (
            {"behavior": {"file_upload": {"allowed_types": ["image/svg+xml"]}}},
            "document",
            "image/svg+xml",
            True,
        ),
        ({}, "document", "application/x-msdownload", True),
        ({}, "image", "application/x-msdownload", False),
        ({}, "voice", "video/mp4", True),
        ({}, "video", "image/jpeg", False),
        ({}, "sticker", "video/webm", True),
    ],
)
def test_types(settings: dict[str, Any], kind: str, mime_type: str, taken: bool) -> None:
    rules = rules_of(settings, 100 * MIB)
    if taken:
        rules.check_type(kind, mime_type)
    else:
        with pytest.raises(NotAllowed):
            rules.check_type(kind, mime_type)


@pytest.mark.parametrize(
    ("size", "limit"),
    [
        ("16MB", 16 * MIB), ("16 mb", 16 * MIB), ("1.5MiB", MIB * 3 // 2), ("500KB", 512_000), ("1GB", 100 * MIB),
        (4096, 4096), ("4096", 4096),
    ],
)  # fmt: skip
def test_the_smallest_bound_holds(size: object, limit: int) -> None:
    rules = rules_of({"media_settings": {"max_file_size": size}}, 100 * MIB)
    rules.check_size(limit)
    with pytest.raises(TooLarge):
        rules.check_size(limit + 1)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"media_settings": {"max_file_size": "a lot"}}, "media_settings.max_file_size"),
        ({"media_settings": {"max_file_size": 0}}, "media_settings.max_file_size"),
        ({"media_settings": {"max_file_size": True}}, "media_settings.max_file_size"),
        ({"media_settings": {"max_file_size": "5 parsecs"}}, "media_settings.max_file_size"),
        ({"media_settings": {"image_formats": "JPEG"}}, "media_settings.image_formats"),
        ({"media_settings": {"allowed_media_types": [1]}}, "media_settings.allowed_media_types"),
        ({"media_settings": ["image"]}, "media_settings"),
        ({"behavior": {"file_upload": True}}, "behavior.file_upload"),
        (
            {"behavior": {"file_upload": {"allowed_types": ["", "image/*"]}}},
            "behavior.file_upload.allowed_types",
        ),
    ],
)
def test_a_setting_that_cannot_be_read_is_named(settings: dict[str, Any], place: str) -> None:
    with pytest.raises(Misconfigured, match=place.replace(".", r"\.")):
        rules_of(settings, MIB)


def test_the_content_names_the_kind_where_nobody_has() -> None:
    assert [kind_of(mime_type) for mime_type in ("image/png", "image/svg+xml", "audio/ogg", "application/pdf")] == [
        "image", "document", "audio", "document",
    ]  # fmt: skip
