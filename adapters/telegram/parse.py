"""A Telegram update as neutral events. Tolerant: whatever is no readable event is parked with its reason.

https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from adapters.protocol import Parked, Parsed
from adapters.reading import (
    Object,
    Unhandled,
    decode,
    identifier,
    integer,
    moment,
    needed_object,
    needed_string,
    string,
)
from adapters.telegram.content import body_of
from adapters.telegram.names import UNHANDLED_KINDS
from engine.events import (
    ChoiceMade,
    ContactabilityChanged,
    InboundEvent,
    MessageEdited,
    ReactionReceived,
    Sender,
)

Handler: TypeAlias = Callable[[str, Object, datetime], InboundEvent]

MAX_REACTIONS = 100
MAX_NAME = 64
"""Characters of a name from the payload that a reason or a key repeats."""


def parse_update(body: bytes, now: datetime) -> Parsed:
    """One update (the body of one webhook request) as at most one event; never raises.

    The dedupe key is `update_id`. A body without a readable one is keyed by its own hash, so that Telegram's
    repeats of it are still one.
    """
    try:
        update = decode(body)
    except Exception as error:  # the decoders' own errors, and RecursionError on hostile nesting
        return _unreadable(body, f"not JSON ({type(error).__name__})")
    update_id = integer(update.get("update_id")) if type(update) is dict else None
    if update_id is None:
        return _unreadable(body, "no readable update_id")
    return _pieces(update, str(update_id), body, now)


def _unreadable(body: bytes, reason: str) -> Parsed:
    external_id = "unreadable:" + hashlib.sha256(body).hexdigest()[:32]
    return Parsed(parked=(Parked(external_id=external_id, reason=reason, raw=body),))


def _pieces(update: Object, external_id: str, body: bytes, now: datetime) -> Parsed:
    """Split an update. Telegram puts one piece into each; a second one gets a key of its own."""
    events: list[InboundEvent] = []
    parked: list[Parked] = []
    answer: bytes | None = None
    for kind, piece in update.items():
        if type(piece) is not dict:
            continue
        key = f"{external_id}:{kind[:MAX_NAME]}" if events or parked else external_id
        try:
            events.append(_handler(kind)(key, piece, now))
        except Unhandled as reason:
            parked.append(Parked(external_id=key, reason=str(reason), raw=body))
        except Exception as error:  # a shape that nobody thought of must not turn into a 5xx
            parked.append(
                Parked(external_id=key, reason=f"unexpected shape ({type(error).__name__})", raw=body)
            )
        if kind == "callback_query":
            answer = _answer(piece)
    if not events and not parked:
        names = ", ".join(sorted(update.keys() - {"update_id"}))[:MAX_NAME] or "nothing"
        parked.append(Parked(external_id=external_id, reason=f"no readable piece: {names}", raw=body))
    return Parsed(events=tuple(events), parked=tuple(parked), answer=answer)


def _handler(kind: str) -> Handler:
    handler = _HANDLERS.get(kind)
    if handler is not None:
        return handler
    if kind in UNHANDLED_KINDS:
        raise Unhandled(f"update kind not handled: {kind}")
    raise Unhandled(f"unknown update kind: {kind[:MAX_NAME]}")


def _answer(callback: Object) -> bytes | None:
    """The call that ends the pressed button's spinner, for the webhook's own answer to carry."""
    query = string(callback, "id")
    if not query:
        return None
    return msgspec.json.encode({"method": "answerCallbackQuery", "callback_query_id": query})


def _message(external_id: str, message: Object, now: datetime) -> InboundEvent:
    chat = _chat(message, "message")
    message_id = integer(message.get("message_id"))
    return InboundEvent(
        external_id=external_id,
        conversation_key=_conversation_key(message, chat),
        sender=_author(message, chat),
        body=body_of(message),
        occurred_at=moment(message.get("date"), now),
        message="" if message_id is None else str(message_id),
    )


def _edited_message(external_id: str, message: Object, now: datetime) -> InboundEvent:
    chat = _chat(message, "edited message")
    message_id = identifier(message, "message_id", "edited message")
    text = string(message, "text") or string(message, "caption")
    if not text:
        raise Unhandled("edited message without text or caption")
    return InboundEvent(
        external_id=external_id,
        conversation_key=_conversation_key(message, chat),
        sender=_author(message, chat),
        body=MessageEdited(message=message_id, text=text),
        occurred_at=moment(message.get("edit_date"), now),
        message=message_id,
    )


def _callback_query(external_id: str, callback: Object, now: datetime) -> InboundEvent:
    """A pressed button. The query has no date of its own; the message's is when the button was offered."""
    user = needed_object(callback, "from", "callback query")
    message = callback.get("message")
    if type(message) is not dict:
        raise Unhandled("callback query without a message: its conversation is not known")
    data = needed_string(callback, "data", "callback query")
    chat = _chat(message, "callback query")
    message_id = integer(message.get("message_id"))
    return InboundEvent(
        external_id=external_id,
        conversation_key=_conversation_key(message, chat),
        sender=_user(user),
        body=ChoiceMade(choice=data, title=_title(message, data)),
        occurred_at=now,
        message="" if message_id is None else str(message_id),
    )


