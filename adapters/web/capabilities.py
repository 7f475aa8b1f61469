"""What the widget can show, as data. It is our own, so these are decisions, not a platform's limits."""

from __future__ import annotations

from typing import Final

from adapters.capabilities import Capabilities, Limit, dropped, fallback, native

TEXT: Final = Limit(20_000, "code_points")
"""What one bubble shows; a longer text ends in an ellipsis there. No flow's text is longer."""
TITLE: Final = Limit(200, "code_points")
CHOICES: Final = 30
"""More chips than this are no longer a choice but a list to be searched."""
CHOICE_PAGE: Final = 20
"""A longer menu is shown in pages, the next one in the place of the one before."""
LINKS: Final = 10
ALBUM: Final = (2, 10)

CHOICE_ID: Final = Limit(64, "bytes")

CAPABILITIES: Final = Capabilities(
    platform="web",
    sends={
        "text": native(),
        "formatting": native("every kind of span; a spoiler opens on a press"),
        "choices": native("chips, or cards with their descriptions; pages of 20"),
        "image": native("a picture that opens large"),
        "video": native("a player"),
        "audio": native("a player"),
        "voice": native("a player"),
        "document": native("a card with its name, to download"),
        "sticker": native("a picture without a bubble"),
        "album": native("a grid"),
        "card": native(),
        "carousel": native("swiped, or moved by keys and buttons"),
        "location": native("a card with a link to a map"),
        "contact": native("a card with a vCard to save"),
        "request_location": native("a button that asks the browser"),
        "request_contact": native("a form for name and number"),
        "link": native("a button that opens a new tab"),
        "web_app": fallback("a link"),
        "form": fallback("a link"),
        "template": fallback("its text"),
        "reaction": native("at the visitor's message"),
        "edit": native("the bubble changes in place"),
        "reply": native("a quote above the words"),
        "inline_answer": dropped("there are no inline queries"),
        "typing": native("three dots"),
        "mark_as_read": native("two ticks"),
    },
    hears={
        "text": native(),
        "formatting": dropped("the field takes plain text"),
        "command": native("restart, from the menu"),
        "deep_link": native("`data-payload` of the script, and the page's address"),
        "choice": native(),
        "image": native("chosen, dropped or pasted"),
        "audio": native("as a file"),
        "voice": dropped("the field records nothing; a recording comes as audio"),
        "video": native("as a file"),
        "document": native("as a file"),
        "sticker": dropped("there are none"),
        "album": native("several files at once"),
        "location": native("where the bot asks for it"),
        "contact": native("where the bot asks for it; nothing vouches for it"),
        "reaction": native("at the bot's messages"),
        "reply": dropped("the field quotes nothing"),
        "forward": dropped("there is nowhere to forward from"),
        "edit": dropped("what was sent stays"),
        "deletion": dropped("what was sent stays"),
        "poll_answer": dropped("there are no polls"),
        "form": dropped("there are no forms"),
        "order": dropped("there is no catalogue"),
        "group_message": dropped("every conversation is private"),
        "topic": dropped("every conversation is private"),
        "mention": dropped("every conversation is private"),
        "members": dropped("every conversation is private"),
        "blocked": dropped("a visitor just leaves"),
        "opened": native("the panel was opened for the first time"),
        "inline_query": dropped("there are no inline queries"),
        "echo": dropped("nobody else writes for the bot"),
        "identity_change": dropped("the visitor's token stays the same"),
        "status": native("delivered, and read once the panel is open"),
    },
    text=TEXT,
    caption=TEXT,
    choice_title=TITLE,
    choice_id=CHOICE_ID,
    choice_count=CHOICES,
    choice_page=CHOICE_PAGE,
    link_count=LINKS,
    album=ALBUM,
    certainty="idempotent",
    by_link=frozenset({"image", "video", "audio", "voice", "document", "sticker", "card"}),
)
