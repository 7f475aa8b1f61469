"""What every node is made of: its config, its texts, its connections, and how it meets a turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias
from zlib import crc32

from pydantic import Field

from engine.environment import Environment
from engine.expressions import Expression, compile_expression
from engine.fields import DelayMs, Part
from engine.known import Known
from engine.messages import Choice, OutboundMessage
from engine.problems import Finding
from engine.state import TraceEntry
from engine.templates import Template, compile_template

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn
    from engine.understanding.intents import Embed

ALWAYS: Final = "always"

Next: TypeAlias = str | None
"""Where a node leads: the id of the node to enter next, or None when the turn ends here."""


class NodeConfig(Part):
    """Base of every node's config."""

    def findings(self, known: Known) -> Iterator[Finding]:
        """What is wrong with this config in this flow, beyond what its types say; paths start at the config."""
        yield from ()


class SpeakingConfig(NodeConfig):
    """Base of the config of a node that says something."""

    delay: DelayMs = Field(0, description="Milliseconds to wait before the message.")
    typing_indicator: bool = Field(
        False, description="Whether the platform shows typing while the delay lasts."
    )


class Text:
    """A compiled template together with the names that it needs."""

    __slots__ = ("_environment", "_template", "constant")

    def __init__(self, template: Template) -> None:
        self._template = template
        self._environment = Environment(template.names)
        self.constant = None if template.names else template({})

    def __call__(self, turn: Turn) -> str:
        if self.constant is not None:
            return self.constant
        return self._template(self._environment(turn))


class Speech:
    """A message that a node says, with its choices, ready to send when it has no variable part."""

    __slots__ = ("_delay_ms", "_message", "_text", "_typing", "choices")

    def __init__(self, text: Text, config: SpeakingConfig, choices: tuple[Choice, ...] = ()) -> None:
        self._text = text
        self.choices = choices
        self._delay_ms = config.delay
        self._typing = config.typing_indicator
        constant = text.constant
        self._message = None if constant is None else OutboundMessage(text=constant, choices=choices)

    def say(self, turn: Turn, prefix: str = "") -> None:
        """Say it, after `prefix`."""
        message = self._message
        if message is None or prefix:
            message = OutboundMessage(text=prefix + self._text(turn), choices=self.choices)
        turn.say(message, self._delay_ms, self._typing)


class Condition:
    """A compiled condition. Telling whether it holds leaves a note in the trace."""

    __slots__ = ("_environment", "_expression", "_no", "_yes", "name")

    def __init__(self, name: str, expression: Expression, timezone: str = "") -> None:
        self.name = name
        self._expression = expression
        self._environment = Environment(expression.names, timezone)
        self._yes = TraceEntry(kind="condition", at=name, value=True)
        self._no = TraceEntry(kind="condition", at=name, value=False)

    def holds(self, turn: Turn) -> bool:
        """Whether it holds now. Raises ExpressionError where JavaScript would throw."""
        held = self._expression.truthy(self._environment(turn))
        turn.trace.append(self._yes if held else self._no)
        return held


class Connection:
    """A compiled way on; `condition` is None for `always`."""

    __slots__ = ("condition", "delay_ms", "taken", "target")

    def __init__(self, source: str, target: str, condition: Condition | None, delay_ms: int) -> None:
        self.target = target
        self.condition = condition
        self.delay_ms = delay_ms
        self.taken = TraceEntry(kind="connection", at=source, detail=target)


class Node(ABC):
    """A compiled node. Immutable: everything that changes is in the turn."""

    __slots__ = ("choices", "connections", "entered", "id")

    free_text: ClassVar[bool] = False
    """Takes any text as its answer, so that a keyword within it means nothing (a whole keyword still does)."""

    def __init__(
        self, id: str, connections: tuple[Connection, ...], choices: tuple[Choice, ...] = ()
    ) -> None:
        self.id = id
        self.connections = connections
        self.choices = choices
        self.entered = TraceEntry(kind="node", at=id)

    @abstractmethod
    def enter(self, turn: Turn) -> Next:
        """The conversation comes here."""

    def answer(self, turn: Turn) -> Next:
        """The conversation waited here (`turn.asked`), and the customer said something."""
        return turn.fall_back("nothing here waits for an answer")

    def pick(self, turn: Turn) -> int | None:
        """Which of the choices offered here the customer's text names exactly."""
        return None

    def choose(self, turn: Turn, index: int) -> Next:
        """The customer picked a choice of this node, now or from an older message."""
        return self.answer(turn)

    def offer(self, turn: Turn) -> None:
        """Ask again what was asked here, and wait."""
        turn.wait(self.id)

    def timed_out(self, turn: Turn) -> Next:
        """The timer that was started here fired."""
        return turn.fall_back("a timer")

    def follow(self, turn: Turn) -> Next:
        """The first connection whose condition holds; None when there is none."""
        for connection in self.connections:
            if connection.condition is None or connection.condition.holds(turn):
                turn.delay_ms += connection.delay_ms
                turn.trace.append(connection.taken)
                return connection.target
        return None


class Tools:
    """What a node is built with: the little languages, each text compiled once, and the embedding."""

    __slots__ = ("_conditions", "_expressions", "_named", "_templates", "embed")

    def __init__(self, named: Mapping[str, tuple[str, str]], embed: Embed | None) -> None:
        self._named = named
        """Condition name -> (expression, time zone)."""
        self._templates: dict[str, Text] = {}
        self._expressions: dict[str, Expression] = {}
        self._conditions: dict[str, Condition] = {}
        self.embed = embed

    def template(self, source: str) -> Text:
        """A template. Raises TemplateSyntaxError."""
        if source not in self._templates:
            self._templates[source] = Text(compile_template(source))
        return self._templates[source]

    def expression(self, source: str) -> Expression:
        """An expression. Raises ExpressionSyntaxError."""
        if source not in self._expressions:
            self._expressions[source] = compile_expression(source)
        return self._expressions[source]

    def condition(self, source: str) -> Condition | None:
        """`always` (None), a named condition, or an expression. Raises ExpressionSyntaxError."""
        if source == ALWAYS:
            return None
        if source not in self._conditions:
            expression, timezone = self._named.get(source, (source, ""))
            self._conditions[source] = Condition(source, self.expression(expression), timezone)
        return self._conditions[source]

    def connections(self, definition: NodeDefinition) -> tuple[Connection, ...]:
        """The node's connections."""
        return tuple(
            Connection(definition.id, way.target, self.condition(way.condition), way.delay)
            for way in definition.connections
        )


def choice_id(node: str, index: int) -> str:
    """The `Choice.id` of a node's choice: short ASCII that stays the same from version to version."""
    return f"{crc32(node.encode()):x}:{index}"
