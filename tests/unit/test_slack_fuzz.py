"""Ten thousand spoilt bodies: parse answers every one, and what it takes for an event can be stored."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from adapters.protocol import Parsed
from adapters.slack.adapter import SlackAdapter
from tests.channels import access_with
from tests.spoiling import check_spoilt

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACCESS = access_with({}, {"workspace": {"team_id": "T0MOORLAND", "bot_user_id": "U0GREENBOT"}})
EVENT = b'"event_callback"'


def parse(body: bytes) -> Parsed:
    """Events come as JSON, interactions as a form with JSON in it."""
    if EVENT not in body:
        body = urlencode({"payload": body.decode("utf-8", "replace")}).encode()
    return SlackAdapter().parse(body, ACCESS, NOW)


def test_spoilt_bodies_never_raise() -> None:
    check_spoilt("slack", parse, 10_000, NOW, echoes=True)
