"""The methods that change one of the bot's own messages."""

from __future__ import annotations

import time
from typing import Any, Final

from tests.platforms.telegram.errors import bad_request
from tests.platforms.telegram.keyboards import check_markup
from tests.platforms.telegram.marks import caption, message_text
from tests.platforms.telegram.parameters import Parameters
from tests.platforms.telegram.sends import is_private, target
from tests.platforms.telegram.stock import content, stored
from tests.platforms.telegram.world import JSON, Bot, Chat, Method, Via

_MEDIA: Final = ("photo", "video", "animation", "audio", "document")
_NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same as a"
    " current content and reply markup of the message"
)


def _own(bot: Bot, chat: Chat, given: Parameters) -> JSON:
    message_id = given.integer("message_id", 0) or 0
    message = chat.messages.get(message_id)
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != bot.id or message_id in chat.uneditable:
        raise bad_request("message can't be edited")
    return message


def _change(
    bot: Bot, method: str, given: Parameters, via: Via, parts: JSON, remove: tuple[str, ...], text: str = ""
) -> JSON:
    """Put `parts` in place of the fields `remove`, and the new keyboard in place of the old one."""
    chat = target(bot, given)
    message = _own(bot, chat, given)
    markup: Any = given.nested("reply_markup")
    if isinstance(markup, dict) and "keyboard" in markup:
        raise bad_request("inline keyboard expected")
    checked = check_markup(markup, private=is_private(chat, given))
    before = {key: message.get(key) for key in (*remove, "reply_markup")}
    after = {key: parts.get(key) for key in remove} | {"reply_markup": checked}
    if before == after:
        raise bad_request(_NOT_MODIFIED)
    for key in (*remove, "reply_markup"):
        message.pop(key, None)
    message |= {key: value for key, value in after.items() if value is not None}
    message["edit_date"] = int(time.time())
    bot.world.record(
        bot,
        method,
        chat.id,
        message_id=message["message_id"],
        text=text,
        reply_markup=checked,
        via=via,
        given=given,
    )
    return message


def edit_message_text(bot: Bot, given: Parameters, via: Via) -> JSON:
    """Another text."""
    text, entities = message_text(given)
    message = _own(bot, target(bot, given), given)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    parts: JSON = {"text": text, "entities": entities or None}
    return _change(bot, "editMessageText", given, via, parts, ("text", "entities"), text)


def edit_message_caption(bot: Bot, given: Parameters, via: Via) -> JSON:
    """Another caption, or none."""
    text, entities = caption(given)
    message = _own(bot, target(bot, given), given)
    if not any(kind in message for kind in _MEDIA):
        raise bad_request("there is no caption in the message to edit")
    parts: JSON = {"caption": text or None, "caption_entities": entities or None}
    return _change(bot, "editMessageCaption", given, via, parts, ("caption", "caption_entities"), text)


def edit_message_media(bot: Bot, given: Parameters, via: Via) -> JSON:
    """Another file, with its caption. A text may become one; a file may not become a text."""
    media = given.nested("media")
    if not isinstance(media, dict) or media.get("type") not in _MEDIA:
        raise bad_request("can't parse InputMedia: invalid type specified")
    _own(bot, target(bot, given), given)
    part = Parameters(media)
    part.files = given.files
    file = stored(bot, part, media.get("media"), media["type"])
    text, entities = caption(part)
    parts = content(media["type"], file) | {"caption": text or None, "caption_entities": entities or None}
    fields = (*_MEDIA, "caption", "caption_entities", "text", "entities")
    return _change(bot, "editMessageMedia", given, via, parts, fields, text)


def edit_message_reply_markup(bot: Bot, given: Parameters, via: Via) -> JSON:
    """Another keyboard, or none."""
    return _change(bot, "editMessageReplyMarkup", given, via, {}, ())


EDITS: Final[dict[str, Method]] = {
    "editmessagetext": edit_message_text,
    "editmessagecaption": edit_message_caption,
    "editmessagemedia": edit_message_media,
    "editmessagereplymarkup": edit_message_reply_markup,
}
