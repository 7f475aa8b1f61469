"""Files that customers and bots sent: what they are and where they lie; the bytes are in a store of their own."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, text

from storage.tables.base import identifier, metadata, moment, organization, reference, string

media = Table(
    "media",
    metadata,
    identifier(generated=False),
    organization(references=False),
    reference("channel_id"),
    reference("conversation_id", nullable=True),
    string("direction"),
    string("kind"),
    string("file", default=""),
    string("name", default=""),
    string("mime_type", default=""),
    Column("size", BigInteger),
    string("sha256", nullable=True),
    Column("width", Integer),
    Column("height", Integer),
    string("status", default="pending"),
    string("reason", nullable=True),
    string("place", nullable=True),
    moment("created_at", now=True),
    moment("stored_at"),
    moment("expires_at"),
    CheckConstraint("direction IN ('in', 'out')"),
    CheckConstraint("status IN ('pending', 'stored', 'refused', 'gone')"),
    Index("idx_media_organization_created", "organization_id", "created_at"),
    Index("idx_media_conversation", "conversation_id"),
    Index("idx_media_expires", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
)
