"""The inbox (what came in, once) and the effects (what is still to be done). Both hot: no foreign keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import BYTEA

from storage.tables.base import Json, identifier, metadata, moment, organization, reference, string

inbox = Table(
    "inbox",
    metadata,
    identifier(generated=False),
    organization(references=False),
    reference("channel_id"),
    string("external_id"),
    reference("conversation_id", nullable=True),
    Column("seq", Integer),
    string("status"),
    Column("event", Json),
    Column("raw", BYTEA),
    string("error", nullable=True),
    moment("received_at", now=True),
    moment("expires_at", nullable=False),
    UniqueConstraint("channel_id", "external_id"),
    CheckConstraint("status IN ('done', 'parked')"),
    Index("idx_inbox_expires", "expires_at"),
    Index("idx_inbox_parked", "organization_id", "received_at", postgresql_where=text("status = 'parked'")),
    postgresql_with={"autovacuum_vacuum_scale_factor": 0.05},
)

effects = Table(
    "effects",
    metadata,
    identifier(generated=False),
    organization(references=False),
    reference("conversation_id"),
    reference("channel_id"),
    string("lane"),
    string("kind"),
    Column("position", BigInteger, nullable=False),
    string("key", nullable=True),
    Column("payload", Json, nullable=False),
    string("status", default="pending"),
    moment("due_at", nullable=False),
    reference("lease_owner", nullable=True),
    moment("lease_until"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    string("last_error", nullable=True),
    moment("created_at", now=True),
    CheckConstraint("lane IN ('delivery', 'timer', 'work')"),
    CheckConstraint("status IN ('pending', 'held', 'dead')"),
    Index("idx_effects_due", "due_at", postgresql_where=text("status = 'pending'")),
    Index("idx_effects_order", "conversation_id", "position", postgresql_where=text("status = 'pending'")),
    Index("idx_effects_work", "due_at", postgresql_where=text("status = 'pending' AND lane = 'work'")),
    Index("idx_effects_stuck", "organization_id", "created_at", postgresql_where=text("status <> 'pending'")),
    Index("idx_effects_timer", "conversation_id", "key", postgresql_where=text("lane = 'timer'")),
    postgresql_with={
        "fillfactor": 70,
        "autovacuum_vacuum_scale_factor": 0.01,
        "autovacuum_vacuum_cost_delay": 0,
    },
)
