"""A neutral message as calls of the Cloud API, in the order in which the customer sees them.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from adapters.errors import Refused
from adapters.protocol import Call, ChannelAccess, Upload
from adapters.text import clean, is_blank
from adapters.whatsapp import interactive
from adapters.whatsapp.capabilities import BODY, BUTTON_TITLE, CAPTION, LIST_BODY
from adapters.whatsapp.cards import carousel_of, message_of
from adapters.whatsapp.media import CAPTIONED, media_object, type_of
from adapters.whatsapp.phrasing import BLANK, before_and_last, one_of, parts_of
from adapters.whatsapp.switches import Switches, switches_of
from adapters.whatsapp.templates import template_content
from engine.messages import Choice, ContactCard, Link, Media, OutboundMessage, Place

MESSAGES: Final = "messages"
"""A call that sends: POST /<phone number id>/messages, with our key in it."""
MARK_AS_READ: Final = "mark_as_read"
"""A call to the same address that sends nothing, so it carries no key."""
REFUSED: Final = "refused"
"""No call at all: the client refuses it with the words in its body."""

_BUSINESS_SCOPED = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_PHONE = re.compile(r"\+?[0-9]{1,20}")
_encode = msgspec.json.Encoder().encode


def render_message(recipient: str, message: OutboundMessage, access: ChannelAccess) -> list[Call]:
    """The calls that say `message`, in order; never empty. What can't be said becomes a call that is refused."""
    outbox = _Outbox(recipient, message, switches_of(access.settings))
    if message.template is not None:
        try:
            content, uploads = template_content(message.template, access)
        except Refused as refused:
            return [Call(method=REFUSED, body=_encode({"code": refused.code, "reason": refused.reason}))]
        outbox.add("template", content, uploads)
    elif message.reaction is not None:
        reaction = {"message_id": message.reaction.message, "emoji": message.reaction.emoji}
        outbox.add("reaction", reaction)
    else:
        outbox.say(message)
    return outbox.calls


def render_read(message: str, *, typing: bool) -> Call:
    """Mark the customer's message as read; `typing` shows the indicator for 25 seconds or until the next message."""
    body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message}
    if typing:
        body["typing_indicator"] = {"type": "text"}
    return Call(method=MARK_AS_READ, body=_encode(body))


def address(recipient: str) -> dict[str, str]:
    """A conversation key (a phone number, a business-scoped id, or a group's id) as the fields that address it."""
    if _PHONE.fullmatch(recipient):
        return {"recipient_type": "individual", "to": recipient}
    if _BUSINESS_SCOPED.fullmatch(recipient):
        return {"recipient_type": "individual", "recipient": recipient}
    return {"recipient_type": "group", "to": recipient}


class _Outbox:
    """The calls of one message as they are made."""

    def __init__(self, recipient: str, message: OutboundMessage, switches: Switches) -> None:
        self.calls: list[Call] = []
        self._target = {"messaging_product": "whatsapp", **address(recipient)}
        self._reply_to = message.reply_to
        self._language = message.language
        self._switches = switches

    def add(self, kind: str, content: Any, uploads: tuple[Upload, ...] = ()) -> None:
        """One more call; the first quotes the message that is answered."""
        body: dict[str, Any] = {**self._target, "type": kind, kind: content}
        if self._reply_to and not self.calls and kind != "reaction":
            body["context"] = {"message_id": self._reply_to}
        self.calls.append(Call(method=MESSAGES, body=_encode(body), uploads=uploads))

    def say(self, message: OutboundMessage) -> None:
        """Pictures before the words that stand under them, places and cards behind the words that announce them;
        what can be pressed comes last."""
        message, forms = _written_out(message, self._switches)
        if message.cards and (content := carousel_of(message, replies=self._switches.buttons)) is not None:
            self.add("interactive", content)
            return
        pressed = bool(message.choices or message.links or message.request)
        header = self._header_of(message)
        media = message.media if header is None else ()
        captioned = self._media(media, None if pressed else message)
        if not pressed and not captioned:
            self._text(message)
        self._extras(message)
        for form in forms:
            self.say(OutboundMessage(text=form.title, links=(form,)))
        if pressed:
            self._interactive(message, header)
        if not self.calls:
            self.add("text", {"body": BLANK})

    def _text(self, message: OutboundMessage) -> None:
        for part in parts_of(message.text, message.spans):
            self.add("text", _text(part))

    def _extras(self, message: OutboundMessage) -> None:
        if message.location is not None:
            self.add("location", _location(message.location))
        if message.contact is not None:
            self.add("contacts", [_contact(message.contact)])
        for card in message.cards:
            self.say(message_of(card))

    def _media(self, media: Sequence[Media], captioning: OutboundMessage | None) -> bool:
        """The media, one by one; returns whether the first carries the text of `captioning`."""
        caption = None
        if captioning is not None and media and media[0].kind in CAPTIONED:
            caption = one_of(captioning.text, captioning.spans, CAPTION)
        for index, one in enumerate(media):
            kind = type_of(one)
            content, uploads = media_object(one, kind)
            if one.kind == "voice":
                content["voice"] = True
            if one.kind == "document" and one.name:
                content["filename"] = clean(one.name)
            if caption and index == 0:
                content["caption"] = caption
            self.add(kind, content, uploads)
        return caption is not None

    def _header_of(self, message: OutboundMessage) -> Media | None:
        """The one picture, film or document that can stand over buttons or a link, in the same message."""
        if len(message.media) != 1 or message.media[0].kind not in CAPTIONED or message.request:
            return None
        if message.choices and not self._has_buttons(message):
            return None
        if not message.choices and not any(link.kind == "url" for link in message.links):
            return None
        return message.media[0] if one_of(message.text, message.spans, BODY) is not None else None

    def _has_buttons(self, message: OutboundMessage) -> bool:
        """Whether the choices are reply buttons, not a list."""
        return self._switches.buttons and interactive.fit_buttons(message.choices)

    def _interactive(self, message: OutboundMessage, header: Media | None) -> None:
        """What the customer can press, under the text or its last piece."""
        content, limit = self._pressable(message)
        before, body = before_and_last(message.text, message.spans, limit)
        for part in before:
            self.add("text", _text(part))
        uploads: tuple[Upload, ...] = ()
        if header is not None:
            kind = type_of(header)
            shown, uploads = media_object(header, f"interactive.header.{kind}")
            if kind == "document" and header.name:
                shown["filename"] = clean(header.name)
            content["header"] = {"type": kind, kind: shown}
        self.add("interactive", {**content, "body": {"text": body}}, uploads)

    def _pressable(self, message: OutboundMessage) -> tuple[dict[str, Any], Any]:
        if message.request:
            return interactive.request(message.request), BODY
        if message.choices:
            if self._has_buttons(message):
                return interactive.buttons(message.choices), BODY
            return interactive.choice_list(message.choices, self._language), LIST_BODY
        link = message.links[0]
        return (interactive.form_button if link.kind == "form" else interactive.link_button)(link), BODY


