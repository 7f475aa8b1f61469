"""Connecting Slack apps: tokens checked with Slack, stored encrypted; the app's manifest is made for its owner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from adapters.slack import manage
from adapters.slack.manage import Workspace
from gateway.admin.connecting import Connections, access_before, route_of
from gateway.deployments import read_deployment
from gateway.errors import ConfigurationError, Problem
from gateway.settings import Settings
from storage.bots import Chatbot
from storage.channels import Channel
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import Organization

SOCKET_MODE = "socket_mode"


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """What connecting came to."""

    channel: Channel
    workspace: Workspace
    webhook: str
    """The address for the app's event and interactivity requests; empty with Socket Mode, or without a public one."""
    socket_mode: bool
    renewed: bool


class SlackConnector:
    """Connects Slack apps to one organization's bots."""

    def __init__(
        self, settings: Settings, database: Database, keyring: Keyring, organization: Organization
    ) -> None:
        self._settings = settings
        self._connections = Connections(database, keyring, organization)

    async def connect(
        self,
        bot: Chatbot,
        *,
        document: Mapping[str, Any],
        given: Mapping[str, str],
        name: str,
        now: datetime,
        place: str = "",
    ) -> Connected:
        """Connect, or renew the connection of the same app in the same workspace.

        `given` are secrets by name (`bot_token`, `signing_secret`, `app_token`). Raises ConfigurationError,
        `SendFailed` and `Conflict`.
        """
        deployment = read_deployment("slack", document, given, place=place)
        socket_mode = deployment.config["event_delivery"] == SOCKET_MODE
        _check_secrets(deployment.config["authentication"], socket_mode=socket_mode, place=place)
        access = access_before(deployment, self._settings)
        workspace = await manage.identify(access)
        if socket_mode:
            await manage.check_socket(access)
        account = {"team_id": workspace.team_id, "bot_user_id": workspace.bot_user_id}
        existing = await self._connections.find("slack", account, bot)
        route = route_of(existing)
        public = self._settings.public_url
        url = f"{public}/webhook/slack/{route}" if public and not socket_mode else ""
        deployment.config["webhook_configuration"]["webhook_url"] = url
        deployment.config["workspace"] |= {**account, "name": workspace.team}
        channel = await self._connections.store(
            bot,
            existing,
            deployment,
            name=name or workspace.team,
            route=route,
            settings=account,
            polled=socket_mode,
            now=now,
        )
        return Connected(
            channel=channel,
            workspace=workspace,
            webhook=url,
            socket_mode=socket_mode,
            renewed=existing is not None,
        )


def _check_secrets(authentication: Mapping[str, str], *, socket_mode: bool, place: str) -> None:
    name, where = (
        ("app_token", "Basic Information > App-Level Tokens, with the scope connections:write")
        if socket_mode
        else ("signing_secret", "Basic Information > App Credentials")
    )
    if not authentication.get(name):
        how = "Socket Mode" if socket_mode else "the Events API"
        problem = Problem(
            place=f"{place}/authentication/{name}",
            message=f"{how} needs it and it is not there",
            mend=f"Slack shows it under {where}",
        )
        raise ConfigurationError([problem])
