"""Alembic's entry: runs on the connection that `storage.migrate` hands over (asyncpg beneath)."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # Each revision in a transaction of its own: what went through stays, what fails leaves nothing.
    transaction_per_migration=True,
)
context.run_migrations()
