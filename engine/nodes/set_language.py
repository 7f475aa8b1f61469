"""`set_language`: from here on the conversation is in another of the flow's languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from engine.effects import UpdateCustomer
from engine.environment import Environment
from engine.expressions import Expression
from engine.fields import ExpressionText
from engine.flow_types import LanguageTag
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools
from engine.templates import to_text

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn


class SetLanguageConfig(NodeConfig):
    """Sets the language; one that the flow does not speak changes nothing."""

    language: LanguageTag | None = Field(None, description="One of the flow's languages.")
    expression: ExpressionText | None = Field(
        None, description="An expression that gives it, such as a variable."
    )
    remember: bool = Field(True, description="Whether the customer's other conversations begin in it too.")

    @model_validator(mode="after")
    def _one_of_both(self) -> SetLanguageConfig:
        if (self.language is None) == (self.expression is None):
            raise ValueError('there must be a "language" or an "expression"; keep one of them')
        return self


class SetLanguageNode(Node):
    """A compiled `set_language`."""

    __slots__ = ("_environment", "_expression", "_language", "_remember")

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        config: SetLanguageConfig,
        expression: Expression | None,
    ) -> None:
        super().__init__(id, connections)
        self._language = config.language or ""
        self._remember = config.remember
        self._expression = expression
        self._environment = Environment(expression.names if expression is not None else ())

    def enter(self, turn: Turn) -> Next:
        tag = self._language
        if self._expression is not None:
            tag = to_text(self._expression(self._environment(turn)))
        language = turn.bot.languages.resolve(tag)
        if not language:
            turn.note("language", self.id, "not a language of the flow")
            return self.follow(turn)
        turn.speak(language, self.id)
        if self._remember and language != turn.customer.language:
            turn.effects.append(UpdateCustomer(language=language))
        return self.follow(turn)


def build(definition: NodeDefinition, config: SetLanguageConfig, tools: Tools) -> SetLanguageNode:
    """Compile."""
    expression = tools.expression(config.expression) if config.expression is not None else None
    return SetLanguageNode(definition.id, tools.connections(definition), config, expression)
