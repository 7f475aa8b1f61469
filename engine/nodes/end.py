"""`end`: ends the session; the customer's next message begins a new one."""

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


class EndConfig(SpeakingConfig):
    """Ends the session. Its variables are reset when the next one begins."""

    message: SpokenText | None = Field(None, description="What is said at the end, a template.")


class EndNode(Node):
    """A compiled `end`."""

    __slots__ = ("_speech",)

    def __init__(self, id: str, connections: tuple[Connection, ...], speech: Speech | None) -> None:
        super().__init__(id, connections)
        self._speech = speech

    def enter(self, turn: Turn) -> Next:
        if self._speech is not None:
            self._speech.say(turn)
        turn.node = ""
        turn.stack = ()
        return None


def build(definition: NodeDefinition, config: EndConfig, tools: Tools) -> EndNode:
    """Compile."""
    speech = (
        Speech(tools.spoken(config.message, definition.id, config.format), config)
        if config.message is not None
        else None
    )
    return EndNode(definition.id, tools.connections(definition), speech)
