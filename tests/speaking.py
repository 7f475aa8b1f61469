"""Every platform's adapter, ready to render, and what tells its own form of each kind in the calls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from adapters.capabilities import Outbound
from adapters.protocol import Adapter, ChannelAccess
from adapters.slack.adapter import SlackAdapter
from adapters.telegram.adapter import TelegramAdapter
from adapters.web.adapter import WebAdapter
from adapters.whatsapp.adapter import WhatsAppAdapter
from engine.messages import OutboundMessage
from tests.channels import access_with, calls_for
from tests.kinds import TEMPLATES

RECIPIENTS: Final[Mapping[str, str]] = {
    "web": "0198f2f0-0000-7000-8000-000000000001",
    "whatsapp": "4915112345678",
    "telegram": "424242",
    "slack": "T0VELO:D0ANA",
}
"""Whom the tests talk to: a conversation key of each platform."""

NATIVE: Final[Mapping[str, Mapping[Outbound, str]]] = {
    "web": {
        "text": '"text":"Hello',
        "formatting": '"spans":[',
        "choices": '"choices":[',
        "image": '"kind":"image"',
        "video": '"kind":"video"',
        "audio": '"kind":"audio"',
        "voice": '"kind":"voice"',
        "document": '"kind":"document"',
        "sticker": '"kind":"sticker"',
        "album": '"media":[',
        "card": '"cards":[',
        "carousel": '"cards":[',
        "location": '"location":{',
        "contact": '"contact":{',
        "request_location": '"request":"location"',
        "request_contact": '"request":"contact"',
        "link": '"links":[',
        "reaction": '"reaction":{',
        "edit": '"edits":"18"',
        "reply": '"reply_to":"17"',
    },
    "whatsapp": {
        "text": '"type":"text"',
        "formatting": "*Bold*, _italic_, ~struck~",
        "choices": '"type":"button"',
        "image": '"type":"image"',
        "video": '"type":"video"',
        "audio": '"type":"audio"',
        "voice": '"type":"audio"',
        "document": '"type":"document"',
        "sticker": '"type":"sticker"',
        "card": '"type":"interactive"',
        "carousel": '"type":"interactive"',
        "location": '"type":"location"',
        "contact": '"type":"contacts"',
        "request_location": "location_request_message",
        "request_contact": "request_contact",
        "link": "cta_url",
        "form": '"type":"flow"',
        "template": '"type":"template"',
        "reaction": '"type":"reaction"',
        "reply": '"context":{"message_id":"17"}',
    },
    "telegram": {
        "text": "sendMessage",
        "formatting": '"entities":[',
        "choices": "inline_keyboard",
        "image": "sendPhoto",
        "video": "sendVideo",
        "audio": "sendAudio",
        "voice": "sendVoice",
        "document": "sendDocument",
        "sticker": "sendSticker",
        "album": "sendMediaGroup",
        "card": "sendPhoto",
        "location": "sendVenue",
        "contact": "sendContact",
        "request_location": "request_location",
        "request_contact": "request_contact",
        "link": '"url":"',
        "web_app": "web_app",
        "reaction": "setMessageReaction",
        "edit": "editMessageText",
        "reply": "reply_parameters",
        "inline_answer": "answerInlineQuery",
    },
    "slack": {
        "text": "rich_text",
        "formatting": '"style":{"bold":true}',
        "choices": '"type":"button"',
        "image": '"type":"image"',
        "video": "upload",
        "audio": "upload",
        "voice": "upload",
        "document": "upload",
        "album": '"alt_text":"Ana"},{"type":"image"',
        "card": '"accessory"',
        "carousel": '"accessory"',
        "link": '"url":"',
        "reaction": "reactions.add",
        "edit": "chat.update",
        "reply": '"thread_ts":"17"',
    },
}
"""What is found in the calls where a kind is said natively; a kind that is not there has no form of its own."""
ANNOUNCED: Final[Mapping[str, Mapping[Outbound, str]]] = {
    "web": {"typing": '"typing":true', "mark_as_read": '"read":"17"'},
    "whatsapp": {"typing": "typing_indicator", "mark_as_read": '"status":"read"'},
    "telegram": {"typing": "sendChatAction"},
    "slack": {},
}
SETTINGS: Final[Mapping[str, object]] = {
    "authentication": {"business_phone_number_id": "510000000000001"},
    "message_templates": TEMPLATES,
    "workspace": {"team_id": "T0MOORLAND", "bot_user_id": "U0GREENBOT", "app_id": "A0GREENHSE"},
    "bot_configuration": {"bot_username": "velo_bot"},
}


@cache
def adapter_of(platform: str) -> tuple[Adapter, str, ChannelAccess]:
    """The adapter, a recipient, and a channel's access."""
    adapters: Mapping[str, Adapter] = {
        "web": WebAdapter(lambda *_: None),
        "whatsapp": WhatsAppAdapter(),
        "telegram": TelegramAdapter(),
        "slack": SlackAdapter(),
    }
    return adapters[platform], RECIPIENTS[platform], access_with(settings=SETTINGS)


def said_by(platform: str, message: OutboundMessage) -> str:
    """All calls that say it, as one text: each one's method, body and files."""
    adapter, recipient, access = adapter_of(platform)
    return "\n".join(
        " ".join([call.method, call.body.decode(), *(upload.source for upload in call.uploads)])
        for call in calls_for(adapter, recipient, message, access)
    )
