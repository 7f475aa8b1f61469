"""Conversation keys of Slack: `team:user` for a private talk, `team:channel` and `team:channel:thread_ts` elsewhere.

A private talk is named by its user and not by its channel (D…), because much of what a customer does there names no
channel: shortcuts, forms, the App Home, and slash commands that were typed elsewhere. Slack posts to a user's id as
it does to the channel's, so that one conversation holds everything that a customer and the app say in private.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_USER = re.compile(r"[UW][A-Z0-9]{1,30}", re.ASCII)
PRIVATE: Final = "D"
"""How ids of private channels begin."""


class Address(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a message goes: `channel` is a channel's id or a user's, `thread` the `ts` of a thread's first message."""

    team: str
    channel: str
    thread: str = ""


def private_key(team: str, user: str) -> str:
    """The key of what `user` and the app say in private."""
    return f"{team}:{user}"


def channel_key(team: str, channel: str, thread: str = "") -> str:
    """The key of a channel, or of one thread in it."""
    return f"{team}:{channel}:{thread}" if thread else f"{team}:{channel}"


def read_address(key: str) -> Address:
    """A conversation key taken apart. Anything else goes to Slack as it is, which says whether it knows it."""
    team, colon, rest = key.partition(":")
    if not colon:
        return Address(team="", channel=key)
    channel, _, thread = rest.partition(":")
    return Address(team=team, channel=channel, thread=thread)


def is_user(channel: str) -> bool:
    """Whether an id is a user's, so that the private channel with them has to be asked for where Slack wants one."""
    return _USER.fullmatch(channel) is not None
