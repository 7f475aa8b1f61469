"""`switch`: goes by what a value is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from engine.environment import Environment
from engine.expressions import Expression
from engine.expressions.values import UNDEFINED
from engine.fields import ExpressionText, NodeRef, Part
from engine.folding import plain
from engine.nodes.base import Connection, Next, Node, NodeConfig, scalar
from engine.nodes.tools import Tools
from engine.templates import to_text

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_CASES = 500
MAX_VALUES = 100


class Case(Part):
    """One way to go."""

    values: list[Annotated[Any, AfterValidator(scalar)]] = Field(
        min_length=1,
        max_length=MAX_VALUES,
        description="Texts, numbers, true, false or null: any of them will do.",
    )
    target: NodeRef = Field(description="Id of the node to go to.")


class SwitchConfig(NodeConfig):
    """Compares a value with each case's, as texts in which case and width don't matter; the first match leads on."""

    value: ExpressionText = Field(description="An expression, such as the name of a variable.")
    cases: list[Case] = Field(min_length=1, max_length=MAX_CASES)
    otherwise: NodeRef | None = Field(
        None,
        alias="else",
        description="Where to go when no case fits; otherwise the connections are followed.",
    )


class SwitchNode(Node):
    """A compiled `switch`: one look-up."""

    __slots__ = ("_environment", "_otherwise", "_targets", "_value")

    def __init__(
        self, id: str, connections: tuple[Connection, ...], value: Expression, config: SwitchConfig
    ) -> None:
        super().__init__(id, connections)
        self._value = value
        self._environment = Environment(value.names)
        self._otherwise = config.otherwise
        self._targets: dict[str, str] = {}
        for case in config.cases:
            for wanted in case.values:
                self._targets.setdefault(_compared(wanted), case.target)

    def enter(self, turn: Turn) -> Next:
        value = self._value(self._environment(turn))
        target = self._targets.get(_compared(value), self._otherwise)
        turn.note("case", self.id, target or "none fits")
        return target or self.follow(turn)


def _compared(value: Any) -> str:
    """What is compared of a value; what is missing equals null and the empty text."""
    return "" if value is UNDEFINED else plain(to_text(value))


def build(definition: NodeDefinition, config: SwitchConfig, tools: Tools) -> SwitchNode:
    """Compile."""
    return SwitchNode(definition.id, tools.connections(definition), tools.expression(config.value), config)
