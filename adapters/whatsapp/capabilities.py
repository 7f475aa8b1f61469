"""What WhatsApp can do, as data (Cloud API; https://developers.facebook.com/docs/whatsapp/cloud-api/messages)."""

from __future__ import annotations

from typing import Final

from adapters.capabilities import Capabilities, Limit, Rate, dropped, fallback, native

TEXT: Final = Limit(4096, "code_points")
BODY: Final = Limit(1024, "code_points")
"""The text of an interactive message with buttons, a link, a form or a request."""
LIST_BODY: Final = Limit(4096, "code_points")
CAPTION: Final = Limit(1024, "code_points")
BUTTONS: Final = 3
BUTTON_TITLE: Final = Limit(20, "code_points")
"""Also of a link's, a list's and a form's button."""
BUTTON_ID: Final = Limit(256, "code_points")
ROWS: Final = 10
"""Rows of a list, of all its sections together."""
ROW_TITLE: Final = Limit(24, "code_points")
ROW_DESCRIPTION: Final = Limit(72, "code_points")
ROW_ID: Final = Limit(200, "code_points")
CARDS: Final = (2, 10)
"""The least and the most cards of a carousel."""
CARD_BODY: Final = Limit(160, "code_points")
CARD_LINES: Final = 3
"""A carousel's card may have two line breaks."""
CALLBACK_DATA: Final = Limit(512, "code_points")
"""What `biz_opaque_callback_data` may hold."""
MEGABYTE: Final = 1024 * 1024
MEDIA_BYTES: Final = {
    "image": 5 * MEGABYTE,
    "audio": 16 * MEGABYTE,
    "voice": 16 * MEGABYTE,
    "video": 16 * MEGABYTE,
    "document": 100 * MEGABYTE,
    "sticker": 500 * 1024,  # an animated one; a still one may have 100 KB
}

CAPABILITIES: Final = Capabilities(
    platform="whatsapp",
    sends={
        "text": native(),
        "formatting": native("WhatsApp's marks; what is underlined or a spoiler stays plain"),
        "choices": native("3 reply buttons, or a list of 10 rows"),
        "image": native(),
        "video": native(),
        "audio": native(),
        "voice": native(),
        "document": native(),
        "sticker": native(),
        "album": fallback("one after the other"),
        "card": native("a picture with text and buttons"),
        "carousel": native("a carousel when all cards are alike and have pictures, else card by card"),
        "location": native(),
        "contact": native(),
        "request_location": native("a button that shares the location"),
        "request_contact": native("a button that shares the contact"),
        "link": native("a button with a link"),
        "web_app": fallback("opened in the browser"),
        "form": native("a WhatsApp Flow"),
        "template": native("approved by Meta beforehand"),
        "reaction": native(),
        "edit": fallback("a new message: businesses can't edit"),
        "reply": native("a quote"),
        "inline_answer": dropped("there are no inline queries"),
        "typing": native("for 25 seconds; marks the customer's message as read"),
        "mark_as_read": native(),
    },
    hears={
        "text": native(),
        "formatting": dropped("the marks stay in the text as they were typed"),
        "command": native("a text that begins with a slash"),
        "deep_link": native("the text that a wa.me link or an ad prepared; ads tell where from"),
        "choice": native(),
        "image": native(),
        "audio": native(),
        "voice": native(),
        "video": native(),
        "document": native(),
        "sticker": native(),
        "album": native("pictures and films that come together"),
        "location": native(),
        "contact": native("one event for each card"),
        "reaction": native(),
        "reply": native(),
        "forward": native("that it was forwarded, not by whom"),
        "edit": native(),
        "deletion": native(),
        "poll_answer": dropped("WhatsApp does not tell; parked as unsupported"),
        "form": native("a Flow's answers"),
        "order": native(),
        "group_message": native(),
        "topic": dropped("there is none"),
        "mention": dropped("not told"),
        "members": dropped("parked"),
        "blocked": dropped("not told"),
        "opened": native("where the welcome message is switched on at Meta"),
        "inline_query": dropped("there is none"),
        "echo": native("of the WhatsApp Business app beside the API"),
        "identity_change": native(),
        "status": native("sent, delivered, read, failed"),
    },
    text=TEXT,
    caption=CAPTION,
    choice_title=ROW_TITLE,
    choice_id=ROW_ID,
    choice_count=ROWS,
    choice_page=ROWS,
    link_count=1,
    media_bytes=MEDIA_BYTES,
    rates=(
        Rate(scope="channel", per_second=80.0, burst=80),
        Rate(scope="recipient", per_second=1 / 6, burst=45),
    ),
    window_hours=24,
    window_code="131047",
    certainty="status",
    confirm_seconds=20.0,
)
