"""The methods that send something, with the real server's checks and words."""

from __future__ import annotations

import time
from typing import Any, Final

from tests.platforms.telegram.errors import bad_request, too_many_requests
from tests.platforms.telegram.keyboards import check_markup
from tests.platforms.telegram.marks import caption, message_text
from tests.platforms.telegram.parameters import Parameters
from tests.platforms.telegram.stock import MediaKind, content, stored
from tests.platforms.telegram.world import JSON, Bot, Chat, Method, Via

ALBUM: Final = (2, 10)
MAX_VCARD: Final = 2048
_ALBUM_KINDS: Final = frozenset({"photo", "video", "audio", "document"})


def target(bot: Bot, given: Parameters) -> Chat:
    """The chat that `chat_id` names; numbers may come as strings, names (@channel) are never known."""
    name = given.get("chat_id")
    if isinstance(name, int) and not isinstance(name, bool):
        return bot.known_chat(name, "")
    text = given.string("chat_id").strip()
    return bot.known_chat(int(text) if text.lstrip("-").isdecimal() else None, text)


def is_private(chat: Chat, given: Parameters) -> bool:
    """Whether it is a customer's own chat with the bot."""
    return chat.id > 0 and "business_connection_id" not in given


def place(bot: Bot, chat: Chat, given: Parameters) -> JSON:
    """What a message carries of where it stands: topic, business account, direct messages. Checked."""
    found: JSON = {}
    thread = given.integer("message_thread_id") if "message_thread_id" in given else None
    if thread is not None:
        if thread not in chat.threads and not bot.world.open_chats:
            raise bad_request("message thread not found")
        found |= {"message_thread_id": thread, "is_topic_message": True}
    if "business_connection_id" in given:
        connection = given.string("business_connection_id")
        if connection not in bot.business:
            raise bad_request("business connection not found")
        found["business_connection_id"] = connection
    if "direct_messages_topic_id" in given:
        found["direct_messages_topic"] = {"topic_id": given.integer("direct_messages_topic_id")}
    return found


def post(
    bot: Bot,
    method: str,
    given: Parameters,
    via: Via,
    parts: JSON,
    *,
    text: str = "",
    files: Any = (),
    paced: bool = False,
) -> JSON:
    """Check what every send has in common, then keep and log the message; answers with it."""
    chat = target(bot, given)
    private = is_private(chat, given)
    raw = given.nested("reply_markup") if "reply_markup" in given else None
    markup = check_markup(raw, private=private) if raw is not None else None
    where = place(bot, chat, given) if len(given) > 2 else {}
    answered = _answered(chat, given) if "reply_parameters" in given else None
    if not paced:
        _pace(bot, chat)
    message_id = chat.next_message_id()
    message: JSON = {
        "message_id": message_id,
        "from": bot.json(),
        "chat": chat.json(),
        "date": int(time.time()),
        **where,
        **parts,
    }
    if answered is not None:
        message["reply_to_message"] = answered
    if markup is not None:
        message["reply_markup"] = markup
    if isinstance(raw, dict) and "keyboard" in raw:
        chat.uneditable.add(message_id)
        chat.keyboard = raw
    elif isinstance(raw, dict) and raw.get("remove_keyboard"):
        chat.uneditable.add(message_id)
        chat.keyboard = None
    if not bot.world.bench:
        chat.messages[message_id] = message
    bot.world.record(
        bot,
        method,
        chat.id,
        message_id=message_id,
        thread=where.get("message_thread_id"),
        text=text,
        reply_markup=markup,
        via=via,
        given=given,
        files=[file.id for file in files],
    )
    return message


def _pace(bot: Bot, chat: Chat, count: int = 1) -> None:
    """429 where Telegram's limits are met; an album counts each of its pieces."""
    if not bot.world.rate_limits:
        return
    for _ in range(count):
        if wait := bot.limits.wait(chat.id, time.monotonic()):
            raise too_many_requests(wait)


def _answered(chat: Chat, given: Parameters) -> JSON | None:
    """The message that reply_parameters name."""
    parameters = given.nested("reply_parameters")
    if not isinstance(parameters, dict) or type(parameters.get("message_id")) is not int:
        raise bad_request("can't parse reply parameters: Can't find field \"message_id\"")
    found = chat.messages.get(parameters["message_id"])
    if found is None and parameters.get("allow_sending_without_reply") is not True:
        raise bad_request("message to be replied not found")
    return found


def send_message(bot: Bot, given: Parameters, via: Via) -> JSON:
    """A text."""
    target(bot, given)
    text, entities = message_text(given)
    parts: JSON = {"text": text, "entities": entities} if entities else {"text": text}
    return post(bot, "sendMessage", given, via, parts, text=text)


