"""Which of a flow's nodes and ways the tests have reached, told from their traces.

A way is taken when the trace leads from its node to its target, and what the trace says in between (the choice, the
intent, the condition, the timer) is what the way stands for. Where that leaves several ways, such as two connections
without a condition to the same node, the first of them counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from engine.actions import EVENT, KEYWORD
from engine.known import raw_nodes
from engine.state import TraceEntry
from engine.ways import Way, WayKind, ways

_CUES: Final[Mapping[str, frozenset[WayKind]]] = {
    "connection": frozenset({"connection", "case", "else", "error", "choice", "timeout", "fallback"}),
    "choice": frozenset({"choice"}),
    "intent": frozenset({"intent"}),
    "fallback": frozenset({"fallback"}),
    "action": frozenset({"action", "fallback"}),
    "round": frozenset({"body"}),
    "timer": frozenset({"timeout", "fallback"}),
    "error": frozenset({"error"}),
    "input": frozenset({"fallback", "error"}),
    "case": frozenset({"case", "else"}),
    "split": frozenset({"choice", "case"}),
    "consent": frozenset({"connection"}),
    "search": frozenset({"connection", "else"}),
}
"""What an entry of a trace says of the way that is taken next."""
_OTHERWISE: Final = "its conditions do not hold"
_START: Final = frozenset({"start", "return"})


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What was reached, of what there is."""

    nodes: tuple[str, ...]
    unreached_nodes: tuple[str, ...]
    ways: int
    untaken_ways: tuple[Way, ...]

    @property
    def percent(self) -> float:
        """Of the nodes and ways together, how many were reached: 0 to 100."""
        total = len(self.nodes) + self.ways
        missed = len(self.unreached_nodes) + len(self.untaken_ways)
        return 100 * (total - missed) / total if total else 100.0

    def lines(self) -> list[str]:
        """In words."""
        reached = len(self.nodes) - len(self.unreached_nodes)
        taken = self.ways - len(self.untaken_ways)
        found = [
            f"Coverage: {self.percent:.0f} % "
            f"({reached} of {len(self.nodes)} nodes, {taken} of {self.ways} ways)."
        ]
        if self.unreached_nodes:
            found.append(f"Nodes that no test reaches: {', '.join(self.unreached_nodes)}")
        if self.untaken_ways:
            found.append("Ways that no test takes:")
            found.extend(f"  {_shown(way)}" for way in self.untaken_ways)
        return found


def coverage(definition: Mapping[str, Any], traces: Iterable[Sequence[TraceEntry]]) -> Coverage:
    """What conversations reached; `traces` has one for each conversation, from its beginning to its end."""
    nodes = tuple(dict.fromkeys(node.id for node in raw_nodes(definition) if node.id))
    all_ways = ways(definition)
    walk = _Walk(all_ways)
    for trace in traces:
        walk.follow(trace)
    return Coverage(
        nodes=nodes,
        unreached_nodes=tuple(node for node in nodes if node not in walk.reached),
        ways=len(all_ways),
        untaken_ways=tuple(way for way in all_ways if way.place not in walk.taken),
    )


class _Walk:
    """Follows traces through a flow, and notes the ways that they take."""

    def __init__(self, all_ways: Sequence[Way]) -> None:
        self.reached: set[str] = set()
        self.taken: set[tuple[str | int, ...]] = set()
        self._by_target: dict[str, list[Way]] = {}
        for way in all_ways:
            self._by_target.setdefault(way.target, []).append(way)

    def follow(self, trace: Sequence[TraceEntry]) -> None:
        node, cues = "", []
        for entry in trace:
            if entry.kind != "node":
                cues.append(entry)
                continue
            self.reached.add(entry.at)
            way = self._way(node, entry.at, cues)
            if way is not None:
                self.taken.add(way.place)
            node, cues = entry.at, []

    def _way(self, source: str, target: str, cues: Sequence[TraceEntry]) -> Way | None:
        """The way that was taken from `source` to `target`; None when the flow just began, or came back."""
        cue = next((entry for entry in reversed(cues) if _tells(entry)), None)
        if cue is not None and cue.kind in _START:
            return None
        source = self._source(source, cue, cues)
        found = [way for way in self._by_target.get(target, ()) if way.source == source]
        if cue is None:
            return next((way for way in found if way.kind in ("jump", "call")), next(iter(found), None))
        return max(found, key=lambda way: _likeness(way, cue, cues), default=None)

    def _source(self, source: str, cue: TraceEntry | None, cues: Sequence[TraceEntry]) -> str:
        """The node that the way leaves; empty for one that may be taken from anywhere."""
        if cue is None:
            return source
        if cue.kind == "connection":
            return cue.at
        if cue.kind == "action":
            called = next(entry for entry in cues if entry.kind == "action")
            return "" if called.detail.startswith((KEYWORD, EVENT)) else source
        if cue.kind == "fallback":
            own = (way for way in self._by_target.get(cue.at, ()) if way.source == source)
            return source if any(way.kind == "fallback" for way in own) else ""
        if cue.kind in ("choice", "intent", "round", "case", "split", "consent", "search"):
            return cue.at
        return source


def _tells(entry: TraceEntry) -> bool:
    """Whether an entry says something of the way that is taken next."""
    return entry.kind in _START or entry.kind in _CUES


def _likeness(way: Way, cue: TraceEntry, cues: Sequence[TraceEntry]) -> tuple[bool, bool]:
    return way.kind in _CUES[cue.kind], way.label in _labels(cue, cues)


def _labels(cue: TraceEntry, cues: Sequence[TraceEntry]) -> tuple[str, ...]:
    """How the way that was taken may be labelled."""
    if cue.kind == "action":
        otherwise = any(entry.kind == "action" and entry.detail == _OTHERWISE for entry in cues)
        return (f"{cue.at}, otherwise",) if otherwise else (cue.at, "escalate to a human")
    if cue.kind == "connection":
        before = cues[: cues.index(cue)]
        held = [entry for entry in before[-1:] if entry.kind == "condition" and entry.value]
        return (held[0].at,) if held else ("", "else", "error", "otherwise", *_failed(before))
    if cue.kind == "consent":
        return ("granted" if cue.value else "refused",)
    if cue.kind == "search":
        return ("not found",)
    return (cue.detail,)


def _failed(before: Sequence[TraceEntry]) -> tuple[str, ...]:
    return ("error",) if any(entry.kind == "error" for entry in before) else ()


def _shown(way: Way) -> str:
    label = f" ({way.label})" if way.label else ""
    return f"{way.source or 'from anywhere'} → {way.target}: {way.kind}{label}"
