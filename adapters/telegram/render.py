"""A neutral message as Telegram calls: its text with entities, choices as a keyboard, each part in its own form.

No parse_mode is ever named: a text is never refused for its markup, and what a customer wrote is never read as
such. In order come media (with the text as caption, where it fits), the text, cards, place and contact; the
keyboard hangs below the last of them.

https://core.telegram.org/bots/api#sendmessage
"""

from __future__ import annotations

from typing import Any, Final

from adapters.protocol import Call, ChannelAccess
from adapters.telegram.capabilities import CAPTION, INLINE_RESULTS, TEXT
from adapters.telegram.keyboards import keyboard_of
from adapters.telegram.manner import Manner, address, manner_of
from adapters.telegram.media import (
    METHODS,
    card_drafts,
    contact_draft,
    media_drafts,
    place_draft,
    takes_caption,
    text_draft,
)
from adapters.telegram.reactions import render_reaction
from adapters.telegram.wire import BLANK, Draft, encode
from adapters.text import clean, is_blank, shorten, split, split_rich
from engine.messages import InlineAnswer, InlineResult, OutboundMessage

MAX_CARDS: Final = 10
RESULT_ID_BYTES: Final = 64
RESULT_TITLE: Final = 256
CACHE_SECONDS: Final = 10
"""How long Telegram may repeat an inline answer to the same customer for the same query."""

_ACTIONS: Final[dict[str, str]] = {
    "image": "upload_photo",
    "video": "upload_video",
    "voice": "upload_voice",
    "audio": "upload_document",
    "document": "upload_document",
    "album": "upload_photo",
    "card": "upload_photo",
    "carousel": "upload_photo",
    "sticker": "choose_sticker",
    "location": "find_location",
}


def render_message(recipient: str, message: OutboundMessage, access: ChannelAccess) -> list[Call]:
    """The calls for `message`, in order; empty only for taking back a reaction where there are none."""
    if message.inline is not None:
        return [_inline_answer(message.inline)]
    target = address(recipient)
    if message.reaction is not None:
        return render_reaction(target, message.reaction)
    manner = manner_of(target, access)
    markup, written = keyboard_of(message, manner)
    text = clean(message.text + written) if written else clean(message.text)
    if manner.usual and _is_text(message):
        return _texts(target, text, markup)
    drafts = _drafts(message, text, manner, markup is not None)
    if markup is not None or not drafts:
        drafts = _with_keyboard(drafts, markup, manner)
    if message.edits or message.reply_to:
        _relate(drafts[0], message, markup)
    for draft in drafts:
        draft.body |= target
        if manner.silent:
            draft.body["disable_notification"] = True
    return [draft.call() for draft in drafts]


def _is_text(message: OutboundMessage) -> bool:
    """Whether it is words and choices alone: the usual case, which takes the short way."""
    return not (
        message.media
        or message.spans
        or message.cards
        or message.edits
        or message.reply_to
        or message.location is not None
        or message.contact is not None
    )


def _texts(target: dict[str, Any], text: str, markup: dict[str, Any] | None) -> list[Call]:
    """A text without formatting, in as many messages as it takes; the keyboard below the last."""
    parts = split(text, TEXT) or [BLANK]
    calls = [Call(method="sendMessage", body=encode({**target, "text": part})) for part in parts[:-1]]
    last = {**target, "text": parts[-1]}
    if markup is not None:
        last["reply_markup"] = markup
    calls.append(Call(method="sendMessage", body=encode(last)))
    return calls


def render_action(recipient: str, showing: str = "") -> Call | None:
    """The call that shows what the bot does ("typing…", "sending a photo…") for five seconds or until a message
    arrives. `showing` is a kind of `adapters.capabilities.Outbound`. Channels' direct messages have none.
    """
    target = address(recipient)
    if "direct_messages_topic_id" in target:
        return None
    return Call(method="sendChatAction", body=encode({**target, "action": _ACTIONS.get(showing, "typing")}))


