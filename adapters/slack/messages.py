"""Events of the Events API about messages: written, changed, deleted.

https://docs.slack.dev/reference/events/message
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from adapters.reading import FIRST_DATE, Object, Unhandled, needed_object, needed_string, string
from adapters.slack.address import PRIVATE, channel_key, private_key
from adapters.slack.files import media_of
from adapters.slack.origin import Origin
from adapters.slack.words import read_words, without_mention
from engine.events import (
    Context,
    EventBody,
    InboundEvent,
    MessageDeleted,
    MessageEdited,
    Sender,
    TextReceived,
)

MAX_NAME: Final = 64
_TS = re.compile(r"([0-9]{1,12})\.([0-9]{1,9})", re.ASCII)
_MENTION = re.compile(r"<@([UW][A-Z0-9]{1,30})(?:\|[^>]*)?>", re.ASCII)
_WRITTEN: Final = frozenset({"", "file_share", "me_message", "thread_broadcast"})
"""Subtypes of a message that a person wrote."""


class Ours(Unhandled):
    """What the app itself did: it comes back to it, and is nothing new."""


def moment_of(ts: str, now: datetime) -> datetime:
    """A `ts` (Unix seconds with microseconds, in text) as UTC; `now` when it says nothing, or something yet to come."""
    match = _TS.fullmatch(ts)
    if match is None or not FIRST_DATE <= int(match[1]) <= now.timestamp():
        return now
    seconds = datetime.fromtimestamp(int(match[1]), UTC)
    return min(seconds.replace(microsecond=int(match[2].ljust(6, "0")[:6])), now)


def read_message(key: str, event: Object, origin: Origin, now: datetime) -> InboundEvent:
    """A `message` event. Raises `Unhandled`, or `Ours` for the app's own."""
    subtype = string(event, "subtype")
    if subtype == "message_changed":
        return _changed(key, event, origin, now)
    if subtype == "message_deleted":
        return _deleted(key, event, origin, now)
    if subtype not in _WRITTEN or event.get("bot_id"):
        _refuse_bots(event, origin)
        raise Unhandled(f"message subtype not handled: {subtype[:MAX_NAME]}")
    return read_written(key, event, origin, now)


def read_written(
    key: str, event: Object, origin: Origin, now: datetime, *, mentioned: bool = False
) -> InboundEvent:
    """What a person wrote. `mentioned`: Slack says that it names the app (`app_mention`).

    A mention in a channel is told twice, as `app_mention` and as `message`, in any order: both are keyed by channel
    and `ts`, so that they are one turn.
    """
    _refuse_bots(event, origin)
    channel = needed_string(event, "channel", "message")
    ts = needed_string(event, "ts", "message")
    user = needed_string(event, "user", "message")
    thread = _thread(event)
    named = set(_MENTION.findall(string(event, "text")))
    mentioned = mentioned or not named.isdisjoint(origin.bots)
    context = _context(event, channel, thread, mentioned=mentioned)
    if context.place == "channel" and not mentioned:
        context = _overheard(event, origin, context, thread, named)
    return InboundEvent(
        external_id=f"message:{channel}:{ts}",
        conversation_key=conversation_key(origin, event, user, thread or ts),
        sender=sender_of(origin, user, event.get("user_profile")),
        body=_body(event, origin),
        occurred_at=moment_of(ts, now),
        message=ts,
        context=context,
    )


def _overheard(event: Object, origin: Origin, context: Context, thread: str, named: set[str]) -> Context:
    """What is said in a channel without naming the app concerns it only in a thread that it takes part in.

    Whether it does is known when it began the thread; otherwise only the conversation's being there tells.
    """
    if not thread:
        raise Unhandled("a channel's message that does not mention the app")
    if named and not origin.bots:
        raise Unhandled("it mentions somebody; whether it is the app, app_mention tells")
    if string(event, "parent_user_id") in origin.bots:
        return context
    return _replace(context, overheard=True)


def _replace(context: Context, *, overheard: bool) -> Context:
    return Context(
        reply_to=context.reply_to,
        quote=context.quote,
        forwarded=context.forwarded,
        forwarded_from=context.forwarded_from,
        place=context.place,
        mentioned=context.mentioned,
        overheard=overheard,
    )


def conversation_key(origin: Origin, event: Object, user: str, thread: str) -> str:
    """Whose conversation it is. In a private talk the thread makes none of its own; in a group only a real one does."""
    channel = string(event, "channel")
    if is_private(event, channel):
        return private_key(origin.team, user)
    if string(event, "channel_type") == "mpim" and not _thread(event):
        return channel_key(origin.team, channel)
    return channel_key(origin.team, channel, thread)


def is_private(event: Object, channel: str) -> bool:
    """Whether it is the talk of one person with the app."""
    return string(event, "channel_type") == "im" or channel.startswith(PRIVATE)


