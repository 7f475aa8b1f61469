"""Schema changes, oldest first in `versions`; applied by `storage.migrate.migrate`."""

HEAD = "0004"
"""The newest revision. Written down so that an up-to-date database is recognised without importing Alembic."""
