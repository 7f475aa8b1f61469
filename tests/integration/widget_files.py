"""Files that a browser shows and plays, made here: pictures, sounds and a film."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Callable
from typing import TypeAlias

from playwright.async_api import Page

Pixel: TypeAlias = Callable[[float, float], tuple[int, int, int]]
"""The colour at a place; both coordinates run from 0 to 1."""


def png(width: int, height: int, colour: Pixel) -> bytes:
    """A picture, as PNG (ISO/IEC 15948): eight bits a channel, no interlace."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(colour(x / width, y / height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def landscape(hue: float) -> Pixel:
    """A sky over hills, in one of many moods."""

    def at(x: float, y: float) -> tuple[int, int, int]:
        far = 0.62 + 0.07 * math.sin(7 * x + 9 * hue) + 0.03 * math.sin(19 * x)
        near = 0.78 + 0.06 * math.sin(5 * x + 4 + 7 * hue)
        if math.hypot((x - 0.72) * 1.4, y - 0.3) < 0.09:
            return 255, 244, 214
        if y > near:
            return _tint(hue, 0.30 - 0.1 * y)
        if y > far:
            return _tint(hue, 0.52)
        return _tint(hue + 0.08, 1.0 - 0.32 * y)

    return at


def _tint(hue: float, light: float) -> tuple[int, int, int]:
    red, green, blue = (0.62 + 0.38 * math.cos(math.tau * (hue + shift)) for shift in (0.0, -0.33, -0.67))
    return tuple(max(0, min(255, round(255 * light * part))) for part in (red, green, blue))  # type: ignore[return-value]


def wav(seconds: float, hertz: float = 440.0, rate: int = 8_000) -> bytes:
    """A tone, as WAV with 16 bits."""
    count = int(seconds * rate)
    samples = (int(9_000 * math.sin(math.tau * hertz * at / rate)) for at in range(count))
    body = struct.pack(f"<{count}h", *samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    data = struct.pack("<4sI", b"data", len(body)) + body
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data


_RECORD = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 480, height: 270 });
  const brush = canvas.getContext("2d");
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm" });
  const pieces = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  const ended = new Promise((done) => (recorder.onstop = done));
  recorder.start();
  for (let frame = 0; frame < 20; frame++) {
    const sky = brush.createLinearGradient(0, 0, 480, 270);
    sky.addColorStop(0, "#27346d");
    sky.addColorStop(1, "#c96f53");
    brush.fillStyle = sky;
    brush.fillRect(0, 0, 480, 270);
    brush.fillStyle = "#ffe9b0";
    brush.beginPath();
    brush.arc(120 + frame * 6, 120, 34, 0, 7);
    brush.fill();
    await new Promise((done) => setTimeout(done, 40));
  }
  recorder.stop();
  await ended;
  const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


async def film(page: Page) -> bytes:
    """A short film, as WebM, recorded by the browser of `page`."""
    return base64.b64decode(await page.evaluate(_RECORD))
