"""What the widget can show, as data. It is our own, so these are decisions, not a platform's limits."""

from __future__ import annotations

from typing import Final

from adapters.capabilities import Capabilities, Limit, dropped, fallback, native

TEXT: Final = Limit(16_000, "code_points")
"""What one bubble carries; a longer text is split."""
TITLE: Final = Limit(200, "code_points")
CHOICES: Final = 30
"""More chips than this are no longer a choice but a list to be searched."""

CHOICE_ID: Final = Limit(64, "bytes")

CAPABILITIES: Final = Capabilities(
    platform="web",
    sends={
        "text": native(),
        "formatting": fallback("plain text"),
        "choices": native("quick replies"),
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
    caption=TEXT,
    choice_title=TITLE,
    choice_id=CHOICE_ID,
    choice_count=CHOICES,
    choice_page=CHOICES,
)
