"""Events of the Events API that are no messages: reactions, joins and leaves, the App Home.

https://docs.slack.dev/reference/events
"""

from __future__ import annotations

from datetime import datetime

from adapters.reading import Object, Unhandled, needed_object, needed_string, string
from adapters.slack.address import channel_key, private_key
from adapters.slack.emojis import emoji_of
from adapters.slack.messages import Ours, is_private, moment_of, sender_of
from adapters.slack.origin import Origin
from engine.events import Context, ConversationOpened, InboundEvent, MembersChanged, ReactionReceived


def read_reaction(key: str, event: Object, origin: Origin, now: datetime) -> InboundEvent:
    """An emoji put to a message, or taken back. Slack tells of one at a time, and not in which thread."""
    user = needed_string(event, "user", "reaction")
    if user in origin.bots:
        raise Ours("the app's own reaction")
    item = needed_object(event, "item", "reaction")
    if item.get("type") != "message":
        raise Unhandled("a reaction to something else than a message")
    channel = needed_string(item, "channel", "reaction")
    ts = needed_string(item, "ts", "reaction")
    name = needed_string(event, "reaction", "reaction")
    added = event.get("type") == "reaction_added"
    private = is_private(item, channel)
    return InboundEvent(
        external_id=key,
        conversation_key=private_key(origin.team, user) if private else channel_key(origin.team, channel, ts),
        sender=sender_of(origin, user),
        body=ReactionReceived(emoji=(emoji_of(name),) if added else (), message=ts),
        occurred_at=moment_of(string(event, "event_ts"), now),
        message=ts,
        context=Context(place="private" if private else "channel", overheard=not private),
    )


def read_membership(key: str, event: Object, origin: Origin, now: datetime) -> InboundEvent:
    """Somebody joined a channel or left it. What others do concerns only a conversation that there is already."""
    user = needed_string(event, "user", "membership")
    channel = needed_string(event, "channel", "membership")
    joined = event.get("type") == "member_joined_channel"
    ours = user in origin.bots
    return InboundEvent(
        external_id=key,
        conversation_key=channel_key(origin.team, channel),
        sender=sender_of(origin, string(event, "inviter") or user if ours else user),
        body=MembersChanged(joined=(user,) if joined else (), left=() if joined else (user,), bot=ours),
        occurred_at=moment_of(string(event, "event_ts"), now),
        context=Context(place="channel", overheard=not ours),
    )


def read_opened(key: str, event: Object, origin: Origin, now: datetime) -> InboundEvent:
    """The customer opened the app: its messages or its home tab."""
    user = needed_string(event, "user", "app_home_opened")
    tab = string(event, "tab")
    if tab not in ("", "messages", "home"):
        raise Unhandled(f"app_home_opened on the tab {tab[:32]}")
    return InboundEvent(
        external_id=key,
        conversation_key=private_key(origin.team, user),
        sender=sender_of(origin, user),
        body=ConversationOpened(),
        occurred_at=moment_of(string(event, "event_ts"), now),
    )
