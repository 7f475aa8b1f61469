"""A signed name is good as it is, for what it was made for, until it expires; anything else is nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gateway.media.tokens import LINKS, SOURCES, Named, Tokens
from storage.keyring import Keyring, add_key

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMED = Named(organization_id=UUID(int=7), media_id=UUID(int=2**127 + 5), expires_at=NOW + timedelta(hours=1))
KEYRING = Keyring({"k1": bytes(range(32))})


def tokens(keyring: Keyring = KEYRING, purpose: bytes = LINKS) -> Tokens:
    return Tokens(keyring, purpose)


def test_a_token_names_what_it_was_made_for() -> None:
    token = tokens().make(NAMED)
    assert tokens().read(token, NOW) == NAMED
    assert len(token) == len("k1.") + 72 and token.isascii() and "/" not in token


def test_every_bit_counts() -> None:
    token = tokens().make(NAMED).encode()
    for place in range(len(token)):
        for bit in range(8):
            changed = bytearray(token)
            changed[place] ^= 1 << bit
            assert tokens().read(changed.decode("latin-1"), NOW) is None, (place, bit)


def test_a_token_has_one_spelling() -> None:
    for number in range(50):
        token = tokens().make(structs.replace(NAMED, media_id=UUID(int=number)))
        key_id, _, encoded = token.partition(".")
        other = encoded.replace("-", "+").replace("_", "/")
        assert other == encoded or tokens().read(f"{key_id}.{other}", NOW) is None


def test_what_is_cut_or_longer_is_nothing() -> None:
    token = tokens().make(NAMED)
    for length in range(len(token)):
        assert tokens().read(token[:length], NOW) is None
    for more in ("=", "A", "\n", " ", ".", "/"):
        assert tokens().read(token + more, NOW) is None
        assert tokens().read(more + token, NOW) is None


@given(st.text(max_size=120))
def test_no_text_makes_the_reader_raise_or_believe(text: str) -> None:
    assert tokens().read(text, NOW) is None


def test_a_token_ends_with_its_time() -> None:
    token = tokens().make(NAMED)
    assert tokens().read(token, NAMED.expires_at - timedelta(seconds=1)) is not None
    assert tokens().read(token, NAMED.expires_at) is None


def test_a_token_of_one_purpose_is_none_of_another() -> None:
    assert tokens(purpose=SOURCES).read(tokens(purpose=LINKS).make(NAMED), NOW) is None
    assert tokens(purpose=LINKS).read(tokens(purpose=SOURCES).make(NAMED), NOW) is None


def test_a_token_of_another_deployment_is_nothing() -> None:
    assert tokens(Keyring({"k1": bytes(32)})).read(tokens().make(NAMED), NOW) is None


def test_tokens_outlive_the_rotation_of_keys_and_end_with_their_key(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    keyring = Keyring.open(file)
    old = tokens(keyring).make(NAMED)
    add_key(file)
    new = tokens(keyring).make(NAMED)
    assert old.startswith("k1.") and new.startswith("k2.")
    assert tokens(keyring).read(old, NOW) == tokens(keyring).read(new, NOW) == NAMED
    only_new = Keyring.parse(file.read_text().splitlines()[0])
    assert tokens(only_new).read(old, NOW) is None
    assert tokens(only_new).read(new, NOW) == NAMED


def test_a_token_cannot_be_moved_to_another_key_id() -> None:
    both = Keyring({"k1": bytes(range(32)), "k2": bytes(range(32))})
    moved = tokens(both).make(NAMED).replace("k1.", "k2.", 1)
    assert tokens(both).read(moved, NOW) is None


def test_derived_keys_differ_by_purpose_and_tell_nothing_of_an_unknown_one() -> None:
    first, second = KEYRING.derive(b"a", "k1"), KEYRING.derive(b"b", "k1")
    assert first is not None and len(first) == 32 and first != second != bytes(range(32))
    assert KEYRING.derive(b"a", "k9") is None


@pytest.mark.parametrize("purpose", [LINKS, SOURCES])
def test_a_token_does_not_show_the_key(purpose: bytes) -> None:
    token = tokens(purpose=purpose).make(NAMED)
    assert "BgcICQ" not in token
