"""Slack's signature: what is not signed in time with the app's secret is refused, and never with another error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from slack_sdk.signature import SignatureVerifier

from adapters.errors import Unverified
from adapters.slack.verify import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign, verify_signature
from tests.channels import access_with
from tests.platforms.slack.signing import signature

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BODY = b'{"type":"event_callback","event":{"text":"gr\xc3\xbcn"}}'


def headers(signed: str, stamp: str = STAMP) -> CIMultiDict[str]:
    return CIMultiDict({SIGNATURE_HEADER: signed, TIMESTAMP_HEADER: stamp})


def verified(body: bytes, given: CIMultiDict[str], now: datetime = NOW, secret: str = SECRET) -> bool:
    try:
        verify_signature(body, given, access_with({"signing_secret": secret}), now)
    except Unverified as refused:
        assert SECRET not in str(refused)
        return False
    return True


def test_what_slack_signs_is_taken() -> None:
    assert verified(BODY, headers(signature(BODY, STAMP, SECRET)))
    assert verified(b"", headers(signature(b"", STAMP, SECRET)))
    raw = bytes(range(256))
    assert verified(raw, headers(signature(raw, STAMP, SECRET)))


def test_slacks_own_library_signs_as_we_do() -> None:
    made = SignatureVerifier(SECRET).generate_signature(timestamp=STAMP, body=BODY)
    assert made is not None and made.encode() == sign(BODY, STAMP, SECRET)


def test_header_names_are_found_in_any_case() -> None:
    given = CIMultiDict(
        {"x-slack-signature": signature(BODY, STAMP, SECRET), "X-SLACK-REQUEST-TIMESTAMP": STAMP}
    )
    assert verified(BODY, given)


def test_any_other_byte_of_the_body_is_refused() -> None:
    signed = headers(signature(BODY, STAMP, SECRET))
    for at in range(len(BODY)):
        changed = bytearray(BODY)
        changed[at] ^= 1
        assert not verified(bytes(changed), signed)
    assert not verified(BODY + b" ", signed) and not verified(BODY[:-1], signed)


def test_any_other_character_of_the_signature_is_refused() -> None:
    signed = signature(BODY, STAMP, SECRET)
    for at, character in enumerate(signed):
        other = "0" if character != "0" else "1"
        assert not verified(BODY, headers(signed[:at] + other + signed[at + 1 :]))


@pytest.mark.parametrize(
    "wrong",
    ["", "v0=", "v0", signature(BODY, STAMP, SECRET)[:-1], signature(BODY, STAMP, SECRET) + "0",
     signature(BODY, STAMP, SECRET).upper(), signature(BODY, STAMP, SECRET)[3:],
     "v1" + signature(BODY, STAMP, SECRET)[2:], "v0=ünïcödé", "v0=\udcff", "\x00", "v0=" + "0" * 100_000],
)  # fmt: skip
def test_signatures_of_another_form_are_refused(wrong: str) -> None:
    assert not verified(BODY, headers(wrong))


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 86_400])
def test_a_request_of_another_time_is_refused(seconds: int) -> None:
    stamp = str(int(NOW.timestamp()) + seconds)
    signed = headers(signature(BODY, stamp, SECRET), stamp)
    assert not verified(BODY, signed)
    assert verified(BODY, signed, NOW + timedelta(seconds=seconds)), "the control: its own time takes it"


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_five_minutes_either_way_are_taken(seconds: int) -> None:
    stamp = str(int(NOW.timestamp()) + seconds)
    assert verified(BODY, headers(signature(BODY, stamp, SECRET), stamp))


@pytest.mark.parametrize(
    "stamp",
    ["", "x", "-1", "1e9", "1793534400.5", " 1793534400", "1793534400 ", "１７９３５３４４００", "٣", "9" * 5000,
     "\udcff", "1793534400\n", "+1793534400", "0x6ae5", "nan", "inf"],
)  # fmt: skip
def test_odd_times_are_refused_even_when_signed(stamp: str) -> None:
    encoded = stamp.encode("utf-8", "surrogatepass").decode("latin-1")
    signed = signature(BODY, encoded, SECRET)
    assert not verified(BODY, headers(signed, stamp))


def test_a_time_that_was_not_signed_is_refused() -> None:
    other = str(int(NOW.timestamp()) + 1)
    assert not verified(BODY, headers(signature(BODY, STAMP, SECRET), other))


def test_missing_headers_are_refused() -> None:
    signed = signature(BODY, STAMP, SECRET)
    assert not verified(BODY, CIMultiDict())
    assert not verified(BODY, CIMultiDict({SIGNATURE_HEADER: signed}))
    assert not verified(BODY, CIMultiDict({TIMESTAMP_HEADER: STAMP}))


def test_a_channel_without_a_secret_takes_nothing() -> None:
    for access in (access_with({}), access_with({"signing_secret": ""})):
        with pytest.raises(Unverified, match="no signing secret"):
            verify_signature(BODY, headers(signature(BODY, STAMP, "")), access, NOW)


def test_a_replay_within_the_time_is_authentic() -> None:
    """It causes no second turn, for its key is known: see the integration tests."""
    signed = headers(signature(BODY, STAMP, SECRET))
    assert verified(BODY, signed) and verified(BODY, signed, NOW + timedelta(seconds=200))


@given(body=st.binary(max_size=200), signed=st.text(max_size=80), stamp=st.text(max_size=20))
def test_nothing_but_unverified_is_ever_raised(body: bytes, signed: str, stamp: str) -> None:
    assert not verified(body, headers(signed, stamp))
