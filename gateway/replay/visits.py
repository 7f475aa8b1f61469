"""What conversations did at each node of a flow: how often they came, and where they ended or fell silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from engine.state import ConversationState
from gateway.flows.drawing import NodeVisits
from gateway.replay.past import Turned
from gateway.replay.recorded import Replayed

SILENT_AFTER: Final = timedelta(minutes=30)
"""From when on a conversation in which nothing happens has been left."""
_IGNORED: Final = "ignored"


def visits(conversations: Iterable[Replayed], now: datetime) -> dict[str, NodeVisits]:
    """By node id. A conversation that comes to a node twice counts twice; one under way is not left yet."""
    entered: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for one in conversations:
        _follow([turned for turned in one.turns if _happened(turned)], now, entered, left)
    return {
        node: NodeVisits(entered=entered[node], left_here=min(left[node], entered[node]))
        for node in entered.keys() | left.keys()
    }


def _follow(turns: Sequence[Turned], now: datetime, entered: Counter[str], left: Counter[str]) -> None:
    last, moved = "", False
    for index, turned in enumerate(turns):
        nodes = [entry.at for entry in turned.outcome.trace if entry.kind == "node"]
        entered.update(nodes)
        last, moved = (nodes[-1], True) if nodes else (last, moved)
        place = _place(turned.outcome.state) or last
        following = turns[index + 1].event.at if index + 1 < len(turns) else now
        over = not turned.outcome.state.node or following - turned.event.at > SILENT_AFTER
        if over and moved and place:
            left[place] += 1
            moved = False  # once for each time that it came somewhere


def _happened(turned: Turned) -> bool:
    return any(entry.kind != _IGNORED for entry in turned.outcome.trace)


def _place(state: ConversationState) -> str:
    return state.waiting.node if state.waiting is not None else state.node
