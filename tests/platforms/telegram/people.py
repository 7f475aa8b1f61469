"""What customers do, and the updates that come of it."""

from __future__ import annotations

import re
import time
from typing import Any

from tests.platforms.telegram.stock import MediaKind, content, keep
from tests.platforms.telegram.world import CALLBACK_SECONDS, JSON, Bot, Chat, Person

_COMMAND = re.compile(r"/[A-Za-z0-9_]+(?:@[A-Za-z0-9_]+)?")


def message(
    bot: Bot, chat: Chat, content: JSON, *, person: Person | None = None, thread: int | None = None
) -> JSON:
    """A Message object written by a customer, the next of its chat."""
    built: JSON = {
        "message_id": chat.next_message_id(),
        "from": (person or chat.person).json(),
        "chat": chat.json(),
        "date": int(time.time()),
        **content,
    }
    if thread is not None:
        chat.threads.add(thread)
        built |= {"chat": chat.json(), "message_thread_id": thread, "is_topic_message": True}
    if not bot.world.bench:
        chat.messages[built["message_id"]] = built
    return built


def say(
    bot: Bot, chat_id: int, text: str, *, person: Person | None = None, thread: int | None = None
) -> int | None:
    """A customer writes; commands get their entity. Returns the update's id."""
    chat = bot.chat(chat_id)
    if person is not None and chat_id > 0:
        chat.person = person
    content: JSON = {"text": text}
    if command := _COMMAND.match(text):
        content["entities"] = [{"type": "bot_command", "offset": 0, "length": command.end()}]
    return bot.receive(
        "message", message(bot, chat, content, person=person, thread=thread), ("chat", chat_id)
    )


def send(bot: Bot, chat_id: int, content: JSON) -> int | None:
    """A customer sends any other content, such as `{"location": {…}}`."""
    return bot.receive("message", message(bot, bot.chat(chat_id), content), ("chat", chat_id))


def send_file(
    bot: Bot, chat_id: int, kind: MediaKind, data: bytes, *, name: str = "", size: int | None = None
) -> int | None:
    """A customer sends a file, which the bot may then read. `size` in bytes, for one that only pretends to be large."""
    file = keep(bot, kind, name or f"{kind}.bin", "", data, size)
    return send(bot, chat_id, content(kind, file))


def query(bot: Bot, user: int, text: str) -> str:
    """Somebody types after the bot's name, in some chat. Returns the query's id."""
    number = str(next(bot.world.callback_ids))
    bot.inline_queries[number] = time.monotonic() + CALLBACK_SECONDS
    person = Person(id=user).json()
    bot.receive(
        "inline_query", {"id": number, "from": person, "query": text, "offset": "", "chat_type": "sender"}
    )
    return number


def expire(bot: Bot) -> None:
    """Let every query's time run out: callbacks' and inline ones'."""
    bot.callbacks = dict.fromkeys(bot.callbacks, 0.0)
    bot.inline_queries = dict.fromkeys(bot.inline_queries, 0.0)


def press(bot: Bot, chat_id: int, message_id: int, data: str) -> int | None:
    """A customer presses the button with `data` under one of the bot's messages. KeyError if it has none."""
    chat = bot.chat(chat_id)
    carrier = chat.messages[message_id]
    rows: list[list[JSON]] = carrier["reply_markup"]["inline_keyboard"]
    if not any(button.get("callback_data") == data for row in rows for button in row):
        raise KeyError(data)
    query = str(next(bot.world.callback_ids))
    bot.callbacks[query] = time.monotonic() + CALLBACK_SECONDS
    payload = {
        "id": query,
        "from": chat.person.json(),
        "message": carrier,
        "chat_instance": str(-chat_id * 7919),
        "data": data,
    }
    return bot.receive("callback_query", payload, ("user", chat.person.id))


def edit(bot: Bot, chat_id: int, message_id: int, text: str) -> int | None:
    """A customer edits one of their messages."""
    chat = bot.chat(chat_id)
    changed = chat.messages[message_id] | {"text": text, "edit_date": int(time.time())}
    chat.messages[message_id] = changed
    return bot.receive("edited_message", changed, ("chat", chat_id))


def react(bot: Bot, chat_id: int, message_id: int, emoji: list[str]) -> int | None:
    """A customer's reactions to a message become these."""
    chat = bot.chat(chat_id)
    payload: dict[str, Any] = {
        "chat": chat.json(),
        "message_id": message_id,
        "user": chat.person.json(),
        "date": int(time.time()),
        "old_reaction": [],
        "new_reaction": [{"type": "emoji", "emoji": one} for one in emoji],
    }
    return bot.receive("message_reaction", payload)


def block(bot: Bot, chat_id: int, blocked: bool = True) -> int | None:
    """A customer blocks the bot, or takes it back."""
    chat = bot.chat(chat_id)
    before, after = ("member", "kicked") if blocked else ("kicked", "member")
    chat.blocked = blocked
    until = {"until_date": 0}
    payload = {
        "chat": chat.json(),
        "from": chat.person.json(),
        "date": int(time.time()),
        "old_chat_member": {"user": bot.json(), "status": before, **(until if before == "kicked" else {})},
        "new_chat_member": {"user": bot.json(), "status": after, **(until if after == "kicked" else {})},
    }
    return bot.receive("my_chat_member", payload, ("chat", chat_id))
