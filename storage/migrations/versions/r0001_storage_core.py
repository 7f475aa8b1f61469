"""Storage core: tenants, bots, channels, customers, conversations, messages, the inbox and the outbox.

Revision ID: 0001

Plain SQL: row-level security, partitions and column grants have no clearer form. `storage/tables` describes
the same schema for queries; a test compares the two. docs/decisions/0002 and 0003 say why it is so.
"""

from __future__ import annotations

from alembic import op

from storage.migrations.sql import r0001 as sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "users", "chatbots", "conversation_flows", "channels", "deployment_configs", "customers",
    "customer_identities", "conversations", "messages", "inbox", "effects", "audit_log",
)  # fmt: skip

DISPATCHER_COLUMNS = {
    "organizations": "id, slug",
    "chatbots": "id, organization_id, slug, active_flow_id, updated_at",
    "channels": (
        "id, organization_id, chatbot_id, type, route, status, lease_owner, lease_until, polling_offset, "
        "created_at, updated_at"
    ),
    "effects": (
        "id, organization_id, conversation_id, channel_id, lane, due_at, lease_owner, lease_until, status, "
        "created_at"
    ),
}

# The outer cast makes it an array expression: ANY (SELECT …) would compare with each row of the sub-select.
TENANT = "= ANY ((SELECT current_setting('app.organization_ids')::uuid[])::uuid[])"


def upgrade() -> None:
    """Make everything."""
    run(sql.ROLES)
    for statement in (*sql.TENANTS, *sql.BOTS, *sql.CUSTOMERS, *sql.HOT, *sql.RECORD):
        run(statement)
    protect("organizations", "id")
    for table in TENANT_TABLES:
        protect(table, "organization_id")
    # What happened, happened: the record can be read and added to, not rewritten.
    run("REVOKE UPDATE, DELETE ON audit_log FROM gateway_app")
    for table, columns in DISPATCHER_COLUMNS.items():
        run(f"GRANT SELECT ({columns}) ON {table} TO gateway_dispatcher")
        run(f"CREATE POLICY dispatcher ON {table} FOR SELECT TO gateway_dispatcher USING (true)")
    run(sql.FIRST_PARTITIONS)


def downgrade() -> None:
    """Remove everything, the roles included unless another database of the server uses them."""
    run("ALTER TABLE chatbots DROP CONSTRAINT chatbots_active_flow_fkey")
    for table in (*reversed(TENANT_TABLES), "organizations"):
        run(f"DROP TABLE {table}")
    run("DROP FUNCTION refuse_change_of_published_flow()")
    run(sql.DROP_ROLES)


def protect(table: str, tenant_column: str) -> None:
    """Put `table` under forced row-level security and open its rows to the tenants of the transaction.

    An unset `app.organization_ids` raises: current_setting without a default does, and so does the cast of
    the empty string that a finished transaction leaves behind. The sub-select is evaluated once a statement.
    """
    run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    run(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    run(
        f"CREATE POLICY tenant ON {table} FOR ALL TO gateway_app "
        f"USING ({tenant_column} {TENANT}) WITH CHECK ({tenant_column} {TENANT})"
    )
    run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO gateway_app")


def run(statement: str) -> None:
    """Hand one statement to the driver as it is (`op.execute` would read colons as parameters)."""
    op.get_bind().exec_driver_sql(statement)
