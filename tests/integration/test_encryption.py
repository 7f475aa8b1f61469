"""Field encryption and the keyring: what is bound to a place opens there and nowhere else."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.encryption import (
    PREFIX,
    Binding,
    Keyring,
    Secret,
    add_key,
    decrypt_config,
    decrypt_value,
    encrypt_config,
    encrypt_value,
    key_id_of,
)
from storage.errors import DecryptionFailed, KeyringInvalid

BINDING = Binding(
    organization_id=UUID(int=1), table="deployment_configs", row_id=UUID(int=2), column="platform_config"
)
TOKEN = "123456:AAtoken"


def key(fill: int) -> str:
    return base64.b64encode(bytes([fill]) * 32).decode()


def keyring(*ids: str) -> Keyring:
    return Keyring.parse(",".join(f"{name}:{key(int(name[1:]))}" for name in ids))


def test_an_encrypted_value_has_the_documents_form_and_comes_back() -> None:
    ring = keyring("k1")
    value = encrypt_value(TOKEN, ring, BINDING, "/bot_token")
    prefix, _, sealed = value.rpartition(":")
    assert prefix == "encrypted:AES256:k1"
    assert len(base64.urlsafe_b64decode(sealed + "==")) == 12 + len(TOKEN) + 16
    assert key_id_of(value) == "k1"
    assert decrypt_value(value, ring, BINDING, "/bot_token") == TOKEN


def test_the_same_value_is_never_encrypted_to_the_same_text() -> None:
    ring = keyring("k1")
    assert len({encrypt_value(TOKEN, ring, BINDING, "/a") for _ in range(100)}) == 100


MOVES = {
    "organization": {"organization_id": UUID(int=9)},
    "table": {"table": "channels"},
    "row": {"row_id": UUID(int=9)},
    "column": {"column": "settings"},
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_a_value_that_was_moved_does_not_open(move: dict[str, Any]) -> None:
    ring = keyring("k1")
    value = encrypt_value(TOKEN, ring, BINDING, "/token")
    fields = {name: getattr(BINDING, name) for name in BINDING.__struct_fields__}
    with pytest.raises(DecryptionFailed):
        decrypt_value(value, ring, Binding(**{**fields, **move}), "/token")


def test_a_value_that_was_moved_within_its_document_does_not_open() -> None:
    ring = keyring("k1")
    stored = encrypt_config({"a": TOKEN, "b": "plain"}, ["/a"], ring, BINDING)
    stored["b"] = stored.pop("a")
    with pytest.raises(DecryptionFailed, match=r"platform_config/b"):
        decrypt_config(stored, ring, BINDING)


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(position: int, bit: int) -> None:
    ring = keyring("k1")
    value = encrypt_value(TOKEN, ring, BINDING, "/token")
    sealed = bytearray(base64.urlsafe_b64decode(value.rpartition(":")[2] + "=="))
    sealed[position % len(sealed)] ^= 1 << bit
    forged = f"{PREFIX}k1:{base64.urlsafe_b64encode(bytes(sealed)).decode().rstrip('=')}"
    with pytest.raises(DecryptionFailed):
        decrypt_value(forged, ring, BINDING, "/token")


@given(rest=st.text(max_size=60))
def test_whatever_follows_the_prefix_fails_clearly(rest: str) -> None:
    with pytest.raises(DecryptionFailed):
        decrypt_value(PREFIX + rest, keyring("k1"), BINDING, "/token")


def test_another_key_of_the_same_id_does_not_open() -> None:
    value = encrypt_value(TOKEN, keyring("k1"), BINDING, "/token")
    with pytest.raises(DecryptionFailed, match="k1"):
        decrypt_value(value, Keyring.parse(f"k1:{key(7)}"), BINDING, "/token")


def test_errors_name_the_place_and_never_the_value() -> None:
    value = encrypt_value(TOKEN, keyring("k1"), BINDING, "/bot/token")
    with pytest.raises(DecryptionFailed) as caught:
        decrypt_value(value, keyring("k2"), BINDING, "/bot/token")
    said = str(caught.value)
    assert "deployment_configs.platform_config/bot/token" in said
    assert str(BINDING.row_id) in said
    assert value.rpartition(":")[2] not in said
    assert caught.value.__cause__ is None


def test_a_document_is_encrypted_at_the_named_paths_and_at_marked_values() -> None:
    ring = keyring("k2", "k1")
    config = {
        "bot": {"token": TOKEN, "name": "Pixel"},
        "hooks": [{"url": "https://example.com", "secret": "s1"}],
        "odd/~key": "s2",
        "marked": Secret("s3"),
        "count": 3,
        "none": None,
    }
    paths = ["/bot/token", "/hooks/0/secret", "/odd~1~0key", "/none", "/missing"]
    stored = encrypt_config(config, paths, ring, BINDING)
    encrypted = [stored["bot"]["token"], stored["hooks"][0]["secret"], stored["odd/~key"], stored["marked"]]
    assert [key_id_of(value) for value in encrypted] == ["k2"] * 4
    assert (stored["bot"]["name"], stored["count"], stored["none"]) == ("Pixel", 3, None)
    assert decrypt_config(stored, ring, BINDING) == {**config, "marked": "s3"}
    assert config["bot"] == {"token": TOKEN, "name": "Pixel"}


@pytest.mark.parametrize(
    ("config", "path"),
    [({"a": {"b": "secret"}}, "/a"), ({"a": ["secret"]}, "/a"), ({"a": 1}, "/a")],
    ids=["object", "array", "number"],
)
def test_a_secret_that_is_no_string_is_refused_instead_of_stored_plain(
    config: dict[str, Any], path: str
) -> None:
    with pytest.raises(ValueError, match="is not a string"):
        encrypt_config(config, [path], keyring("k1"), BINDING)


def test_a_plain_value_that_looks_encrypted_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with"):
        encrypt_config({"a": f"{PREFIX}k1:xyz"}, [], keyring("k1"), BINDING)


def test_a_document_that_is_nested_without_end_is_refused() -> None:
    config: dict[str, Any] = {}
    for _ in range(100):
        config = {"a": config}
    with pytest.raises(ValueError, match="deeper"):
        encrypt_config(config, [], keyring("k1"), BINDING)


def test_reprs_show_ids_and_no_secret() -> None:
    ring = keyring("k2", "k1")
    assert repr(ring) == "Keyring(active='k2', known=['k1', 'k2'])"
    assert TOKEN not in repr(Secret(TOKEN))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no encryption key"),
        ("k1", "<id>:<base64>"),
        (f"k 1:{key(1)}", "<id>:<base64>"),
        ("k1:!!!secret!!!", "k1 is not base64"),
        (f"k1:{base64.b64encode(b'short').decode()}", "k1 has 5 bytes"),
        (f"k1:{key(1)},k1:{key(2)}", "k1 is there twice"),
    ],
)
def test_keys_that_can_not_be_read_are_refused_without_showing_them(text: str, said: str) -> None:
    with pytest.raises(KeyringInvalid, match=said) as caught:
        Keyring.parse(text)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_url_safe_base64_is_read_too() -> None:
    raw = bytes([251, 239] * 16)
    plain, url_safe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    assert plain != url_safe
    value = encrypt_value(TOKEN, Keyring.parse(f"k1:{plain}"), BINDING, "/a")
    assert decrypt_value(value, Keyring.parse(f"k1:{url_safe}"), BINDING, "/a") == TOKEN


def test_a_key_file_is_made_on_first_use_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "keys"
    first = Keyring.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keys"]
    value = encrypt_value(TOKEN, first, BINDING, "/a")
    assert decrypt_value(value, Keyring.open(path), BINDING, "/a") == TOKEN


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    Keyring.open(path)
    path.chmod(0o644)
    with pytest.raises(KeyringInvalid, match="chmod 600"):
        Keyring.open(path)


def test_a_running_server_learns_a_rotated_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    running = Keyring.open(path)
    old = encrypt_value(TOKEN, running, BINDING, "/a")
    assert add_key(path) == "k2"
    rotator = Keyring.open(path)
    assert rotator.active[0] == "k2"
    new = encrypt_value(TOKEN, rotator, BINDING, "/a")
    assert decrypt_value(new, running, BINDING, "/a") == TOKEN
    assert decrypt_value(old, running, BINDING, "/a") == TOKEN
    assert running.ids == ("k2", "k1")
    assert key_id_of(encrypt_value(TOKEN, running, BINDING, "/a")) == "k2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys"]
