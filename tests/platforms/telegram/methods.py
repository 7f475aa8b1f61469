"""The Bot API's methods, with the real server's checks and words.

Texts of errors: https://github.com/tdlib/telegram-bot-api. Methods that a gateway does not use answer 404.
"""

from __future__ import annotations

import time
from typing import Any, Final

from tests.platforms.telegram.edits import EDITS
from tests.platforms.telegram.errors import bad_request
from tests.platforms.telegram.marks import MAX_TEXT
from tests.platforms.telegram.parameters import Parameters
from tests.platforms.telegram.profile import PROFILE
from tests.platforms.telegram.sends import SENDS, place, target
from tests.platforms.telegram.stock import get_file
from tests.platforms.telegram.world import JSON, Bot, Method, Via

MAX_CALLBACK_ANSWER: Final = 200
MAX_RESULTS: Final = 50
MAX_RESULT_ID: Final = 64
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
_REACTIONS: Final = frozenset(
    "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\ufe0f\u200d🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨"  # noqa: SIM905
    " 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾"
    " 🤷\u200d♂\ufe0f 🤷 🤷\u200d♀\ufe0f 😡".split()
)
_TOO_OLD: Final = "query is too old and response timeout expired or query ID is invalid"


def send_chat_action(bot: Bot, given: Parameters, via: Via) -> bool:
    """Show "typing…" and the like."""
    chat = target(bot, given)
    action = given.string("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    place(bot, chat, given)
    bot.world.record(bot, "sendChatAction", chat.id, text=action, via=via, given=given)
    return True


def answer_callback_query(bot: Bot, given: Parameters, via: Via) -> bool:
    """End a pressed button's spinner; only for a query that exists and is not too old."""
    query = given.string("callback_query_id")
    if bot.callbacks.get(query, 0.0) < time.monotonic():
        raise bad_request(_TOO_OLD)
    if len(given.string("text")) > MAX_CALLBACK_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    bot.world.record(bot, "answerCallbackQuery", 0, text=query, via=via)
    return True


def answer_inline_query(bot: Bot, given: Parameters, via: Via) -> bool:
    """What an inline query found; only for one that exists and is not too old."""
    query = given.string("inline_query_id")
    if bot.inline_queries.get(query, 0.0) < time.monotonic():
        raise bad_request(_TOO_OLD)
    results = given.nested("results")
    if not isinstance(results, list):
        raise bad_request("can't parse inline query results JSON object")
    if len(results) > MAX_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    names = [_check_result(result) for result in results]
    if len(set(names)) < len(names):
        raise bad_request("RESULT_ID_DUPLICATE")
    bot.world.record(bot, "answerInlineQuery", 0, text=query, via=via, given=given)
    return True


def _check_result(result: Any) -> str:
    if not isinstance(result, dict) or result.get("type") != "article":
        raise bad_request("can't parse inline query result: the mock knows articles only")
    name = str(result.get("id", ""))
    if not 0 < len(name.encode()) <= MAX_RESULT_ID:
        raise bad_request("RESULT_ID_INVALID")
    if not result.get("title"):
        raise bad_request("can't parse inline query result: Can't find field \"title\"")
    said = result.get("input_message_content")
    text = str(said.get("message_text", "")) if isinstance(said, dict) else ""
    if not text.strip():
        raise bad_request("can't parse inline query result: Message text is empty")
    if len(text.encode("utf-16-le")) // 2 > MAX_TEXT:
        raise bad_request("MESSAGE_TOO_LONG")
    return name


def set_message_reaction(bot: Bot, given: Parameters, via: Via) -> bool:
    """React to a message with one emoji of those that there are, or take it back."""
    chat = target(bot, given)
    message_id = given.integer("message_id", 0) or 0
    if message_id not in chat.messages:
        raise bad_request("message to react not found")
    reactions = given.nested("reaction") or []
    if not isinstance(reactions, list) or not all(isinstance(one, dict) for one in reactions):
        raise bad_request("can't parse reaction types JSON object")
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for one in reactions:
        if one.get("type") != "custom_emoji" and one.get("emoji") not in _REACTIONS - chat.unwanted:
            raise bad_request("REACTION_INVALID")
    shown = str(reactions[0].get("emoji") or reactions[0].get("custom_emoji_id")) if reactions else ""
    bot.world.record(
        bot, "setMessageReaction", chat.id, message_id=message_id, text=shown, via=via, given=given
    )
    return True


def _get_file(bot: Bot, given: Parameters, via: Via) -> JSON:
    return get_file(bot, given.string("file_id"))


METHODS: Final[dict[str, Method]] = {
    **SENDS,
    **EDITS,
    **PROFILE,
    "sendchataction": send_chat_action,
    "answercallbackquery": answer_callback_query,
    "answerinlinequery": answer_inline_query,
    "setmessagereaction": set_message_reaction,
    "getfile": _get_file,
}
"""By lower-case name: Telegram does not regard case. Those about updates are in `updates.py`."""
