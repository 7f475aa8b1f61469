"""What every node is: its config, its conditions and connections, and how it meets a turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias
from zlib import crc32

from pydantic import Field

from engine.environment import Environment
from engine.events import AnswerGenerated, CallFinished, EventBody, SearchFinished
from engine.expressions import Expression
from engine.fields import DelayMs, Part
from engine.flow_types import Format
from engine.known import Known
from engine.messages import Choice
from engine.problems import Finding
from engine.state import Frame, TraceEntry
from engine.waits import wait

if TYPE_CHECKING:
    from engine.turn import Turn

ALWAYS: Final = frozenset({"always", "else"})
"""Conditions that hold whatever happens."""
ERROR: Final = "error"
"""The condition of the way on after an error."""
Result: TypeAlias = CallFinished | SearchFinished | AnswerGenerated
"""What a call comes to."""

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
    format: Format | None = Field(
        None,
        description="How the node's texts are written: `plain`, or with `markdown`; otherwise as the flow's "
        "`format` says.",
    )


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

    def holds_at(self, turn: Turn, moment: datetime) -> bool:
        """Whether it would hold at another moment, all else being as it is now. Leaves no note."""
        return self._expression.truthy(self._environment.at(turn, moment))


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

    __slots__ = ("choices", "connections", "entered", "error", "id", "paged")

    patient: ClassVar[bool] = False
    """Waits as long as it says: the session does not end meanwhile, however long the customer is silent."""
    free_text: ClassVar[bool] = False
    """Takes any text as its answer, so that a keyword within it means nothing (a whole keyword still does)."""

    def __init__(
        self, id: str, connections: tuple[Connection, ...], choices: tuple[Choice, ...] = ()
    ) -> None:
        self.id = id
        self.connections = connections
        self.choices = choices
        self.paged = False
        """Whether its choices may be leafed through."""
        self.error: Connection | None = None
        """Where the conversation goes when the node fails; the compiler sets it."""
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

    def takes(self, event: EventBody) -> bool:
        """Whether it waits for such an event, of those that say nothing in words."""
        return False

    def show_page(self, turn: Turn, page: int) -> None:
        """Show another page of the choices; nothing else changes."""
        turn.ignore("a menu that has no pages", self.id)

    def offer(self, turn: Turn) -> None:
        """Ask again what was asked here, and wait."""
        wait(turn, self.id)

    def timed_out(self, turn: Turn) -> Next:
        """The timer that was started here fired."""
        return turn.fall_back("a timer")

    def finished(self, turn: Turn, result: Result) -> Next:
        """The call that this node waited for ended."""
        return turn.fall_back("a result that nothing here waits for")

    def resume(self, turn: Turn, frame: Frame) -> Next:
        """What this node called, or one round of its loop, has ended; `frame` is off the stack already."""
        return self.follow(turn)

    def follow(self, turn: Turn) -> Next:
        """The first connection whose condition holds; None when there is none."""
        for connection in self.connections:
            if connection.condition is None or connection.condition.holds(turn):
                turn.delay_ms += connection.delay_ms
                turn.trace.append(connection.taken)
                return connection.target
        return None


def scalar(value: Any) -> Any:
    """For a validator: a value that is no list and no object."""
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("a value is a text, a number, true, false or null; write one of these")


def page_key(node: str) -> str:
    """The `Paging.key` of a node's choices."""
    return f"{crc32(node.encode()):x}:p"


def choice_id(node: str, index: int) -> str:
    """The `Choice.id` of a node's choice: short ASCII that stays the same from version to version."""
    return f"{crc32(node.encode()):x}:{index}"
