"""`call`: runs a sub-flow, and goes on along the connections when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from engine.fields import FlowRef, JsonTemplate, VariableName
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools
from engine.nodes.values import Value, compile_value
from engine.scopes import keep
from engine.state import Frame

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_ARGUMENTS = 50


class CallConfig(NodeConfig):
    """Calls a sub-flow. It shares the flow's variables."""

    flow: FlowRef = Field(description="Name of the sub-flow.")
    arguments: dict[VariableName, JsonTemplate] = Field(
        default_factory=dict,
        max_length=MAX_ARGUMENTS,
        description="Variables to set before; texts in the values are templates.",
    )


class CallNode(Node):
    """A compiled `call`."""

    __slots__ = ("_arguments", "_flow")

    def __init__(
        self, id: str, connections: tuple[Connection, ...], flow: str, arguments: dict[str, Value]
    ) -> None:
        super().__init__(id, connections)
        self._flow = flow
        self._arguments = arguments

    def enter(self, turn: Turn) -> Next:
        for name, value in self._arguments.items():
            keep(turn, name, value(turn))
        turn.push(Frame(node=self.id))
        return turn.bot.starts[self._flow]


def build(definition: NodeDefinition, config: CallConfig, tools: Tools) -> CallNode:
    """Compile."""
    arguments = {name: compile_value(value, tools) for name, value in config.arguments.items()}
    return CallNode(definition.id, tools.connections(definition), config.flow, arguments)
