"""What a version of a flow is, without a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from storage.errors import NotFound

FIRST_VERSION = "1.0.0"


class FlowVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a flow, without what it says."""

    id: UUID
    chatbot_id: UUID
    flow_id: str
    version: str
    status: str
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None


class FlowParts(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to a version beside its definition."""

    flow_metadata: Mapping[str, Any] = {}
    variable_definitions: Mapping[str, Any] = {}
    translations: Mapping[str, Any] = {}
    supported_languages: Sequence[str] = ("en",)
    default_language: str = "en"
    test_scenarios: Mapping[str, Any] = {}
    source: str | None = None
    """The whole document as its author wrote it, in JSON; None when it was not written as one."""


class StoredDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A version and all that it says."""

    flow: FlowVersion
    definition: dict[str, Any]
    parts: FlowParts


class VersionHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A version, who made it, and who last made it the active one; None where the record does not say."""

    flow: FlowVersion
    created_by: str | None
    published_by: str | None


def select_version(
    flows: Sequence[FlowVersion], version: str, active: FlowVersion | None = None
) -> FlowVersion:
    """The version of that number, of the active flow first. Raises `NotFound`."""
    found = [flow for flow in flows if flow.version == version]
    for flow in found:
        if active is None or flow.flow_id == active.flow_id:
            return flow
    if found:
        return found[0]
    there = ", ".join(flow.version for flow in flows[:10]) or "none"
    raise NotFound(f"there is no version {version!r} (the newest are: {there})")


def number_of(version: str) -> tuple[int, ...]:
    """`1.10.0` sorts after `1.9.0`; what is no number sorts first."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def next_version(newest: str | None) -> str:
    """The version after the newest one; the first when there is none, or when it is no number."""
    numbers = number_of(newest) if newest is not None else ()
    if not numbers:
        return FIRST_VERSION
    return ".".join(map(str, (*numbers[:-1], numbers[-1] + 1)))
