"""Global actions: what certain words do from anywhere in a flow.

Keywords are found as whole words of the folded text (see `engine.folding`), phrases included. Of several, those
of priority `high` win, then the longest, then the first in the flow.

When a keyword counts:

- anywhere in the text while the conversation waits for a choice, an intent, or nothing at all;
- only as the whole text while it waits for free text (an `input` node, or a human who will read it): the answer
  "my agent number is 5" is an answer, "agent" alone is not;
- anywhere, always, when the action's priority is `high`.

An exact answer to the choices on offer (its title, value or number) is that choice, whatever keywords it holds,
unless they belong to an action of priority `high`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.folding import fold
from engine.messages import OutboundMessage

if TYPE_CHECKING:
    from engine.nodes.base import Condition, Next, Text
    from engine.turn import Turn

ESCALATION: Final = "escalation"
"""Name of the global action that `fallback_action: escalate_to_human` performs."""
HANDOFF: Final = "human_handoff"
"""The type of node that it leads to when a flow has no such action."""
NOBODY_AVAILABLE: Final = (
    "Nobody from our team is available right now. You can go on chatting with me, or write again later."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalAction:
    """A compiled global action."""

    name: str
    target: str
    keywords: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    clear_context: bool = False
    high: bool = False
    otherwise: Text | None = None
    """What is said when a condition does not hold; None says nothing (there is a target) or the default."""
    otherwise_target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keyword:
    """A folded keyword. The lower the rank, the sooner it wins."""

    words: list[str]
    text: str
    rank: tuple[bool, int, int]
    action: GlobalAction


class Actions:
    """The keyword matcher: one look-up a word of the text, and a comparison where a keyword begins so."""

    __slots__ = ("_by_first_word", "_first_words", "by_name")

    def __init__(self, actions: Iterable[GlobalAction]) -> None:
        self.by_name: Mapping[str, GlobalAction] = {action.name: action for action in actions}
        found: dict[str, list[_Keyword]] = {}
        for position, action in enumerate(self.by_name.values()):
            for text in action.keywords:
                words = fold(text).split(" ")
                rank = (not action.high, -len(fold(text)), position)
                keyword = _Keyword(words=words, text=text, rank=rank, action=action)
                found.setdefault(words[0], []).append(keyword)
        for keywords in found.values():
            keywords.sort(key=lambda keyword: keyword.rank)
        self._by_first_word = found
        self._first_words = frozenset(found)

    def find(self, folded: str, *, whole: bool) -> tuple[GlobalAction, str] | None:
        """The action whose keyword is in the folded text, with that keyword.

        `whole`: normal actions count only when the keyword is the whole text.
        """
        words = folded.split(" ")
        if self._first_words.isdisjoint(words):
            return None
        best: _Keyword | None = None
        for start, word in enumerate(words):
            for keyword in self._by_first_word.get(word, ()):
                size = len(keyword.words)
                if words[start : start + size] != keyword.words:
                    continue
                if whole and not keyword.action.high and size != len(words):
                    continue
                if best is None or keyword.rank < best.rank:
                    best = keyword
                break
        return None if best is None else (best.action, best.text)


def perform(turn: Turn, action: GlobalAction, why: str) -> Next:
    """Carry out an action that something called for; returns where the conversation goes on.

    When a condition does not hold, the customer is told so and what was asked is asked again. A conversation
    that waited for a human is then the bot's again: nobody would have answered.
    """
    turn.note("action", action.name, why)
    turn.unread = False
    if turn.control != "bot":
        turn.note("action", action.name, f"takes the conversation back; it was {turn.control}")
        turn.control = "bot"
    if not all(condition.holds(turn) for condition in action.conditions):
        return _otherwise(turn, action)
    if action.clear_context:
        turn.renew(f"the action {action.name}")
    return action.target


def _otherwise(turn: Turn, action: GlobalAction) -> Next:
    turn.note("action", action.name, "its conditions do not hold")
    if action.otherwise is not None:
        turn.say(OutboundMessage(text=action.otherwise(turn)))
    elif not action.otherwise_target:
        turn.say(_DEFAULT_ANSWER)
    if action.otherwise_target:
        return action.otherwise_target
    return ask_again(turn)


def ask_again(turn: Turn) -> Next:
    """Ask what was asked when the turn began; a conversation that has not begun begins."""
    asked = turn.asked
    node = turn.bot.nodes.get(asked.node) if asked is not None else None
    if node is not None:
        node.offer(turn)
        return None
    return None if turn.node in turn.bot.nodes else turn.start()


_DEFAULT_ANSWER: Final = OutboundMessage(text=NOBODY_AVAILABLE)
