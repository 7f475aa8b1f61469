"""Our reading of Telegram's updates against two others: python-telegram-bot's and aiogram's.

Wherever one of the libraries can read a payload, it has to agree with our parse about who, where, when and
what. A payload that a library can't read at all is listed here, so that the list stays honest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiogram.types as aiogram
import pytest
import telegram

from adapters.telegram.parse import parse_update
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    PollAnswered,
    QueryReceived,
    ReactionReceived,
    TextReceived,
)
from tests.unit.test_telegram_parse import ACCESS, SHARED_KEYS

FOLDER = Path(__file__).parents[1] / "payloads" / "telegram"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))

UNREADABLE_TO_TELEGRAM = {"no_update_id", "wrong_types"}
UNREADABLE_TO_AIOGRAM = {"no_update_id", "wrong_types", "lone_surrogate_and_nul"}
NEWER_THAN_TELEGRAM = {"rich_message", "live_photo"}
"""Content that the installed python-telegram-bot does not know yet."""
CLEANED = {"lone_surrogate_and_nul"}
"""Where our strings differ on purpose: they have to be fit for storage."""

Reading = tuple[Any, Any, str]
"""Chat id, sender's id, and the body as JSON of the fields that both sides have."""


def ours(event: InboundEvent) -> Reading:
    """The chat's id is a key's first number, or its last behind the id of a business connection."""
    parts = event.conversation_key.split(":")
    chat = {"business": 2, "direct": 1}.get(parts[0], 0)
    return int(parts[chat]), int(event.sender.external_id), body_of_event(event)


def body_of_event(event: InboundEvent) -> str:
    match event.body:
        case TextReceived(text=text, entities=entities):
            return f"text {text} {[text[entity.start : entity.end] for entity in entities]}"
        case FormSubmitted(values=values, title=title):
            return f"form {values} {title}"
        case PollAnswered(poll=poll, options=options):
            return f"poll {poll} {options}"
        case QueryReceived(query=query, text=text):
            return f"query {query} {text}"
        case MembersChanged(joined=joined, left=left, bot=bot):
            return f"members {joined} {left} {bot}"
        case IdentityChanged(old=old, new=new):
            return f"identity {old} {new}"
        case MessageDeleted(message=message):
            return f"deleted {message}"
        case HumanReplied(text=text, agent=agent, media=media):
            return f"by hand {text} {agent} {[item.file for item in media]}"
        case CommandReceived(command=command, argument=argument):
            return f"command {command} {' '.join(argument.split())}"
        case MediaReceived(file=file, size=size, name=name, mime_type=mime_type):
            return f"file {file} {size} {name} {mime_type}"
        case LocationReceived(latitude=latitude, longitude=longitude):
            return f"place {latitude} {longitude}"
        case ContactReceived(phone=phone, name=name, own=own):
            return f"contact {phone} {name} {own}"
        case ChoiceMade(choice=choice):
            return f"choice {choice}"
        case ReactionReceived(emoji=emoji, message=message):
            return f"reaction {len(emoji)} {message}"
        case MessageEdited(message=message, text=text):
            return f"edit {message} {text}"
        case ContactabilityChanged(reachable=reachable):
            return f"reachable {reachable}"
    raise AssertionError(event.body)


def theirs(update: Any) -> Reading:
    """The same of an Update of either library: their attributes are named alike, but for `from`."""
    if query := update.callback_query:
        chat = query.message.chat.id if query.message else query.from_user.id
        return chat, query.from_user.id, f"choice {query.data}"
    if query := update.inline_query:
        return query.from_user.id, query.from_user.id, f"query {query.id} {query.query}"
    if answer := update.poll_answer:
        return answer.user.id, answer.user.id, f"poll {answer.poll_id} {tuple(answer.option_ids)}"
    if reaction := update.message_reaction:
        actor = reaction.user or reaction.actor_chat
        return reaction.chat.id, actor.id, f"reaction {len(reaction.new_reaction)} {reaction.message_id}"
    if change := update.my_chat_member or update.chat_member:
        return by_membership(change)
    if deleted := update.deleted_business_messages:
        return deleted.chat.id, deleted.chat.id, f"deleted {deleted.message_ids[0]}"
    return by_message(update)


def by_membership(change: Any) -> Reading:
    user, inside = change.new_chat_member.user, ("member", "administrator")
    before, after = (
        getattr(member.status, "value", member.status) in inside
        for member in (change.old_chat_member, change.new_chat_member)
    )
    if change.chat.type == "private":
        return change.chat.id, change.from_user.id, f"reachable {after}"
    assert before != after
    joined, left = ((user.full_name,), ()) if after else ((), (user.full_name,))
    actor = change.from_user if user.is_bot else user
    return change.chat.id, actor.id, f"members {joined} {left} {user.is_bot}"