def _written_out(message: OutboundMessage, switches: Switches) -> tuple[OutboundMessage, list[Link]]:
    """Only one thing of a message can be pressed: the others are written into its text, choices with their number.

    Forms beside it, which can't be written out, are returned to be sent by themselves.
    """
    choices, rest = (interactive.carried if switches.lists else interactive.carried_by_buttons)(
        message.choices
    )
    if message.request:
        choices, rest = [], list(message.choices)
    kept = [] if choices or message.request else list(message.links[:1])
    others = message.links[len(kept) :]
    forms = [link for link in others if link.kind == "form" and not link.url]
    lines = [_numbered(message.choices, choice) for choice in rest]
    if not switches.lists:
        lines += [f"{choice.title}: {choice.description}" for choice in choices if choice.description]
        choices = [msgspec.structs.replace(choice, description="") for choice in choices]
    lines += [link.title for link in kept if not BUTTON_TITLE.allows(link.title.strip())]
    lines += [f"{link.title}: {link.url}" for link in others if link.url]
    if not lines and not others and not rest:
        return message, forms
    blank = is_blank(message.text)
    text = "\n\n".join([*([] if blank else [message.text]), *(["\n".join(lines)] if lines else [])])
    return msgspec.structs.replace(
        message,
        text=text,
        spans=() if blank else message.spans,
        choices=tuple(choices),
        links=tuple(kept),
    ), forms


def _numbered(choices: Sequence[Choice], choice: Choice) -> str:
    number = next(number for number, one in enumerate(choices, 1) if one is choice)
    return f"{number}. {choice.title}" + (f": {choice.description}" if choice.description else "")


def _text(body: str) -> dict[str, Any]:
    """A text; a preview of its first address is asked for, and WhatsApp leaves it out where there is none."""
    return {"body": body, "preview_url": True} if "http" in body else {"body": body}


def _location(place: Place) -> dict[str, Any]:
    named = {"name": clean(place.name), "address": clean(place.address)}
    return {
        "latitude": place.latitude,
        "longitude": place.longitude,
        **{key: value for key, value in named.items() if value},
    }


def _contact(card: ContactCard) -> dict[str, Any]:
    """A card; WhatsApp wants a part of the name beside the whole. The digits let the customer write to it at once."""
    name = clean(card.name).strip() or card.phone
    first, _, last = name.partition(" ")
    digits = re.sub(r"\D", "", card.phone)
    phone = {"phone": card.phone, "type": "CELL", **({"wa_id": digits} if digits else {})}
    content: dict[str, Any] = {
        "name": {"formatted_name": name, "first_name": first, **({"last_name": last} if last else {})},
        "phones": [phone],
    }
    if card.email:
        content["emails"] = [{"email": card.email, "type": "WORK"}]
    if card.organization:
        content["org"] = {"company": clean(card.organization)}
    return content
