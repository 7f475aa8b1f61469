"""What Telegram can do, as data (Bot API 10; limits that it does not document say where they come from)."""

from __future__ import annotations

from typing import Final

from adapters.capabilities import Capabilities, Limit, Rate, dropped, fallback, native

TEXT: Final = Limit(4096, "utf16")
CAPTION: Final = Limit(1024, "utf16")
CALLBACK_DATA: Final = Limit(64, "bytes")
BUTTON_TITLE: Final = Limit(64, "code_points")
"""Not a limit of the API: clients cut a longer title off on screen, and titles count against MARKUP_BYTES."""
BUTTONS: Final = 100
PAGE: Final = 10
"""Not a limit of the API: as many buttons as a phone shows without scrolling away from the question."""
LINKS: Final = 10
MARKUP_BYTES: Final = 8_000
"""Telegram refuses a keyboard of about 10 kB ("reply markup is too long"; undocumented, see issue 187 of
tginfo/Telegram-Limits). Ours is counted as JSON, so it stays well below."""
COMPACT_TITLE: Final = 20
"""Titles up to this many characters share a row with another; phones cut off longer ones."""
ALBUM: Final = (2, 10)
INLINE_RESULTS: Final = 50
MEGABYTE: Final = 1024 * 1024
PHOTO_BYTES: Final = 10 * MEGABYTE
UPLOAD_BYTES: Final = 50 * MEGABYTE
"""What api.telegram.org takes; a Bot API server of one's own takes 2,000 MB."""
DOWNLOAD_BYTES: Final = 20 * MEGABYTE
"""What api.telegram.org gives out of the files that customers send."""

CHANNEL_RATE: Final = Rate(scope="channel", per_second=30.0, burst=30)
CHAT_RATE: Final = Rate(scope="recipient", per_second=1.0, burst=3)
"""Telegram asks for one message a second and lets short bursts pass; how long ones is not documented."""
GROUP_RATE: Final = Rate(scope="recipient", per_second=20.0 / 60.0, burst=5)
"""20 messages a minute; a burst of 5 and what flows in meanwhile stay below it after the first minute."""

CAPABILITIES: Final = Capabilities(
    platform="telegram",
    sends={
        "text": native(),
        "formatting": native("entities, never markup"),
        "choices": native("an inline keyboard"),
        "image": native("a photo; a GIF as an animation; alternative texts are not shown"),
        "video": native(),
        "audio": native("MP3 and M4A with a player, others as files"),
        "voice": native("OGG with Opus"),
        "document": native(),
        "sticker": native("WEBP, TGS and WEBM"),
        "album": native("2 to 10; documents and audio only with their like"),
        "card": native("a photo with a caption and buttons"),
        "carousel": fallback("cards one below the other"),
        "location": native("a venue, or a point on the map"),
        "contact": native(),
        "request_location": native("a reply keyboard; in private chats only"),
        "request_contact": native("a reply keyboard; in private chats only"),
        "link": native("a button"),
        "web_app": native("a button that opens a Mini App; a link outside of private chats"),
        "form": fallback("a button that opens its page"),
        "template": fallback("its text"),
        "reaction": native("73 emoji; others are said as an answer"),
        "edit": native("texts, pictures, buttons; a new message where the old one is gone"),
        "reply": native(),
        "inline_answer": native("up to 50 texts to choose from"),
        "typing": native(),
        "mark_as_read": dropped("not offered to bots"),
    },
    hears={
        "text": native(),
        "formatting": native("entities"),
        "command": native(),
        "deep_link": native("/start with a payload"),
        "choice": native("a pressed button"),
        "image": native(),
        "audio": native(),
        "voice": native(),
        "video": native("animations and video messages too"),
        "document": native(),
        "sticker": native("with the emoji that it stands for"),
        "album": native("its pieces share an id"),
        "location": native("venues too"),
        "contact": native("and whether it is the customer's own"),
        "reaction": native("in groups only where the bot is an administrator"),
        "reply": native("with what it quotes"),
        "forward": native("with who wrote it first"),
        "edit": native(),
        "deletion": native("only in chats of a business account"),
        "poll_answer": native("polls that are not anonymous"),
        "form": native("what a Mini App hands over"),
        "order": dropped("there is none"),
        "group_message": native("all of them only with privacy mode off"),
        "topic": native("a conversation each"),
        "mention": native(),
        "members": native(),
        "blocked": native(),
        "opened": fallback("the command /start"),
        "inline_query": native("when inline mode is on (@BotFather)"),
        "echo": native("what a business account's owner, or a channel's administrator, answers by hand"),
        "identity_change": native("a group that becomes a supergroup"),
        "status": dropped("Telegram tells nobody whether a message was read"),
    },
    text=TEXT,
    caption=CAPTION,
    choice_title=BUTTON_TITLE,
    choice_id=CALLBACK_DATA,
    choice_count=BUTTONS,
    choice_page=PAGE,
    link_count=LINKS,
    media_bytes={
        "image": PHOTO_BYTES,
        "video": UPLOAD_BYTES,
        "audio": UPLOAD_BYTES,
        "voice": UPLOAD_BYTES,
        "document": UPLOAD_BYTES,
        "sticker": UPLOAD_BYTES,
    },
    album=ALBUM,
    rates=(CHANNEL_RATE, CHAT_RATE),
    certainty="none",
)
