"""What a channel's `message_formatting` and `advanced_features` switch off, and what its messages become then.

| Setting                                           | then                                                        |
|---------------------------------------------------|-------------------------------------------------------------|
| `inline_keyboards` false, no `inline` keyboards   | choices are numbered in the text, links stand there          |
| `callback_queries` false                          | choices are numbered in the text; links stay buttons         |
| no `reply` keyboards                              | places and contacts are asked for in words                   |
| `web_app_support` false                           | a Mini App is a link                                         |
| `max_message_length`                              | texts are split there                                        |
| `file_upload_enabled` false                       | files go by link, for Telegram to fetch; none is uploaded    |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import structs

from adapters.capabilities import Capabilities, Feature, Limit, Outbound, fallback
from adapters.reading import Object
from adapters.telegram.capabilities import CAPABILITIES, TEXT

FILES: Final[frozenset[Outbound]] = frozenset(
    {"image", "video", "audio", "voice", "document", "sticker", "card"}
)
_NUMBERED: Final = fallback("numbered in the text")
_WRITTEN: Final = fallback("written out")
_ASKED: Final = fallback("asked in words")
_LINKED: Final = fallback("a button that opens its page")


class Switches(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which forms a channel uses."""

    keyboards: bool = True
    """Buttons below a message."""
    presses: bool = True
    """Whether a button may be a choice."""
    requests: bool = True
    """Buttons in place of the letters."""
    web_apps: bool = True
    uploads: bool = True
    limit: Limit = TEXT
    """Of one message's text."""


def switches_of(settings: Mapping[str, Any]) -> Switches:
    """What the settings say; what they do not, is on."""
    formatting, features = _section(settings, "message_formatting"), _section(settings, "advanced_features")
    kinds, longest = formatting.get("keyboard_types"), formatting.get("max_message_length")
    named = kinds if isinstance(kinds, list | tuple) else ("inline", "reply")
    return Switches(
        keyboards=features.get("inline_keyboards") is not False and "inline" in named,
        presses=features.get("callback_queries") is not False,
        requests="reply" in named,
        web_apps=features.get("web_app_support") is not False,
        uploads=formatting.get("file_upload_enabled") is not False,
        limit=Limit(longest, TEXT.unit) if type(longest) is int and 0 < longest < TEXT.size else TEXT,
    )


def capabilities_for(settings: Mapping[str, Any]) -> Capabilities:
    """Telegram's table, as far as the channel uses it."""
    on = switches_of(settings)
    if on == Switches():
        return CAPABILITIES
    less: dict[Outbound, Feature] = {}
    if not on.web_apps:
        less["web_app"] = _LINKED
    if not (on.keyboards and on.presses):
        less["choices"] = _NUMBERED
    if not on.keyboards:
        less |= {"link": _WRITTEN, "web_app": _WRITTEN, "form": _WRITTEN}
    if not on.requests:
        less |= {"request_location": _ASKED, "request_contact": _ASKED}
    return structs.replace(
        CAPABILITIES,
        sends={**CAPABILITIES.sends, **less},
        text=on.limit,
        by_link=CAPABILITIES.by_link if on.uploads else CAPABILITIES.by_link | FILES,
    )


def _section(settings: Mapping[str, Any], name: str) -> Object:
    found = settings.get(name)
    return found if type(found) is dict else {}
