"""What connecting a channel has in common, as far as it needs no database."""

from __future__ import annotations

from gateway.admin.connecting import access_before, route_of
from gateway.deployments import read_deployment
from gateway.settings import Settings


def test_routes_are_long_and_differ() -> None:
    made = [route_of(None) for _ in range(50)]
    assert len(set(made)) == 50
    assert min(map(len, made)) >= 32


def test_credentials_can_be_tried_before_they_are_stored() -> None:
    deployment = read_deployment(
        "slack",
        {"authentication": {"signing_secret": "from-the-document"}},
        {"bot_token": "xoxb-1-2-three"},
    )
    access = access_before(deployment, Settings())
    assert access.secrets == {"bot_token": "xoxb-1-2-three", "signing_secret": "from-the-document"}
    assert access.settings["event_delivery"] == "events_api"
