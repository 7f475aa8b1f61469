"""Setting an app up: who its token belongs to, its manifest, whether Socket Mode works.

The cold road: an operator waits for it, a customer never does.

https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from adapters.errors import Misconfigured
from adapters.protocol import ChannelAccess
from adapters.reading import string
from adapters.slack.client import APP_TOKEN, SlackClient
from adapters.slack.parse import EVENTS

T = TypeVar("T")

SCOPES: Final = (
    "app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "files:read", "files:write",
    "groups:history", "groups:read", "im:history", "im:read", "im:write", "mpim:history", "mpim:read",
    "reactions:read", "reactions:write", "users:read", "users:read.email",
)  # fmt: skip
"""What the app may do: hear what `parse` reads, say what `render` says, and know people's language, time zone
and e-mail."""
MAX_APP_NAME: Final = 35
MAX_DISPLAY_NAME: Final = 80
MAX_DESCRIPTION: Final = 140
MAX_SHORTCUTS: Final = 10
MAX_COMMANDS: Final = 50
MAX_COMMAND: Final = 32
MAX_SHORTCUT_NAME: Final = 24


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """Who a bot token belongs to, and where."""

    team_id: str
    team: str
    """The workspace's name."""
    url: str
    bot_user_id: str
    bot_id: str = ""
    scopes: tuple[str, ...] = ()
    """What the token may do, as far as Slack tells."""

    @property
    def missing_scopes(self) -> tuple[str, ...]:
        """Those of `SCOPES` that the token lacks; none when Slack did not tell which it has."""
        return tuple(scope for scope in SCOPES if scope not in self.scopes) if self.scopes else ()


async def identify(access: ChannelAccess) -> Workspace:
    """Ask who the bot token belongs to. Raises `SendFailed`: `Misconfigured` for one that is no app's bot token."""

    async def ask(client: SlackClient) -> Workspace:
        answer, scopes = await client.scopes_of(access)
        if not string(answer, "bot_id"):
            raise Misconfigured("the token is a person's; the bot token begins with xoxb-", code="token_type")
        return Workspace(
            team_id=string(answer, "team_id"),
            team=string(answer, "team"),
            url=string(answer, "url"),
            bot_user_id=string(answer, "user_id"),
            bot_id=string(answer, "bot_id"),
            scopes=scopes,
        )

    return await _once(ask)


async def check_socket(access: ChannelAccess) -> None:
    """Whether Socket Mode is on and the app-level token opens it. Raises `SendFailed`."""

    async def ask(client: SlackClient) -> None:
        answer = await client.ask("apps.connections.open", access, {}, token_name=APP_TOKEN)
        if not string(answer, "url").startswith(("wss://", "ws://")):
            raise Misconfigured(
                "Slack names no address for Socket Mode; switch it on for the app", code="socket_mode"
            )

    await _once(ask)


def manifest(
    name: str,
    webhook_url: str,
    commands: Sequence[Mapping[str, str]],
    socket_mode: bool,
    *,
    shortcuts: Sequence[Mapping[str, str]] = (),
    description: str = "",
) -> dict[str, Any]:
    """The app's manifest, ready to be pasted into https://api.slack.com/apps (New App, From a manifest).

    `webhook_url` takes events, interactivity and commands alike; with `socket_mode` it is not named at all.
    `commands` are {"command", "description", "usage_hint"?}; `shortcuts` {"name", "callback_id", "description",
    "type"?: "global" or "message"}. What is longer than Slack takes is cut.
    """
    where = {} if socket_mode else {"request_url": webhook_url}
    features: dict[str, Any] = {
        "app_home": {
            "home_tab_enabled": False,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": name[:MAX_DISPLAY_NAME], "always_online": True},
    }
    if commands:
        features["slash_commands"] = [
            _command(one, webhook_url, socket_mode) for one in commands[:MAX_COMMANDS]
        ]
    if shortcuts:
        features["shortcuts"] = [_shortcut(one) for one in shortcuts[:MAX_SHORTCUTS]]
    return {
        "_metadata": {"major_version": 1},
        "display_information": {
            "name": name[:MAX_APP_NAME],
            **({"description": description[:MAX_DESCRIPTION]} if description else {}),
        },
        "features": features,
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**where, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **where},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }


def _command(given: Mapping[str, str], webhook_url: str, socket_mode: bool) -> dict[str, Any]:
    name = given["command"].removeprefix("/").lower()[: MAX_COMMAND - 1]
    made: dict[str, Any] = {
        "command": f"/{name}",
        "description": given.get("description") or name,
        "should_escape": False,
    }
    if given.get("usage_hint"):
        made["usage_hint"] = given["usage_hint"]
    return made if socket_mode else {**made, "url": webhook_url}


def _shortcut(given: Mapping[str, str]) -> dict[str, str]:
    return {
        "name": given["name"][:MAX_SHORTCUT_NAME],
        "type": given.get("type") or "global",
        "callback_id": given["callback_id"],
        "description": given.get("description") or given["name"],
    }


async def _once(ask: Callable[[SlackClient], Awaitable[T]]) -> T:
    client = SlackClient()
    try:
        return await ask(client)
    finally:
        await client.close()
