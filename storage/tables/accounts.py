"""Tenants, their people, and the record of what those did."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INET

from storage.tables.base import identifier, json, metadata, moment, organization, string

SLUG = "slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'"

organizations = Table(
    "organizations",
    metadata,
    identifier(),
    string("name"),
    string("slug"),
    string("subscription_tier", default="free"),
    string("subscription_status", default="active"),
    Column("max_agents", Integer, nullable=False, server_default=text("1")),
    json("settings"),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    UniqueConstraint("slug"),
    CheckConstraint(SLUG),
)

users = Table(
    "users",
    metadata,
    identifier(),
    organization(),
    string("email"),
    string("password_hash"),
    string("first_name", nullable=True),
    string("last_name", nullable=True),
    string("role", default="user"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("last_login_at"),
    UniqueConstraint("email"),
    Index("idx_users_organization_id", "organization_id"),
)

audit_log = Table(
    "audit_log",
    metadata,
    identifier(),
    organization(),
    string("actor"),
    string("action"),
    string("resource"),
    string("resource_id", nullable=True),
    json("details"),
    Column("ip_address", INET),
    moment("created_at", now=True),
    Index("idx_audit_log_organization_created", "organization_id", "created_at"),
)
