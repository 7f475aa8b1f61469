"""`track`: puts an event on record for analytics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from engine.effects import Record
from engine.fields import JsonTemplate
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools
from engine.nodes.values import Value, compile_value
from engine.variables import storable

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_PROPERTIES = 50


class TrackConfig(NodeConfig):
    """Records an event."""

    event: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="Its name, such as order_placed."
    )
    properties: dict[str, JsonTemplate] = Field(
        default_factory=dict,
        max_length=MAX_PROPERTIES,
        description="What else is recorded; texts are templates.",
    )


class TrackNode(Node):
    """A compiled `track`."""

    __slots__ = ("_event", "_properties")

    def __init__(self, id: str, connections: tuple[Connection, ...], event: str, properties: Value) -> None:
        super().__init__(id, connections)
        self._event = event
        self._properties = properties

    def enter(self, turn: Turn) -> Next:
        properties = storable(self._properties(turn))
        turn.effects.append(Record(kind="track", name=self._event, properties=properties))
        turn.note("track", self.id, self._event)
        return self.follow(turn)


def build(definition: NodeDefinition, config: TrackConfig, tools: Tools) -> TrackNode:
    """Compile."""
    properties = compile_value(config.properties, tools)
    return TrackNode(definition.id, tools.connections(definition), config.event, properties)
