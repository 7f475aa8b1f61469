"""`return`: ends the sub-flow (or, outside of one, the round of a loop); the flow goes on where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.nodes.base import Next, Node, NodeConfig
from engine.nodes.tools import Tools

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn


class ReturnConfig(NodeConfig):
    """Has no settings."""


class ReturnNode(Node):
    """A compiled `return`."""

    __slots__ = ()

    def enter(self, turn: Turn) -> Next:
        if not turn.stack:
            return turn.fall_back("there is nothing to return to")
        turn.returning = True
        return None


def build(definition: NodeDefinition, config: ReturnConfig, tools: Tools) -> ReturnNode:
    """Compile."""
    return ReturnNode(definition.id, ())
