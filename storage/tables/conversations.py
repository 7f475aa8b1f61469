"""Customers, their identities on channels, conversations, and messages."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from storage.tables.base import Json, identifier, json, metadata, moment, organization, reference, string


def _to(table: str, column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete="CASCADE"
    )


customers = Table(
    "customers",
    metadata,
    identifier(),
    organization(),
    string("external_id", nullable=True),
    string("first_name", nullable=True),
    string("last_name", nullable=True),
    string("email", nullable=True),
    string("phone", nullable=True),
    string("language", nullable=True),
    string("timezone", nullable=True),
    json("metadata"),
    json("variables"),
    Column("reachable", Boolean, nullable=False, server_default=text("true")),
    moment("opted_out_at"),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("last_active_at"),
    moment("email_verified_at"),
    moment("phone_verified_at"),
    reference("merged_into", nullable=True),
    UniqueConstraint("organization_id", "external_id"),
    UniqueConstraint("organization_id", "id"),
    Index(
        "idx_customers_verified_email",
        "organization_id",
        text("lower(email)"),
        postgresql_where=text("email_verified_at IS NOT NULL"),
    ),
    Index(
        "idx_customers_verified_phone",
        "organization_id",
        "phone",
        postgresql_where=text("phone_verified_at IS NOT NULL"),
    ),
    Index("idx_customers_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
    postgresql_with={"fillfactor": 80},
)

customer_merges = Table(
    "customer_merges",
    metadata,
    identifier(),
    organization(),
    reference("kept_id"),
    reference("merged_id"),
    string("reason"),
    Column("before", Json, nullable=False),
    moment("merged_at", now=True),
    moment("undone_at"),
    CheckConstraint("reason IN ('email', 'phone', 'link', 'identity', 'operator')"),
    Index("idx_customer_merges_kept", "kept_id"),
    Index("idx_customer_merges_merged", "merged_id"),
)

customer_identities = Table(
    "customer_identities",
    metadata,
    identifier(),
    organization(references=False),
    reference("customer_id"),
    reference("channel_id"),
    string("external_id"),
    json("profile"),
    moment("created_at", now=True),
    Column("is_alias", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("channel_id", "external_id"),
    _to("customers", "customer_id"),
    _to("channels", "channel_id"),
    Index("idx_customer_identities_customer_id", "customer_id"),
)

# Every turn updates its conversation's row. No index may contain a column that turns change (state,
# state_version, message_count, updated_at, last_message_at): PostgreSQL then rewrites the row within its
# page (HOT) and touches no index at all. The free fifth of each page is room for that.
conversations = Table(
    "conversations",
    metadata,
    identifier(generated=False),
    organization(references=False),
    reference("chatbot_id"),
    reference("channel_id"),
    reference("customer_id"),
    string("contact_key"),
    string("status", default="active"),
    json("state"),
    Column("state_version", BigInteger, nullable=False, server_default=text("0")),
    Column("message_count", Integer, nullable=False, server_default=text("0")),
    json("metadata"),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("last_message_at"),
    moment("escalated_at"),
    moment("ended_at"),
    moment("heard_at"),
    _to("chatbots", "chatbot_id"),
    _to("channels", "channel_id"),
    _to("customers", "customer_id"),
    CheckConstraint("status IN ('active', 'waiting', 'with_agent', 'closed', 'archived')"),
    Index(
        "idx_conversations_contact",
        "channel_id",
        "contact_key",
        unique=True,
        postgresql_where=text("status <> 'archived'"),
    ),
    Index("idx_conversations_customer_id", "customer_id"),
    postgresql_with={"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.05},
)

# By month; storage.partitions makes the months ahead. No foreign keys (docs/decisions/0002-schema.md).
messages = Table(
    "messages",
    metadata,
    reference("id"),
    organization(references=False),
    reference("conversation_id"),
    reference("channel_id"),
    Column("seq", Integer, nullable=False),
    string("sender_type"),
    reference("sender_id", nullable=True),
    string("message_type", default="text"),
    string("content", default=""),
    Column("payload", Json),
    json("metadata"),
    string("status"),
    string("external_id", nullable=True),
    string("error", nullable=True),
    string("intent", nullable=True),
    Column("confidence", Double),
    moment("created_at", now=True),
    moment("delivered_at"),
    moment("read_at"),
    PrimaryKeyConstraint("id", "created_at"),
    CheckConstraint("sender_type IN ('customer', 'bot', 'agent', 'system')"),
    CheckConstraint("status IN ('received', 'queued', 'sent', 'delivered', 'read', 'failed')"),
    Index("idx_messages_conversation_seq", "conversation_id", "seq"),
    Index(
        "idx_messages_external",
        "channel_id",
        "external_id",
        postgresql_where=text("external_id IS NOT NULL AND sender_type <> 'customer'"),
    ),
    Index(
        "idx_messages_trouble", "organization_id", "created_at", postgresql_where=text("error IS NOT NULL")
    ),
    postgresql_partition_by="RANGE (created_at)",
)
