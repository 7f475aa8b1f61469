"""How large a picture would be, from its header. Its pixels are never decoded here.

A file of a few kilobytes can claim billions of pixels and fill the memory of whoever shows it (a decompression
bomb); so a picture whose header can't be read, or says too much, is refused.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

import msgspec
from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin
from PIL.ImageFile import ImageFile

from gateway.media.errors import NotAllowed

MAX_PIXELS: Final = 50_000_000
"""Of one picture: 8,660 × 5,773. Phones take up to 50 megapixels."""
MAX_SIDE: Final = 30_000
MAX_FRAMES: Final = 1_000
MAX_FRAME_PIXELS: Final = 2_000_000_000
"""Of all of an animation's frames together."""
MAX_HEADER_BYTES: Final = 1024 * 1024
"""Within which the header ends; cameras put their previews and profiles before the size."""
STEPS: Final = (8 * 1024, 64 * 1024, 256 * 1024, MAX_HEADER_BYTES)
"""How much of the file is waited for before the header is tried, and tried again."""

_READERS: Final[dict[str, type[ImageFile]]] = {
    "image/jpeg": JpegImagePlugin.JpegImageFile,
    "image/png": PngImagePlugin.PngImageFile,
    "image/bmp": BmpImagePlugin.BmpImageFile,
}
MEASURED: Final = frozenset({*_READERS, "image/gif", "image/webp"})
"""Raster types whose header is read. Only these are ever shown inline."""


class Dimensions(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture's header says. `frames` is what it says itself; a GIF or WebP has to be counted."""

    width: int
    height: int
    frames: int = 1


def measure(mime_type: str, head: bytes) -> Dimensions | None:
    """What the header within `head` says; None when it does not say it yet, or is none."""
    if mime_type == "image/webp":
        return _webp(head)
    if mime_type == "image/gif":
        return _gif(head)
    try:
        # The plugin's own class: `Image.open` would try every format, and warn instead of refusing.
        with _READERS[mime_type](BytesIO(head)) as image:
            width, height = image.size
            frames = getattr(image, "n_frames", 1) if mime_type == "image/png" else 1
    except Exception:  # a header is anybody's bytes, and the library raises what it likes over them
        return None
    return Dimensions(width=width, height=height, frames=frames)


def check(size: Dimensions, frames: int, largest: int) -> None:
    """Raises `NotAllowed` for what nobody should decode. `frames` were counted so far; the `largest` has that many
    pixels.
    """
    frames, pixels = max(frames, size.frames), max(largest, size.width * size.height)
    if size.width < 1 or size.height < 1:
        raise NotAllowed("the picture is empty")
    if max(size.width, size.height) > MAX_SIDE or pixels > MAX_PIXELS:
        raise NotAllowed(f"the picture has more than {MAX_PIXELS // 1_000_000} megapixels")
    if frames > MAX_FRAMES or frames * pixels > MAX_FRAME_PIXELS:
        raise NotAllowed("the animation is too long")


def _gif(head: bytes) -> Dimensions | None:
    """GIF89a, section 18: the size of the logical screen. Each frame has one of its own (`FrameCounter.largest`)."""
    if len(head) < 13:
        return None
    return Dimensions(width=int.from_bytes(head[6:8], "little"), height=int.from_bytes(head[8:10], "little"))


def _webp(head: bytes) -> Dimensions | None:
    """RFC 9649, sections 2.5 to 2.7: the first chunk says the canvas's size, in one of three ways."""
    if len(head) < 30:
        return None
    match head[12:16]:
        case b"VP8X":
            return Dimensions(
                width=int.from_bytes(head[24:27], "little") + 1,
                height=int.from_bytes(head[27:30], "little") + 1,
            )
        case b"VP8L" if head[20] == 0x2F:
            bits = int.from_bytes(head[21:25], "little")
            return Dimensions(width=(bits & 0x3FFF) + 1, height=(bits >> 14 & 0x3FFF) + 1)
        case b"VP8 " if head[23:26] == b"\x9d\x01\x2a":
            width, height = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
            return Dimensions(width=width & 0x3FFF, height=height & 0x3FFF)
        case _:
            return None
