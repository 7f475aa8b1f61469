"""Pixels and frames are told from headers and structure, and nobody is made to decode too many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media import pictures
from gateway.media.errors import NotAllowed
from gateway.media.frames import FrameCounter
from gateway.media.pictures import Dimensions, check, measure
from tests.unit.media_samples import animation, gif_claiming, picture, png_claiming


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_the_header_alone_tells_the_size(format: str) -> None:
    data = picture(format, 640, 480)
    size = measure(f"image/{format.lower()}", data[: len(data) * 2 // 3])
    assert size is not None and (size.width, size.height) == (640, 480)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("alpha", [True, False])
def test_all_three_forms_of_webp_are_read(lossless: bool, alpha: bool) -> None:
    import io

    from PIL import Image

    out = io.BytesIO()
    colour = (1, 2, 3, 128) if alpha else (1, 2, 3)
    Image.new("RGBA" if alpha else "RGB", (1234, 567), colour).save(out, "WEBP", lossless=lossless)
    assert measure("image/webp", out.getvalue()[:64]) == Dimensions(width=1234, height=567)
    assert measure("image/webp", animation("WEBP", 3, 321, 123)[:64]) == Dimensions(width=321, height=123)


def test_a_header_that_is_not_there_yet_is_waited_for() -> None:
    for format in ("JPEG", "PNG", "GIF", "WEBP", "BMP"):
        assert measure(f"image/{format.lower()}", picture(format)[:9]) is None


@given(st.sampled_from(sorted(pictures.MEASURED)), st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(mime_type: str, head: bytes) -> None:
    measure(mime_type, head)


@pytest.mark.parametrize(
    ("frames", "format"), [(1, "GIF"), (7, "GIF"), (200, "GIF"), (2, "WEBP"), (60, "WEBP")]
)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_frames_are_counted_however_the_stream_is_cut(frames: int, format: str, size: int) -> None:
    data = animation(format, frames)
    counter = FrameCounter(f"image/{format.lower()}")
    for start in range(0, len(data), size):
        counter.feed(data[start : start + size])
    assert counter.frames == frames


def test_an_animated_png_says_its_frames_in_its_header() -> None:
    size = measure("image/png", animation("PNG", 5)[:200])
    assert size is not None and size.frames == 5


@given(st.sampled_from(["image/gif", "image/webp"]), st.lists(st.binary(max_size=50), max_size=20))
def test_no_bytes_make_the_counter_raise_or_keep_them(mime_type: str, chunks: list[bytes]) -> None:
    counter = FrameCounter(mime_type)
    for chunk in chunks:
        counter.feed(chunk)
    assert len(counter._buffer) <= 64 * 1024


def test_a_flood_of_pixels_is_refused_before_it_is_decoded() -> None:
    for data, mime_type in (
        (png_claiming(100_000, 100_000), "image/png"),
        (gif_claiming(60_000, 60_000), "image/gif"),
    ):
        assert len(data) < 100
        size = measure(mime_type, data)
        assert size is not None
        with pytest.raises(NotAllowed, match="50 megapixels"):
            check(size, 1, 0)


def test_a_frame_that_is_larger_than_its_gif_says_is_refused() -> None:
    data = gif_claiming(1, 1, frame=(65_000, 65_000))
    counter = FrameCounter("image/gif")
    counter.feed(data)
    size = measure("image/gif", data)
    assert size is not None and (size.width, size.height) == (1, 1)
    with pytest.raises(NotAllowed, match="megapixels"):
        check(size, counter.frames, counter.largest)


@pytest.mark.parametrize(
    ("size", "frames", "taken"),
    [
        (Dimensions(width=8_000, height=6_000), 1, True),
        (Dimensions(width=8_000, height=6_300), 1, False),
        (Dimensions(width=30_001, height=1), 1, False),
        (Dimensions(width=0, height=5), 1, False),
        (Dimensions(width=1_000, height=1_000), 1_000, True),
        (Dimensions(width=1_000, height=1_000), 1_001, False),
        (Dimensions(width=5_000, height=5_000), 81, False),
        (Dimensions(width=10, height=10, frames=5_000), 0, False),
    ],
)
def test_the_bounds(size: Dimensions, frames: int, taken: bool) -> None:
    if taken:
        check(size, frames, 0)
    else:
        with pytest.raises(NotAllowed):
            check(size, frames, 0)
