"""A session: whether it goes on or begins anew, which node waits in it, and when its silence ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.nodes.base import Node
    from engine.turn import Turn


def why_fresh(turn: Turn) -> str:
    """Why a new session begins with this message; empty when it does not."""
    if turn.control != "bot":
        return ""
    if turn.node not in turn.bot.nodes:
        return "the flow has no such node any more" if turn.node else "a new session"
    last, timeout = turn.state.last_event_at, turn.bot.timeout
    if not timeout or last is None or _waits_patiently(turn):
        return ""
    # The silence ended with the first text of a burst, or the first piece of an album.
    gathered = turn.bot.burst_ms / 1000 if turn.state.burst else 0.0
    if turn.state.album is not None:
        gathered = max(gathered, (turn.now - turn.state.album.began_at).total_seconds())
    if (turn.now - last).total_seconds() - gathered > timeout:
        return f"silent for more than {timeout} s"
    return ""


def _waits_patiently(turn: Turn) -> bool:
    node = turn.bot.nodes.get(turn.waiting.node) if turn.waiting is not None else None
    return node is not None and node.patient


def waiting_node(turn: Turn, fresh: str) -> Node | None:
    """The node that waits, unless a new session begins."""
    return turn.bot.nodes.get(turn.waiting.node) if turn.waiting is not None and not fresh else None


def end_silence(turn: Turn) -> None:
    """The customer is there: what is counted from their last word is counted anew."""
    turn.silent = 0
    turn.calls = 0
    if turn.bot.quiet_hours is not None:
        turn.heard_at = turn.now
