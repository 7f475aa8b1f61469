"""The storage's errors. The docstring of a class is its default message; none of them carries a secret."""

from __future__ import annotations


class StorageError(Exception):
    """The storage could not do what it was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class DatabaseUrlInvalid(StorageError):
    """DATABASE_URL is not a PostgreSQL URL."""


class MigrationFailed(StorageError):
    """The database could not be brought to the newest schema."""


class EmbeddedServerFailed(StorageError):
    """An embedded server could not be started or stopped."""


class KeyringInvalid(StorageError):
    """The encryption keys can't be read."""


class DecryptionFailed(StorageError):
    """An encrypted value could not be decrypted: wrong key, altered, or moved from another place."""


class SecretInvalid(StorageError):
    """The secret's name or value can't be stored."""


class NotFound(StorageError):
    """There is no such thing in this organization."""


class Conflict(StorageError):
    """What was asked contradicts what is stored."""
