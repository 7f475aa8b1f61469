"""The Bot API's methods, with the real server's checks and words.

Texts of errors: https://github.com/tdlib/telegram-bot-api. Methods that a gateway does not use answer 404.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from tests.platforms.telegram.entities import plain_text
from tests.platforms.telegram.errors import bad_request, too_many_requests
from tests.platforms.telegram.keyboards import check_markup
from tests.platforms.telegram.parameters import Parameters
from tests.platforms.telegram.world import JSON, Bot, Chat, Via

Method: TypeAlias = Callable[[Bot, Parameters, Via], Any]

MAX_TEXT: Final = 4096
MAX_RAW_TEXT: Final = 65_536
MAX_CALLBACK_ANSWER: Final = 200
MAX_COMMANDS: Final = 100
_ACTIONS: Final = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")


def target(bot: Bot, given: Parameters) -> Chat:
    """The chat that `chat_id` names; numbers may come as strings, names (@channel) are never known."""
    name = given.get("chat_id")
    if isinstance(name, int) and not isinstance(name, bool):
        return bot.known_chat(name, "")
    text = given.string("chat_id").strip()
    return bot.known_chat(int(text) if text.lstrip("-").isdecimal() else None, text)


def _thread(chat: Chat, given: Parameters, bot: Bot) -> int | None:
    thread = given.integer("message_thread_id")
    if thread is not None and thread not in chat.threads and not bot.world.open_chats:
        raise bad_request("message thread not found")
    return thread


def _text(given: Parameters) -> str:
    """The text as it will stand: markup read, trimmed, within the limit (UTF-16 units)."""
    raw = given.string("text")
    if not raw:
        raise bad_request("message text is empty")
    if len(raw) > MAX_RAW_TEXT:
        raise bad_request("message is too long")
    mode = given.get("parse_mode")
    text = (plain_text(raw, given.string("parse_mode")) if mode else raw).strip()
    if not text:
        raise bad_request("text must be non-empty")
    if len(text) > MAX_TEXT // 2 and len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_TEXT:
        raise bad_request("message is too long")
    return text


def get_me(bot: Bot, given: Parameters, via: Via) -> JSON:
    """Who the bot is."""
    return {
        **bot.json(),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


def send_message(bot: Bot, given: Parameters, via: Via) -> JSON:
    """Check, keep, log; answers with the message."""
    chat = target(bot, given)
    text = _text(given)
    markup = check_markup(given.nested("reply_markup")) if "reply_markup" in given else None
    thread = _thread(chat, given, bot) if "message_thread_id" in given else None
    if bot.world.rate_limits and (wait := bot.limits.wait(chat.id, time.monotonic())):
        raise too_many_requests(wait)
    message_id = chat.next_message_id()
    message: JSON = {
        "message_id": message_id,
        "from": bot.json(),
        "chat": chat.json(),
        "date": int(time.time()),
        "text": text,
    }
    if markup is not None:
        message["reply_markup"] = markup
    if thread is not None:
        message |= {"message_thread_id": thread, "is_topic_message": True}
    if not bot.world.bench:
        chat.messages[message_id] = message
    bot.world.record(
        bot,
        "sendMessage",
        chat.id,
        message_id=message_id,
        thread=thread,
        text=text,
        reply_markup=markup,
        via=via,
    )
    return message


def edit_message_text(bot: Bot, given: Parameters, via: Via) -> JSON:
    """Change one of the bot's own messages."""
    chat = target(bot, given)
    text = _text(given)
    markup = check_markup(given.nested("reply_markup"))
    message = chat.messages.get(given.integer("message_id", 0) or 0)
    if message is None or message["from"]["id"] != bot.id:
        raise bad_request("message to edit not found" if message is None else "message can't be edited")
    if message["text"] == text and message.get("reply_markup") == markup:
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same as a"
            " current content and reply markup of the message"
        )
    message |= {"text": text, "edit_date": int(time.time())}
    message.pop("reply_markup", None)
    if markup is not None:
        message["reply_markup"] = markup
    bot.world.record(
        bot,
        "editMessageText",
        chat.id,
        message_id=message["message_id"],
        text=text,
        reply_markup=markup,
        via=via,
    )
    return message


def send_chat_action(bot: Bot, given: Parameters, via: Via) -> bool:
    """Show "typing…" and the like."""
    chat = target(bot, given)
    action = given.string("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    bot.world.record(bot, "sendChatAction", chat.id, text=action, via=via)
    return True


def answer_callback_query(bot: Bot, given: Parameters, via: Via) -> bool:
    """End a pressed button's spinner; only for a query that exists and is not too old."""
    query = given.string("callback_query_id")
    if bot.callbacks.get(query, 0.0) < time.monotonic():
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = given.string("text")
    if len(text) > MAX_CALLBACK_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    bot.world.record(bot, "answerCallbackQuery", 0, text=query, via=via)
    return True


def set_my_commands(bot: Bot, given: Parameters, via: Via) -> bool:
    """Set the bot's menu."""
    commands = given.nested("commands")
    if not isinstance(commands, list):
        raise bad_request("can't parse commands JSON object")
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not isinstance(command, dict) or not _COMMAND.fullmatch(
            str(command.get("command", "")).lstrip("/")
        ):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    bot.commands = commands
    return True


def _set_text(field: str, parameter: str, limit: int) -> Method:
    def method(bot: Bot, given: Parameters, via: Via) -> bool:
        text = given.string(parameter)
        if len(text) > limit:
            raise bad_request(f"{parameter.replace('_', ' ')} is too long")
        setattr(bot, field, text)
        return True

    return method


def delete_my_commands(bot: Bot, given: Parameters, via: Via) -> bool:
    """Remove the menu."""
    bot.commands = []
    return True


METHODS: Final[dict[str, Method]] = {
    "getme": get_me,
    "sendmessage": send_message,
    "editmessagetext": edit_message_text,
    "sendchataction": send_chat_action,
    "answercallbackquery": answer_callback_query,
    "setmycommands": set_my_commands,
    "getmycommands": lambda bot, given, via: bot.commands,
    "deletemycommands": delete_my_commands,
    "setmydescription": _set_text("description", "description", 512),
    "getmydescription": lambda bot, given, via: {"description": bot.description},
    "setmyshortdescription": _set_text("short_description", "short_description", 120),
    "getmyshortdescription": lambda bot, given, via: {"short_description": bot.short_description},
}
"""By lower-case name: Telegram does not regard case. Those about updates are in `updates.py`."""
