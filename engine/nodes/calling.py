"""Base of the nodes that make a call and go on when its result is there."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from engine.environment import Environment
from engine.expressions import Expression
from engine.nodes.base import Next, Node, Result
from engine.nodes.tools import Tools
from engine.scopes import keep
from engine.waits import keep_waiting

if TYPE_CHECKING:
    from engine.turn import Turn

MARGIN_S = 15
"""Seconds beyond a call's own time limits until the conversation goes on without its result."""

TOO_LATE = "no result in time"


class Saves:
    """Variables to set from a result: each from an expression that reads `response`."""

    __slots__ = ("_expressions",)

    def __init__(self, save: dict[str, str], tools: Tools) -> None:
        compiled: list[tuple[str, Expression, Environment]] = []
        for name, source in save.items():
            expression = tools.expression(source)
            compiled.append((name, expression, Environment(expression.names)))
        self._expressions = tuple(compiled)

    def __call__(self, turn: Turn) -> None:
        for name, expression, environment in self._expressions:
            keep(turn, name, expression(environment(turn)))


class CallingNode(Node):
    """A node that waits for the result of its call. What the customer writes meanwhile is held."""

    __slots__ = ()

    def finished(self, turn: Turn, result: Result) -> Next:
        turn.response = self.response(result)
        try:
            if result.error and not self.accepts(result):
                return self.failed(turn, result.error)
            return self.use(turn, result)
        finally:
            turn.response = None

    def timed_out(self, turn: Turn) -> Next:
        turn.response = {"error": TOO_LATE}
        try:
            self.missed(turn, TOO_LATE)
            return turn.fail_with(TOO_LATE)
        finally:
            turn.response = None

    def offer(self, turn: Turn) -> None:
        # What interrupted came to nothing: the call that runs is still the one to wait for.
        keep_waiting(turn)

    def accepts(self, result: Result) -> bool:
        """Whether a result with an error is as good as one without."""
        return False

    def failed(self, turn: Turn, error: str) -> Next:
        """The call came to nothing; `turn.response` is what is known of it."""
        self.missed(turn, error)
        return turn.fail_with(f"the call failed: {error}")

    def missed(self, turn: Turn, error: str) -> None:
        """Keep why there is no result, if that is wanted."""

    @abstractmethod
    def response(self, result: Result) -> dict[str, Any]:
        """What expressions and templates of this node read as `response`."""

    @abstractmethod
    def use(self, turn: Turn, result: Result) -> Next:
        """The call worked: keep what is wanted of it and go on."""
