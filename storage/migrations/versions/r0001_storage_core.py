"""Storage core: tenants, bots, channels, customers, conversations, messages, the inbox and the outbox.

Revision ID: 0001

Plain SQL: row-level security, partitions and column grants have no clearer form. `storage/tables` describes
the same schema for queries; a test compares the two. docs/decisions/0002 and 0003 say why it is so.
"""

from __future__ import annotations

from storage.migrations.sql import r0001 as sql
from storage.migrations.statements import append_only, protect, run

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


def upgrade() -> None:
    """Make everything."""
    run(sql.ROLES)
    for statement in (*sql.TENANTS, *sql.BOTS, *sql.CUSTOMERS, *sql.HOT, *sql.RECORD):
        run(statement)
    protect("organizations", "id")
    for table in TENANT_TABLES:
        protect(table)
    append_only("audit_log")
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
