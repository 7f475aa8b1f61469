"""`message`: says something and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from engine.environment import first_name
from engine.fields import Part, TemplateText
from engine.nodes.base import Connection, Next, Node, SpeakingConfig, Speech, Tools

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MORNING, AFTERNOON, EVENING = 5, 12, 18
"""The hours, local to the customer, from which each greeting is used."""


class Personalization(Part):
    """How the customer is greeted before the message."""

    use_name: bool = Field(
        False, description="Whether the greeting names the customer, when the name is known."
    )
    greeting_time: bool = Field(False, description="Whether the greeting goes by the customer's time of day.")


class MessageConfig(SpeakingConfig):
    """Says a text, then follows the connections."""

    message: TemplateText = Field(description="The text, a template.")
    personalization: Personalization = Field(default_factory=Personalization)


class MessageNode(Node):
    """A compiled `message`."""

    __slots__ = ("_greets_by_name", "_greets_by_time", "_speech")

    def __init__(
        self, id: str, connections: tuple[Connection, ...], speech: Speech, how: Personalization
    ) -> None:
        super().__init__(id, connections)
        self._speech = speech
        self._greets_by_name = how.use_name
        self._greets_by_time = how.greeting_time

    def enter(self, turn: Turn) -> Next:
        self._speech.say(turn, self._greeting(turn))
        return self.follow(turn)

    def _greeting(self, turn: Turn) -> str:
        """`Good morning, Ana! `, or less, or nothing."""
        name = first_name(turn.customer) if self._greets_by_name else ""
        if self._greets_by_time:
            greeting = time_of_day(turn.local_time().hour)
            return f"{greeting}, {name}! " if name else f"{greeting}! "
        return f"Hi {name}! " if name else ""


def time_of_day(hour: int) -> str:
    """The greeting for an hour (0–23) of the customer's day."""
    if MORNING <= hour < AFTERNOON:
        return "Good morning"
    if AFTERNOON <= hour < EVENING:
        return "Good afternoon"
    return "Good evening"


def build(definition: NodeDefinition, config: MessageConfig, tools: Tools) -> MessageNode:
    """Compile."""
    speech = Speech(tools.template(config.message), config)
    return MessageNode(definition.id, tools.connections(definition), speech, config.personalization)