def _drafts(message: OutboundMessage, text: str, manner: Manner, keyboard: bool) -> list[Draft]:
    """Everything that the message shows, without its keyboard; [] when that is nothing."""
    drafts: list[Draft] = []
    if message.media:
        album = len(message.media) > 1
        captioned = (
            not (album and keyboard)
            and takes_caption(message.media)
            and not is_blank(text)
            and CAPTION.allows(text.strip())
        )
        part, spans = split_rich(text, message.spans, CAPTION)[0] if captioned else ("", ())
        drafts = media_drafts(message.media, part, spans, album)
        text = "" if captioned else text
    if message.spans and text:
        drafts += [
            text_draft(part, within, manner) for part, within in split_rich(text, message.spans, manner.limit)
        ]
    elif text:
        drafts += [text_draft(part, (), manner) for part in split(text, manner.limit)]
    for card in message.cards[:MAX_CARDS]:
        drafts += card_drafts(card, manner)
    if message.location is not None:
        drafts.append(place_draft(message.location))
    if message.contact is not None:
        drafts.append(contact_draft(message.contact))
    return drafts


def _with_keyboard(drafts: list[Draft], markup: dict[str, Any] | None, manner: Manner) -> list[Draft]:
    """The keyboard below the last draft; below a message of its own where that one can't carry it."""
    carrier = drafts[-1] if drafts else None
    present = carrier.body.get("reply_markup") if carrier is not None else None
    if carrier is None or carrier.method == "sendMediaGroup" or (present and markup and "keyboard" in markup):
        carrier = text_draft(BLANK, (), manner)
        drafts = [*drafts, carrier]
    elif present and markup:
        markup = {"inline_keyboard": present["inline_keyboard"] + markup["inline_keyboard"]}
    if markup is not None:
        carrier.body["reply_markup"] = markup
    return drafts


def _relate(draft: Draft, message: OutboundMessage, markup: dict[str, Any] | None) -> None:
    """The first draft in the place of an earlier message, or as the answer to one of the customer's.

    A message can take another's place if both are of a text or a picture and neither has a reply keyboard. The
    parameters that editing does not know stay: should the message be gone, it is sent anew with them.
    """
    if message.edits.isdecimal() and (markup is None or "inline_keyboard" in markup):
        earlier = int(message.edits)
        kind = next((kind for kind, method in METHODS.items() if method == draft.method), "")
        if draft.method == "sendMessage":
            only_keyboard = is_blank(message.text) and draft.body["text"] == BLANK
            draft.method = "editMessageReplyMarkup" if only_keyboard else "editMessageText"
            if only_keyboard:
                draft.body.pop("text")
                draft.body.pop("link_preview_options", None)
            draft.body["message_id"] = earlier
            return
        if kind and kind not in ("voice", "sticker"):
            media = {"type": kind, "media": draft.body.pop(kind)}
            for key in ("caption", "caption_entities", "supports_streaming"):
                if key in draft.body:
                    media[key] = draft.body.pop(key)
            draft.method = "editMessageMedia"
            draft.body |= {"media": media, "message_id": earlier}
            return
    if message.reply_to.isdecimal():
        draft.body["reply_parameters"] = {
            "message_id": int(message.reply_to),
            "allow_sending_without_reply": True,
        }


def _inline_answer(answer: InlineAnswer) -> Call:
    """answerInlineQuery: what was found for this customer, each a text to send."""
    results: list[dict[str, Any]] = []
    used: set[str] = set()
    for number, result in enumerate(answer.results[:INLINE_RESULTS], start=1):
        name = result.id if 0 < len(result.id.encode()) <= RESULT_ID_BYTES else str(number)
        name = f"{number}:" if name in used else name
        used.add(name)
        results.append(_article(name, result))
    return Call(
        method="answerInlineQuery",
        body=encode(
            {
                "inline_query_id": answer.query,
                "results": results,
                "is_personal": True,
                "cache_time": CACHE_SECONDS,
            }
        ),
    )


def _article(name: str, result: InlineResult) -> dict[str, Any]:
    title = shorten(clean(result.title), RESULT_TITLE)
    said = (split(clean(result.text), TEXT) or split(title, TEXT) or [BLANK])[0]
    article: dict[str, Any] = {
        "type": "article",
        "id": name,
        "title": shorten(said, RESULT_TITLE) if is_blank(title) else title,
        "input_message_content": {"message_text": said},
    }
    if not is_blank(result.description):
        article["description"] = clean(result.description)
    if result.thumbnail.startswith(("https://", "http://")):
        article["thumbnail_url"] = result.thumbnail
    return article
