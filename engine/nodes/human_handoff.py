"""`human_handoff`: gives the conversation to a human; the bot is silent until it is given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from engine.fields import TemplateText
from engine.nodes.base import Connection, Next, Node, SpeakingConfig, Speech, Tools

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

CONNECTING: Final = "I am passing you on to a person from our team. Please wait a moment."


class HumanHandoffConfig(SpeakingConfig):
    """Tells the customer, and waits for a human to take over. Global actions still work meanwhile."""

    message: TemplateText = Field(CONNECTING, description="What the customer is told, a template.")


class HumanHandoffNode(Node):
    """A compiled `human_handoff`."""

    __slots__ = ("_speech",)

    def __init__(self, id: str, connections: tuple[Connection, ...], speech: Speech) -> None:
        super().__init__(id, connections)
        self._speech = speech

    def enter(self, turn: Turn) -> Next:
        self._speech.say(turn)
        turn.unread = False
        turn.control = "waiting"
        return None


def build(definition: NodeDefinition, config: HumanHandoffConfig, tools: Tools) -> HumanHandoffNode:
    """Compile."""
    speech = Speech(tools.template(config.message), config)
    return HumanHandoffNode(definition.id, tools.connections(definition), speech)
