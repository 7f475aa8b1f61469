"""Where a body comes from: its workspace, the app's own users there, and whether it is meant for this channel."""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.protocol import ChannelAccess
from adapters.reading import Object, Unhandled, string


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`team` names the workspace in keys and ids; `bots` are the app's own users, as far as they are known."""

    team: str
    app: str = ""
    bots: frozenset[str] = frozenset()


def origin_of(body: Object, access: ChannelAccess) -> Origin:
    """The origin of an event's or an interaction's body. Raises `Unhandled` for another workspace's.

    The channel's own workspace (`settings.workspace.team_id`) names everything where it is known: in a channel that
    is shared with others, and in an organization with many workspaces, bodies name now one and now another.
    """
    workspace = _section(access, "workspace")
    ours, bot = string(workspace, "team_id"), string(workspace, "bot_user_id")
    installations = [one for one in _list(body.get("authorizations")) if type(one) is dict]
    teams = [string(one, "team_id") for one in installations]
    teams += [string(body, "team_id"), string(body, "context_team_id"), _id(body, "team")]
    teams += [string(one, "enterprise_id") for one in installations] + [_id(body, "enterprise")]
    user = body.get("user")
    teams.append(string(user, "team_id") if type(user) is dict else "")
    named = [team for team in teams if team]
    if ours and named and ours not in named:
        raise Unhandled(f"from the workspace {named[0][:32]}, which is not this channel's")
    team = ours or next(iter(named), "")
    if not team:
        raise Unhandled("no readable workspace")
    bots = {string(one, "user_id") for one in installations if one.get("is_bot") is True} | {bot}
    return Origin(
        team=team, app=string(body, "api_app_id") or string(workspace, "app_id"), bots=frozenset(bots - {""})
    )


def _section(access: ChannelAccess, name: str) -> Object:
    value = access.settings.get(name)
    return value if type(value) is dict else {}


def _id(body: Object, key: str) -> str:
    value = body.get(key)
    return string(value, "id") if type(value) is dict else ""


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []
