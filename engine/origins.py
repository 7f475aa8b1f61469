"""Where a message came from: whether it is meant for the bot, and what is remembered of it until it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from engine.events import (
    AlbumReceived,
    CommandReceived,
    ContactReceived,
    Context,
    EventBody,
    FormSubmitted,
    LocationReceived,
    MediaReceived,
    MessageEdited,
    OrderPlaced,
    TextReceived,
)
from engine.folding import readable
from engine.state import Origin

if TYPE_CHECKING:
    from engine.turn import Turn

MAX_WORDS: Final = 1_000
"""Code points that are remembered of a quoted text, and of each other text around a message."""
_TO_EVERYBODY: Final = (TextReceived, MediaReceived, AlbumReceived, LocationReceived, ContactReceived)
"""What people in a group send each other, and not only to the bot."""
_MESSAGES: Final = (*_TO_EVERYBODY, CommandReceived, FormSubmitted, OrderPlaced, MessageEdited)
"""Events that are a message of the customer's."""


def overhears(turn: Turn, body: EventBody) -> bool:
    """Whether the bot only reads along: people in a group said it to each other."""
    return turn.context is not None and isinstance(body, _TO_EVERYBODY) and not _is_meant(turn, turn.context)


def _is_meant(turn: Turn, context: Context) -> bool:
    """Whether a message is for the bot: among many people, one that names or answers it.

    In a channel's thread that the bot takes part in all of them are.
    """
    if context.place == "private" or context.mentioned or turn.bot.groups == "all":
        return True
    return context.place == "channel" and (not context.overheard or bool(turn.node) or turn.control != "bot")


def recall(turn: Turn) -> None:
    """The event is no message to the bot: what is answered is the last one that was, where it is known."""
    origin = turn.state.origin
    turn.message, turn.context = (origin.message, origin.context) if origin is not None else ("", None)


def customers_message(turn: Turn) -> str:
    """The platform's id of the message that the customer just sent; empty when they did something else."""
    return turn.message if isinstance(turn.event, _MESSAGES) else ""


def origin_of(turn: Turn) -> Origin | None:
    """Where the last message came from, while that matters: it is not answered yet, or others read along."""
    if not (turn.held or turn.album or turn.in_group):
        return None
    if not turn.message:
        return turn.state.origin
    return Origin(message=turn.message, context=_bounded(turn.context) if turn.context is not None else None)


def _bounded(context: Context) -> Context:
    """Fit for a state: readable, and not longer than that should be."""
    referral = context.referral
    return structs.replace(
        context,
        quote=readable(context.quote[:MAX_WORDS]),
        forwarded_from=readable(context.forwarded_from[:MAX_WORDS]),
        title=readable(context.title[:MAX_WORDS]),
        referral=structs.replace(
            referral,
            headline=readable(referral.headline[:MAX_WORDS]),
            text=readable(referral.text[:MAX_WORDS]),
            payload=readable(referral.payload[:MAX_WORDS]),
        )
        if referral is not None
        else None,
    )
