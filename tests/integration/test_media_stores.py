"""What every media store promises, held against a folder and against a bucket of a strict mock."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.media.errors import NotThere, StoreAway, StoreMisconfigured
from gateway.media.local import LocalStore
from gateway.media.places import open_store
from gateway.media.s3 import PART_BYTES, S3Store
from gateway.media.s3_address import parse_s3
from gateway.media.store import MediaStore, place_of
from tests.platforms.s3 import MockS3

MIB = 1024 * 1024


def utc_now() -> datetime:
    return datetime.now(UTC)


async def pieces(data: bytes, size: int = 70_001) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def read(store: MediaStore, place: str, start: int = 0, end: int | None = None) -> bytes:
    async with store.open(place, start, end) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.fixture
async def mock() -> AsyncIterator[MockS3]:
    async with MockS3().running() as mock:
        yield mock


class Loopback(AbstractResolver):
    """Every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        pass


def bucket(mock: MockS3, **options: str) -> S3Store:
    return S3Store(parse_s3(mock.url(**options)), utc_now, first_wait=0.01, resolver=Loopback())


@pytest.fixture(params=["folder", "bucket", "bucket in the host's name"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, mock: MockS3) -> AsyncIterator[MediaStore]:
    made: MediaStore
    match request.param:
        case "folder":
            made = LocalStore(tmp_path / "media")
        case "bucket":
            made = bucket(mock, prefix="/of/ours")
        case _:
            made = bucket(mock, style="virtual")
    yield made
    await made.close()


@pytest.mark.parametrize("size", [1, 100_000, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 3])
async def test_what_is_put_comes_out_whole(store: MediaStore, size: int) -> None:
    data = os.urandom(size)
    stored = await store.put(uuid4(), pieces(data))
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert await read(store, stored.place) == data
    assert await store.size(stored.place) == size


async def test_a_part_of_a_file_is_read_by_its_bytes(store: MediaStore) -> None:
    data = bytes(range(256)) * 400
    stored = await store.put(uuid4(), pieces(data))
    assert await read(store, stored.place, 5, 11) == data[5:11]
    assert await read(store, stored.place, 90_000) == data[90_000:]
    assert await read(store, stored.place, 0, 1) == data[:1]


async def test_the_same_id_twice_leaves_one_file(store: MediaStore) -> None:
    id = uuid4()
    first = await store.put(id, pieces(b"first"))
    second = await store.put(id, pieces(b"second"))
    assert first.place == second.place == place_of(id)
    assert await read(store, second.place) == b"second"


async def test_a_stream_that_breaks_off_leaves_nothing(
    store: MediaStore, tmp_path: Path, mock: MockS3
) -> None:
    async def broken(data: bytes) -> AsyncIterator[bytes]:
        async for piece in pieces(data):
            yield piece
        raise ValueError("refused half-way")

    for size in (10, 2 * PART_BYTES):
        id = uuid4()
        with pytest.raises(ValueError, match="half-way"):
            await store.put(id, broken(os.urandom(size)))
        assert await store.size(place_of(id)) is None
    assert not mock.objects and not mock.uploads
    assert not files_in(tmp_path)


async def test_a_put_that_is_cancelled_leaves_nothing(
    store: MediaStore, tmp_path: Path, mock: MockS3
) -> None:
    came = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield os.urandom(PART_BYTES + 1)
        came.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(store.put(uuid4(), endless()))
    await came.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not mock.objects and not mock.uploads
    assert not files_in(tmp_path)


async def test_a_deleted_file_is_gone_and_deleting_it_again_is_no_error(store: MediaStore) -> None:
    stored = await store.put(uuid4(), pieces(b"short"))
    await store.delete(stored.place)
    await store.delete(stored.place)
    assert await store.size(stored.place) is None
    with pytest.raises(NotThere):
        await read(store, stored.place)


@pytest.mark.parametrize(
    "place",
    ["../../etc/passwd", "/etc/passwd", "aa/bb/../../../x", "", "aa/bb/" + str(UUID(int=1)), "incoming/x"],
)
async def test_no_path_from_outside_is_used(store: MediaStore, place: str) -> None:
    for use in (lambda: read(store, place), lambda: store.size(place), lambda: store.delete(place)):
        with pytest.raises(ValueError, match="no place"):
            await use()


async def test_many_at_the_same_time_do_not_mix(store: MediaStore) -> None:
    files = {uuid4(): os.urandom(200_000 + number) for number in range(12)}
    stored = await asyncio.gather(*(store.put(id, pieces(data, 9_999)) for id, data in files.items()))
    for data, one in zip(files.values(), stored, strict=True):
        assert await read(store, one.place) == data


async def test_memory_stays_bounded_while_50_mib_stream_through(store: MediaStore) -> None:
    block = os.urandom(MIB)
    process = psutil.Process()
    most = before = process.memory_info().rss

    async def long() -> AsyncIterator[bytes]:
        nonlocal most
        for _ in range(50):
            most = max(most, process.memory_info().rss)
            yield block

    if isinstance(store, S3Store):
        pytest.skip("the mock bucket keeps the file in this very process")
    stored = await store.put(uuid4(), long())
    async with store.open(stored.place) as chunks:
        async for _ in chunks:
            most = max(most, process.memory_info().rss)
    assert stored.size == 50 * MIB
    assert most - before < 20 * MIB


async def test_a_bucket_holds_no_more_than_a_part_of_a_stream(mock: MockS3) -> None:
    store = bucket(mock)
    sent = 0

    async def watched() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(12):
            sent += MIB
            at_the_bucket = sum(len(part) for _, parts in mock.uploads.values() for part in parts.values())
            assert sent - at_the_bucket <= PART_BYTES + 2 * MIB
            yield b"x" * MIB

    await store.put(uuid4(), watched())
    assert mock.largest_body <= PART_BYTES
    await store.close()


async def test_a_busy_bucket_is_asked_again(mock: MockS3) -> None:
    store = bucket(mock)
    mock.faults.extend(["503", "503", "cut", ""])
    stored = await store.put(uuid4(), pieces(b"patience"))
    assert await read(store, stored.place) == b"patience"
    assert len([line for line in mock.requests if line.startswith("PUT")]) == 4
    await store.close()


async def test_a_bucket_that_stays_away_is_told(mock: MockS3) -> None:
    store = bucket(mock)
    mock.faults.extend(["503"] * 20)
    with pytest.raises(StoreAway, match="503 SlowDown"):
        await store.put(uuid4(), pieces(b"x"))
    await store.close()


@pytest.mark.parametrize("fault", ["cut", "late_error"])
async def test_a_completion_whose_answer_is_lost_or_late_is_no_failure(mock: MockS3, fault: str) -> None:
    """With `cut` and with an error in a 200 the bucket has completed it: the next try meets no upload any more."""
    store = bucket(mock)
    data = os.urandom(PART_BYTES + 10)
    mock.faults.extend(["", "", "", fault])  # begin, two parts, complete
    stored = await store.put(uuid4(), pieces(data))
    assert await read(store, stored.place) == data
    assert mock.refused == ["NoSuchUpload"]
    await store.close()


async def test_a_redirect_takes_the_signature_nowhere(mock: MockS3) -> None:
    seen: list[str | None] = []

    async def elsewhere(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response()

    runner = web.ServerRunner(web.Server(elsewhere, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    mock.elsewhere = f"http://127.0.0.1:{runner.addresses[0][1]}/stolen"
    mock.faults.extend(["redirect"])
    store = bucket(mock)
    with pytest.raises(StoreMisconfigured, match="elsewhere"):
        await store.put(uuid4(), pieces(b"x"))
    assert seen == []
    await store.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda url: url.replace("s3%2Bcret", "wrong"), "SignatureDoesNotMatch"),
        (lambda url: url.replace("AKIDEXAMPLE", "AKIDANOTHER"), "InvalidAccessKeyId"),
        (lambda url: url.replace("eu-central-1", "us-west-2"), "AuthorizationHeaderMalformed"),
        (lambda url: url.replace("/files?", "/others?"), "NoSuchBucket"),
    ],
)
async def test_wrong_keys_region_and_bucket_are_told_without_a_secret(
    mock: MockS3, change: Callable[[str], str], code: str
) -> None:
    store = S3Store(parse_s3(change(mock.url())), utc_now, first_wait=0.01)
    with pytest.raises(StoreMisconfigured, match=code) as caught:
        await store.put(uuid4(), pieces(b"x"))
    shown = f"{caught.value} {caught.value!r} {store!r}"
    assert "cret" not in shown and "AKID" not in shown
    await store.close()


async def test_a_clock_that_is_wrong_is_told(mock: MockS3) -> None:
    store = S3Store(parse_s3(mock.url()), lambda: utc_now() - timedelta(hours=1), first_wait=0.01)
    with pytest.raises(StoreMisconfigured, match="403"):  # the answer to HEAD has no code
        await store.size(place_of(uuid4()))
    with pytest.raises(StoreMisconfigured, match="RequestTimeTooSkewed"):
        await store.put(uuid4(), pieces(b"x"))
    await store.close()


async def test_broken_writes_of_long_ago_are_removed_and_those_under_way_stay(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    kept = await store.put(uuid4(), pieces(b"kept"))
    incoming = tmp_path / "incoming"
    old, young = incoming / "old.part", incoming / "young.part"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (time.time() - 200_000,) * 2)
    assert await store.tidy(utc_now() - timedelta(days=1)) == 1
    assert not old.exists() and young.exists()
    assert await read(store, kept.place) == b"kept"
    await store.close()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = LocalStore(tmp_path / "file")
    with pytest.raises(StoreAway, match="media folder"):
        await store.put(uuid4(), pieces(b"x"))
    await store.close()


def test_the_setting_names_the_store(tmp_path: Path) -> None:
    assert str(open_store(None, tmp_path, utc_now)) == f"LocalStore({tmp_path / 'media'})"
    assert str(open_store("file:///srv/a%20b", tmp_path, utc_now)) == "LocalStore(/srv/a b)"
    shown = str(open_store("s3://K:S@s3.example.org/bucket-1/in/ner?style=virtual", tmp_path, utc_now))
    assert shown == "S3Store(S3Address(https://s3.example.org/bucket-1/in/ner/))"
