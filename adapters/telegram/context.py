"""The circumstances of a message: what it answers, where it came from, whether a group means the bot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from adapters.protocol import ChannelAccess
from adapters.reading import Object, Unhandled, integer, string
from adapters.telegram.entities import read_entities
from adapters.telegram.people import bot_id, bot_username, is_group, name_of
from engine.events import (
    CommandReceived,
    Context,
    Entity,
    EventBody,
    IdentityChanged,
    MembersChanged,
    Referral,
    TextReceived,
)

_MARKS: Final = frozenset({"reply_to_message", "external_reply", "quote", "forward_origin", "forward_date"})
_MEANT: Final = frozenset({CommandReceived, MembersChanged, IdentityChanged})
"""What concerns the bot even if it does not name it; the rest of a group's talk is only overheard."""
_ADDRESSED = re.compile(r"/[A-Za-z0-9_]{1,64}@([A-Za-z0-9_]{1,64})")


def context_of(message: Object, chat: Object, body: EventBody, access: ChannelAccess) -> Context | None:
    """What is to be told of a message beside its body; None when there is nothing, as most often.

    Raises `Unhandled` for a group's command to another bot.
    """
    kind = chat.get("type")
    group = kind != "private" and is_group(chat)
    if type(body) is CommandReceived:
        if group:
            _check_addressee(message, access)
        referral = _referral(body)
    elif (kind == "private" or kind is None) and _MARKS.isdisjoint(message):
        return None
    else:
        referral = None
    forwarded, origin = _forward(message)
    mentioned = group and is_for_bot(message, body, access)
    context = Context(
        reply_to=_reply_to(message),
        quote=_quote(message),
        forwarded=forwarded,
        forwarded_from=origin,
        place=place_of(chat),
        title=string(chat, "title"),
        mentioned=mentioned,
        overheard=group and not mentioned and type(body) not in _MEANT,
        referral=referral,
    )
    return None if context == _NONE else context


def context_of_chat(chat: Object, *, mentioned: bool = False) -> Context | None:
    """Where something happened that is no message; None for a private chat."""
    place = place_of(chat)
    if place == "private":
        return None
    return Context(place=place, title=string(chat, "title"), mentioned=mentioned)


def place_of(chat: Object) -> Literal["private", "group", "channel"]:
    """What kind of place a chat is. A channel's direct messages are private ones."""
    if is_group(chat):
        return "group"
    return "channel" if chat.get("type") == "channel" else "private"


def _referral(command: CommandReceived) -> Referral | None:
    """What the link carried that the customer came by: https://t.me/bot?start=payload."""
    if command.command != "start" or not command.argument:
        return None
    return Referral(source="link", payload=command.argument)


def _answered(message: Object) -> Object | None:
    """The message that this one answers. In a forum, Telegram lets every message answer the topic's first."""
    answered = message.get("reply_to_message")
    if type(answered) is not dict or "forum_topic_created" in answered:
        return None
    if message.get("is_topic_message") is True and answered.get("message_id") == message.get(
        "message_thread_id"
    ):
        return None
    return answered


def _reply_to(message: Object) -> str:
    answered = _answered(message)
    number = integer(answered.get("message_id")) if answered is not None else None
    return "" if number is None else str(number)


def _quote(message: Object) -> str:
    """The stretch that was quoted, or else the whole text or caption of the message that is answered."""
    quote = message.get("quote")
    if type(quote) is dict and (text := string(quote, "text")):
        return text
    answered = _answered(message)
    return string(answered, "text") or string(answered, "caption") if answered is not None else ""


def _forward(message: Object) -> tuple[bool, str]:
    """Whether it was written elsewhere, and by whom. Servers before Bot API 7 say it in fields of its own."""
    origin = message.get("forward_origin")
    if type(origin) is dict:
        name = string(origin, "sender_user_name")
        people: Iterator[Any] = (origin.get(key) for key in ("sender_user", "sender_chat", "chat"))
    elif "forward_date" in message:
        name = string(message, "forward_sender_name")
        people = (message.get(key) for key in ("forward_from", "forward_from_chat"))
    else:
        return False, ""
    return True, name or next((name_of(person) for person in people if type(person) is dict), "")


def is_for_bot(message: Object, body: EventBody, access: ChannelAccess) -> bool:
    """Whether a group's message is meant for the bot: it names it, addresses a command to it, or answers it."""
    own, username = bot_id(access), bot_username(access)
    answered = _answered(message)
    author = answered.get("from") if answered is not None else None
    if type(author) is dict and own is not None and author.get("id") == own:
        return True
    text = string(message, "text") or string(message, "caption")
    if username and type(body) is CommandReceived:
        addressed = _ADDRESSED.match(text)
        if addressed is not None and addressed[1].casefold() == username:
            return True
    return any(
        (username and text[entity.start : entity.end].casefold() == f"@{username}")
        or (own is not None and entity.value == str(own))
        for entity in _entities(message, text, body)
        if entity.kind == "mention"
    )


def _entities(message: Object, text: str, body: EventBody) -> tuple[Entity, ...]:
    if type(body) is TextReceived and body.entities:
        return body.entities
    return read_entities(text, message.get("entities") or message.get("caption_entities"))


def _check_addressee(message: Object, access: ChannelAccess) -> None:
    """A group hands every bot the commands for every bot, if privacy mode is off."""
    addressed = _ADDRESSED.match(string(message, "text"))
    username = bot_username(access)
    if addressed is not None and username and addressed[1].casefold() != username:
        raise Unhandled(f"a command to another bot: @{addressed[1]}")


_NONE: Final = Context()
