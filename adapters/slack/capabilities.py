"""What Slack can do, as data (Block Kit as of 2026; limits that it does not document say where they come from)."""

from __future__ import annotations

from typing import Final

from adapters.capabilities import Capabilities, Limit, Rate, dropped, fallback, native

BLOCKS: Final = 50
"""Blocks of one message."""
BLOCK_TEXT: Final = Limit(3_000, "code_points")
"""The text of one block."""
MESSAGE_TEXT: Final = Limit(12_000, "code_points")
BLOCKS_JSON: Final = 12_000
"""Characters of all blocks of a message, as JSON. Not documented: from about 13,200 on Slack answers
`msg_blocks_too_long` (slackapi/bolt-js issue 2509, where a divider took 125 of them)."""
FALLBACK_TEXT: Final = 3_000
"""Characters of the plain text beside the blocks, for notifications and screen readers; Slack advises at most 4,000."""
BUTTONS: Final = 5
"""Choices shown as buttons; more of them become a menu."""
BUTTON_TITLE: Final = 75
COMPACT_TITLE: Final = 40
"""A longer title would be cut off on a button; it becomes a line of a menu."""
OPTIONS: Final = 100
OPTION_VALUE: Final = Limit(150, "code_points")
OPTION_DESCRIPTION: Final = 75
ACTIONS: Final = 25
"""Buttons in one block."""
URL: Final = 3_000
ALT_TEXT: Final = 2_000
LINKS: Final = 5
FILE_BYTES: Final = 1_000_000_000
FILES: Final = 10
"""Files that one message shows at most."""

CAPABILITIES: Final = Capabilities(
    platform="slack",
    sends={
        "text": native("rich text"),
        "formatting": native("rich text; a spoiler is shown openly"),
        "choices": native("buttons; a menu when there are more than five or a title is long"),
        "image": native("an image block, or an uploaded file when its address is not public"),
        "video": native("an uploaded file"),
        "audio": native("an uploaded file"),
        "voice": native("an uploaded file"),
        "document": native("an uploaded file"),
        "sticker": fallback("an image"),
        "album": native("one message with several files"),
        "card": native("title, text beside a picture, buttons"),
        "carousel": native("cards below one another"),
        "location": fallback("text with a map's address"),
        "contact": fallback("text"),
        "request_location": fallback("asked in words"),
        "request_contact": fallback("asked in words"),
        "link": native("a button"),
        "web_app": fallback("a button with its address"),
        "form": fallback("a button with its address"),
        "template": fallback("its text"),
        "reaction": native(),
        "edit": native("files stay as they are"),
        "reply": native("in the message's thread"),
        "inline_answer": dropped("there are no inline queries"),
        "typing": dropped("not offered to bots"),
        "mark_as_read": dropped("not offered to bots"),
    },
    hears={
        "text": native(),
        "formatting": native("as entities"),
        "command": native("slash commands and shortcuts"),
        "deep_link": dropped("there are none"),
        "choice": native("buttons, menus, pickers"),
        "image": native(),
        "audio": native(),
        "voice": native("an audio clip"),
        "video": native(),
        "document": native(),
        "sticker": dropped("there are none"),
        "album": native("a message with several files"),
        "location": dropped("there are none"),
        "contact": dropped("there are none"),
        "reaction": native("one at a time; parked in a channel's thread, which Slack does not name"),
        "reply": native("the thread's first message"),
        "forward": native("the words of a shared message"),
        "edit": native(),
        "deletion": native(),
        "poll_answer": dropped("there are none"),
        "form": native("a modal's values"),
        "order": dropped("there are none"),
        "group_message": native("where the app is mentioned, and in threads it takes part in"),
        "topic": native("a thread is a conversation of its own"),
        "mention": native(),
        "members": native(),
        "blocked": dropped("not told; an uninstalled app is parked"),
        "opened": native("the App Home"),
        "inline_query": dropped("there are none"),
        "echo": dropped("the app's own messages come back and are passed over"),
        "identity_change": dropped("not told"),
        "status": dropped("not told"),
    },
    text=MESSAGE_TEXT,
    caption=BLOCK_TEXT,
    choice_title=Limit(BUTTON_TITLE, "code_points"),
    choice_id=OPTION_VALUE,
    choice_count=OPTIONS,
    choice_page=20,
    link_count=LINKS,
    media_bytes=dict.fromkeys(("image", "video", "audio", "voice", "document"), FILE_BYTES),
    album=(2, FILES),
    rates=(Rate(scope="recipient", per_second=1.0, burst=5),),
    certainty="lookup",
)  # fmt: skip
