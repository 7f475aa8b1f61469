"""What a merge gives to the customer that is kept, and how it is taken back. See `storage.merges`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import AnyRow, customer_merges, customers

MAX_MERGED_BYTES: Final = 65_536
"""JSON of the variables, and of the metadata, of a customer; what would make them larger is not carried along."""

GROUPS: Final = (
    ("first_name", "last_name"),
    ("email", "email_verified_at"),
    ("phone", "phone_verified_at"),
    ("language",),
    ("timezone",),
    ("opted_out_at",),
    ("reachable",),
)
"""Columns that are carried along together."""
_VERIFIED: Final = {"email", "phone"}
_SAID_BY_ANY: Final = {"opted_out_at": None, "reachable": False}
"""What holds of all as soon as it holds of one, and its value when it holds of none."""
_BAGS: Final = ("variables", "metadata")
_encode = msgspec.json.Encoder().encode


class Field(msgspec.Struct):
    """A column before and after a merge; times as ISO texts."""

    before: Any
    after: Any


class Given(msgspec.Struct, kw_only=True):
    """What the kept customer got from the merged one."""

    fields: dict[str, Field] = {}
    variables: dict[str, Any] = {}
    metadata: dict[str, Any] = {}


async def give(connection: AsyncConnection, kept: AnyRow, merged: AnyRow, now: datetime) -> Given:
    """Fill in what the kept customer lacks. What both know stays as the kept one knows it, except that a verified
    address or number wins over one that is not. Whoever does not want to be written to has said so for both, and
    whoever can be reached on one channel can be reached.
    """
    mine, theirs = dict(kept._mapping), dict(merged._mapping)
    given = Given(
        variables=_lacking(mine["variables"], theirs["variables"]),
        metadata=_lacking(mine["metadata"], theirs["metadata"]),
    )
    for group in GROUPS:
        if _is_better(group, mine, theirs):
            for name in group:
                given.fields[name] = Field(_plain(mine[name]), _plain(theirs[name]))
    values: dict[str, Any] = {name: theirs[name] for name in given.fields}
    for bag in _BAGS:
        if added := getattr(given, bag):
            values[bag] = {**mine[bag], **added}
    if values:
        await _write(connection, kept.id, {**values, "updated_at": now})
    return given


async def take_back(
    connection: AsyncConnection, kept: AnyRow, given: Given, others: Sequence[tuple[UUID, UUID, Any]]
) -> list[str]:
    """Undo `give`. `others` are the other merges into the kept customer that stand: (id, merged customer, `Before`).
    Returns in words what stays, since it was changed meanwhile.
    """
    mine = kept._mapping
    values: dict[str, Any] = {}
    left: list[str] = []
    for group in GROUPS:
        if group[0] not in given.fields:
            continue
        fields = {name: given.fields[name] for name in group}
        if all(_plain(mine[name]) == field.after for name, field in fields.items()):
            values.update({name: _stored(name, field.before) for name, field in fields.items()})
        elif not await _splice(connection, fields, others):
            left.append(f"{group[0]} was changed since")
    for bag in _BAGS:
        kept_bag, added = dict(mine[bag]), getattr(given, bag)
        for key, value in added.items():
            if key in kept_bag and _encode(kept_bag[key]) == _encode(value):
                del kept_bag[key]
            elif key in kept_bag:
                left.append(f"{bag}.{key} was changed since")
        if len(kept_bag) != len(mine[bag]):
            values[bag] = kept_bag
    for name, none in _SAID_BY_ANY.items():
        if name in values and values[name] == none:
            values[name] = await _still(connection, name, none, others)
    if values:
        await _write(connection, kept.id, values)
    return left


async def _splice(
    connection: AsyncConnection, fields: Mapping[str, Field], others: Sequence[tuple[UUID, UUID, Any]]
) -> bool:
    """A later merge has replaced what this one gave: taking that one back leads to what was before this one."""
    for id, _, before in others:
        theirs = before.given.fields
        if all(name in theirs and theirs[name].before == field.after for name, field in fields.items()):
            for name, field in fields.items():
                theirs[name].before = field.before
            await _rewrite(connection, id, before)
            return True
    return False


async def _still(
    connection: AsyncConnection, name: str, none: Any, others: Sequence[tuple[UUID, UUID, Any]]
) -> Any:
    """Of another merged customer it holds, too: that merge answers for it from now on."""
    for id, merged_id, before in others:
        query = select(customers.c[name]).where(customers.c.id == merged_id)
        value = (await connection.execute(query)).scalar_one_or_none()
        if value:
            before.given.fields[name] = Field(none, _plain(value))
            await _rewrite(connection, id, before)
            return value
    return none


async def _rewrite(connection: AsyncConnection, merge_id: UUID, before: Any) -> None:
    statement = update(customer_merges).where(customer_merges.c.id == merge_id)
    await connection.execute(statement.values(before=msgspec.to_builtins(before)))


async def _write(connection: AsyncConnection, customer_id: UUID, values: Mapping[str, Any]) -> None:
    columns = {customers.c[name]: value for name, value in values.items()}
    await connection.execute(update(customers).where(customers.c.id == customer_id).values(columns))


def _is_better(group: Sequence[str], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    if not any(theirs[name] for name in group):
        return False
    if not any(mine[name] for name in group):
        return True
    return group[0] in _VERIFIED and mine[group[1]] is None and theirs[group[1]] is not None


def _lacking(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """What is only theirs, as far as there is room."""
    room = MAX_MERGED_BYTES - len(_encode(mine))
    added: dict[str, Any] = {}
    for key, value in theirs.items():
        size = len(_encode(key)) + len(_encode(value)) + 2
        if key not in mine and size <= room:
            added[key] = value
            room -= size
    return added


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _stored(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name.endswith("_at") and value is not None else value
