"""Who and where: the chat of an update, the conversation that it belongs to, and who wrote.

| conversation key         | what it is                                                      |
|--------------------------|-----------------------------------------------------------------|
| `42`                     | a chat; a private one has its user's id                         |
| `-100…:12`               | a topic of a forum                                              |
| `business:<id>:42`       | a customer's chat with a business account that the bot answers  |
| `direct:-100…:12`        | a customer's chat with a channel (its direct messages)          |
"""

from __future__ import annotations

import re
from typing import Any, Final

from adapters.protocol import ChannelAccess
from adapters.reading import Object, Unhandled, identifier, integer, needed_object, string
from engine.events import Sender

_BUSINESS_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


def chat_of(where: Object, what: str, access: ChannelAccess) -> Object:
    """The chat of a piece. Raises `Unhandled` for a group while the channel answers in none."""
    chat = needed_object(where, "chat", what)
    if is_group(chat) and section(access, "bot_features").get("group_mode") is False:
        raise Unhandled("group messages are switched off (bot_features.group_mode)")
    return chat


def is_group(chat: Object) -> bool:
    """Whether several people talk there. A channel's direct messages are one customer's each."""
    kind = chat.get("type")
    return (kind == "group" or kind == "supergroup") and chat.get("is_direct_messages") is not True


def section(access: ChannelAccess, name: str) -> Object:
    """A part of the channel's settings; empty when there is none."""
    found = access.settings.get(name)
    return found if type(found) is dict else {}


def conversation_key(message: Object, chat: Object) -> str:
    """The conversation that a message belongs to; see the table above.

    Outside forums `message_thread_id` is only the thread of replies; `is_topic_message` tells them apart.
    """
    key = identifier(chat, "id", "chat")
    connection = message.get("business_connection_id")
    if connection is not None:
        return f"{business_prefix(connection)}{key}"
    if chat.get("is_direct_messages") is True:
        topic = needed_object(message, "direct_messages_topic", "direct message")
        return f"direct:{key}:{identifier(topic, 'topic_id', 'direct message')}"
    if message.get("is_topic_message") is True:
        return f"{key}:{identifier(message, 'message_thread_id', 'topic message')}"
    return key


def business_prefix(connection: Any) -> str:
    """What a business account's conversation keys begin with. Raises `Unhandled` for an id of another form."""
    if type(connection) is str and _BUSINESS_ID.fullmatch(connection):
        return f"business:{connection}:"
    raise Unhandled("business message without a readable business_connection_id")


def author_of(message: Object, chat: Object) -> Sender:
    """Who wrote it: the user, or the chat in whose name it was written (`from` is then a stand-in bot)."""
    behalf = message.get("sender_chat")
    if type(behalf) is dict:
        if message.get("is_automatic_forward") is True:
            raise Unhandled("a channel post, forwarded to its discussion group by Telegram")
        return chat_sender(behalf)
    user = message.get("from")
    if type(user) is not dict:
        return chat_sender(chat)
    return user_sender(user)


def user_sender(user: Object) -> Sender:
    """A user as a sender. Raises `Unhandled` for a bot."""
    if user.get("is_bot") is True:
        raise Unhandled("from a bot")
    return Sender(
        external_id=identifier(user, "id", "sender"),
        first_name=string(user, "first_name"),
        last_name=string(user, "last_name"),
        username=string(user, "username"),
        language=string(user, "language_code"),
    )


def chat_sender(chat: Object) -> Sender:
    """A chat as a sender: a channel, an anonymous admin's group, or a private chat's other side."""
    return Sender(
        external_id=identifier(chat, "id", "chat"),
        first_name=string(chat, "title") or string(chat, "first_name"),
        last_name=string(chat, "last_name"),
        username=string(chat, "username"),
    )


def name_of(person: Object) -> str:
    """How a user, or a chat, is called."""
    full = f"{string(person, 'first_name')} {string(person, 'last_name')}".strip()
    return full or string(person, "title") or string(person, "username")


def bot_id(access: ChannelAccess) -> int | None:
    """The bot's own user id, which its token begins with; None without a token."""
    digits = access.secrets.get("bot_token", "").partition(":")[0]
    return integer(int(digits)) if digits.isdecimal() and len(digits) <= 19 else None


def bot_username(access: ChannelAccess) -> str:
    """The bot's own name as the settings know it, without @ and in lower case; empty when they don't."""
    name = section(access, "bot_configuration").get("bot_username") or access.settings.get("username")
    return name.lstrip("@").casefold() if type(name) is str else ""
