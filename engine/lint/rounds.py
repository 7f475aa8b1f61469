"""Loops in which no turn ever ends: the engine stops them after `max_steps` nodes, which nobody meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from engine.environment import BUILTINS
from engine.expressions import nodes
from engine.fields import EACH, marked, select
from engine.known import text
from engine.lint.exits import can_end
from engine.lint.flow import Flow, Remark
from engine.lint.trees import walk
from engine.nodes import KINDS

_TAKEN: Final = frozenset({"connection", "case", "else", "jump", "call", "body"})
"""Ways that are taken within a turn; a card's button, an answer or a timer begins another one."""
_SHOWN: Final = 6
_MAX_STEPS: Final = 200_000
"""Nodes looked at in search of the bodies of loops."""


def remarks(flow: Flow) -> Iterator[Remark]:
    """A remark for each ring of nodes that may go round within one turn."""
    onward = _within_a_turn(flow)
    for ring in _rings(onward):
        members = frozenset(ring)
        shown = " → ".join([*ring[:_SHOWN], *(["…"] if len(ring) > _SHOWN else []), ring[0]])
        path = flow.nodes[ring[0]].path
        mend = "put a node that waits into it, such as quick_reply, input or wait"
        if not _leaves(flow, members):
            yield Remark(path, f"this goes round for ever without waiting: {shown}", mend, "error")
        elif not _counts(flow, members):
            yield Remark(path, f"this may go round without waiting for anybody: {shown}", mend)


def _within_a_turn(flow: Flow) -> dict[str, list[str]]:
    """Where each node may lead in the same turn; a call goes on behind it only if the sub-flow can end at once."""
    passing = _passing(flow)
    bodies = _bodies(flow)
    onward: dict[str, list[str]] = {}
    for id, ways in flow.onward.items():
        if flow.waits(id):
            continue
        called = [way for way in ways if way.kind == "call"]
        passes = all(flow.nodes[way.target].flow in passing for way in called if way.target in flow.nodes)
        onward[id] = [
            way.target
            for way in ways
            if way.kind in _TAKEN
            and way.target in flow.nodes
            and not flow.waits(way.target)
            and (passes or way.kind == "call")
            # The way back from a body to its loop ends a round, and rounds come to an end.
            and id not in bodies.get(way.target, ())
        ]
    return onward


def _passing(flow: Flow) -> frozenset[str]:
    """The sub-flows that can be gone through without waiting. Those that wait are found first, then who calls them."""
    starts = {
        str(path[1]): f"{path[1]}/{start}"
        for path, start in select(flow.definition, ("flows", EACH, "start_node"))
        if text(start)
    }
    ends = frozenset(id for id in flow.nodes if flow.nodes[id].flow and can_end(flow, id))
    passing: set[str] = set()
    for _ in range(len(starts) + 1):
        found = {
            name
            for name, start in starts.items()
            if name not in passing and _passes(flow, start, passing, ends)
        }
        if not found:
            break
        passing |= found
    return frozenset(passing)


def _passes(flow: Flow, start: str, passing: set[str], ends: frozenset[str]) -> bool:
    waiting, seen = [start], set[str]()
    while waiting:
        id = waiting.pop()
        if id in seen or id not in flow.nodes or flow.waits(id):
            continue
        seen.add(id)
        ways = flow.onward[id]
        calls = [
            flow.nodes[way.target].flow for way in ways if way.kind == "call" and way.target in flow.nodes
        ]
        if not all(name in passing for name in calls):
            continue
        if id in ends:
            return True
        waiting.extend(way.target for way in ways if way.kind in _TAKEN and way.kind != "call")
    return False


def _bodies(flow: Flow) -> dict[str, frozenset[str]]:
    """For each loop, the nodes of its body; where that takes too long, all nodes, so that nothing is said of them."""
    bodies: dict[str, frozenset[str]] = {}
    steps = 0
    for way in flow.ways:
        if way.kind != "body":
            continue
        seen: set[str] = set()
        waiting = [way.target]
        while waiting and steps < _MAX_STEPS:
            id = waiting.pop()
            if id in flow.nodes and id not in seen and id != way.source:
                steps += 1
                seen.add(id)
                waiting.extend(onward.target for onward in flow.onward[id])
        bodies[way.source] = frozenset(seen if steps < _MAX_STEPS else flow.nodes)
    return bodies


def _leaves(flow: Flow, ring: frozenset[str]) -> bool:
    """Whether some node of a ring may lead out of it, or nowhere. Nothing comes after a call that never returns."""
    for id in ring:
        ways = [way for way in flow.onward[id] if way.kind in _TAKEN]
        if any(way.kind == "call" and way.target in ring for way in ways):
            continue
        if can_end(flow, id) or any(way.kind != "call" and way.target not in ring for way in ways):
            return True
    return False


def _counts(flow: Flow, ring: frozenset[str]) -> bool:
    """Whether what decides within a ring is changed within it, as a counter is: then it is meant to come to an end."""
    changed = {value for id in ring for value in _stored(flow, id)}
    return not changed.isdisjoint(name for id in ring for name in _decides_by(flow, id))


def _stored(flow: Flow, id: str) -> Iterator[str]:
    kind = KINDS.get(flow.type_of(id))
    for path, mark in marked(kind.config) if kind is not None else ():
        if mark == "variable":
            yield from (value for _, value in select(flow.config_of(id), path) if isinstance(value, str))


def _decides_by(flow: Flow, id: str) -> Iterator[str]:
    sources = [condition for _, condition in flow.connections_of(id)]
    sources += [text(case.get("condition")) for _, case in flow.items_of(id, "cases")]
    trees = [flow.condition(source) for source in sources if source]
    if (
        flow.type_of(id) == "switch"
        and (parsed := flow.parsed(text(flow.config_of(id).get("value")))) is not None
    ):
        trees.append(parsed.tree)
    for tree in trees:
        yield from (
            found.name for found in walk(tree) if isinstance(found, nodes.Name) and found.name not in BUILTINS
        )


def _rings(onward: Mapping[str, list[str]]) -> list[list[str]]:
    """The strongly connected parts with a way round, in a stable order (Tarjan's algorithm, without recursion)."""
    order = {id: position for position, id in enumerate(onward)}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    rings: list[list[str]] = []
    work: list[tuple[str, Iterator[str]]] = []

    def begin(id: str) -> None:
        index[id] = low[id] = len(index)
        stack.append(id)
        on_stack.add(id)
        work.append((id, iter(onward[id])))

    for root in onward:
        if root not in index:
            begin(root)
        while work:
            id, targets = work[-1]
            fresh = _next_fresh(id, targets, onward, index, low, on_stack)
            if fresh is not None:
                begin(fresh)
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[id])
            if low[id] == index[id]:
                part: list[str] = []
                while not part or part[-1] != id:
                    part.append(stack.pop())
                on_stack.difference_update(part)
                if len(part) > 1 or id in onward[id]:
                    rings.append(sorted(part, key=order.__getitem__))
    return sorted(rings, key=lambda ring: order[ring[0]])


def _next_fresh(
    id: str,
    targets: Iterable[str],
    onward: Mapping[str, list[str]],
    index: Mapping[str, int],
    low: dict[str, int],
    on_stack: set[str],
) -> str | None:
    """The next target that was not seen yet; those on the stack lower the node's own number."""
    for target in targets:
        if target in onward and target not in index:
            return target
        if target in on_stack:
            low[id] = min(low[id], index[target])
    return None
