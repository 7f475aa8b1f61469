"""What a turn says: messages, one after the other, as effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from engine.effects import Send
from engine.messages import OutboundMessage

if TYPE_CHECKING:
    from engine.nodes.texts import Text
    from engine.turn import Turn


def say(
    turn: Turn,
    message: OutboundMessage,
    delay_ms: int = 0,
    typing: bool = False,
    label: str = "",
    replaces: str = "",
) -> None:
    """Send a message after what was sent before, `delay_ms` later. A message of nothing is not sent.

    `label` names it within the conversation; it `replaces` the last one of that label.
    """
    turn.delay_ms += delay_ms
    if not (message.choices or message.text.strip() or message.media or _shows(message)):
        return
    if message.reaction is None:
        turn.spoke = True
    if turn.bot.languages.several:
        message = structs.replace(message, language=turn.language)
    if turn.context is not None and turn.in_group and not message.edits:
        # Among many people an answer says whom it answers.
        message = structs.replace(message, reply_to=turn.message)
    send = Send(message=message, delay_ms=turn.delay_ms, typing=typing)
    if label or replaces:
        send = structs.replace(send, label=label, replaces=replaces)
    turn.effects.append(send)


def say_text(turn: Turn, text: Text) -> None:
    """Send a text and nothing else."""
    said = text.said(turn)
    say(turn, OutboundMessage(text=said.text, spans=said.spans))


def _shows(message: OutboundMessage) -> bool:
    """Whether a message without text, choices and media has something to it after all."""
    return bool(message.cards) or any(
        part is not None for part in (message.location, message.contact, message.template, message.reaction)
    )
