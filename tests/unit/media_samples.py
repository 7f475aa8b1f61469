"""Small files of many types, made here, and streams of them."""

from __future__ import annotations

import io
import struct
import wave
import zipfile
import zlib
from collections.abc import AsyncIterator
from typing import Final

from PIL import Image


def picture(format: str, width: int = 64, height: int = 48) -> bytes:
    """A picture in one of Pillow's formats."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 10, 10)).save(out, format)
    return out.getvalue()


def animation(format: str, frames: int, width: int = 16, height: int = 16) -> bytes:
    """An animation whose frames differ."""
    images = [
        Image.new("RGB", (width, height), (number * 37 % 256, number * 91 % 256, number // 256))
        for number in range(frames)
    ]
    out = io.BytesIO()
    images[0].save(out, format, lossless=True, save_all=True, append_images=images[1:], duration=40, loop=0)
    return out.getvalue()


def package(*names: str) -> bytes:
    """A zip file with members of these names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in names:
            file.writestr(name, "<x/>")
    return out.getvalue()


def sound() -> bytes:
    """A WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0" * 800)
    return out.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of some sixty bytes that claims any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    )


def gif_claiming(width: int, height: int, frame: tuple[int, int] | None = None) -> bytes:
    """A GIF whose screen, and whose only frame, claim any size."""
    frame = frame or (width, height)
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\x00"
    return screen + image + b"\x3b"


def _boxed(brand: bytes) -> bytes:
    return b"\0\0\0\x14ftyp" + brand + b"\0\0\0\0" + brand + b"\0" * 100


SAMPLES: Final[dict[str, tuple[bytes, str]]] = {
    "jpeg": (picture("JPEG"), "image/jpeg"),
    "png": (picture("PNG"), "image/png"),
    "gif": (picture("GIF"), "image/gif"),
    "webp": (picture("WEBP"), "image/webp"),
    "bmp": (picture("BMP"), "image/bmp"),
    "tiff": (picture("TIFF"), "image/tiff"),
    "heic": (_boxed(b"heic"), "image/heic"),
    "mp4": (_boxed(b"mp42"), "video/mp4"),
    "mp4 of a new brand": (_boxed(b"iso9"), "video/mp4"),
    "mov": (_boxed(b"qt  "), "video/quicktime"),
    "m4a": (_boxed(b"M4A "), "audio/mp4"),
    "webm": (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + b"\0" * 50, "video/webm"),
    "ogg": (b"OggS\0\x02" + b"\0" * 22 + b"OpusHead" + b"\0" * 40, "audio/ogg"),
    "mp3": (b"ID3\x04\0\0\0\0\0\x21" + b"\0" * 100, "audio/mpeg"),
    "amr": (b"#!AMR\n" + b"\x3c" * 50, "audio/amr"),
    "wav": (sound(), "audio/wav"),
    "flac": (b"fLaC\0\0\0\x22" + b"\0" * 50, "audio/flac"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "application/pdf"),
    "rtf": (b"{\\rtf1\\ansi hello}", "application/rtf"),
    "docx": (
        package("[Content_Types].xml", "word/document.xml"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    "zip": (package("a.txt"), "application/zip"),
    "exe": (b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff" + b"\0" * 200, "application/x-msdownload"),
    "svg": (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    "bare svg": (b"\n  <svg onload='alert(1)'>", "image/svg+xml"),
    "html": (b"  <!DOCTYPE html><html><script>alert(1)</script>", "text/html"),
    "html behind words": (b"hello\n<script >alert(1)</script>", "text/html"),
    "html in utf-16": ("<html><body>".encode("utf-16"), "text/html"),
    "xml": (b"<?xml version='1.0'?><order/>", "application/xml"),
    "text": (b"BMW and MZ are makes, a < b\n", "text/plain"),
    "long text": ("ä".encode() * 5_000 + b"x", "text/plain"),
    "noise": (bytes(range(256)) * 4, "application/octet-stream"),
}
"""A file of each type, and what it is."""


async def stream(data: bytes, size: int = 1_000) -> AsyncIterator[bytes]:
    """The file in pieces."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
