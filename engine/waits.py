"""How a conversation waits: for the customer, for a moment, for the result of a call; and the timers that end it.

`engine.waking` has what follows when one of them ends.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from engine.effects import Call, CancelTimer, StartTimer
from engine.errors import EngineError
from engine.state import Waiting

if TYPE_CHECKING:
    from engine.turn import Turn

MAX_SILENT_TURNS: Final = 5
"""Timer turns in a row in which new timers are started: a bot that nobody answers falls silent after them."""
MAX_SILENT_WAITS: Final = 100
"""Timer turns in a row after which also a `wait` starts none: what is sent by itself has an end."""
MAX_CALLS: Final = 50
"""Calls in a row without a word from the customer: a flow that calls in a circle ends."""


def wait(turn: Turn, node: str, *, attempts: int = 0, timeout: float = 0, stage: str = "") -> None:
    """Wait at `node`; a `timeout` in seconds starts a timer, counted from when the last message is out."""
    timer = ""
    if timeout and turn.silent < MAX_SILENT_TURNS:
        timer = start_timer(turn, node, timeout, after_sends=True)
    elif timeout:
        turn.note("limit", node, f"no timer: the customer said nothing for {turn.silent} timers")
    turn.waiting = Waiting(node=node, timer=timer, attempts=attempts, stage=stage)


def wait_until(turn: Turn, node: str, due_at: datetime, *, attempts: int = 0, stage: str = "") -> None:
    """Wait at `node`, and be woken at `due_at` (UTC), also when the customer has long been silent."""
    timer = ""
    if turn.silent < MAX_SILENT_WAITS:
        timer = start_timer(turn, node, (due_at - turn.now).total_seconds())
    else:
        turn.note("limit", node, f"no timer: the customer said nothing for {turn.silent} timers")
    turn.waiting = Waiting(node=node, timer=timer, attempts=attempts, stage=stage)


def wait_for(turn: Turn, node: str, make: Callable[[str], Call], timeout: float) -> None:
    """Make a call (`make` is given its name) and wait for its result, at most `timeout` seconds.

    What the customer writes meanwhile is held, and unread when the result is there. Raises EngineError after
    MAX_CALLS in a row.
    """
    if turn.calls >= MAX_CALLS:
        raise EngineError(f"more than {MAX_CALLS} calls without a word from the customer")
    turn.calls += 1
    timer = start_timer(turn, node, timeout)
    turn.effects.append(make(timer))
    turn.note("call", node, "started")
    turn.waiting = Waiting(node=node, timer=timer, call=timer)


def keep_waiting(turn: Turn) -> None:
    """Wait as before this turn: its timer, which `begin_answer` cancelled, runs on."""
    asked = turn.asked
    if asked is not None and asked.timer:
        turn.effects = [
            effect
            for effect in turn.effects
            if not (isinstance(effect, CancelTimer) and effect.timer == asked.timer)
        ]
    turn.waiting = asked


def start_timer(turn: Turn, name: str, seconds: float, *, after_sends: bool = False) -> str:
    """Start a timer, counted from now or from when the last message is out; returns its own name."""
    turn.timers += 1
    timer = f"{name}#{turn.timers}"
    due_at = turn.now + timedelta(seconds=seconds, milliseconds=turn.delay_ms if after_sends else 0)
    turn.effects.append(StartTimer(timer=timer, due_at=due_at))
    turn.note("timer", name, "started", int(seconds) if seconds == int(seconds) else round(seconds, 3))
    return timer


def cancel_timer(turn: Turn, timer: str) -> None:
    """Cancel a timer; one that this very turn started is simply not started."""
    kept = [e for e in turn.effects if not (isinstance(e, StartTimer) and e.timer == timer)]
    if len(kept) < len(turn.effects):
        turn.effects = kept
    else:
        turn.effects.append(CancelTimer(timer=timer))
