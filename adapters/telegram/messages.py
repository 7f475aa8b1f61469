"""Messages as events: in private chats, groups, channels, and the chats of business accounts.

https://core.telegram.org/bots/api#message
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from adapters.protocol import ChannelAccess
from adapters.reading import Object, Unhandled, identifier, integer, moment, string
from adapters.telegram.content import body_of
from adapters.telegram.context import context_of
from adapters.telegram.members import service_key
from adapters.telegram.people import (
    author_of,
    business_prefix,
    chat_of,
    chat_sender,
    conversation_key,
    name_of,
    user_sender,
)
from engine.events import (
    EventBody,
    HumanReplied,
    InboundEvent,
    MediaReceived,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    Sender,
)

MAX_DELETED: Final = 100
"""Messages of one deletion that are told; Telegram deletes no more at once."""


def read_message(external_id: str, message: Object, now: datetime, access: ChannelAccess) -> InboundEvent:
    """A message of a customer's. In a channel's direct messages, an administrator's is a human's reply."""
    chat = chat_of(message, "message", access)
    if chat.get("is_direct_messages") is True and (customer := _direct_customer(message)) is not None:
        return _by_hand(external_id, message, chat, user_sender(customer), now)
    body = body_of(message)
    sender = author_of(message, chat)
    if type(body) is MembersChanged:
        external_id = service_key(external_id, message, body)
    message_id = integer(message.get("message_id"))
    return InboundEvent(
        external_id=external_id,
        conversation_key=conversation_key(message, chat),
        sender=sender,
        body=body,
        occurred_at=moment(message.get("date"), now),
        message="" if message_id is None else str(message_id),
        context=context_of(message, chat, body, access),
    )


def read_edited(external_id: str, message: Object, now: datetime, access: ChannelAccess) -> InboundEvent:
    """A message whose text or caption is another now."""
    chat = chat_of(message, "edited message", access)
    message_id = identifier(message, "message_id", "edited message")
    text = string(message, "text") or string(message, "caption")
    if not text:
        raise Unhandled("edited message without text or caption")
    body = MessageEdited(message=message_id, text=text)
    return InboundEvent(
        external_id=external_id,
        conversation_key=conversation_key(message, chat),
        sender=author_of(message, chat),
        body=body,
        occurred_at=moment(message.get("edit_date"), now),
        message=message_id,
        context=context_of(message, chat, body, access),
    )


def read_business(external_id: str, message: Object, now: datetime, access: ChannelAccess) -> InboundEvent:
    """A message in a business account's chat: the customer's, or the owner's own answer to one."""
    chat = chat_of(message, "business message", access)
    business_prefix(message.get("business_connection_id"))
    if "sender_business_bot" in message:
        raise Unhandled("sent by a bot for the business account")
    if _is_owners(message, chat):
        return _by_hand(external_id, message, chat, chat_sender(chat), now)
    return read_message(external_id, message, now, access)


def read_edited_business(
    external_id: str, message: Object, now: datetime, access: ChannelAccess
) -> InboundEvent:
    """An edit in a business account's chat; the owner's own are no event of the customer's."""
    chat = chat_of(message, "edited business message", access)
    business_prefix(message.get("business_connection_id"))
    if _is_owners(message, chat) or "sender_business_bot" in message:
        raise Unhandled("edited by the business account itself")
    return read_edited(external_id, message, now, access)


def read_deleted_business(
    external_id: str, deleted: Object, now: datetime, access: ChannelAccess
) -> list[InboundEvent]:
    """Deletions in a business account's chat, one event a message; only there bots are told of any."""
    chat = chat_of(deleted, "deletion", access)
    prefix = business_prefix(deleted.get("business_connection_id"))
    found = deleted.get("message_ids")
    numbers = [number for number in found if type(number) is int] if type(found) is list else []
    if not numbers:
        raise Unhandled("deletion without readable message_ids")
    return [
        InboundEvent(
            external_id=f"{external_id}:{number}" if index else external_id,
            conversation_key=prefix + identifier(chat, "id", "chat"),
            sender=chat_sender(chat),
            body=MessageDeleted(message=str(number)),
            occurred_at=now,
            message=str(number),
        )
        for index, number in enumerate(dict.fromkeys(numbers[:MAX_DELETED]))
    ]


def _is_owners(message: Object, chat: Object) -> bool:
    """A business chat has two sides: the customer, whose id is the chat's, and the account's owner."""
    user = message.get("from")
    return type(user) is dict and user.get("id") != chat.get("id")


def _direct_customer(message: Object) -> Object | None:
    """The customer whose direct messages these are, when somebody else wrote: an administrator."""
    topic = message.get("direct_messages_topic")
    user = topic.get("user") if type(topic) is dict else None
    author = message.get("from")
    if type(user) is not dict or type(author) is not dict or author.get("id") == user.get("id"):
        return None
    return user


def _by_hand(
    external_id: str, message: Object, chat: Object, customer: Sender, now: datetime
) -> InboundEvent:
    """What a human of the business wrote to the customer, who is named as the sender."""
    author = message.get("sender_chat") or message.get("from")
    message_id = integer(message.get("message_id"))
    return InboundEvent(
        external_id=external_id,
        conversation_key=conversation_key(message, chat),
        sender=customer,
        body=_reply(body_of(message), message, name_of(author) if type(author) is dict else ""),
        occurred_at=moment(message.get("date"), now),
        message="" if message_id is None else str(message_id),
    )


def _reply(body: EventBody, message: Object, agent: str) -> HumanReplied:
    text = string(message, "text") or string(message, "caption")
    if isinstance(body, MediaReceived):
        return HumanReplied(text=text, agent=agent, media=(body,))
    if not text:
        raise Unhandled(f"answered by hand with something other than words or media ({type(body).__name__})")
    return HumanReplied(text=text, agent=agent)
