"""What a file is, by its content. What its sender or its name say counts only where the content agrees, or can't tell.

Signatures are read by the `filetype` library from the file's first bytes. Texts have none: what could be taken for
HTML, SVG or XML by a browser is called so, whatever it was announced as.
"""

from __future__ import annotations

import mimetypes
import re
from typing import Final

import filetype
from filetype.types import TYPES

HEAD_BYTES: Final = 8192
"""How much of a file's beginning tells what it is."""
UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"

OFFICE: Final = {
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
}
_BY_EXTENSION: Final = {
    **OFFICE,
    ".heic": "image/heic",
    ".heif": "image/heic",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".amr": "audio/amr",
    ".aac": "audio/aac",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".3gp": "video/3gpp",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".rar": "application/vnd.rar",
    ".7z": "application/x-7z-compressed",
}
_SAME: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-ms-bmp": "image/bmp",
    "image/heif": "image/heic",
    "image/vnd.adobe.photoshop": "image/x-photoshop",
    "audio/mp3": "audio/mpeg",
    "audio/mpeg3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-aac": "audio/aac",
    "audio/opus": "audio/ogg",
    "application/ogg": "audio/ogg",
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
    "application/x-rar-compressed": "application/vnd.rar",
    "text/rtf": "application/rtf",
    "text/xml": "application/xml",
    "application/xhtml+xml": "text/html",
}
"""Other names of the same type."""
_MP4: Final = frozenset(
    {"video/mp4", "audio/mp4", "video/3gpp", "audio/3gpp", "video/quicktime", "video/x-m4v", "audio/aac"}
)
_FAMILIES: Final = (
    _MP4,
    frozenset({"video/webm", "video/x-matroska", "audio/webm"}),
    frozenset({"audio/ogg", "video/ogg"}),
    frozenset({"audio/mpeg", "audio/aac"}),
)
"""Containers whose first bytes do not tell what they carry: the one that was announced is believed."""
_ZIP: Final = "application/zip"
_OLE: Final = "application/x-ole-storage"
_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKED: Final = frozenset(
    {OFFICE[name] for name in (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp")} | {"application/epub+zip"}
)
_OLD_OFFICE: Final = frozenset({OFFICE[".doc"], OFFICE[".xls"], OFFICE[".ppt"], "application/vnd.ms-outlook"})

_MARKUP: Final = (
    (re.compile(r"<svg[\s>:]|<[a-z]+:svg[\s>]", re.IGNORECASE), "image/svg+xml"),
    (
        re.compile(
            r"<(?:!doctype\s+html|html|head|body|script|iframe|style|title|h1|div|font|table|a|br|p|img|object|embed|form"
            r"|link|meta|base)(?:[\s>/]|$)",
            re.IGNORECASE,
        ),
        "text/html",
    ),
    (re.compile(r"\A\s*<(?:\?xml|!doctype|[a-z][\w:.-]*[\s>/])", re.IGNORECASE), "application/xml"),
)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TEXTUAL: Final = frozenset(
    {
        "application/json",
        "application/rtf",
        "application/yaml",
        "application/x-yaml",
        "application/sql",
        "message/rfc822",
    }
)
_SIGNED: Final = frozenset(_SAME.get(kind.mime, kind.mime) for kind in TYPES) | _MP4 | _PACKED | _OLD_OFFICE
"""Types that have a signature: a file without it is none of them."""
_MIME: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+_-]{0,100}\Z")


def type_of(head: bytes, declared: str = "", name: str = "") -> str:
    """The MIME type of a file that begins with `head` (HEAD_BYTES, or all of it), in lower case.

    `declared` is what the sender says, `name` the file's name.
    """
    said = normal(declared)
    if said in ("", UNKNOWN):
        said = of_name(name)
    if _is_text(head):
        return _text_type(head, said)
    found = _signature(head)
    if not found:
        return UNKNOWN if not said or said in _SIGNED or _reads_as_text(said) else said
    return said if _agrees(found, said) else found


def normal(mime_type: str) -> str:
    """A MIME type without parameters and under its usual name; empty when it is malformed."""
    bare = mime_type.partition(";")[0].strip().lower()
    return _SAME.get(bare, bare) if _MIME.match(bare) else ""


def of_name(name: str) -> str:
    """What a file's name suggests; empty when it suggests nothing."""
    dot = name.rfind(".")
    extension = name[dot:].lower() if dot >= 0 else ""
    return _BY_EXTENSION.get(extension) or normal(mimetypes.types_map.get(extension, ""))


def _signature(head: bytes) -> str:
    if head.startswith(_OLE_MAGIC):
        return _OLE
    kind = filetype.guess(head[:HEAD_BYTES])
    if kind is None:
        return "video/mp4" if head[4:8] == b"ftyp" else ""
    return _SAME.get(kind.mime, str(kind.mime))


def _agrees(found: str, said: str) -> bool:
    if found == _ZIP:
        return said in _PACKED
    if found == _OLE:
        return said in _OLD_OFFICE
    return any(found in family and said in family for family in _FAMILIES)


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[:4] != b"\xff\xfe\x00\x00" and _utf16(head) is not None
    if _CONTROL.search(head) or not head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and len(head) >= HEAD_BYTES  # a character was cut
    return not head.startswith((b"%PDF-", b"{\\rtf", b"#!AMR"))


def _text_type(head: bytes, said: str) -> str:
    text = _utf16(head) if head.startswith((b"\xff\xfe", b"\xfe\xff")) else head.decode("utf-8", "ignore")
    for pattern, mime_type in _MARKUP:
        if pattern.search(text or ""):
            return mime_type
    return said if _reads_as_text(said) and not _is_markup(said) else TEXT


def _utf16(head: bytes) -> str | None:
    text = head[: len(head) & ~1].decode("utf-16", "ignore")
    return None if "\x00" in text else text


def _reads_as_text(said: str) -> bool:
    return said.startswith("text/") or said in _TEXTUAL or _is_markup(said)


def _is_markup(said: str) -> bool:
    return said in ("text/html", "application/xml") or said.endswith("+xml")
