"""`set_variable`: keeps a value for later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from engine.environment import Environment
from engine.expressions import Expression
from engine.fields import ExpressionText, JsonTemplate, VariableName
from engine.known import Known
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools
from engine.nodes.values import Value, compile_value
from engine.problems import Finding
from engine.scopes import keep
from engine.variables import VariableError, fit

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn


class SetVariableConfig(NodeConfig):
    """Sets a variable to a value (each text in it is a template) or to what an expression comes to."""

    variable: VariableName = Field(description="The variable to set.")
    value: JsonTemplate = Field(None, description="Any JSON value; each text in it is a template.")
    expression: ExpressionText | None = Field(None, description="An expression, instead of a value.")

    @model_validator(mode="after")
    def _one_of_both(self) -> SetVariableConfig:
        if ("value" in self.model_fields_set) == (self.expression is not None):
            raise ValueError('there must be a "value" or an "expression", and not both; keep one of them')
        return self

    def findings(self, known: Known) -> Iterator[Finding]:
        """A constant must fit the variable's declared type."""
        declared = known.variables.get(self.variable)
        template = "{{" in repr(self.value)
        if declared is None or self.expression is not None or template:
            return
        try:
            fit(self.value, declared)
        except VariableError as error:
            yield ("value",), str(error), f'"{self.variable}" is declared as {declared}; give it such a value'


class SetVariableNode(Node):
    """A compiled `set_variable`."""

    __slots__ = ("_value", "_variable")

    def __init__(self, id: str, connections: tuple[Connection, ...], variable: str, value: Value) -> None:
        super().__init__(id, connections)
        self._variable = variable
        self._value = value

    def enter(self, turn: Turn) -> Next:
        keep(turn, self._variable, self._value(turn))
        turn.note("variable", self.id, self._variable)
        return self.follow(turn)


def build(definition: NodeDefinition, config: SetVariableConfig, tools: Tools) -> SetVariableNode:
    """Compile."""
    if config.expression is not None:
        value = _evaluating(tools.expression(config.expression))
    else:
        value = compile_value(config.value, tools)
    return SetVariableNode(definition.id, tools.connections(definition), config.variable, value)


def _evaluating(expression: Expression) -> Value:
    environment = Environment(expression.names)
    return lambda turn: expression(environment(turn))
