"""The encryption keys that the settings name: in the environment, or in a file under the data directory."""

from __future__ import annotations

from gateway.settings import Settings
from storage.keyring import Keyring

KEY_FILE = "encryption.keys"


def open_keyring(settings: Settings) -> Keyring:
    """The keys. Raises `storage.errors.KeyringInvalid`."""
    if settings.encryption_keys is not None:
        return Keyring.parse(settings.encryption_keys.get_secret_value())
    return Keyring.open(settings.data_dir / KEY_FILE)
