"""`condition`: goes where the first case that holds leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from engine.fields import ConditionText, NodeRef, Part
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_CASES = 100


class Case(Part):
    """One way to go."""

    condition: ConditionText = Field(description="The name of a condition, or an expression.")
    target: NodeRef = Field(description="Id of the node to go to when it holds.")


class ConditionConfig(NodeConfig):
    """Tries the cases in order and goes where the first that holds leads."""

    cases: list[Case] = Field(min_length=1, max_length=MAX_CASES)
    otherwise: NodeRef | None = Field(
        None,
        alias="else",
        description="Where to go when no case holds; otherwise the connections are followed.",
    )


class ConditionNode(Node):
    """A compiled `condition`: its cases are connections that come before the node's own."""

    __slots__ = ()

    def enter(self, turn: Turn) -> Next:
        return self.follow(turn)


def build(definition: NodeDefinition, config: ConditionConfig, tools: Tools) -> ConditionNode:
    """Compile."""
    ways = [
        Connection(definition.id, case.target, tools.condition(case.condition), 0) for case in config.cases
    ]
    if config.otherwise is not None:
        ways.append(Connection(definition.id, config.otherwise, None, 0))
    return ConditionNode(definition.id, (*ways, *tools.connections(definition)))
