"""What Telegram can do, as data (Bot API 10; limits that it does not document say where they come from)."""

from __future__ import annotations

from typing import Final

from adapters.capabilities import Capabilities, Limit

TEXT: Final = Limit(4096, "utf16")
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
    text=TEXT, choices="native", choice_title=BUTTON_TITLE, choice_count=BUTTONS, typing="native"
)
