"""`ai_intent`: understands what the customer wants, from examples.

It reads what the customer said and no node has taken yet, at once when the conversation comes here. A confident
match takes the text and goes to the intent's target. Text that opened the flow in this same turn and matches
nothing is left at that when something was said since (the welcome has just asked): the node waits for the answer.
Any other text that matches nothing goes to the fallback intent's target, or along the connections, or to the
flow's fallback node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from engine.fields import MAX_TEXT, Name, NodeRef, Part
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools
from engine.understanding.intents import IntentClassifier
from engine.waits import wait

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_INTENTS = 200
MAX_EXAMPLES = 500
MAX_ALL_EXAMPLES = 2_000
"""Of all intents of a node: every pair of them is compared when the flow is compiled."""


class Intent(Part):
    """One thing that the customer may want."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="Unique within the node.")
    target_node: NodeRef = Field(description="Id of the node to go to.")
    examples: list[Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]] = Field(
        default_factory=list, max_length=MAX_EXAMPLES, description="How customers say it; a few are enough."
    )


class AiIntentConfig(NodeConfig):
    """Classifies the customer's text by the intents' examples."""

    model: Name = Field("", description="Accepted and ignored: the classifier is built in.")
    confidence_threshold: float = Field(0.7, ge=0, le=1, description="From which confidence a match counts.")
    fallback_intent: Name | None = Field(
        None,
        description="The intent taken when none matches; a name that no intent has leads to the fallback.",
    )
    intents: list[Intent] = Field(min_length=1, max_length=MAX_INTENTS)

    @model_validator(mode="after")
    def _names_are_unique(self) -> AiIntentConfig:
        names = [intent.name for intent in self.intents]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'two intents are called "{name}"; give each a name of its own')
        if sum(len(intent.examples) for intent in self.intents) > MAX_ALL_EXAMPLES:
            raise ValueError(f"there are more than {MAX_ALL_EXAMPLES} examples; keep those that differ most")
        return self


class AiIntentNode(Node):
    """A compiled `ai_intent`."""

    __slots__ = ("_classifier", "_fallback", "_targets", "_threshold")

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        classifier: IntentClassifier,
        config: AiIntentConfig,
    ) -> None:
        super().__init__(id, connections)
        self._classifier = classifier
        self._threshold = config.confidence_threshold
        self._targets = {intent.name: intent.target_node for intent in config.intents}
        self._fallback = self._targets.get(config.fallback_intent or "")

    def enter(self, turn: Turn) -> Next:
        if not turn.unread or self.id in turn.tried:
            wait(turn, self.id)
            return None
        return self._read(turn)

    def answer(self, turn: Turn) -> Next:
        return self._read(turn)

    def _read(self, turn: Turn) -> Next:
        target = self._understand(turn)
        if target is not None:
            turn.unread = False
            return target
        turn.tried = (*turn.tried, self.id)
        if turn.opening and turn.spoke:
            wait(turn, self.id)
            return None
        target = self._fallback or self.follow(turn) or turn.fall_back("no intent matched")
        if target is None:
            wait(turn, self.id)
        return target

    def _understand(self, turn: Turn) -> Next:
        if not turn.text:
            turn.note("intent", self.id, "there is no text to read")
            return None
        match = self._classifier.classify(turn.text)
        sure = bool(match.name) and match.confidence >= self._threshold
        detail = match.name if sure else f"none; nearest: {match.name or 'nothing'}"
        turn.note("intent", self.id, detail, round(match.confidence, 3))
        return self._targets.get(match.name) if sure else None


def build(definition: NodeDefinition, config: AiIntentConfig, tools: Tools) -> AiIntentNode:
    """Compile: the examples are embedded here, once."""
    classifier = IntentClassifier.build(
        {intent.name: intent.examples for intent in config.intents}, tools.embed
    )
    return AiIntentNode(definition.id, tools.connections(definition), classifier, config)
