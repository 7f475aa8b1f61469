"""Bots, their flow versions and templates, and the channels that they answer on.

Foreign keys carry the organization with them, so that a row can't refer to another tenant's.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from storage.tables.accounts import SLUG
from storage.tables.base import Json, identifier, json, metadata, moment, organization, reference, string

chatbots = Table(
    "chatbots",
    metadata,
    identifier(),
    organization(),
    string("slug"),
    string("name"),
    string("description", default=""),
    reference("active_flow_id", nullable=True),
    json("settings"),
    json("variables"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    UniqueConstraint("organization_id", "slug"),
    UniqueConstraint("organization_id", "id"),
    # A bot's active flow is one of its own; checked at commit, so that a bot goes together with its flows.
    ForeignKeyConstraint(
        ["organization_id", "id", "active_flow_id"],
        ["conversation_flows.organization_id", "conversation_flows.chatbot_id", "conversation_flows.id"],
        name="chatbots_active_flow_fkey",
        deferrable=True,
        initially="DEFERRED",
        use_alter=True,
    ),
    CheckConstraint(SLUG),
    Index("idx_chatbots_updated", "updated_at"),
)


def _of_chatbot() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["organization_id", "chatbot_id"], ["chatbots.organization_id", "chatbots.id"], ondelete="CASCADE"
    )


# `value` is a document of one encrypted field: {"value": "encrypted:AES256:…"}.
secrets = Table(
    "secrets",
    metadata,
    identifier(),
    organization(references=False),
    reference("chatbot_id"),
    string("name"),
    Column("value", Json, nullable=False),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    UniqueConstraint("chatbot_id", "name"),
    _of_chatbot(),
    CheckConstraint("name ~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$'"),
)

conversation_flows = Table(
    "conversation_flows",
    metadata,
    identifier(),
    organization(references=False),
    reference("chatbot_id"),
    Column("flow_id", String(50), nullable=False),
    Column("version", String(20), nullable=False, server_default="1.0.0"),
    string("status", default="draft"),
    Column("flow_definition", Json, nullable=False),
    json("flow_metadata"),
    json("variable_definitions"),
    json("test_scenarios"),
    Column("supported_languages", ARRAY(Text), nullable=False, server_default=text("ARRAY['en'::text]")),
    string("default_language", default="en"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("published_at"),
    json("translations"),
    # The document as its author wrote it: jsonb keeps no order of keys, and that of actions means something.
    string("source", nullable=True),
    reference("template_id", nullable=True),
    UniqueConstraint("chatbot_id", "flow_id", "version"),
    UniqueConstraint("organization_id", "chatbot_id", "id"),
    _of_chatbot(),
    ForeignKeyConstraint(
        ["organization_id", "template_id"],
        ["chatbot_templates.organization_id", "chatbot_templates.id"],
        ondelete="SET NULL (template_id)",
    ),
    CheckConstraint("status IN ('draft', 'testing', 'active', 'archived')"),
    Index("idx_conversation_flows_chatbot_active", "chatbot_id", postgresql_where=text("is_active")),
    Index(
        "idx_conversation_flows_template_id",
        "template_id",
        postgresql_where=text("template_id IS NOT NULL"),
    ),
)

chatbot_templates = Table(
    "chatbot_templates",
    metadata,
    identifier(),
    organization(),
    string("slug"),
    string("name"),
    string("description", default=""),
    string("category", default=""),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("bundle", Json, nullable=False),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    UniqueConstraint("organization_id", "slug"),
    UniqueConstraint("organization_id", "id"),
    CheckConstraint(SLUG),
)

channels = Table(
    "channels",
    metadata,
    identifier(),
    organization(references=False),
    reference("chatbot_id"),
    string("type"),
    string("name"),
    string("route"),
    string("status", default="active"),
    json("settings"),
    reference("lease_owner", nullable=True),
    moment("lease_until"),
    Column("polling_offset", BigInteger),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("last_activity_at"),
    UniqueConstraint("route"),
    UniqueConstraint("organization_id", "id"),
    _of_chatbot(),
    CheckConstraint("type IN ('web', 'telegram', 'whatsapp', 'slack')"),
    CheckConstraint("status IN ('active', 'disabled')"),
    Index("idx_channels_chatbot_id", "chatbot_id"),
    Index("idx_channels_updated", "updated_at"),
    postgresql_with={"fillfactor": 80},
)

deployment_configs = Table(
    "deployment_configs",
    metadata,
    identifier(),
    organization(references=False),
    reference("chatbot_id"),
    reference("channel_id"),
    string("platform"),
    string("environment", default="production"),
    json("platform_config"),
    json("deployment_settings"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("is_deployed", Boolean, nullable=False, server_default=text("false")),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    UniqueConstraint("channel_id", "environment"),
    _of_chatbot(),
    ForeignKeyConstraint(
        ["organization_id", "channel_id"], ["channels.organization_id", "channels.id"], ondelete="CASCADE"
    ),
    Index("idx_deployment_configs_chatbot_deployed", "chatbot_id", postgresql_where=text("is_deployed")),
)

message_templates = Table(
    "message_templates",
    metadata,
    identifier(),
    organization(references=False),
    reference("channel_id"),
    string("name"),
    string("language"),
    string("category", default=""),
    string("status"),
    string("reason", default=""),
    Column("components", Json, nullable=False, server_default=text("'[]'::jsonb")),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("synced_at"),
    UniqueConstraint("channel_id", "name", "language"),
    ForeignKeyConstraint(
        ["organization_id", "channel_id"], ["channels.organization_id", "channels.id"], ondelete="CASCADE"
    ),
)

template_sends = Table(
    "template_sends",
    metadata,
    identifier(),
    organization(references=False),
    reference("channel_id"),
    string("category"),
    Column("day", Date, nullable=False),
    Column("count", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("channel_id", "category", "day"),
    ForeignKeyConstraint(
        ["organization_id", "channel_id"], ["channels.organization_id", "channels.id"], ondelete="CASCADE"
    ),
)