def sender_of(origin: Origin, user: str, profile: Any = None) -> Sender:
    """A person, by workspace and id, with what Slack happens to tell of them. No e-mail: an event does not say whether
    our workspace stands for it, see `adapters.slack.people`."""
    if type(profile) is not dict:  # the usual case
        return Sender(external_id=f"{origin.team}:{user}")
    known: Object = profile
    name = string(known, "real_name") or string(known, "display_name")
    first, _, last = name.partition(" ")
    return Sender(
        external_id=f"{origin.team}:{user}",
        first_name=string(known, "first_name") or first,
        last_name=string(known, "last_name") or last,
        username=string(known, "username") or string(known, "name"),
        language=string(known, "locale"),
        timezone=string(known, "tz"),
    )


def _context(event: Object, channel: str, thread: str, *, mentioned: bool) -> Context:
    place = "private" if is_private(event, channel) else "channel"
    shared = _shared(event)
    return Context(
        reply_to=thread,
        quote=read_words(shared)[0] if shared else "",
        forwarded=shared is not None,
        forwarded_from=string(shared, "author_name") if shared else "",
        place="group" if string(event, "channel_type") == "mpim" else place,  # type: ignore[arg-type]
        mentioned=mentioned,
    )


def _thread(event: Object) -> str:
    """The `ts` of the thread's first message; empty for a message that stands in no thread, or begins one."""
    thread = string(event, "thread_ts")
    return "" if thread == string(event, "ts") else thread


def _body(event: Object, origin: Origin) -> EventBody:
    text, entities = read_words(event)
    for bot in origin.bots:
        text, entities = without_mention(text, entities, bot)
    files = event.get("files")
    if type(files) is list and files:
        return media_of(files, text)
    shared = _shared(event)
    if not text and shared is not None:
        text, entities = read_words(shared)
    if not text and not _MENTION.search(string(event, "text")):
        raise Unhandled("message without text or file")
    return TextReceived(text=text, entities=entities)


def _shared(event: Object) -> Object | None:
    """The message that this one hands on, if it does."""
    attachments = event.get("attachments")
    for one in attachments if type(attachments) is list else ():
        if type(one) is dict and one.get("is_share") is True:
            return one
    return None


def _refuse_bots(message: Object, origin: Origin) -> None:
    """Raises `Ours` for what the app itself wrote, `Unhandled` for another app's message."""
    app = string(message, "app_id")
    profile = message.get("bot_profile")
    app = app or (string(profile, "app_id") if type(profile) is dict else "")
    if string(message, "user") in origin.bots or (app and app == origin.app):
        raise Ours("the app's own message")
    if message.get("bot_id") or string(message, "subtype") == "bot_message":
        raise Unhandled("from another app")


def _changed(key: str, event: Object, origin: Origin, now: datetime) -> InboundEvent:
    """An edit. A preview that Slack attaches to a link is told the same way, and changes no words."""
    message = needed_object(event, "message", "message_changed")
    before = event.get("previous_message")
    _refuse_bots(message, origin)
    if string(message, "subtype") == "tombstone":
        return _deleted(key, {**event, "deleted_ts": message.get("ts")}, origin, now)
    text, _ = read_words(message)
    if type(before) is dict and read_words(before)[0] == text:
        raise Unhandled("message changed, but not its text: a preview, a file or a pin")
    if not text:
        raise Unhandled("message changed to one without text")
    ts = needed_string(message, "ts", "message_changed")
    return _about(
        key, event, message, MessageEdited(message=ts, text=text), origin, moment_of(_edited(message), now)
    )


def _edited(message: Object) -> str:
    edited = message.get("edited")
    return string(edited, "ts") if type(edited) is dict else ""


def _deleted(key: str, event: Object, origin: Origin, now: datetime) -> InboundEvent:
    before = needed_object(event, "previous_message", "message_deleted")
    _refuse_bots(before, origin)
    ts = needed_string(event, "deleted_ts", "message_deleted")
    moment = moment_of(string(event, "event_ts") or string(event, "ts"), now)
    return _about(key, event, {**before, "ts": ts}, MessageDeleted(message=ts), origin, moment)


def _about(
    key: str, event: Object, message: Object, body: EventBody, origin: Origin, moment: datetime
) -> InboundEvent:
    """An event about an earlier message, in the conversation that the message belongs to, if there is one."""
    user = needed_string(message, "user", "changed message")
    channel = needed_string(event, "channel", "changed message")
    where: Object = {**message, "channel": channel, "channel_type": event.get("channel_type")}
    return InboundEvent(
        external_id=key,
        conversation_key=conversation_key(origin, where, user, _thread(message) or string(message, "ts")),
        sender=sender_of(origin, user),
        body=body,
        occurred_at=moment,
        message=string(message, "ts"),
        context=Context(
            place="private" if is_private(where, channel) else "channel",
            overheard=not is_private(where, channel),
        ),
    )