def sender_of(method: str, kind: MediaKind) -> Method:
    """The method that sends one file of `kind`."""

    def send(bot: Bot, given: Parameters, via: Via) -> JSON:
        target(bot, given)
        file = stored(bot, given, given.get(kind), kind)
        parts = content(kind, file)
        text, entities = caption(given) if kind != "sticker" else ("", [])
        if text:
            parts["caption"] = text
        if entities:
            parts["caption_entities"] = entities
        return post(bot, method, given, via, parts, text=text, files=[file])

    return send


def send_media_group(bot: Bot, given: Parameters, via: Via) -> list[JSON]:
    """An album: two to ten files of kinds that mix, without a keyboard."""
    chat = target(bot, given)
    items = given.nested("media")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise bad_request("can't parse media JSON object")
    if not ALBUM[0] <= len(items) <= ALBUM[1]:
        raise bad_request(
            "too many messages to send as an album" if items else "there are no messages to send"
        )
    if given.get("reply_markup"):
        raise bad_request(
            "reply markup can't be used with an album"
        )  # the real server ignores it, in silence
    kinds = [item.get("type") for item in items]
    if not set(kinds) <= _ALBUM_KINDS:
        raise bad_request("can't parse InputMedia: invalid type specified")
    for alone in ("audio", "document"):
        if alone in kinds and set(kinds) != {alone}:
            raise bad_request(f"{alone} can't be mixed with other media types")
    group = str(next(bot.world.callback_ids))
    prepared = []
    for item in items:
        part = Parameters(item)
        part.files = given.files
        kind: MediaKind = item["type"]
        file = stored(bot, part, item.get("media"), kind)
        text, entities = caption(part)
        more: JSON = {"caption": text} if text else {}
        more |= {"caption_entities": entities} if entities else {}
        prepared.append((file, text, {**content(kind, file), **more, "media_group_id": group}))
    _pace(bot, chat, len(items))
    return [
        post(bot, "sendMediaGroup", given, via, parts, text=text, files=[file], paced=True)
        for file, text, parts in prepared
    ]


def _degrees(given: Parameters, name: str, limit: float) -> float:
    try:
        value = float(given[name])
    except (KeyError, TypeError, ValueError):
        raise bad_request(f"there is no {name} in the request") from None
    if not -limit <= value <= limit:
        raise bad_request("wrong location specified")
    return value


def _location(given: Parameters) -> JSON:
    return {"latitude": _degrees(given, "latitude", 90.0), "longitude": _degrees(given, "longitude", 180.0)}


def send_location(bot: Bot, given: Parameters, via: Via) -> JSON:
    """A point on the map."""
    return post(bot, "sendLocation", given, via, {"location": _location(given)})


def send_venue(bot: Bot, given: Parameters, via: Via) -> JSON:
    """A place with a name and an address, both of them needed."""
    location = _location(given)
    title, street = given.string("title"), given.string("address")
    if not title.strip() or not street.strip():
        raise bad_request("VENUE_TITLE_EMPTY" if not title.strip() else "VENUE_ADDRESS_EMPTY")
    venue = {"location": location, "title": title, "address": street}
    return post(bot, "sendVenue", given, via, {"venue": venue, "location": location}, text=title)


def send_contact(bot: Bot, given: Parameters, via: Via) -> JSON:
    """A contact to save."""
    phone, name = given.string("phone_number"), given.string("first_name")
    if not phone.strip():
        raise bad_request("phone number is empty")
    if not name.strip():
        raise bad_request("first name is empty")
    contact = {"phone_number": phone, "first_name": name}
    if card := given.string("vcard"):
        if len(card.encode()) > MAX_VCARD:
            raise bad_request("VCARD_TOO_LONG")
        contact["vcard"] = card
    return post(bot, "sendContact", given, via, {"contact": contact}, text=name)


SENDS: Final[dict[str, Method]] = {
    "sendmessage": send_message,
    "sendphoto": sender_of("sendPhoto", "photo"),
    "sendvideo": sender_of("sendVideo", "video"),
    "sendanimation": sender_of("sendAnimation", "animation"),
    "sendaudio": sender_of("sendAudio", "audio"),
    "sendvoice": sender_of("sendVoice", "voice"),
    "senddocument": sender_of("sendDocument", "document"),
    "sendsticker": sender_of("sendSticker", "sticker"),
    "sendmediagroup": send_media_group,
    "sendlocation": send_location,
    "sendvenue": send_venue,
    "sendcontact": send_contact,
}