def _title(message: Object, data: str) -> str:
    """The text of the button that carries `data`, from the keyboard that comes back with the message."""
    markup = message.get("reply_markup")
    rows = markup.get("inline_keyboard") if type(markup) is dict else None
    for row in rows if type(rows) is list else ():
        for button in row if type(row) is list else ():
            if type(button) is dict and button.get("callback_data") == data:
                return string(button, "text")
    return ""


def _reaction(external_id: str, change: Object, now: datetime) -> InboundEvent:
    chat = _chat(change, "reaction")
    message_id = identifier(change, "message_id", "reaction")
    reactions = change.get("new_reaction")
    if type(reactions) is not list:
        raise Unhandled("reaction without a readable new_reaction")
    user, actor = change.get("user"), change.get("actor_chat")
    return InboundEvent(
        external_id=external_id,
        conversation_key=identifier(chat, "id", "chat"),
        sender=_user(user) if type(user) is dict else _chat_sender(actor if type(actor) is dict else chat),
        body=ReactionReceived(
            emoji=tuple(_emoji(reaction) for reaction in reactions[:MAX_REACTIONS]), message=message_id
        ),
        occurred_at=moment(change.get("date"), now),
        message=message_id,
    )


def _emoji(reaction: Any) -> str:
    """An emoji itself; a custom one by its id; a paid one as the star that it costs."""
    match reaction:
        case {"type": "emoji", "emoji": str(emoji)} if emoji:
            return emoji
        case {"type": "custom_emoji", "custom_emoji_id": str(emoji)} if emoji:
            return f"custom_emoji:{emoji}"
        case {"type": "paid"}:
            return "⭐"
    raise Unhandled("reaction of an unknown type")


def _my_chat_member(external_id: str, change: Object, now: datetime) -> InboundEvent:
    """In a private chat: the customer blocked the bot ("kicked") or let it write again ("member")."""
    chat = _chat(change, "my_chat_member")
    status = needed_object(change, "new_chat_member", "my_chat_member").get("status")
    if chat.get("type") != "private":
        raise Unhandled("the bot's membership in a group or channel changed")
    if status not in ("kicked", "member"):
        raise Unhandled("the bot's membership changed, but not whether it can write")
    return InboundEvent(
        external_id=external_id,
        conversation_key=identifier(chat, "id", "chat"),
        sender=_user(needed_object(change, "from", "my_chat_member")),
        body=ContactabilityChanged(reachable=status == "member"),
        occurred_at=moment(change.get("date"), now),
    )


def _chat(where: Object, what: str) -> Object:
    chat = needed_object(where, "chat", what)
    if chat.get("is_direct_messages") is True:
        # Its topics are different customers, who must not share one conversation.
        raise Unhandled("a channel's direct messages are not handled")
    return chat


def _conversation_key(message: Object, chat: Object) -> str:
    """`chat id`, or `chat id:thread id` inside a topic.

    Outside forums `message_thread_id` is only the thread of replies; `is_topic_message` tells them apart.
    """
    key = identifier(chat, "id", "chat")
    if message.get("is_topic_message") is True:
        return f"{key}:{identifier(message, 'message_thread_id', 'topic message')}"
    return key


def _author(message: Object, chat: Object) -> Sender:
    """Who wrote it: the user, or the chat in whose name it was written (`from` is then a stand-in bot)."""
    behalf = message.get("sender_chat")
    if type(behalf) is dict:
        if message.get("is_automatic_forward") is True:
            raise Unhandled("a channel post, forwarded to its discussion group by Telegram")
        return _chat_sender(behalf)
    user = message.get("from")
    if type(user) is not dict:
        return _chat_sender(chat)
    return _user(user)


def _user(user: Object) -> Sender:
    if user.get("is_bot") is True:
        raise Unhandled("from a bot")
    return Sender(
        external_id=identifier(user, "id", "sender"),
        first_name=string(user, "first_name"),
        last_name=string(user, "last_name"),
        username=string(user, "username"),
        language=string(user, "language_code"),
    )


def _chat_sender(chat: Object) -> Sender:
    return Sender(
        external_id=identifier(chat, "id", "chat"),
        first_name=string(chat, "title") or string(chat, "first_name"),
        last_name=string(chat, "last_name"),
        username=string(chat, "username"),
    )


_HANDLERS: Final[Mapping[str, Handler]] = {
    "message": _message,
    "edited_message": _edited_message,
    "channel_post": _message,
    "edited_channel_post": _edited_message,
    "callback_query": _callback_query,
    "message_reaction": _reaction,
    "my_chat_member": _my_chat_member,
}

ALLOWED_UPDATES: Final = tuple(_HANDLERS)
"""What setWebhook and getUpdates ask for: the kinds that are handled. Telegram's default lacks reactions."""
