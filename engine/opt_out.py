"""Opting out: the words with which a customer forbids, and allows again, messages that answer nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.answers.sentences import sentence
from engine.effects import Record, UpdateCustomer
from engine.keywords import Keywords
from engine.markup import Marked
from engine.messages import OutboundMessage
from engine.saying import say

if TYPE_CHECKING:
    from engine.nodes.texts import Text
    from engine.turn import Turn

OPT_IN_WORDS: Final = frozenset({"start", "unstop", "subscribe"})
"""With which a customer opts in again who has opted out by a word of the channel's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutWords:
    """The words that forbid and allow messages that answer nothing, and what is said to them."""

    words: Keywords[bool]
    """True opts out, False opts in again."""
    out: Text
    again: Text


def opts_out(turn: Turn, command: str) -> bool:
    """Whether the message is an opt-out word, of the flow or of the channel, which is then done with."""
    words = turn.bot.opt_out
    for keyword, whole in words.words.find(turn.folded) if words is not None else ():
        if whole and (keyword.value or turn.opted_out):
            opt_out(turn, out=keyword.value)
            return True
    if not turn.opt_out_words:
        return False
    out = turn.folded in turn.opt_out_words
    if out or (turn.opted_out and not command and turn.folded in OPT_IN_WORDS):
        opt_out(turn, out=out, of_channel=True)
        return True
    return False


def opt_out(turn: Turn, *, out: bool, of_channel: bool = False) -> None:
    """Carry out what an opt-out word asks for: it is recorded, confirmed, and nothing else happens.

    A word `of_channel` works whatever the flow says; the record then names the channel.
    """
    words = turn.bot.opt_out
    turn.note("opt_out", value=out)
    turn.unread = False
    turn.opted_out = out
    turn.effects.append(UpdateCustomer(opted_out=out))
    if words is not None:
        said = (words.out if out else words.again).said(turn)
    else:
        said = Marked(sentence("opted_out" if out else "opted_in", turn.language))
    properties: dict[str, Any] = {"granted": not out, "text": said.text}
    if of_channel:
        properties["channel"] = turn.channel
    turn.effects.append(Record(kind="consent", name="messages", properties=properties))
    say(turn, OutboundMessage(text=said.text, spans=said.spans))
