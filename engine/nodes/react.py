"""`react`: puts an emoji to the message that the customer just sent, or takes it back, and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from engine.fields import Mark
from engine.messages import OutboundMessage, Reaction
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.texts import Text
from engine.nodes.tools import Tools
from engine.origins import customers_message
from engine.saying import say

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_EMOJI = 200
"""Characters of the template; of what it comes to, platforms take one emoji."""


class ReactConfig(NodeConfig):
    """Reacts to the customer's message; when the turn answers none, nothing happens."""

    emoji: Annotated[str, Mark("template")] = Field(
        max_length=MAX_EMOJI,
        description="The emoji, a template; empty takes the reaction back.",
        json_schema_extra={"x-kind": "template"},
    )


class ReactNode(Node):
    """A compiled `react`."""

    __slots__ = ("_emoji",)

    def __init__(self, id: str, connections: tuple[Connection, ...], emoji: Text) -> None:
        super().__init__(id, connections)
        self._emoji = emoji

    def enter(self, turn: Turn) -> Next:
        message = customers_message(turn)
        if message:
            reaction = Reaction(message=message, emoji=self._emoji(turn).strip())
            say(turn, OutboundMessage(reaction=reaction))
        else:
            turn.note("ignored", self.id, "there is no message to react to")
        return self.follow(turn)


def build(definition: NodeDefinition, config: ReactConfig, tools: Tools) -> ReactNode:
    """Compile."""
    return ReactNode(definition.id, tools.connections(definition), tools.template(config.emoji))
