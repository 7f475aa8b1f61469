"""Was a call carried out after all? Every message of ours carries our key, so the channel's history tells.

Bounded: what a channel says between the decision and the look is seldom more than a page. Apps that are distributed
outside Slack's Marketplace get 15 messages a page and one page a minute; `TryLater` then says when to look again.

https://docs.slack.dev/reference/methods/conversations.history
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from adapters.protocol import Call, ChannelAccess, Envelope, Receipt
from adapters.slack.client import EVENT_TYPE, SlackClient
from adapters.slack.render import POST, UPLOAD
from adapters.slack.transfer import block_mark

PAGE: Final = 200
MAX_PAGES: Final = 10
SKEW_SECONDS: Final = 60.0
"""How much earlier than decided a message may seem sent: clocks differ."""


async def find(client: SlackClient, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt | None:
    """The receipt of a call that was carried out, None when the history has no trace of it. Raises `SendFailed`.

    Reactions and edits are not looked for: making them again changes nothing.
    """
    if call.method not in (POST, UPLOAD):
        return None
    body: dict[str, Any] = msgspec.json.decode(call.body)
    channel = await client.channel_of(body["channel"], access)
    thread = body.get("thread_ts")
    method = "conversations.replies" if thread else "conversations.history"
    asked: dict[str, Any] = {
        "channel": channel,
        "ts": thread,
        "oldest": f"{envelope.at.timestamp() - SKEW_SECONDS:.6f}",
        "include_all_metadata": True,
        "limit": PAGE,
    }
    for _ in range(MAX_PAGES):
        answer = await client.ask(method, access, asked)
        messages = answer.get("messages")
        for message in messages if type(messages) is list else ():
            if type(message) is dict and _is_ours(message, envelope):
                ts = message.get("ts")
                return Receipt(message=ts if type(ts) is str else "")
        following = answer.get("response_metadata")
        cursor = following.get("next_cursor") if type(following) is dict else None
        if not answer.get("has_more") or type(cursor) is not str or not cursor:
            return None
        asked["cursor"] = cursor
    return None


def _is_ours(message: dict[str, Any], envelope: Envelope) -> bool:
    match message.get("metadata"):
        case {"event_type": str(kind), "event_payload": {"key": str(key), "call": int(call)}}:
            return (kind, key, call) == (EVENT_TYPE, str(envelope.key), envelope.call)
    mark, blocks = block_mark(envelope), message.get("blocks")
    return type(blocks) is list and any(type(one) is dict and one.get("block_id") == mark for one in blocks)
