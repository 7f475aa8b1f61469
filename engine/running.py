"""Running a turn: node after node, until one waits, ends, or leads nowhere."""

from __future__ import annotations

from collections.abc import Callable

from engine.effects import Send
from engine.nodes.base import Next
from engine.turn import Turn


def guarded(turn: Turn, decide: Callable[[], Next]) -> Next:
    """What `decide` says; what cannot be evaluated is accounted for and falls back."""
    try:
        return decide()
    except Exception as error:
        return turn.fail(error)


def run(turn: Turn, target: Next) -> None:
    """Enter node after node until one waits, ends, or leads nowhere and nothing called it."""
    nodes = turn.bot.nodes
    left = turn.bot.max_steps
    while target is not None or _returns(turn):
        if left <= 0:
            left = turn.bot.max_steps
            target = _stop_loop(turn)
            continue
        left -= 1
        if target is None:
            target = guarded(turn, lambda: _come_back(turn))
        else:
            node = nodes[target]
            turn.node = target
            turn.waiting = None
            turn.trace.append(node.entered)
            try:
                target = node.enter(turn)
            except Exception as error:
                target = turn.fail(error)


def _returns(turn: Turn) -> bool:
    """Whether what leads no further was called, and so goes on where it came from."""
    return bool(turn.stack) and turn.waiting is None and turn.control == "bot" and bool(turn.node)


def _come_back(turn: Turn) -> Next:
    """The innermost call, or round of a loop, leads no further: go on where it came from."""
    frame = turn.pop()
    node = turn.bot.nodes.get(frame.node)
    if node is None:
        return turn.fall_back("the flow has no such node any more")
    turn.node = node.id
    turn.note("return", frame.node)
    return node.resume(turn, frame)


def _stop_loop(turn: Turn) -> Next:
    """A loop that never waits: take back what it said, and fall back (once a turn, so this ends)."""
    steps = turn.bot.max_steps
    turn.note("error", turn.node, f"a loop: {steps} nodes entered and none of them waits")
    turn.effects = [effect for effect in turn.effects if not isinstance(effect, Send)]
    turn.delay_ms = 0
    turn.spoke = False
    turn.stack = ()
    return turn.fall_back("a loop")
