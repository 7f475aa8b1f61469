"""Taking reactions back: Slack wants each by its name, so it is asked first which ones are the app's."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from adapters.protocol import Call, ChannelAccess, Receipt
from adapters.slack.client import SlackClient

MAX_REACTIONS: Final = 25
"""Reactions of one message that are looked at; Slack lets an app add 23 of its own."""


async def clear(client: SlackClient, call: Call, access: ChannelAccess) -> Receipt:
    """Remove every reaction that the app put to a message. Raises `SendFailed`; doing it twice changes nothing."""
    body: dict[str, Any] = msgspec.json.decode(call.body)
    channel = await client.channel_of(body["channel"], access)
    item = {"channel": channel, "timestamp": body["timestamp"]}
    us = str((await client.ask("auth.test", access, {})).get("user_id", ""))
    message = (await client.ask("reactions.get", access, {**item, "full": True})).get("message")
    for name in _names(message, us):
        removal = Call(method="reactions.remove", body=msgspec.json.encode({**item, "name": name}))
        await client.send(removal, access)
    return Receipt()


def _names(message: Any, user: str) -> list[str]:
    reactions = message.get("reactions") if type(message) is dict else None
    names = [
        one["name"]
        for one in (reactions if type(reactions) is list else ())
        if type(one) is dict and type(one.get("name")) is str and user in (one.get("users") or ())
    ]
    return names[:MAX_REACTIONS]
