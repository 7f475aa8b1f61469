"""`human_handoff`: gives the conversation to a human; the bot is silent until it is given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from engine.fields import SpokenText
from engine.nodes.base import Connection, Next, Node, SpeakingConfig
from engine.nodes.texts import Speech
from engine.nodes.tools import Tools

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn


class HumanHandoffConfig(SpeakingConfig):
    """Tells the customer, and waits for a human to take over. Global actions still work meanwhile."""

    message: SpokenText | None = Field(
        None, description="What the customer is told, a template; a sentence if absent."
    )


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
    text = (
        tools.spoken(config.message, definition.id, config.format)
        if config.message
        else tools.sentence("connecting")
    )
    speech = Speech(text, config)
    return HumanHandoffNode(definition.id, tools.connections(definition), speech)
