"""What four platforms need: the customer's window, held sends, media, message templates, identities that merge.

Revision ID: 0004
"""

from __future__ import annotations

from storage.migrations.sql import r0004 as sql
from storage.migrations.statements import protect, run

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("media", "message_templates", "template_sends", "customer_merges")


def upgrade() -> None:
    """Make the columns and the tables."""
    for statement in (*sql.WINDOW, *sql.MEDIA, *sql.TEMPLATES, *sql.IDENTITIES):
        run(statement)
    for table in TABLES:
        protect(table)


def downgrade() -> None:
    """Remove them."""
    for statement in sql.DROP_IDENTITIES:
        run(statement)
    for table in ("template_sends", "message_templates", "media"):
        run(f"DROP TABLE {table}")
    for statement in sql.DROP_WINDOW:
        run(statement)
