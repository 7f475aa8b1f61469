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
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MessageEdited,
    ReactionReceived,
    TextReceived,
)

FOLDER = Path(__file__).parents[1] / "payloads" / "telegram"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))

UNREADABLE_TO_TELEGRAM = {"no_update_id", "wrong_types"}
UNREADABLE_TO_AIOGRAM = {"no_update_id", "wrong_types", "lone_surrogate_and_nul"}
NEWER_THAN_TELEGRAM = {"rich_message"}
"""Content that the installed python-telegram-bot does not know yet."""
CLEANED = {"lone_surrogate_and_nul"}
"""Where our strings differ on purpose: they have to be fit for storage."""

Reading = tuple[Any, Any, str]
"""Chat id, sender's id, and the body as JSON of the fields that both sides have."""


def ours(event: InboundEvent) -> Reading:
    chat, _, _ = event.conversation_key.partition(":")
    return int(chat), int(event.sender.external_id), body_of_event(event)


def body_of_event(event: InboundEvent) -> str:
    match event.body:
        case TextReceived(text=text):
            return f"text {text}"
        case CommandReceived(command=command, argument=argument):
            return f"command {command} {' '.join(argument.split())}"
        case MediaReceived(file=file, size=size, name=name, mime_type=mime_type):
            return f"file {file} {size} {name} {mime_type}"
        case LocationReceived(latitude=latitude, longitude=longitude):
            return f"place {latitude} {longitude}"
        case ContactReceived(phone=phone, name=name):
            return f"contact {phone} {name}"
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
        return query.message.chat.id, user_of(query).id, f"choice {query.data}"
    if reaction := update.message_reaction:
        actor = reaction.user or reaction.actor_chat
        return reaction.chat.id, actor.id, f"reaction {len(reaction.new_reaction)} {reaction.message_id}"
    if change := update.my_chat_member:
        status = str(change.new_chat_member.status)
        return change.chat.id, user_of(change).id, f"reachable {'kicked' not in status.lower()}"
    edited = update.edited_message or update.edited_channel_post
    message = edited or update.message or update.channel_post
    sender = message.sender_chat or user_of(message)
    if edited:
        return message.chat.id, sender.id, f"edit {message.message_id} {message.text or message.caption}"
    return message.chat.id, sender.id, body_of_message(message)


def user_of(piece: Any) -> Any:
    return piece.from_user


def body_of_message(message: Any) -> str:
    if message.text:
        first = (message.entities or [None])[0]
        if first and first.type == "bot_command" and first.offset == 0:
            name = message.text[1 : first.length].partition("@")[0].lower()
            return f"command {name} {' '.join(message.text[first.length :].split())}"
        return f"text {message.text}"
    photo = message.photo and max(message.photo, key=lambda size: size.width)
    kinds = ("voice", "audio", "animation", "video_note", "video", "sticker", "document")
    media = photo or next((getattr(message, kind) for kind in kinds if getattr(message, kind)), None)
    if media:
        name, mime_type = getattr(media, "file_name", None), getattr(media, "mime_type", None)
        return f"file {media.file_id} {media.file_size} {name or ''} {mime_type or ''}"
    if message.location:
        return f"place {message.location.latitude} {message.location.longitude}"
    if contact := message.contact:
        return f"contact {contact.phone_number} {contact.first_name} {contact.last_name}"
    assert message.web_app_data
    return f"text {message.web_app_data.data}"


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
    parsed = parse_update(body, NOW)
    for event in parsed.events:
        assert event.external_id == str(update.update_id)
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
