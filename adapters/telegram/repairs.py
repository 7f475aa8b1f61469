"""A refused call, mended: what Telegram does not take in one form is said in another, and nothing is lost.

| Telegram says                                        | then                                                   |
|------------------------------------------------------|--------------------------------------------------------|
| the message is not modified                          | it is as wanted: done                                  |
| there is no such message to edit, or it can't be     | sent anew                                              |
| there is no text in the message to edit              | its caption is edited                                  |
| entities can't be parsed                             | plain, with the links' addresses below                 |
| a button's address is invalid                        | the addresses below the text                           |
| the file's address gives nothing of use              | read by us and uploaded; its address in words for a    |
|                                                      | channel that uploads nothing                           |
| the photo is too large, or can't be processed        | sent as a document                                     |
| the customer takes no voice messages                 | sent as a document                                     |
| no such reaction here                                | the emoji as an answer                                 |
| the group has become a supergroup                    | sent to its new id                                     |

Each of them refuses without having done anything, so that the mended call is the first that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import structs

from adapters.errors import Refused
from adapters.protocol import Call, Receipt, Upload
from adapters.telegram.capabilities import CAPTION, TEXT
from adapters.telegram.failures import Migrated
from adapters.telegram.media import METHODS
from adapters.telegram.reactions import said_instead
from adapters.telegram.upload import TOO_LARGE_PHOTO
from adapters.telegram.wire import BLANK, encode

Body: TypeAlias = dict[str, Any]
Mended: TypeAlias = Call | Receipt | None

MAX_REPAIRS: Final = 4
"""How often one call is mended: the causes above can come together."""

_KINDS: Final = {method: kind for kind, method in METHODS.items()}
_GONE: Final = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "there is no caption in the message",
    "there is no media in the message",
    "there is no text in the message",
)
_ENTITIES: Final = (
    "parse entities",
    "messageentity",
    "entity beginning",
    "entity url",
    "entity_",
    "entities_",
)
_BUTTONS: Final = ("button_url_invalid", "button_type_invalid", "keyboard button")
_UNFETCHED: Final = (
    "failed to get http url content",
    "wrong type of the web page content",
    "wrong file identifier/http url",
    "http url specified",
    "webpage_curl_failed",
    "webpage_media_empty",
    "external_url_invalid",
    "media_empty",
    "type of file mismatch",
)
_NO_PHOTO: Final = (
    "photo_invalid_dimensions",
    "image_process_failed",
    "photo_ext_invalid",
    "too big for a photo",
    TOO_LARGE_PHOTO.lower(),
)


def mended(call: Call, refused: Refused, *, uploads: bool = True) -> Mended:
    """The call to make instead, the receipt if nothing is left to do, or None when nothing helps.

    `uploads`: whether the channel may upload files (`adapters.telegram.switches`).
    """
    said = refused.reason.lower()
    body: Body = msgspec.json.decode(call.body)
    if isinstance(refused, Migrated):
        return (
            _changed(call, body | {"chat_id": refused.chat}) if body.get("chat_id") != refused.chat else None
        )
    if call.method.startswith("edit") and (found := _edit(call, body, said)) is not None:
        return found
    for signs, repair in _REPAIRS:
        if repair is _uploaded and not uploads:
            repair = _linked
        if any(sign in said for sign in signs) and (found := repair(call, body)) is not None:
            return found
    return None


def _edit(call: Call, body: Body, said: str) -> Mended:
    if "message is not modified" in said:
        return Receipt(message=str(body["message_id"]))
    if call.method == "editMessageText" and "there is no text in the message" in said:
        if not CAPTION.allows(body["text"]):
            return _anew(call, body)
        caption = {"text": "caption", "entities": "caption_entities"}
        body.pop("link_preview_options", None)
        return Call(
            method="editMessageCaption",
            body=encode({caption.get(key, key): value for key, value in body.items()}),
        )
    if any(sign in said for sign in _GONE):
        return _anew(call, body)
    return None


def _anew(call: Call, body: Body) -> Mended:
    """The edit as a message of its own."""
    body.pop("message_id", None)
    match call.method:
        case "editMessageText":
            return Call(method="sendMessage", body=encode(body))
        case "editMessageCaption":
            text = {"caption": "text", "caption_entities": "entities"}
            body = {text.get(key, key): value for key, value in body.items()}
            return Call(method="sendMessage", body=encode(body))
        case "editMessageMedia":
            media: Body = body.pop("media")
            kind = media.pop("type")
            body |= {kind: media.pop("media"), **media}
            return Call(method=METHODS[kind], body=encode(body), uploads=call.uploads)
        case _:
            if not body.get("reply_markup"):
                return Receipt()  # a keyboard was to go from a message that is gone itself
            return Call(method="sendMessage", body=encode(body | {"text": BLANK}))


def _plain(call: Call, body: Body) -> Mended:
    """Without entities; where links led stands below, as far as there is room."""
    found = False
    for part, name, limit in _texts(body):
        entities = part.pop("entities", None) or part.pop("caption_entities", None) or ()
        found = found or bool(entities)
        part[name] = _with_lines(part[name], _addresses(part[name], entities), limit.size)
    return _changed(call, body) if found else None


def _texts(body: Body) -> list[tuple[Body, str, Any]]:
    """Every text of a call: where it is, under which name, and how long it may be."""
    media = body.get("media")
    parts = [body, *(media if isinstance(media, list) else [media] if isinstance(media, dict) else [])]
    names = (("text", TEXT), ("caption", CAPTION))
    return [(part, name, limit) for part in parts for name, limit in names if name in part]


def _addresses(text: str, entities: Sequence[Body]) -> list[str]:
    units = text.encode("utf-16-le")
    return [
        units[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le", "ignore")
        + f": {one['url']}"
        for one in entities
        if "url" in one
    ]


def _with_lines(text: str, lines: Sequence[str], size: int) -> str:
    """`lines` below `text`, those that fit."""
    for line in lines:
        longer = f"{text}\n{line}"
        text = longer if len(longer.encode("utf-16-le")) // 2 <= size else text
    return text


def _without_addresses(call: Call, body: Body) -> Mended:
    """Buttons that open an address become lines; those that are choices stay."""
    rows = body.get("reply_markup", {}).get("inline_keyboard", [])
    kept = [[button for button in row if "callback_data" in button] for row in rows]
    lines = [
        f"{button['text']}: {button.get('url') or button['web_app']['url']}"
        for row in rows
        for button in row
        if "callback_data" not in button
    ]
    if not lines:
        return None
    body["reply_markup"] = {"inline_keyboard": [row for row in kept if row]}
    parts = _texts(body)
    if not parts and call.method in _KINDS and call.method != "sendSticker":
        body["caption"] = "\n".join(lines)
    for part, name, limit in parts[:1]:
        part[name] = _with_lines(part[name], lines, limit.size)
    return _changed(call, body)


def _uploaded(call: Call, body: Body) -> Mended:
    """The files by our own hands, where they were given by address."""
    media = body.get("media")
    places: list[tuple[Body, str, str]] = []
    if call.method in _KINDS:
        places = [(body, _KINDS[call.method], _KINDS[call.method])]
    elif media is not None:
        items = media if isinstance(media, list) else [media]
        places = [(item, "media", item["type"]) for item in items]
    uploads = list(call.uploads)
    for index, (part, name, kind) in enumerate(places):
        if part[name].startswith(("https://", "http://")):
            uploads.append(Upload(field=f"link{index}", source=part[name], kind=kind))
            part[name] = f"attach://link{index}"
    if len(uploads) == len(call.uploads):
        return None
    return Call(method=call.method, body=encode(body), uploads=tuple(uploads))


def _linked(call: Call, body: Body) -> Mended:
    """The files' addresses in words, below what was the caption."""
    media = body.pop("media", None)
    kind = _KINDS.get(call.method, "")
    items: list[Body] = media if isinstance(media, list) else [media] if media else [body]
    addresses = [item.pop("media" if media else kind, "") for item in items]
    if not all(address.startswith(("https://", "http://")) for address in addresses):
        return None
    text, entities = items[0].pop("caption", ""), items[0].pop("caption_entities", None)
    for name in ("message_id", "supports_streaming"):
        body.pop(name, None)
    body["text"] = "\n".join([*([text] if text else []), *addresses])
    if entities:
        body["entities"] = entities
    return Call(method="sendMessage", body=encode(body))


