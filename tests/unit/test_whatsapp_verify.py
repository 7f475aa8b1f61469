"""Only Meta's signature opens the door, over the raw bytes, and only the verify token is answered."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict

from adapters.errors import Unverified
from adapters.whatsapp.adapter import WhatsAppAdapter
from tests.channels import access_with

SECRET = "0a1b2c3d4e5f-app-secret"
NAME = "X-Hub-Signature-256"
BODY = '{"object":"whatsapp_business_account","entry":[{"text":"Grüße 🚲"}]}'.encode()
NOW = datetime(2026, 11, 1, tzinfo=UTC)
GOOD = "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()


def verify(body: bytes, headers: dict[str, str], secret: str | None = SECRET) -> None:
    access = access_with({} if secret is None else {"app_secret": secret})
    WhatsAppAdapter().verify(body, CIMultiDict(headers), access, NOW)


@pytest.mark.parametrize("name", [NAME, NAME.lower(), NAME.upper()])
def test_the_right_signature_is_accepted(name: str) -> None:
    verify(BODY, {name: GOOD})


def test_every_byte_of_the_body_counts() -> None:
    for index in range(len(BODY)):
        for change in (1, 0x80):
            spoilt = bytearray(BODY)
            spoilt[index] ^= change
            with pytest.raises(Unverified):
                verify(bytes(spoilt), {NAME: GOOD})


def test_every_character_of_the_signature_counts() -> None:
    for index, character in enumerate(GOOD):
        for other in {"0", "f", "\x00", "é", character.upper()} - {character}:
            with pytest.raises(Unverified):
                verify(BODY, {NAME: GOOD[:index] + other + GOOD[index + 1 :]})


@pytest.mark.parametrize(
    "presented",
    [
        "",
        "sha256=",
        GOOD[:-1],
        GOOD + "0",
        GOOD.removeprefix("sha256="),
        GOOD.replace("sha256=", "sha1="),
        f" {GOOD}",
        "подпись",
        "\udcff\udcfe",  # how aiohttp hands on bytes that are no UTF-8
        "sha256=" + "0" * 64,
        "sha256=" + hmac.new(b"another secret", BODY, hashlib.sha256).hexdigest(),
        "x" * 100_000,
    ],
)
def test_any_other_signature_is_refused(presented: str) -> None:
    with pytest.raises(Unverified) as caught:
        verify(BODY, {NAME: presented})
    assert SECRET not in str(caught.value)


def test_a_missing_header_is_refused() -> None:
    with pytest.raises(Unverified, match="missing"):
        verify(BODY, {})


def test_the_older_signature_is_none() -> None:
    older = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
    with pytest.raises(Unverified, match="missing"):
        verify(BODY, {"X-Hub-Signature": older})


@pytest.mark.parametrize("secret", [None, ""])
def test_a_channel_without_a_secret_accepts_nothing(secret: str | None) -> None:
    """Not even what is signed with the empty secret."""
    empty = "sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    for presented in ({}, {NAME: GOOD}, {NAME: empty}):
        with pytest.raises(Unverified, match="no app secret"):
            verify(BODY, presented, secret)


QUERY = {"hub.mode": "subscribe", "hub.verify_token": "wörd-42", "hub.challenge": "1158201444"}


def test_the_challenge_is_echoed_to_who_knows_the_token() -> None:
    access = access_with({"verify_token": "wörd-42"})
    assert WhatsAppAdapter().challenge(QUERY, access) == b"1158201444"


@pytest.mark.parametrize(
    "query",
    [
        {},
        QUERY | {"hub.mode": "unsubscribe"},
        QUERY | {"hub.verify_token": ""},
        QUERY | {"hub.verify_token": "wörd-4"},
        QUERY | {"hub.verify_token": "WÖRD-42"},
        QUERY | {"hub.verify_token": "\udcff"},
        QUERY | {"hub.challenge": ""},
        QUERY | {"hub.challenge": "x" * 10_000},
        {key: value for key, value in QUERY.items() if key != "hub.challenge"},
        {key: value for key, value in QUERY.items() if key != "hub.verify_token"},
    ],
)
def test_any_other_try_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Unverified):
        WhatsAppAdapter().challenge(query, access_with({"verify_token": "wörd-42"}))


@pytest.mark.parametrize("secrets", [{}, {"verify_token": ""}])
def test_without_a_verify_token_nobody_passes(secrets: dict[str, str]) -> None:
    for token in ("", "None", "wörd-42"):
        with pytest.raises(Unverified, match="no verify token"):
            WhatsAppAdapter().challenge(QUERY | {"hub.verify_token": token}, access_with(secrets))
