"""`jump`: goes to another node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from engine.fields import NodeRef
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn


class JumpConfig(NodeConfig):
    """Goes to another node, always."""

    target: NodeRef = Field(description="Id of the node to go to.")


class JumpNode(Node):
    """A compiled `jump`."""

    __slots__ = ("_target",)

    def __init__(self, id: str, connections: tuple[Connection, ...], target: str) -> None:
        super().__init__(id, connections)
        self._target = target

    def enter(self, turn: Turn) -> Next:
        return self._target


def build(definition: NodeDefinition, config: JumpConfig, tools: Tools) -> JumpNode:
    """Compile."""
    return JumpNode(definition.id, tools.connections(definition), config.target)
