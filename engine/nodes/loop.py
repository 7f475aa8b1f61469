"""`loop`: does something for each item of a list.

A round begins at `body` and ends where the flow leads no further, at a `return` outside of any call, or where it leads
back to this node. After the last round the connections are followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from engine.environment import Environment
from engine.expressions import Expression
from engine.fields import ExpressionText, NodeRef, VariableName
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools
from engine.scopes import keep
from engine.state import Frame
from engine.variables import VariableError, storable

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_ITEMS = 500


class LoopConfig(NodeConfig):
    """Goes over a list."""

    items: ExpressionText = Field(description="An expression that gives a list.")
    variable: VariableName = Field(alias="as", description="The variable that holds the item of the round.")
    index_variable: VariableName | None = Field(
        None, alias="index_as", description="The variable that holds the round's number, from 0."
    )
    body: NodeRef = Field(description="Id of the node where each round begins.")
    max_items: int = Field(100, ge=1, le=MAX_ITEMS, description="Items after these are left out.")


class LoopNode(Node):
    """A compiled `loop`."""

    __slots__ = ("_config", "_environment", "_items")

    def __init__(
        self, id: str, connections: tuple[Connection, ...], items: Expression, config: LoopConfig
    ) -> None:
        super().__init__(id, connections)
        self._items = items
        self._environment = Environment(items.names)
        self._config = config

    def enter(self, turn: Turn) -> Next:
        if (frame := self._own_frame(turn)) is not None:
            return self.resume(turn, frame)
        items = self._items(self._environment(turn))
        if not isinstance(items, list | tuple):
            raise VariableError("a loop goes over a list, and this is none")
        if len(items) > self._config.max_items:
            turn.note("limit", self.id, f"{len(items)} items; the first {self._config.max_items} count")
        return self._round(turn, storable(list(items[: self._config.max_items])), 0)

    def resume(self, turn: Turn, frame: Frame) -> Next:
        return self._round(turn, frame.items or [], frame.index + 1)

    def _round(self, turn: Turn, items: list[Any], index: int) -> Next:
        if index >= len(items):
            turn.note("round", self.id, "no more items", len(items))
            return self.follow(turn)
        turn.note("round", self.id, value=index)
        keep(turn, self._config.variable, items[index])
        if self._config.index_variable is not None:
            keep(turn, self._config.index_variable, index)
        turn.push(Frame(node=self.id, items=items, index=index))
        return self._config.body

    def _own_frame(self, turn: Turn) -> Frame | None:
        """The round of this loop that is under way in this call; it and the loops within it are off the stack then."""
        for depth, frame in reversed(tuple(enumerate(turn.stack))):
            if frame.items is None:
                return None
            if frame.node == self.id:
                turn.stack = turn.stack[:depth]
                return frame
        return None


def build(definition: NodeDefinition, config: LoopConfig, tools: Tools) -> LoopNode:
    """Compile."""
    return LoopNode(definition.id, tools.connections(definition), tools.expression(config.items), config)