def _as_document(call: Call, body: Body) -> Mended:
    """A picture or voice message as the file that it is; an album of pictures as one of files."""
    method, media = call.method, body.get("media")
    items = media if isinstance(media, list) else [media] if isinstance(media, dict) else []
    if method in ("sendPhoto", "sendVoice"):
        body["document"] = body.pop(_KINDS[method])
        method = "sendDocument"
    elif not any(item["type"] != "document" for item in items):
        return None
    for item in items:
        item["type"] = "document"
        item.pop("supports_streaming", None)
    uploads = tuple(structs.replace(upload, kind="document") for upload in call.uploads)
    return Call(method=method, body=encode(body), uploads=uploads)


def _said(call: Call, body: Body) -> Mended:
    emoji = (
        body["reaction"][0].get("emoji") if call.method == "setMessageReaction" and body["reaction"] else ""
    )
    return said_instead({"chat_id": body["chat_id"]}, emoji, str(body["message_id"])) if emoji else None


def _changed(call: Call, body: Body) -> Call:
    """The same call with another body."""
    return Call(method=call.method, body=encode(body), uploads=call.uploads)


_REPAIRS: Final[tuple[tuple[Sequence[str], Callable[[Call, Body], Mended]], ...]] = (
    (_NO_PHOTO, _as_document),
    (("voice_messages_forbidden",), _as_document),
    (_UNFETCHED, _uploaded),
    (_BUTTONS, _without_addresses),
    (_ENTITIES, _plain),
    (("reaction_invalid", "message to react not found"), _said),
)
