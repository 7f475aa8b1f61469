"""Field encryption: single secrets inside JSON documents, each bound to the place where it is stored.

An encrypted value reads `encrypted:AES256:<key id>:<base64url(nonce || ciphertext)>` (AES-256-GCM, nonce of
12 bytes, tag of 16 at the end, base64 without padding). Tenant, table, row, column and the path within the
document go in as associated data: copied to another row, tenant or field, it does not decrypt.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag

from storage.errors import DecryptionFailed
from storage.keyring import Keyring, add_key

__all__ = [
    "PREFIX",
    "Binding",
    "Keyring",
    "Secret",
    "add_key",
    "decrypt_config",
    "decrypt_value",
    "encrypt_config",
    "encrypt_value",
    "key_id_of",
]

PREFIX = "encrypted:AES256:"
NONCE_BYTES = 12
MAX_DEPTH = 64

Random = Callable[[int], bytes]


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document is stored: its values decrypt there and nowhere else."""

    organization_id: UUID
    table: str
    row_id: UUID
    column: str

    def associated_data(self, path: str) -> bytes:
        """The bytes that are authenticated together with the value at `path` (a JSON pointer)."""
        return msgspec.json.encode((self.organization_id, self.table, self.row_id, self.column, path))


class Secret(msgspec.Struct, frozen=True):
    """Marks a value in a document as one to encrypt. Its repr shows nothing."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)"


def encrypt_value(
    plain: str, keyring: Keyring, binding: Binding, path: str, random: Random = os.urandom
) -> str:
    """Encrypt one value that will be stored at `path` of the bound document."""
    key_id, cipher = keyring.active
    nonce = random(NONCE_BYTES)
    sealed = nonce + cipher.encrypt(nonce, plain.encode(), binding.associated_data(path))
    return f"{PREFIX}{key_id}:{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"


def decrypt_value(value: str, keyring: Keyring, binding: Binding, path: str) -> str:
    """The plain value. Raises `DecryptionFailed`, which names place and key id, never the value."""
    place = f"{binding.table}.{binding.column}{path} of row {binding.row_id}"
    key_id, _, encoded = value.removeprefix(PREFIX).partition(":")
    cipher = keyring.find(key_id)
    if cipher is None:
        raise DecryptionFailed(f"{place} is encrypted under a key that is not known")
    try:
        sealed = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        plain = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], binding.associated_data(path))
    except (InvalidTag, binascii.Error, ValueError):
        raise DecryptionFailed(
            f"{place} does not decrypt under key {key_id}: altered, moved from another place, or another key"
        ) from None
    return plain.decode()


def key_id_of(value: Any) -> str | None:
    """The id of the key that a value is encrypted under, None for a plain value."""
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return None
    return value.removeprefix(PREFIX).partition(":")[0]


def encrypt_config(
    config: Mapping[str, Any],
    secret_paths: Collection[str],
    keyring: Keyring,
    binding: Binding,
    random: Random = os.urandom,
) -> dict[str, Any]:
    """A copy of a JSON document with the strings at `secret_paths` (JSON pointers) and all `Secret`s encrypted.

    A path that is not there is passed over, and so is a null. Raises `ValueError` for any other value at such
    a path that is not a string, and for a plain string that would be taken for an encrypted one.
    """

    def encrypt(value: Any, path: str) -> Any:
        if isinstance(value, Secret):
            return encrypt_value(value.value, keyring, binding, path, random)
        if path in secret_paths and value is not None:
            if not isinstance(value, str):
                raise ValueError(f"the secret at {path} is not a string")
            return encrypt_value(value, keyring, binding, path, random)
        if isinstance(value, str) and value.startswith(PREFIX):
            raise ValueError(f"the value at {path} begins with {PREFIX}, which is for encrypted ones")
        return value

    return _mapped(config, encrypt, leaves=secret_paths)


def decrypt_config(config: Mapping[str, Any], keyring: Keyring, binding: Binding) -> dict[str, Any]:
    """A copy of a stored JSON document with every encrypted value decrypted. Raises `DecryptionFailed`."""

    def decrypt(value: Any, path: str) -> Any:
        return value if key_id_of(value) is None else decrypt_value(value, keyring, binding, path)

    return _mapped(config, decrypt)


def reencrypt_config(
    config: Mapping[str, Any], keyring: Keyring, binding: Binding, random: Random = os.urandom
) -> tuple[dict[str, Any], int]:
    """A copy with every value under an older key put under the active one, and how many there were."""
    changed = 0

    def renew(value: Any, path: str) -> Any:
        nonlocal changed
        key_id = key_id_of(value)
        if key_id is None or key_id == active:
            return value
        changed += 1
        return encrypt_value(decrypt_value(value, keyring, binding, path), keyring, binding, path, random)

    active, _ = keyring.active
    return _mapped(config, renew), changed


def _mapped(
    config: Mapping[str, Any], change: Callable[[Any, str], Any], leaves: Collection[str] = ()
) -> dict[str, Any]:
    """The document with `change(value, JSON pointer)` applied to everything that is no container.

    Raises `ValueError` for a container at one of `leaves`, and for a document that is nested too deeply.
    """

    def walk(value: Any, path: str, depth: int) -> Any:
        if not isinstance(value, Mapping | list | tuple):
            return change(value, path)
        if depth > MAX_DEPTH:
            raise ValueError(f"the document is nested deeper than {MAX_DEPTH}")
        if path in leaves:
            raise ValueError(f"the secret at {path} is not a string")
        if isinstance(value, Mapping):
            return {key: walk(item, f"{path}/{_escaped(key)}", depth + 1) for key, item in value.items()}
        return [walk(item, f"{path}/{index}", depth + 1) for index, item in enumerate(value)]

    return {key: walk(item, f"/{_escaped(key)}", 1) for key, item in config.items()}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
