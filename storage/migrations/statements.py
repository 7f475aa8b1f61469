"""What revisions share: a statement handed over as it is, and the policy that keeps tenants apart."""

from __future__ import annotations

from alembic import op

# The outer cast makes it an array expression: ANY (SELECT …) would compare with each row of the sub-select.
_TENANT = "= ANY ((SELECT current_setting('app.organization_ids')::uuid[])::uuid[])"


def run(statement: str) -> None:
    """Hand one statement to the driver as it is (`op.execute` would read colons as parameters)."""
    op.get_bind().exec_driver_sql(statement)


def protect(table: str, tenant_column: str = "organization_id") -> None:
    """Put `table` under forced row-level security and open its rows to the tenants of the transaction.

    An unset `app.organization_ids` raises: current_setting without a default does, and so does the cast of
    the empty string that a finished transaction leaves behind. The sub-select is evaluated once a statement.
    """
    run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    run(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    run(
        f"CREATE POLICY tenant ON {table} FOR ALL TO gateway_app "
        f"USING ({tenant_column} {_TENANT}) WITH CHECK ({tenant_column} {_TENANT})"
    )
    run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO gateway_app")


def append_only(table: str) -> None:
    """What happened, happened: the table can be read and added to, not rewritten."""
    run(f"REVOKE UPDATE, DELETE ON {table} FROM gateway_app")
