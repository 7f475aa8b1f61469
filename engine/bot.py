"""A compiled flow: immutable, ready to step through, shared by every conversation that is pinned to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.variables import VariableType

if TYPE_CHECKING:
    from engine.actions import Actions, GlobalAction
    from engine.nodes.base import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A declared variable; `default` is its value until it is set."""

    type: VariableType
    default: Any


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
    timezone: str
    """IANA name for customers whose own is not known; empty for UTC."""
    nodes: Mapping[str, Node]
    choices: Mapping[str, tuple[Node, int]]
    """Every `Choice.id` that the flow can offer: the node that offers it, and which one it is there."""
    actions: Actions
    escalation: GlobalAction | None
    """What `fallback_action: escalate_to_human` does."""
    variables: Mapping[str, Variable]

    def __repr__(self) -> str:
        return f"Bot(flow_id={self.flow_id!r}, nodes={len(self.nodes)})"
