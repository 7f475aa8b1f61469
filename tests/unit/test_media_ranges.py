"""Ranges as RFC 9110 has them."""

from __future__ import annotations

import pytest

from gateway.media.ranges import Unsatisfiable, wanted


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=90-", (90, 100)),
        ("bytes=90-5000", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-5000", (0, 100)),
        ("bytes=99-99", (99, 100)),
        ("bytes=0-0,5-6", None),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("lines=0-9", None),
        ("", None),
    ],
)
def test_a_part_of_a_hundred_bytes(header: str, part: tuple[int, int] | None) -> None:
    assert wanted({"Range": header}, 100, '"tag"') == part


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-1", 0)]
)
def test_nothing_in_the_range(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        wanted({"Range": header}, size, '"tag"')


def test_a_part_of_another_version_is_the_whole() -> None:
    assert wanted({"Range": "bytes=0-1", "If-Range": '"tag"'}, 9, '"tag"') == (0, 2)
    assert wanted({"Range": "bytes=0-1", "If-Range": '"old"'}, 9, '"tag"') is None
    assert wanted({"Range": "bytes=0-1", "If-Range": "Fri, 01 Jan 2026 00:00:00 GMT"}, 9, '"tag"') is None
