"""The layers of a graph: each node in a column of its own step, so that nearly every arrow leads to the right.

Arrows that close a loop lead back to its first node and to nothing else: loops are opened at their heads, the outer
before the inner ones, so that the way through a loop is still drawn in reading order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

Edge: TypeAlias = tuple[int, int]
"""(source, target)."""

MAX_NESTING: Final = 24
"""Loops within each other that are opened at their heads; what is left then is cut by distance from the start."""
_SPANS: Final = ((12, 4), (8, 3), (4, 2), (2, 1))
"""How many layers an arrow may go (forth, back), tried in turn until there are few enough lanes."""
_LANES_A_NODE: Final = 4


def layers_of(count: int, edges: Iterable[Edge]) -> list[int]:
    """The layer of each of `count` nodes, from 0. Node 0 is the start."""
    onward = _onward(count, edges)
    order = _breadth_first(onward)
    kept = _without_loops(onward, order)
    topological = _topological(kept)
    layers = [0] * count
    for node in topological:
        for target in kept[node]:
            layers[target] = max(layers[target], layers[node] + 1)
    # What the start does not lead to stands just before what it leads to.
    led_to = _led_to(kept)
    for node in reversed(topological):
        if kept[node] and not led_to[node]:
            layers[node] = min(layers[target] for target in kept[node]) - 1
    least = min(layers, default=0)
    return [layer - least for layer in layers]


def near(layers: Sequence[int], edges: Sequence[Edge]) -> list[bool]:
    """Which edges are short enough to be drawn as arrows: so many that the drawing stays readable."""
    for forth, back in _SPANS:
        drawn = [-back <= layers[target] - layers[source] <= forth for source, target in edges]
        lanes = {
            (target, layer)
            for (source, target), is_near in zip(edges, drawn, strict=True)
            if is_near
            for layer in range(min(layers[source], layers[target]), max(layers[source], layers[target]))
        }
        if len(lanes) <= max(400, _LANES_A_NODE * len(layers)):
            return drawn
    return [layers[target] == layers[source] + 1 for source, target in edges]


def components(count: int, edges: Iterable[Edge]) -> list[list[int]]:
    """The nodes that hang together, each group in the nodes' order, the groups by their first nodes."""
    parent = list(range(count))

    def find(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for source, target in edges:
        first, second = sorted((find(source), find(target)))
        parent[second] = first
    groups: dict[int, list[int]] = {}
    for node in range(count):
        groups.setdefault(find(node), []).append(node)
    return list(groups.values())


def _onward(count: int, edges: Iterable[Edge]) -> list[list[int]]:
    onward: list[dict[int, None]] = [{} for _ in range(count)]
    for source, target in edges:
        if source != target:
            onward[source][target] = None
    return [list(targets) for targets in onward]


def _breadth_first(onward: list[list[int]]) -> list[int]:
    """The rank of each node by its distance from the start; then what leads elsewhere, in the nodes' order."""
    rank = [-1] * len(onward)
    entered = {target for targets in onward for target in targets}
    roots = [0, *(node for node in range(1, len(onward)) if node not in entered), *range(len(onward))]
    reached = 0
    for root in roots if onward else ():
        waiting = deque([root])
        while waiting:
            node = waiting.popleft()
            if rank[node] < 0:
                rank[node] = reached
                reached += 1
                waiting.extend(onward[node])
    return rank


def _without_loops(onward: list[list[int]], rank: list[int]) -> list[list[int]]:
    kept = [list(targets) for targets in onward]
    parts = [list(range(len(onward)))]
    for _ in range(MAX_NESTING):
        parts = [loop for part in parts for loop in _loops(part, kept)]
        for loop in parts:
            head, inside = min(loop, key=rank.__getitem__), set(loop)
            for node in inside:
                kept[node] = [target for target in kept[node] if target != head]
        if not parts:
            return kept
    for loop in (loop for part in parts for loop in _loops(part, kept)):
        inside = set(loop)
        for node in loop:
            kept[node] = [
                target for target in kept[node] if target not in inside or rank[target] > rank[node]
            ]
    return kept


def _loops(part: list[int], onward: list[list[int]]) -> list[list[int]]:
    """The strongly connected components of more than one node within `part` (Tarjan's, without recursion)."""
    inside = set(part)
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    stacked: set[int] = set()
    found: list[list[int]] = []
    for root in part:
        if root in index:
            continue
        work = [(root, iter(onward[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        stacked.add(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in inside:
                    continue
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    stacked.add(target)
                    work.append((target, iter(onward[target])))
                    break
                if target in stacked:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node) if stack[-1] != node else len(stack) - 1
                    loop = stack[at:]
                    del stack[at:]
                    stacked.difference_update(loop)
                    if len(loop) > 1:
                        found.append(loop)
    return found


def _topological(onward: list[list[int]]) -> list[int]:
    incoming = [0] * len(onward)
    for targets in onward:
        for target in targets:
            incoming[target] += 1
    ready = deque(node for node, number in enumerate(incoming) if number == 0)
    order: list[int] = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for target in onward[node]:
            incoming[target] -= 1
            if incoming[target] == 0:
                ready.append(target)
    return order


def _led_to(onward: list[list[int]]) -> list[bool]:
    led_to = [False] * len(onward)
    waiting = [0] if onward else []
    while waiting:
        node = waiting.pop()
        if not led_to[node]:
            led_to[node] = True
            waiting.extend(onward[node])
    return led_to
