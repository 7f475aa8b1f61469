"""What Telegram can do, as data (Bot API 10; limits that it does not document say where they come from)."""

from __future__ import annotations

from typing import Final

from adapters.capabilities import Capabilities, Limit, dropped, fallback, native

TEXT: Final = Limit(4096, "utf16")
CAPTION: Final = Limit(1024, "utf16")
CALLBACK_DATA: Final = Limit(64, "bytes")
BUTTON_TITLE: Final = Limit(64, "code_points")
"""Not a limit of the API: clients cut a longer title off on screen, and titles count against MARKUP_BYTES."""
BUTTONS: Final = 100
MARKUP_BYTES: Final = 8_000
"""Telegram refuses a keyboard of about 10 kB ("reply markup is too long"; undocumented, see issue 187 of
tginfo/Telegram-Limits). Ours is counted as JSON, so it stays well below."""
COMPACT_TITLE: Final = 20
"""Titles up to this many characters share a row with another; phones cut off longer ones."""

CAPABILITIES: Final = Capabilities(
    platform="telegram",
    sends={
        "text": native(),
        "formatting": fallback("plain text"),
        "choices": native("an inline keyboard"),
        "image": fallback("its address"),
        "video": fallback("its address"),
        "audio": fallback("its address"),
        "voice": fallback("its address"),
        "document": fallback("its address"),
        "sticker": fallback("its address"),
        "album": fallback("addresses"),
        "card": fallback("text and choices"),
        "carousel": fallback("text and choices"),
        "location": fallback("text with a map's address"),
        "contact": fallback("text"),
        "request_location": fallback("asked in words"),
        "request_contact": fallback("asked in words"),
        "link": fallback("its address"),
        "web_app": fallback("its address"),
        "form": fallback("its address"),
        "template": fallback("its text"),
        "reaction": fallback("the emoji as a message"),
        "edit": fallback("a new message"),
        "reply": dropped("the message stands alone"),
        "inline_answer": dropped("there are no inline queries"),
        "typing": native(),
        "mark_as_read": dropped("not offered to bots"),
    },
    hears={
        "text": native(),
        "formatting": dropped("plain text"),
        "command": native(),
        "deep_link": native(),
        "choice": native(),
        "image": native(),
        "audio": native(),
        "voice": native(),
        "video": native(),
        "document": native(),
        "sticker": native(),
        "album": dropped("one by one"),
        "location": native(),
        "contact": native(),
        "reaction": native(),
        "reply": dropped("not told"),
        "forward": dropped("not told"),
        "edit": native(),
        "deletion": dropped("not told"),
        "poll_answer": dropped("parked"),
        "form": dropped("there is none"),
        "order": dropped("there is none"),
        "group_message": native(),
        "topic": native(),
        "mention": dropped("not told"),
        "members": dropped("parked"),
        "blocked": native(),
        "opened": native(),
        "inline_query": dropped("parked"),
        "echo": dropped("there is none"),
        "identity_change": dropped("there is none"),
        "status": dropped("there is none"),
    },
    text=TEXT,
    caption=CAPTION,
    choice_title=BUTTON_TITLE,
    choice_id=CALLBACK_DATA,
    choice_count=BUTTONS,
    choice_page=BUTTONS,
)
