"""Global actions: what certain words do from anywhere in a flow.

Keywords are found as whole words of the folded text (see `engine.folding`), phrases included. Of several, those
of priority `high` win, then the longest, then the first in the flow.

When a keyword counts:

- anywhere in the text while the conversation waits for a choice, an intent, or nothing at all;
- only as the whole text while it waits for free text (an `input` node, or a human who will read it): the answer
  "my agent number is 5" is an answer, "agent" alone is not;
- anywhere, always, when the action's priority is `high`.

With typo tolerance a keyword's word of five letters or more is also found with one letter wrong, missing, added or
exchanged with its neighbour, unless another word fits exactly. Keywords of every language of the flow count for
everybody: a customer who sees German buttons may still type "agent".

An exact answer to the choices on offer (its title, value or number) is that choice, whatever keywords it holds,
unless they belong to an action of priority `high`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.answers.sentences import sentence
from engine.effects import Record
from engine.flow_types import EventName
from engine.keywords import Keywords
from engine.messages import OutboundMessage
from engine.saying import say, say_text
from engine.state import TraceEntry

if TYPE_CHECKING:
    from engine.nodes.base import Condition, Next, Node
    from engine.nodes.texts import Text
    from engine.turn import Turn

ESCALATION: Final = "escalation"
"""Name of the global action that `fallback_action: escalate_to_human` performs."""
KEYWORD: Final = "keyword: "
EVENT: Final = "event: "
"""How a trace begins to say why an action was called for."""
HANDOFF: Final = "human_handoff"
"""The type of node that it leads to when a flow has no such action."""


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
    events: tuple[EventName, ...] = ()
    """What calls for it besides its keywords."""


class Called:
    """An action that something calls for; `met` when its conditions are known to hold."""

    __slots__ = ("action", "met", "noted", "why")

    def __init__(self, action: GlobalAction, why: str, *, met: bool = False) -> None:
        self.action = action
        self.why = why
        self.met = met
        self.noted = TraceEntry(kind="action", at=action.name, detail=why)


class Actions:
    """A flow's global actions and their keywords."""

    __slots__ = ("_keywords", "by_event", "by_name")

    def __init__(self, actions: Iterable[GlobalAction], *, typos: bool = True) -> None:
        self.by_name: Mapping[str, GlobalAction] = {action.name: action for action in actions}
        self.by_event: Mapping[EventName, tuple[GlobalAction, ...]] = {
            event: tuple(action for action in self.by_name.values() if event in action.events)
            for event in {event for action in self.by_name.values() for event in action.events}
        }
        self._keywords = Keywords(
            (
                (text, Called(action, f"{KEYWORD}{text}"), 0 if action.high else 1)
                for action in self.by_name.values()
                for text in action.keywords
            ),
            typos=typos,
        )

    def find(self, folded: str, *, whole: bool) -> Called | None:
        """The action whose keyword is in the folded text.

        `whole`: normal actions count only when the keyword is the whole text.
        """
        for keyword, is_whole in self._keywords.find(folded):
            if is_whole or not whole or keyword.value.action.high:
                return keyword.value
        return None


def called_by(turn: Turn, node: Node | None, choice: tuple[Node, int] | None, command: str) -> Called | None:
    """The global action that the message calls for."""
    human = turn.control != "bot"
    whole = human or (node is not None and node.free_text)
    actions = turn.bot.actions
    found = (actions.find(command, whole=True) if command else None) or actions.find(turn.folded, whole=whole)
    if found is None or found.action.high:
        return found
    if turn.control == "human" or (choice is not None and not human):
        return None
    return found


def perform(turn: Turn, called: Called) -> Next:
    """Carry out an action; returns where the conversation goes on.

    When a condition does not hold, the customer is told so and what was asked is asked again. A conversation
    that waited for a human is then the bot's again: nobody would have answered.
    """
    action = called.action
    turn.trace.append(called.noted)
    turn.unread = False
    if turn.control != "bot":
        turn.note("action", action.name, f"takes the conversation back; it was {turn.control}")
        turn.control = "bot"
    if action.high:
        turn.effects.append(Record(kind="priority", name=action.name))
    if not called.met and not all(condition.holds(turn) for condition in action.conditions):
        return _otherwise(turn, action)
    if action.clear_context:
        turn.renew(f"the action {action.name}")
    turn.leave()
    return action.target


def _otherwise(turn: Turn, action: GlobalAction) -> Next:
    turn.note("action", action.name, "its conditions do not hold")
    if action.otherwise is not None:
        say_text(turn, action.otherwise)
    elif not action.otherwise_target:
        say(turn, OutboundMessage(text=sentence("nobody_available", turn.language)))
    if action.otherwise_target:
        turn.leave()
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
