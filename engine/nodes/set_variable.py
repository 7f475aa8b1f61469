"""`set_variable`: keeps a value for later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from engine.environment import Environment
from engine.expressions import Expression
from engine.fields import ExpressionText, Mark, VariableName
from engine.known import Known
from engine.nodes.base import Connection, Next, Node, NodeConfig, Tools
from engine.problems import Finding
from engine.variables import VariableError, fit

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn


class SetVariableConfig(NodeConfig):
    """Sets a variable to a value (a text is a template) or to what an expression comes to."""

    variable: VariableName = Field(description="The variable to set.")
    value: Annotated[Any, Mark("template")] = Field(None, description="Any JSON value; a text is a template.")
    expression: ExpressionText | None = Field(None, description="An expression, instead of a value.")

    @model_validator(mode="after")
    def _one_of_both(self) -> SetVariableConfig:
        if ("value" in self.model_fields_set) == (self.expression is not None):
            raise ValueError('there must be a "value" or an "expression", and not both; keep one of them')
        return self

    def findings(self, known: Known) -> Iterator[Finding]:
        """A constant must fit the variable's declared type."""
        declared = known.variables.get(self.variable)
        template = isinstance(self.value, str) and "{{" in self.value
        if declared is None or self.expression is not None or template:
            return
        try:
            fit(self.value, declared)
        except VariableError as error:
            yield ("value",), str(error), f'"{self.variable}" is declared as {declared}; give it such a value'


class SetVariableNode(Node):
    """A compiled `set_variable`."""

    __slots__ = ("_value", "_variable")

    def __init__(
        self, id: str, connections: tuple[Connection, ...], variable: str, value: Callable[[Turn], Any]
    ) -> None:
        super().__init__(id, connections)
        self._variable = variable
        self._value = value

    def enter(self, turn: Turn) -> Next:
        turn.set(self._variable, self._value(turn))
        turn.note("variable", self.id, self._variable)
        return self.follow(turn)


def build(definition: NodeDefinition, config: SetVariableConfig, tools: Tools) -> SetVariableNode:
    """Compile."""
    value: Callable[[Turn], Any]
    if config.expression is not None:
        value = _evaluating(tools.expression(config.expression))
    elif isinstance(config.value, str):
        value = tools.template(config.value)
    else:
        value = _constant(config.value)
    return SetVariableNode(definition.id, tools.connections(definition), config.variable, value)


def _evaluating(expression: Expression) -> Callable[[Turn], Any]:
    environment = Environment(expression.names)
    return lambda turn: expression(environment(turn))


def _constant(value: Any) -> Callable[[Turn], Any]:
    return lambda turn: value