def by_message(update: Any) -> Reading:
    edited = update.edited_message or update.edited_channel_post or update.edited_business_message
    message = edited or update.message or update.channel_post or update.business_message
    sender = message.sender_chat or message.from_user
    topic = message.direct_messages_topic
    customer = topic.user if topic else message.chat if message.business_connection_id else sender
    if customer.id != sender.id:
        files = [max(message.photo, key=lambda size: size.width).file_id] if message.photo else []
        text = message.text or message.caption
        return message.chat.id, customer.id, f"by hand {text} {sender.full_name} {files}"
    if edited:
        return message.chat.id, sender.id, f"edit {message.message_id} {message.text or message.caption}"
    return message.chat.id, sender.id, body_of_message(message)


def body_of_message(message: Any) -> str:
    if message.text:
        first = (message.entities or [None])[0]
        if first and first.type == "bot_command" and first.offset == 0:
            name = message.text[1 : first.length].partition("@")[0].lower()
            return f"command {name} {' '.join(message.text[first.length :].split())}"
        marked = [extracted(message.text, entity) for entity in message.entities or ()]
        return f"text {message.text} {[text for text in marked if text != 'soon']}"
    photo = message.photo and max(message.photo, key=lambda size: size.width)
    kinds = ("live_photo", "voice", "audio", "animation", "video_note", "video", "sticker", "document")
    media = next((found for kind in kinds if (found := getattr(message, kind, None))), None) or photo
    if media:
        name, mime_type = getattr(media, "file_name", None), getattr(media, "mime_type", None)
        return f"file {media.file_id} {media.file_size} {name or ''} {mime_type or ''}"
    if message.location:
        return f"place {message.location.latitude} {message.location.longitude}"
    if contact := message.contact:
        name = " ".join(filter(None, (contact.first_name, contact.last_name)))
        return f"contact {contact.phone_number} {name} {contact.user_id == message.from_user.id}"
    if message.dice:
        return f"text {message.dice.emoji} {message.dice.value} []"
    if message.migrate_to_chat_id:
        return f"identity {message.chat.id} {message.migrate_to_chat_id}"
    if message.left_chat_member:
        return f"members () {(message.left_chat_member.full_name,)} False"
    if message.new_chat_members:
        people = tuple(user.full_name for user in message.new_chat_members if not user.is_bot)
        return f"members {people} () False"
    data = message.web_app_data
    assert data
    if data.data.startswith("{"):
        return f"form {json.loads(data.data)} {data.button_text}"
    return f"text {data.data} []"


def extracted(text: str, entity: Any) -> str:
    """What a library's own count of UTF-16 units cuts out."""
    units = text.encode("utf-16-le")
    return units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")


def by_telegram(body: bytes) -> Any:
    return telegram.Update.de_json(json.loads(body), None)


def by_aiogram(body: bytes) -> Any:
    return aiogram.Update.model_validate_json(body)


def agree(name: str, read: Callable[[bytes], Any], unreadable: set[str]) -> InboundEvent | None:
    body = (FOLDER / f"{name}.json").read_bytes()
    if name in unreadable:
        with pytest.raises(Exception):  # noqa: B017 - whichever error the library has for it
            read(body)
        return None
    update = read(body)
    parsed = parse_update(body, NOW, ACCESS)
    for event in parsed.events:
        assert event.external_id == SHARED_KEYS.get(name, str(update.update_id))
        if name not in CLEANED | NEWER_THAN_TELEGRAM and name != "command_without_entities":
            assert ours(event) == theirs(update)
        return event
    return None


@pytest.mark.parametrize("name", NAMES)
def test_python_telegram_bot_agrees(name: str) -> None:
    event = agree(name, by_telegram, UNREADABLE_TO_TELEGRAM)
    if event is not None and isinstance(event.body, TextReceived | CommandReceived | MediaReceived):
        update = by_telegram((FOLDER / f"{name}.json").read_bytes())
        assert event.message == str(update.effective_message.message_id)
        if not name.startswith("date_"):
            assert event.occurred_at == update.effective_message.date
        assert event.sender.language == (getattr(update.effective_sender, "language_code", None) or "")


@pytest.mark.parametrize("name", NAMES)
def test_aiogram_agrees(name: str) -> None:
    event = agree(name, by_aiogram, UNREADABLE_TO_AIOGRAM)
    if event is not None and name == "rich_message":
        update = by_aiogram((FOLDER / f"{name}.json").read_bytes())
        assert update.message.rich_message.blocks


def test_topics_are_theirs_too() -> None:
    body = (FOLDER / "text_in_forum_topic.json").read_bytes()
    update = by_telegram(body)
    (event,) = parse_update(body, NOW).events
    assert update.message.is_topic_message
    assert event.conversation_key == f"{update.message.chat_id}:{update.message.message_thread_id}"
