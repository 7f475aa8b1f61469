"""What the table descriptions share."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from sqlalchemy import Column, DateTime, Dialect, ForeignKey, MetaData, Row, Text, TypeDecorator, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData()

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

TIMESTAMP = DateTime(timezone=True)
EMPTY_OBJECT = text("'{}'::jsonb")
NOW = text("now()")


class Json(TypeDecorator[Any]):
    """jsonb as Python values. The driver gives text (see `Database.raw`), which is decoded here."""

    impl = JSONB
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value)


def identifier(*, generated: bool = True) -> Column[Any]:
    """The primary key. Rows of the hot road bring their own, time-ordered id (`storage.ids`)."""
    default = text("gen_random_uuid()") if generated else None
    return Column("id", UUID(as_uuid=True), primary_key=True, server_default=default)


def organization(*, references: bool = True) -> Column[Any]:
    """The tenant. Without a reference of its own where a composite foreign key implies it, or on hot tables."""
    if not references:
        return Column("organization_id", UUID(as_uuid=True), nullable=False)
    return Column(
        "organization_id",
        UUID(as_uuid=True),
        ForeignKey("organizations.id", ondelete="CASCADE"),
        nullable=False,
    )


def reference(name: str, *, nullable: bool = False) -> Column[Any]:
    """An id of a row elsewhere."""
    return Column(name, UUID(as_uuid=True), nullable=nullable)


def string(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    """A text column; `default` is the server's."""
    return Column(name, Text, nullable=nullable, server_default=default)


def json(name: str) -> Column[Any]:
    """A JSON object, empty by default."""
    return Column(name, Json, nullable=False, server_default=EMPTY_OBJECT)


def moment(name: str, *, nullable: bool = True, now: bool = False) -> Column[Any]:
    """A point in time, in UTC; `now` makes the server's clock its default."""
    return Column(name, TIMESTAMP, nullable=nullable and not now, server_default=NOW if now else None)
