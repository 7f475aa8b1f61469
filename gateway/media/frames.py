"""Counts the pictures of an animation while it streams, from its structure alone: nothing is decoded or kept.

GIF: GIF89a specification, appendix A. WebP: RIFF container, developers.google.com/speed/webp/docs/riff_container.
What does not follow its format is counted as far as it does: a decoder will not get further either.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

Walk = Generator[int, bytes, None]
"""Yields how many bytes it wants, and is sent them."""

_GIF_IMAGE: Final = 0x2C
_GIF_EXTENSION: Final = 0x21
_SKIPPED_AT_ONCE: Final = 64 * 1024


class FrameCounter:
    """Counts the frames of a GIF or an animated WebP; of any other type it counts none."""

    def __init__(self, mime_type: str) -> None:
        self.frames = 0
        self.largest = 0
        """Pixels of the largest frame of a GIF, which need not keep to the size that its header names."""
        walks = {"image/gif": self._gif, "image/webp": self._webp}
        self._walk = walks[mime_type]() if mime_type in walks else _skip(0)
        self._buffer = bytearray()
        self._wanted = next(self._walk, 0)

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the file."""
        if not self._wanted:
            return
        self._buffer += chunk
        place = 0
        while self._wanted and len(self._buffer) - place >= self._wanted:
            piece = bytes(self._buffer[place : place + self._wanted])
            place += self._wanted
            try:
                self._wanted = self._walk.send(piece)
            except StopIteration:
                self._wanted = 0
        del self._buffer[:place]

    def _gif(self) -> Walk:
        header = yield 13
        yield from _skip(_palette(header[10]))
        while True:  # ends with the stream
            (block,) = yield 1
            if block == _GIF_EXTENSION:
                yield 1
            elif block == _GIF_IMAGE:
                self.frames += 1
                descriptor = yield 9
                width, height = (int.from_bytes(descriptor[at : at + 2], "little") for at in (4, 6))
                self.largest = max(self.largest, width * height)
                yield from _skip(_palette(descriptor[8]) + 1)
            else:
                return
            while size := (yield 1)[0]:
                yield size

    def _webp(self) -> Walk:
        yield 12
        while True:  # ends with the stream
            head = yield 8
            self.frames += head[:4] == b"ANMF"
            size = int.from_bytes(head[4:], "little")
            yield from _skip(size + size % 2)


def _palette(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _skip(count: int) -> Walk:
    while count > 0:
        step = min(count, _SKIPPED_AT_ONCE)
        yield step
        count -= step
