"""What streams through the checks comes out as it went in, or not at all."""

from __future__ import annotations

import os

import pytest

from gateway.media.checks import Checked
from gateway.media.errors import NotAllowed, TooLarge
from gateway.media.rules import Rules
from tests.unit.media_samples import SAMPLES, animation, gif_claiming, picture, png_claiming, stream

MIB = 1024 * 1024
RULES = Rules(max_bytes=10 * MIB)


async def through(checked: Checked, data: bytes, size: int = 1_000) -> bytes:
    return b"".join([chunk async for chunk in checked.stream(stream(data, size))])


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("size", [1, 1_000, MIB])
async def test_every_type_comes_out_whole(name: str, size: int) -> None:
    data, mime_type = SAMPLES[name]
    checked = Checked(RULES)
    assert await through(checked, data, size) == data
    assert checked.mime_type == mime_type


async def test_pixels_and_kind_are_told() -> None:
    checked = Checked(RULES, kind="", declared="application/pdf")
    await through(checked, picture("JPEG", 320, 200))
    assert checked.kind == "image" and checked.dimensions is not None
    assert (checked.dimensions.width, checked.dimensions.height) == (320, 200)


@pytest.mark.parametrize("name", ["exe", "html", "pdf", "zip", "text"])
async def test_a_type_that_is_disguised_by_its_name_is_found_out(name: str) -> None:
    data, _ = SAMPLES[name]
    with pytest.raises(NotAllowed, match="sent as image, and is none"):
        await through(Checked(RULES, kind="image", declared="image/png", name="holiday.png"), data)


async def test_more_bytes_than_are_taken_end_the_stream_at_once() -> None:
    came = 0
    with pytest.raises(TooLarge, match="10 MiB"):
        async for chunk in Checked(RULES).stream(stream(os.urandom(64) * (MIB // 2), 4096)):
            came += len(chunk)
    assert came <= 10 * MIB


async def test_an_empty_file_is_refused() -> None:
    with pytest.raises(NotAllowed, match="empty"):
        await through(Checked(RULES), b"")


async def test_a_flood_of_pixels_never_reaches_the_store() -> None:
    for data in (png_claiming(50_000, 50_000), gif_claiming(1, 1, frame=(60_000, 60_000))):
        with pytest.raises(NotAllowed, match="megapixels"):
            async for _ in Checked(RULES).stream(stream(data)):
                raise AssertionError("a byte came through")


async def test_an_endless_animation_breaks_off() -> None:
    data = animation("GIF", 1_200, 8, 8)
    came = 0
    with pytest.raises(NotAllowed, match="animation is too long"):
        async for chunk in Checked(RULES).stream(stream(data)):
            came += len(chunk)
    assert came < len(data)


async def test_a_picture_whose_header_never_ends_is_refused() -> None:
    comment = b"\xff\xfe\xff\xff" + b"x" * 65_533
    data = b"\xff\xd8" + b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + comment * 20
    with pytest.raises(NotAllowed, match="header can't be read"):
        await through(Checked(RULES), data, 64 * 1024)


async def test_a_picture_with_a_long_preview_before_its_size_is_taken() -> None:
    plain = picture("JPEG", 300, 200)
    data = plain[:2] + (b"\xff\xfe\xff\xff" + b"x" * 65_533) * 3 + plain[2:]
    checked = Checked(RULES)
    assert await through(checked, data, 10_000) == data
    assert checked.dimensions is not None and checked.dimensions.width == 300


async def test_a_picture_that_is_cut_short_in_its_header_is_refused() -> None:
    with pytest.raises(NotAllowed, match="header can't be read"):
        await through(Checked(RULES), picture("PNG")[:20])
