"""A Telegram update as neutral events. Tolerant: whatever is no readable event is parked with its reason.

https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from adapters.protocol import ChannelAccess, Parked, Parsed
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
from adapters.telegram.context import context_of_chat
from adapters.telegram.members import read_chat_member, read_my_chat_member
from adapters.telegram.messages import (
    read_business,
    read_deleted_business,
    read_edited,
    read_edited_business,
    read_message,
)
from adapters.telegram.names import UNHANDLED_KINDS
from adapters.telegram.people import chat_of, chat_sender, conversation_key, section, user_sender
from engine.events import ChoiceMade, InboundEvent, PollAnswered, QueryReceived, ReactionReceived

Handler: TypeAlias = Callable[[str, Object, datetime, ChannelAccess], InboundEvent | list[InboundEvent]]

MAX_REACTIONS = 100
MAX_OPTIONS = 100
MAX_NAME = 64
"""Characters of a name from the payload that a reason or a key repeats."""
NO_SETTINGS: Final = ChannelAccess(channel_id=UUID(int=0), secrets={}, settings={})
"""A channel of which nothing is known."""


def parse_update(body: bytes, now: datetime, access: ChannelAccess = NO_SETTINGS) -> Parsed:
    """One update (the body of one webhook request) as its events, nearly always one; never raises.

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
    return _pieces(update, str(update_id), body, now, access)


def _unreadable(body: bytes, reason: str) -> Parsed:
    external_id = "unreadable:" + hashlib.sha256(body).hexdigest()[:32]
    return Parsed(parked=(Parked(external_id=external_id, reason=reason, raw=body),))


def _pieces(update: Object, external_id: str, body: bytes, now: datetime, access: ChannelAccess) -> Parsed:
    """Split an update. Telegram puts one piece into each; a second one gets a key of its own."""
    events: list[InboundEvent] = []
    parked: list[Parked] = []
    answer: bytes | None = None
    for kind, piece in update.items():
        if type(piece) is not dict:
            continue
        key = f"{external_id}:{kind[:MAX_NAME]}" if events or parked else external_id
        try:
            read = _handler(kind)(key, piece, now, access)
            if isinstance(read, list):
                events.extend(read)
            else:
                events.append(read)
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


def _callback_query(external_id: str, callback: Object, now: datetime, access: ChannelAccess) -> InboundEvent:
    """A pressed button. The query has no date of its own; the message's is when the button was offered.

    A button of a message that was sent by way of an inline query stands in a chat that the bot does not know;
    who pressed it is known, and so the press belongs to the conversation with them.
    """
    sender = user_sender(needed_object(callback, "from", "callback query"))
    message = callback.get("message")
    if type(message) is not dict:
        needed_string(callback, "inline_message_id", "callback query without a message and")
        data = needed_string(callback, "data", "callback query")
        return InboundEvent(
            external_id=external_id,
            conversation_key=sender.external_id,
            sender=sender,
            body=ChoiceMade(choice=data),
            occurred_at=now,
        )
    data = needed_string(callback, "data", "callback query")
    chat = chat_of(message, "callback query", access)
    message_id = integer(message.get("message_id"))
    return InboundEvent(
        external_id=external_id,
        conversation_key=conversation_key(message, chat),
        sender=sender,
        body=ChoiceMade(choice=data, title=_title(message, data)),
        occurred_at=now,
        message="" if message_id is None else str(message_id),
        context=None if chat.get("type") == "private" else context_of_chat(chat, mentioned=True),
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


def _reaction(external_id: str, change: Object, now: datetime, access: ChannelAccess) -> InboundEvent:
    chat = chat_of(change, "reaction", access)
    message_id = identifier(change, "message_id", "reaction")
    reactions = change.get("new_reaction")
    if type(reactions) is not list:
        raise Unhandled("reaction without a readable new_reaction")
    user, actor = change.get("user"), change.get("actor_chat")
    return InboundEvent(
        external_id=external_id,
        conversation_key=identifier(chat, "id", "chat"),
        sender=user_sender(user)
        if type(user) is dict
        else chat_sender(actor if type(actor) is dict else chat),
        body=ReactionReceived(
            emoji=tuple(_emoji(reaction) for reaction in reactions[:MAX_REACTIONS]), message=message_id
        ),
        occurred_at=moment(change.get("date"), now),
        message=message_id,
        context=context_of_chat(chat),
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


def _poll_answer(external_id: str, answer: Object, now: datetime, access: ChannelAccess) -> InboundEvent:
    """A vote in a poll that is not anonymous. It names no chat: it belongs to the voter's own with the bot."""
    if type(answer.get("user")) is not dict:
        raise Unhandled("a vote in the name of a chat")
    sender = user_sender(answer["user"])
    options = answer.get("option_ids")
    if type(options) is not list:
        raise Unhandled("poll answer without readable option_ids")
    return InboundEvent(
        external_id=external_id,
        conversation_key=sender.external_id,
        sender=sender,
        body=PollAnswered(
            poll=needed_string(answer, "poll_id", "poll answer"),
            options=tuple(option for option in options[:MAX_OPTIONS] if integer(option) is not None),
        ),
        occurred_at=now,
    )


def _inline_query(external_id: str, query: Object, now: datetime, access: ChannelAccess) -> InboundEvent:
    """What somebody types after the bot's name, in whichever chat: it belongs to their own with the bot."""
    if (
        section(access, "advanced_features").get("inline_queries") is False
        or section(access, "bot_features").get("inline_mode") is False
    ):
        raise Unhandled("inline queries are switched off (advanced_features, bot_features)")
    sender = user_sender(needed_object(query, "from", "inline query"))
    return InboundEvent(
        external_id=external_id,
        conversation_key=sender.external_id,
        sender=sender,
        body=QueryReceived(query=needed_string(query, "id", "inline query"), text=string(query, "query")),
        occurred_at=now,
    )


_HANDLERS: Final[Mapping[str, Handler]] = {
    "message": read_message,
    "edited_message": read_edited,
    "channel_post": read_message,
    "edited_channel_post": read_edited,
    "business_message": read_business,
    "edited_business_message": read_edited_business,
    "deleted_business_messages": read_deleted_business,
    "callback_query": _callback_query,
    "inline_query": _inline_query,
    "poll_answer": _poll_answer,
    "message_reaction": _reaction,
    "my_chat_member": read_my_chat_member,
    "chat_member": read_chat_member,
}

ALLOWED_UPDATES: Final = tuple(_HANDLERS)
"""What setWebhook and getUpdates ask for: the kinds that are handled. Telegram's default lacks reactions."""


NEEDED_UPDATES: Final = ("message", "callback_query", "my_chat_member")
"""Without these there is no conversation, or none that knows when it has ended."""


def wanted_updates(access: ChannelAccess) -> tuple[str, ...]:
    """The kinds to ask for: those that `webhook_setup.allowed_updates` names and those that are needed; all that are
    handled when it names none."""
    named = section(access, "webhook_setup").get("allowed_updates")
    chosen = [kind for kind in named if type(kind) is str] if isinstance(named, list | tuple) else []
    return tuple(dict.fromkeys((*chosen, *NEEDED_UPDATES))) if chosen else ALLOWED_UPDATES
