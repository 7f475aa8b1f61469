"""The document of a Slack channel, of the same kind as the other platforms'."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gateway.deployments.base import Address, Command, Document, RateLimits, Secret, Section, Text


class Workspace(Section):
    """Where the app is installed."""

    team_id: Annotated[str, Field(pattern=r"^[A-Z0-9]{0,32}$")] = ""
    app_id: Annotated[str, Field(pattern=r"^[A-Z0-9]{0,32}$")] = ""
    bot_user_id: Annotated[str, Field(pattern=r"^[A-Z0-9]{0,32}$")] = ""
    name: Text = ""


class Authentication(Section):
    """The app's credentials."""

    bot_token: Secret = ""
    signing_secret: Secret = ""
    app_token: Secret = ""
    """Needed for Socket Mode only."""


class WebhookConfiguration(Section):
    """Where Slack posts events and interactions."""

    webhook_url: Address = ""
    """Set by the gateway when the channel is connected."""


class Features(Section):
    """Where people talk to the bot."""

    direct_messages: bool = True
    mentions: bool = True
    channel_threads: bool = True
    app_home: bool = True
    files: bool = True
    command_acknowledgement: Text = ""
    """What the one who types a slash command in a channel reads there; the bot itself answers in private."""


class SlackDocument(Document):
    """`deployment_configs.platform_config` of a Slack channel."""

    platform: ClassVar[str] = "slack"
    required_secrets: ClassVar[tuple[str, ...]] = ("bot_token",)

    workspace: Workspace = Workspace()
    event_delivery: Literal["events_api", "socket_mode"] = "events_api"
    authentication: Authentication = Authentication()
    webhook_configuration: WebhookConfiguration = WebhookConfiguration()
    features: Features = Features()
    commands: Annotated[tuple[Command, ...], Field(max_length=100)] = ()
    """Slash commands."""
    rate_limits: RateLimits | None = None
    api_base: Address = ""
    """Another Web API server than Slack's own, such as one for tests."""
