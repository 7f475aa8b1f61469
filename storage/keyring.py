"""The encryption keys: several are known, the first one encrypts."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import KeyringInvalid

KEY_BYTES = 32
MAX_KEYS = 100

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NUMBERED = re.compile(r"k([0-9]{1,9})")


class Keyring:
    """AES-256 keys by id; `active` is the one to encrypt with. Its repr shows ids, never keys.

    From a file, it notices when the file changes: a running server learns a rotated key by itself.
    """

    def __init__(
        self, keys: Mapping[str, bytes], *, reread: Callable[[], Keyring | None] | None = None
    ) -> None:
        if not keys:
            raise KeyringInvalid("there is no encryption key")
        self._keys = {name: _checked(name, key) for name, key in keys.items()}
        self._ciphers = {name: AESGCM(key) for name, key in self._keys.items()}
        self._active = next(iter(keys))
        self._reread = reread

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `k2:<base64>,k1:<base64>` (commas or line ends between), the active key first.

        Raises `KeyringInvalid`, whose message names the id at most.
        """
        return cls(_parse(text))

    @classmethod
    def open(cls, path: Path) -> Self:
        """From a file of mode 0600, made with a first key when it is not there. Raises `KeyringInvalid`."""
        if not path.exists():
            _create(path, f"{_line('k1')}\n")
        text, stamp = _read(path)

        def reread() -> Keyring | None:
            nonlocal stamp
            if _stamp(path) == stamp:
                return None
            changed, stamp = _read(path)
            return Keyring.parse(changed)

        return cls(_parse(text), reread=reread)

    def __repr__(self) -> str:
        return f"Keyring(active={self._active!r}, known={sorted(self._ciphers)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """The known key ids, the active one first."""
        self._refresh()
        return tuple(self._ciphers)

    @property
    def active(self) -> tuple[str, AESGCM]:
        """Id and cipher to encrypt with."""
        self._refresh()
        return self._active, self._ciphers[self._active]

    def find(self, key_id: str) -> AESGCM | None:
        """The cipher of that id, None when the key is not known."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            self._refresh()
            cipher = self._ciphers.get(key_id)
        return cipher

    def derive(self, purpose: bytes, key_id: str) -> bytes | None:
        """A key of 32 bytes for another purpose than encryption (HKDF-SHA256, RFC 5869), such as signing links;
        None when the key is not known. It tells nothing of the key that it is made from, or of other purposes'.
        """
        if self.find(key_id) is None:
            return None
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(self._keys[key_id])

    def _refresh(self) -> None:
        changed = self._reread() if self._reread is not None else None
        if changed is not None:
            self._keys, self._ciphers, self._active = changed._keys, changed._ciphers, changed._active


def add_key(path: Path) -> str:
    """Put a new active key in front of the file's others, at once for every reader; returns its id.

    Old keys stay, since values under them are still to be read. Raises `KeyringInvalid`.
    """
    text, _ = _read(path)
    keys = _parse(text)
    if len(keys) >= MAX_KEYS:
        raise KeyringInvalid(f"{path} holds {MAX_KEYS} keys; remove those that nothing is encrypted under")
    numbers = [int(match[1]) for match in map(_NUMBERED.fullmatch, keys) if match]
    key_id = f"k{max(numbers, default=0) + 1}"
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    _create(fresh, f"{_line(key_id)}\n{text}")
    fresh.replace(path)
    return key_id


def _line(key_id: str) -> str:
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _parse(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in re.split(r"[,\n]", text))):
        key_id, colon, encoded = entry.partition(":")
        if not colon or not _KEY_ID.fullmatch(key_id):
            raise KeyringInvalid("a key is written <id>:<base64>, the id of letters, digits, - and _")
        if key_id in keys:
            raise KeyringInvalid(f"the key id {key_id} is there twice")
        try:
            keys[key_id] = base64.b64decode(encoded.translate({45: 43, 95: 47}), validate=True)
        except (binascii.Error, ValueError):
            raise KeyringInvalid(f"the key {key_id} is not base64") from None
    return keys


def _checked(key_id: str, key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise KeyringInvalid(f"the key {key_id} has {len(key)} bytes, AES-256 takes {KEY_BYTES}")
    return key


def _create(path: Path, text: str) -> None:
    # Written beside and linked: whoever comes at the same moment finds no file or a whole one.
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        state = path.stat()
    except OSError as error:
        raise KeyringInvalid(f"the key file {path} can't be read: {error.strerror}") from None
    if stat.S_IMODE(state.st_mode) & 0o077:
        raise KeyringInvalid(f"others may read the key file {path}: chmod 600 it")
    return state.st_mtime_ns, state.st_ino, state.st_size


def _read(path: Path) -> tuple[str, tuple[int, int, int]]:
    stamp = _stamp(path)
    try:
        return path.read_text(), stamp
    except (OSError, UnicodeDecodeError):
        raise KeyringInvalid(f"the key file {path} can't be read") from None
