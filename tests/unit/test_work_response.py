"""Reading a response: bounds hold whatever the server sends, and what enters a conversation is tame."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.work.response import MAX_DEPTH, MAX_VALUES, Unreadable, decode, headers, read

MIB = 1024 * 1024


class Chunks:
    """A stream that gives its chunks one by one, and counts."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = list(chunks)
        self.taken = 0

    async def readany(self) -> bytes:
        if not self._chunks:
            return b""
        self.taken += 1
        return self._chunks.pop(0)


def cut(data: bytes, size: int) -> Chunks:
    return Chunks(*(data[start : start + size] for start in range(0, len(data), size)))


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, Any] = {
    "": lambda data: data,
    "identity": lambda data: data,
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
}


@pytest.mark.parametrize("encoding", PACKED)
@given(data=st.binary(max_size=300), size=st.integers(min_value=1, max_value=64))
async def test_a_body_is_read_in_whatever_pieces(encoding: str, data: bytes, size: int) -> None:
    packed = PACKED[encoding](data)
    assert await read(cut(packed, size), encoding, max(len(data), len(packed))) == data


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_gzip_file_of_several_members_is_read(size: int) -> None:
    assert await read(cut(gzip.compress(b"one ") + gzip.compress(b"two"), size), "gzip", 1000) == b"one two"


async def test_reading_stops_at_the_bound() -> None:
    stream = Chunks(*[b"x" * 1000] * 1000)
    with pytest.raises(Unreadable, match="more than 2500 bytes"):
        await read(stream, "", 2500)
    assert stream.taken == 3


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw_deflate])
async def test_a_bomb_does_not_go_off(pack: Any) -> None:
    import tracemalloc

    bomb = pack(b"\0" * (64 * MIB))
    encoding = "gzip" if pack is gzip.compress else "deflate"
    tracemalloc.start()
    with pytest.raises(Unreadable, match="more than 100000 bytes"):
        await read(Chunks(bomb), encoding, 100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MIB


async def test_many_small_members_are_no_way_around() -> None:
    with pytest.raises(Unreadable, match="packed wrongly"):
        await read(Chunks(gzip.compress(b"") * 1000), "gzip", MIB)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"no gzip at all", "gzip"),
        (gzip.compress(b"hello", mtime=0)[:-4], "gzip"),
        (b"\xff\xff\xff\xff", "deflate"),
        (b"x", "br"),
        (b"x", "gzip, gzip"),
    ],
)
async def test_what_can_not_be_unpacked_is_said(body: bytes, encoding: str) -> None:
    with pytest.raises(Unreadable, match="pack"):
        await read(Chunks(body), encoding, MIB)


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"a": [1, 2.5, null, "\xc3\xbc"]}', "application/json", {"a": [1, 2.5, None, "ü"]}),
        (b"17", "application/problem+json; charset=utf-8", 17),
        (b" \n[1]", "text/html", [1]),
        (b"17", "text/plain", "17"),
        (b"<p>hi</p>", "text/html", "<p>hi</p>"),
        (b"{not json", "application/json", "{not json"),
        (b"", "application/json", ""),
        (b"\xef\xbb\xbf{}", "application/json", {}),
        (b"\xfc", "text/plain; charset=iso-8859-1", "ü"),
        (b"\xfc", 'text/plain; charset="windows-1252"', "ü"),
        ("ü".encode("utf-16"), "text/plain; charset=utf-16", "ü"),
        (b"\xfc", "text/plain; charset=nonsense", "\ufffd"),
        (b"\\ud800", "text/plain; charset=unicode_escape", "\\ud800"),
        (b"hryyb", "text/plain; charset=rot13", "hryyb"),
        (b'"\\ud800"', "application/json", '"\\ud800"'),
        (b'{"a\\u0000b": "c\\u0000"}', "application/json", {"ab": "c"}),
        (b"a\x00b", "text/plain", "ab"),
        (b"1" * 5000, "application/json", "1" * 5000),
    ],
)
def test_a_body_becomes_values_or_text(body: bytes, content_type: str, expected: Any) -> None:
    assert decode(body, content_type, ()) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        json.dumps([0] * MAX_VALUES).encode(),
    ],
)
def test_a_document_out_of_bounds_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable, match=r"the response (is nested deeper|has more) than"):
        decode(body, "application/json", ())


@given(st.binary(max_size=200), st.sampled_from(["application/json", "text/plain", "text/x; charset=utf-16"]))
def test_whatever_comes_can_be_stored(body: bytes, content_type: str) -> None:
    text = json.dumps(decode(body, content_type, ()), ensure_ascii=False)
    assert "\\u0000" not in text.replace("\\\\", "")
    text.encode()


def test_a_secret_that_comes_back_is_masked() -> None:
    secret = "t0p-secret"
    body = json.dumps({"echo": f"Bearer {secret}", secret: [secret]}).encode()
    assert secret not in str(decode(body, "application/json", [secret]))
    assert decode(b"got t0p-secret", "text/plain", [secret]) == "got [redacted]"
    assert headers({"location": f"/x?k={secret}"}, [secret]) == {"location": "/x?k=[redacted]"}


def test_few_headers_are_kept() -> None:
    given = {
        "content-type": "a/b",
        "set-cookie": "s=1",
        "etag": "e" * 5000,
        "server": "x",
        "x-request-id": "7",
    }
    assert headers(given, ()) == {"content-type": "a/b", "etag": "e" * 1000, "x-request-id": "7"}
