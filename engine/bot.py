"""A compiled flow: immutable, ready to step through, shared by every conversation that is pinned to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from engine.languages import Detect, Languages
from engine.state import ConversationState
from engine.variables import VariableType

if TYPE_CHECKING:
    from engine.actions import Actions, GlobalAction
    from engine.inline import InlineAnswers
    from engine.nodes.base import Node
    from engine.opt_out import OptOutWords
    from engine.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A declared variable; `default` is its value until it is set."""

    type: VariableType
    default: Any
    scope: Literal["session", "customer", "bot"] = "session"
    persistent: bool = False
    """Whether a session's variable outlives the session."""
    compute: Callable[[Turn], Any] | None = None
    """What it comes to, for a computed variable."""
    check: Callable[[Any], Any] | None = None
    """Gives the value as it is kept, or raises VariableError; None when any value of the type will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """When what answers nothing has to wait; `zone` None means the customer's."""

    start: time
    end: time
    zone: ZoneInfo | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Bot:
    """What `engine.compile.compile_flow` makes of a definition."""

    flow_id: str
    name: str
    start: str
    fallback: str
    """Id of the fallback node; empty when the flow has none."""
    timeout: int
    """Seconds of silence after which the next message starts anew; 0 for never."""
    max_turns: int
    """0 for no limit."""
    max_steps: int
    """Nodes that one turn may enter."""
    timezone: str
    """IANA name for customers whose own is not known; empty for UTC."""
    burst_ms: int
    """How long texts are gathered before they are read as one; 0 for not at all."""
    album_ms: int
    """How long the pieces of an album are waited for; 0 for not at all."""
    groups: Literal["all", "mentioned"]
    """Which messages of a group are meant for the bot."""
    echo_takes_over: bool
    """Whether a human who answers in the platform's own app has the conversation from then on."""
    inline: InlineAnswers | None
    """What answers queries that are typed in other chats."""
    quiet_hours: QuietHours | None
    opt_out: OptOutWords | None
    migrates: bool
    """Whether conversations under way on older versions come to this one."""
    languages: Languages
    detect: Detect | None
    """Tells a text's language; None when the flow speaks only one, or nothing can tell."""
    nodes: Mapping[str, Node]
    starts: Mapping[str, str]
    """Sub-flow -> id of the node where it begins."""
    choices: Mapping[str, tuple[Node, int]]
    """Every `Choice.id` that the flow can offer: the node that offers it, and which one it is there."""
    pages: Mapping[str, Node]
    """Every `Paging.key`: the node whose choices are leafed through."""
    actions: Actions
    escalation: GlobalAction | None
    """What `fallback_action: escalate_to_human` does."""
    variables: Mapping[str, Variable]
    persistent: frozenset[str]
    """The session's variables that outlive it."""

    def can_take(self, state: ConversationState) -> bool:
        """Whether a conversation on another version can go on here: where it waits, and its calls and loops, exist."""
        places = [state.node, *(frame.node for frame in state.stack)]
        if state.waiting is not None:
            places.append(state.waiting.node)
        return all(place in self.nodes for place in places)

    def __repr__(self) -> str:
        return f"Bot(flow_id={self.flow_id!r}, nodes={len(self.nodes)})"
