"""Flow versions as whole documents that never change once published; templates of bots.

Revision ID: 0003
"""

from __future__ import annotations

from storage.migrations.sql import r0003 as sql
from storage.migrations.statements import protect, run

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns and the table, and guard the whole document."""
    run(sql.TEMPLATES)
    protect("chatbot_templates")
    for statement in sql.FLOWS:
        run(statement)
    run(sql.IMMUTABILITY)


def downgrade() -> None:
    """Remove them; published definitions stay guarded."""
    run(sql.IMMUTABILITY_BEFORE)
    for statement in sql.REMOVE:
        run(statement)
