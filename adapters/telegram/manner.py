"""Where a message goes, and how this channel says things: addresses, and what the settings ask for.

https://core.telegram.org/bots/api#sendmessage
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from adapters.capabilities import Limit
from adapters.protocol import ChannelAccess
from adapters.telegram.capabilities import TEXT
from adapters.telegram.people import section
from adapters.telegram.switches import switches_of

_RECIPIENT = re.compile(r"(-?\d{1,19})(?::(\d{1,19}))?")
_BUSINESS = re.compile(r"business:([A-Za-z0-9_-]{1,128}):(-?\d{1,19})")
_DIRECT = re.compile(r"direct:(-?\d{1,19}):(\d{1,19})")


class Manner(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a channel says things to one recipient."""

    private: bool
    """One customer's own chat with the bot: there alone can be asked for a contact or place, or an app be opened."""
    limit: Limit = TEXT
    silent: bool = False
    previews: bool = True
    keyboards: bool = True
    """Whether buttons may hang below a message: a card's links stand in its words where they may not."""
    usual: bool = True
    """Nothing is to be said in another way than Telegram's own."""


_PRIVATE: Final = Manner(private=True)
_OTHER: Final = Manner(private=False)


def address(recipient: str) -> dict[str, Any]:
    """A conversation key (see `adapters.telegram.people`) as the parameters that address it.

    Anything else, such as `@channel`, goes as it is; Telegram says whether it knows it.
    """
    if recipient.isdecimal() and len(recipient) < 19:  # the usual case
        return {"chat_id": int(recipient)}
    if match := _RECIPIENT.fullmatch(recipient):
        chat, thread = match.groups()
        return (
            {"chat_id": int(chat)}
            if thread is None
            else {"chat_id": int(chat), "message_thread_id": int(thread)}
        )
    if match := _BUSINESS.fullmatch(recipient):
        return {"chat_id": int(match[2]), "business_connection_id": match[1]}
    if match := _DIRECT.fullmatch(recipient):
        return {"chat_id": int(match[1]), "direct_messages_topic_id": int(match[2])}
    return {"chat_id": recipient}


def manner_of(target: dict[str, Any], access: ChannelAccess) -> Manner:
    """What the deployment's `message_formatting` and `advanced_features` ask for, beside what they switch off: that is
    out of the message already (`adapters.telegram.switches`).

    `parse_mode` is not among it: texts go out with entities, which no stray character can spoil.
    """
    chat, settings = target["chat_id"], access.settings
    private = type(chat) is int and chat > 0 and "business_connection_id" not in target
    if "message_formatting" not in settings and "advanced_features" not in settings:
        return _PRIVATE if private else _OTHER
    formatting, switches = section(access, "message_formatting"), switches_of(settings)
    silent = formatting.get("disable_notification") is True
    previews = formatting.get("disable_web_page_preview") is not True
    return Manner(
        private=private,
        limit=switches.limit,
        silent=silent,
        previews=previews,
        keyboards=switches.keyboards,
        usual=switches.limit is TEXT and previews and not silent,
    )
