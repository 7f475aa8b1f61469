"""GATEWAY_MEDIA_URL is checked at start, and never shown."""

from __future__ import annotations

from uuid import UUID

import pytest

from gateway.media.places import check_media_url
from gateway.media.s3_address import parse_s3
from gateway.media.upload_rates import CHANNEL_BURST, MAX_BUCKETS, VISITOR_BURST, VISITOR_SECONDS, UploadRates


@pytest.mark.parametrize(
    ("url", "host", "request_host", "path"),
    [
        ("s3://K:S@s3.test/files", "s3.test", "s3.test", "/files/a b"),
        ("s3://K:S@s3.test:9000/files/in/ner/", "s3.test:9000", "s3.test:9000", "/files/in/ner/a b"),
        ("s3://K:S@s3.test:443/files?style=virtual", "s3.test", "files.s3.test", "/a b"),
        ("s3://K:S@s3.test:80/files/p?style=virtual&tls=off", "s3.test", "files.s3.test", "/p/a b"),
        ("s3://K:S@[::1]:9000/files?tls=off", "[::1]:9000", "[::1]:9000", "/files/a b"),
    ],
)
def test_a_bucket_by_its_address(url: str, host: str, request_host: str, path: str) -> None:
    address = parse_s3(url)
    assert (address.host, address.request_host, address.path_of("a b")) == (host, request_host, path)


def test_keys_are_decoded_and_the_region_has_a_default() -> None:
    credentials = parse_s3("s3://K%2F1:a%2Bb%40c@s3.test/files").credentials
    assert (credentials.key_id, credentials.secret, credentials.region) == ("K/1", "a+b@c", "us-east-1")


@pytest.mark.parametrize(
    "url",
    [
        "s3://s3.test/files", "s3://K:hidden-secret@s3.test", "s3://K:hidden-secret@s3.test/UPPER",
        "s3://K:hidden-secret@s3.test/files?acl=public", "s3://K:hidden-secret@s3.test/files?style=odd",
        "s3://K:hidden-secret@s3.test/files?tls=maybe", "s3://K:hidden-secret@s3.test:port/files",
        "s3://K:hidden-secret@s3.test/files/../x", "file://elsewhere/srv", "file:relative", "/srv/media",
        "ftp://a/b", "",
    ],
)  # fmt: skip
def test_what_names_no_store_is_refused_without_showing_a_secret(url: str) -> None:
    with pytest.raises(ValueError, match="write") as caught:
        check_media_url(url)
    assert "hidden-secret" not in str(caught.value)


def test_no_repr_shows_a_secret() -> None:
    address = parse_s3("s3://KEYID:hidden-secret@s3.test/files")
    assert "hidden" not in f"{address!r}{address.credentials!r}" and "KEYID" not in repr(address)


def test_a_visitor_may_upload_a_burst_and_then_a_few() -> None:
    rates, channel, visitor = UploadRates(), UUID(int=1), UUID(int=2)
    assert [rates.take(channel, visitor, 0.0) for _ in range(VISITOR_BURST)] == [0.0] * VISITOR_BURST
    assert rates.take(channel, visitor, 0.0) == pytest.approx(VISITOR_SECONDS)
    assert rates.take(channel, UUID(int=3), 0.0) == 0.0
    assert rates.take(channel, visitor, VISITOR_SECONDS) == 0.0


def test_many_visitors_of_one_channel_share_its_bucket() -> None:
    rates, channel = UploadRates(), UUID(int=1)
    waits = [rates.take(channel, UUID(int=number), 0.0) for number in range(10, 10 + CHANNEL_BURST + 1)]
    assert waits[:-1] == [0.0] * CHANNEL_BURST and waits[-1] > 0
    assert rates.take(UUID(int=2), UUID(int=3), 0.0) == 0.0


def test_the_buckets_are_bounded() -> None:
    rates = UploadRates()
    for number in range(MAX_BUCKETS + 100):
        rates.take(UUID(int=number), UUID(int=number + 2**64), 0.0)
    assert len(rates._full_at) == MAX_BUCKETS
