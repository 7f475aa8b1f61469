"""What a turn may leave behind: variables beyond the session, interactions, consents; and a bot's secrets.

Revision ID: 0002
"""

from __future__ import annotations

from storage.migrations.sql import r0002 as sql
from storage.migrations.statements import append_only, protect, run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("user_interactions", "consents", "secrets")


def upgrade() -> None:
    """Make the columns and the tables."""
    for statement in (*sql.VARIABLES, *sql.INTERACTIONS, *sql.CONSENTS, *sql.SECRETS, *sql.WORK):
        run(statement)
    for table in TABLES:
        protect(table)
    append_only("consents")
    run(sql.FIRST_PARTITIONS)


def downgrade() -> None:
    """Remove them."""
    for table in reversed(TABLES):
        run(f"DROP TABLE {table}")
    for statement in (*sql.DROP_WORK, *sql.DROP_VARIABLES):
        run(statement)
