"""What follows when waiting ends: a timer of the node that waits has fired, or the call that it made has its result.

A timer or a result that nothing waits for any more changes nothing. What would be sent into the silence is postponed
while the customer is writing and in quiet hours, and not sent at all to who has opted out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import structs

from engine.gathering import stop_gathering
from engine.quiet import end_of_quiet
from engine.running import guarded, run
from engine.waits import start_timer

if TYPE_CHECKING:
    from engine.nodes.base import Result
    from engine.state import Waiting
    from engine.turn import Turn

QUIET_AFTER: Final = timedelta(minutes=5)
"""From how long after the customer's last word on a message is one that answers nothing."""


def wake(turn: Turn, timer: str) -> None:
    """The timer has fired: it wakes the node that waits for it."""
    waiting = turn.waiting
    node = turn.bot.nodes.get(waiting.node) if waiting is not None else None
    if waiting is None or node is None or not timer or waiting.timer != timer or turn.control != "bot":
        turn.ignore("a timer that nothing waits for")
        if waiting is not None and timer and waiting.timer == timer:
            _forget_timer(turn, waiting)
        return
    if not waiting.call and _postponed(turn, waiting):
        return
    turn.node = waiting.node
    turn.flow = turn.bot.flow_id
    turn.silent += 1
    turn.asked, turn.waiting = waiting, None
    turn.note("timer", waiting.node, "fired")
    if waiting.call:
        stop_gathering(turn, kept=True)
    run(turn, guarded(turn, lambda: node.timed_out(turn)))


def _forget_timer(turn: Turn, waiting: Waiting) -> None:
    """A timer that fired where its node can't use it will not fire again: nothing must wait for it any more."""
    if not waiting.call:
        turn.waiting = structs.replace(waiting, timer="")
        return
    turn.waiting = None
    if turn.held and not turn.burst and turn.album is None:
        turn.held = ""
        turn.note("ignored", waiting.node, "what was held; the call has no node any more")


def _postponed(turn: Turn, waiting: Waiting) -> bool:
    """Whether what the timer would send must not be sent now: it answers nothing."""
    if turn.opted_out:
        turn.waiting = structs.replace(waiting, timer="")
        turn.ignore("a timer; the customer has opted out", waiting.node)
        return True
    if turn.burst or turn.album is not None:
        _start_again(turn, waiting, max(turn.bot.burst_ms, turn.bot.album_ms) / 1000)
        turn.silence_lasts = True
        turn.note("postponed", waiting.node, "the customer is writing")
        return True
    quiet = turn.bot.quiet_hours
    if quiet is None or (turn.heard_at is not None and turn.now - turn.heard_at < QUIET_AFTER):
        return False
    until = end_of_quiet(quiet, turn.local_time(quiet.zone))
    if until is None:
        return False
    _start_again(turn, waiting, (until - turn.now).total_seconds())
    turn.silence_lasts = True
    turn.note("postponed", waiting.node, "quiet hours", until.isoformat(timespec="minutes"))
    return True


def _start_again(turn: Turn, waiting: Waiting, seconds: float) -> None:
    timer = start_timer(turn, waiting.node, seconds)
    turn.waiting = structs.replace(waiting, timer=timer)


def finish_call(turn: Turn, result: Result) -> None:
    """The call has ended: the node that made it reads the result."""
    waiting = turn.waiting
    node = turn.bot.nodes.get(waiting.node) if waiting is not None else None
    if (
        waiting is None
        or node is None
        or not result.call
        or waiting.call != result.call
        or turn.control != "bot"
    ):
        turn.ignore("a result that nothing waits for")
        return
    turn.note("call", waiting.node, f"failed: {result.error}" if result.error else "finished")
    turn.begin_answer()
    stop_gathering(turn, kept=True)
    turn.node = waiting.node
    run(turn, guarded(turn, lambda: node.finished(turn, result)))
