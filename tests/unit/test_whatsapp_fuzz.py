"""Twelve thousand spoilt bodies: parse answers every one, and what it takes for an event can be stored."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.whatsapp.parse import parse_body
from tests.spoiling import check_spoilt

NOW = datetime(2026, 12, 1, tzinfo=UTC)
OWN = "510000000000001"


def test_spoilt_bodies_never_raise() -> None:
    check_spoilt("whatsapp", lambda body: parse_body(body, OWN, NOW), 12_000, NOW)
