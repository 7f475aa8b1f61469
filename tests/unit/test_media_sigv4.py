"""Our signatures are those that botocore computes for the same requests."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.media.sigv4 import Credentials, encoded_path, encoded_query, signed_headers
from tests.platforms.s3.signature import STAMP, signature_of

CREDENTIALS = Credentials(
    key_id="AKIAIOSFODNN7EXAMPLE", secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region="us-east-1"
)
NOW = datetime(2013, 5, 24, tzinfo=UTC)


def ours(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes, host: str = "h.test"
) -> str:
    signed = signed_headers(
        method, host=host, path=path, query=query, headers=headers,
        payload_sha256=hashlib.sha256(body).hexdigest(), credentials=CREDENTIALS, now=NOW,
    )  # fmt: skip
    return signed["authorization"].rpartition("Signature=")[2]


def theirs(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes, host: str = "h.test"
) -> str:
    question = f"?{encoded_query(query)}" if query else ""
    sha256 = hashlib.sha256(body).hexdigest()
    signed = {**headers, "x-amz-date": NOW.strftime(STAMP), "x-amz-content-sha256": sha256}
    return signature_of(
        method, f"https://{host}{encoded_path(path)}{question}", signed,
        key_id=CREDENTIALS.key_id, secret=CREDENTIALS.secret, region=CREDENTIALS.region,
    )  # fmt: skip


def test_the_documentations_example_of_a_ranged_get() -> None:
    """Amazon S3 API reference, "Signature Calculations for the Authorization Header", GET object."""
    signature = ours(
        "GET", "/test.txt", {}, {"range": "bytes=0-9"}, b"", host="examplebucket.s3.amazonaws.com"
    )
    assert signature == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_the_documentations_example_of_a_put_with_an_odd_name() -> None:
    headers = {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}
    signature = ours(
        "PUT", "/test$file.text", {}, headers, b"Welcome to Amazon S3.", host="examplebucket.s3.amazonaws.com"
    )
    assert signature == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"


_WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs", "Cc"]), max_size=12
)


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    path=_WORDS.map(lambda word: "/" + word.lstrip("/")),
    query=st.dictionaries(_WORDS.filter(bool), _WORDS, max_size=3),
    body=st.binary(max_size=40),
)
def test_any_request_has_the_signature_that_botocore_gives_it(
    method: str, path: str, query: dict[str, str], body: bytes
) -> None:
    assert ours(method, path, query, {"range": "bytes=1-"}, body) == theirs(
        method, path, query, {"range": "bytes=1-"}, body
    )


def test_another_secret_gives_another_signature() -> None:
    """The comparison above would see a wrong key."""
    other = Credentials(key_id=CREDENTIALS.key_id, secret="another", region=CREDENTIALS.region)
    signed = signed_headers(
        "GET", host="h.test", path="/a", query={}, headers={},
        payload_sha256=hashlib.sha256(b"").hexdigest(), credentials=other, now=NOW,
    )  # fmt: skip
    assert theirs("GET", "/a", {}, {}, b"") not in signed["authorization"]
    assert "another" not in repr(other)
