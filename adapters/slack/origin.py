"""Where a body comes from: its workspace, the app's own users there, and whether it is meant for this channel."""

from __future__ import annotations

from collections.abc import Iterator
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
    if not ours or body.get("team_id") != ours:  # the usual case needs no look at all of them
        named = [team for team in _teams(body, installations) if team]
        if ours and named and ours not in named:
            raise Unhandled(f"from the workspace {named[0][:32]}, which is not this channel's")
        ours = ours or next(iter(named), "")
    if not ours:
        raise Unhandled("no readable workspace")
    bots = {string(one, "user_id") for one in installations if one.get("is_bot") is True}
    bots.add(bot)
    bots.discard("")
    app = string(body, "api_app_id") or string(workspace, "app_id")
    return Origin(team=ours, app=app, bots=frozenset(bots))


def _teams(body: Object, installations: list[Object]) -> Iterator[str]:
    """Every workspace and organization that a body names, the one where the app is installed first."""
    for one in installations:
        yield string(one, "team_id")
    yield string(body, "team_id")
    yield string(body, "context_team_id")
    yield _id(body, "team")
    for one in installations:
        yield string(one, "enterprise_id")
    yield _id(body, "enterprise")
    user = body.get("user")
    yield string(user, "team_id") if type(user) is dict else ""


def _section(access: ChannelAccess, name: str) -> Object:
    value = access.settings.get(name)
    return value if type(value) is dict else {}


def _id(body: Object, key: str) -> str:
    value = body.get(key)
    return string(value, "id") if type(value) is dict else ""


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []
