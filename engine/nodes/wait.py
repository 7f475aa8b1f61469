"""`wait`: lets time pass: for a while, until a time of day, until a moment, or until a condition holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from engine.clocks import clock_time
from engine.environment import Environment
from engine.expressions import Expression
from engine.expressions.functions.moments import moment
from engine.fields import MAX_TIMEOUT_S, ConditionText, ExpressionText, NodeRef, Seconds
from engine.flow_types import ClockTime
from engine.nodes.base import Condition, Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools
from engine.variables import VariableError
from engine.waits import keep_waiting, wait_until

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

STEP = timedelta(minutes=15)
"""How finely the moment is sought at which a condition will hold; opening hours begin at quarters of an hour."""
LONGEST = timedelta(seconds=MAX_TIMEOUT_S)

End: TypeAlias = "Callable[[Turn], datetime]"
"""When the wait is over, in UTC."""


class WaitConfig(NodeConfig):
    """Waits, then follows the connections. Quiet hours and an opt-out are respected."""

    seconds: Seconds | None = Field(None, description="How long.")
    until_time: ClockTime | None = Field(
        None,
        description="Until this time of day, such as 09:00, in the customer's time zone; tomorrow if it is past.",
    )
    until: ExpressionText | None = Field(
        None,
        description="Until this moment: an expression that gives a time, such as a variable with 2026-12-24T18:00.",
    )
    until_condition: ConditionText | None = Field(
        None,
        description="Until this condition holds, such as business_hours; looked at every quarter of an hour.",
    )
    on_message: Literal["continue", "ignore", "target"] = Field(
        "continue",
        description="What a message does meanwhile: ends the wait, is ignored, or leads to `message_target`.",
    )
    message_target: NodeRef | None = Field(None, description="Id of the node that a message leads to.")

    @model_validator(mode="after")
    def _consistent(self) -> WaitConfig:
        ends = (self.seconds, self.until_time, self.until, self.until_condition)
        if sum(end is not None for end in ends) != 1:
            raise ValueError(
                'a wait has one end; write one of "seconds", "until_time", "until" and "until_condition"'
            )
        if (self.on_message == "target") != (self.message_target is not None):
            raise ValueError('"on_message": "target" and "message_target" go together; write both or none')
        return self


class WaitNode(Node):
    """A compiled `wait`."""

    __slots__ = ("_config", "_end")

    patient = True

    def __init__(self, id: str, connections: tuple[Connection, ...], end: End, config: WaitConfig) -> None:
        super().__init__(id, connections)
        self._end = end
        self._config = config

    def enter(self, turn: Turn) -> Next:
        return self._until(turn, self._end(turn))

    def answer(self, turn: Turn) -> Next:
        match self._config.on_message:
            case "target":
                return self._config.message_target
            case "ignore" if turn.asked is not None and turn.asked.timer:
                turn.note("ignored", self.id, "a message during a wait")
                turn.unread = False
                self.offer(turn)
                return None
            case _:
                return self.follow(turn)

    def offer(self, turn: Turn) -> None:
        # The timer that runs is as good as a new one would be: the wait ends when it was to end.
        keep_waiting(turn)

    def timed_out(self, turn: Turn) -> Next:
        if turn.asked is not None and turn.asked.stage:
            return self._until(turn, datetime.fromisoformat(turn.asked.stage))
        if self._config.until_condition is not None:
            # Quiet hours may have put the timer off until the condition holds no longer.
            return self.enter(turn)
        return self.follow(turn)

    def _until(self, turn: Turn, end: datetime) -> Next:
        """Wait until then; a moment that no timer reaches is kept as the stage, and waited for in parts."""
        if end <= turn.now:
            return self.follow(turn)
        furthest = turn.now + LONGEST
        wait_until(turn, self.id, min(end, furthest), stage=end.isoformat() if end > furthest else "")
        return None


def _after(seconds: int) -> End:
    return lambda turn: turn.now + timedelta(milliseconds=turn.delay_ms, seconds=seconds)


def _at_time(clock: time) -> End:
    def end(turn: Turn) -> datetime:
        local = turn.local_time()
        today = clock_time(local.date(), clock, local)
        return today if today > turn.now else clock_time(local.date() + timedelta(days=1), clock, local)

    return end


def _at_moment(expression: Expression) -> End:
    environment = Environment(expression.names)
    return lambda turn: _moment(expression(environment(turn)), turn.zone())


def _moment(value: Any, zone: ZoneInfo) -> datetime:
    """A time in UTC; one without an offset is the customer's own."""
    if isinstance(value, str):
        try:
            written = datetime.fromisoformat(value)
        except ValueError:
            written = None
        if written is not None and written.tzinfo is None:
            return written.replace(tzinfo=zone).astimezone(UTC)
    return moment(value).astimezone(UTC)


def _when(condition: Condition | None) -> End:
    def end(turn: Turn) -> datetime:
        if condition is None or condition.holds(turn):
            return turn.now
        minutes = turn.now.minute - turn.now.minute % 15
        then = turn.now.replace(minute=minutes, second=0, microsecond=0)
        for _ in range(LONGEST // STEP):
            then += STEP
            if condition.holds_at(turn, then):
                return then
        raise VariableError(f"the condition does not hold within {LONGEST.days} days")

    return end


def build(definition: NodeDefinition, config: WaitConfig, tools: Tools) -> WaitNode:
    """Compile."""
    if config.seconds is not None:
        end = _after(config.seconds)
    elif config.until_time is not None:
        end = _at_time(time.fromisoformat(config.until_time))
    elif config.until is not None:
        end = _at_moment(tools.expression(config.until))
    else:
        end = _when(tools.condition(config.until_condition or ""))
    return WaitNode(definition.id, tools.connections(definition), end, config)
