"""What customers did that somebody wants to count or to prove."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, PrimaryKeyConstraint, Table

from storage.tables.base import identifier, json, metadata, moment, organization, reference, string

# By month; storage.partitions makes the months ahead. No foreign keys (docs/decisions/0002-schema.md).
user_interactions = Table(
    "user_interactions",
    metadata,
    reference("id"),
    organization(references=False),
    reference("customer_id"),
    reference("conversation_id"),
    reference("channel_id"),
    reference("chatbot_id"),
    string("interaction_type"),
    string("name"),
    json("interaction_data"),
    moment("created_at", now=True),
    PrimaryKeyConstraint("id", "created_at"),
    CheckConstraint("interaction_type IN ('track', 'feedback', 'consent', 'priority')"),
    Index("idx_user_interactions_chatbot_created", "chatbot_id", "created_at"),
    postgresql_partition_by="RANGE (created_at)",
)

# A proof outlives the bot, the channel and the conversation that it names: only the tenant takes it along.
consents = Table(
    "consents",
    metadata,
    identifier(generated=False),
    organization(),
    reference("customer_id"),
    reference("conversation_id"),
    reference("channel_id"),
    reference("chatbot_id"),
    string("purpose"),
    Column("granted", Boolean, nullable=False),
    string("text"),
    moment("recorded_at", now=True),
    Index("idx_consents_customer_purpose", "customer_id", "purpose", "recorded_at"),
)
