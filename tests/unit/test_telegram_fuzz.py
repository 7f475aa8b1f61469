"""Ten thousand spoilt bodies: parse answers every one, and what it takes for an event can be stored."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.protocol import Parsed
from adapters.telegram.parse import parse_update
from tests.spoiling import check_spoilt

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def parse(body: bytes) -> Parsed:
    parsed = parse_update(body, NOW)
    assert all(one.raw == body for one in parsed.parked)
    return parsed


def test_spoilt_bodies_never_raise() -> None:
    check_spoilt("telegram", parse, 12_000, NOW)
