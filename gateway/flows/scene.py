"""What is in the picture of a flow and where: cards, arrows, and the frames of sub-flows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from engine.fields import select
from engine.known import Located, raw_nodes, text
from engine.ways import Way, reachable, ways
from gateway.flows import svg
from gateway.flows.cards import WIDTH, Card, Leaving, card
from gateway.flows.columns import ENTRY
from gateway.flows.layers import layers_of, near
from gateway.flows.layout import Arrow, Box, Point, arrange, shelves

FRAME: Final = 30.0
"""Between the frame of a sub-flow and what is in it."""
FRAME_HEAD: Final = 30.0
HEADROOM: Final = 14.0
"""Above the uppermost cards, for what sticks to their upper edge."""
GROUP_GAP: Final = 56.0
_SCALES: Final = ((1.0, 1.0), (1.5, 1.0), (1.5, 1.5), (2.0, 1.5), (2.0, 2.0))
"""Editors draw smaller boxes: by how much their positions may be stretched before they are given up."""
_CLEAR: Final = 24.0
"""Between cards that stand at positions of their own."""
_FAR_BACK: Final = 1200.0
"""How far an arrow may lead back across the picture; a longer one is replaced by its target's name."""
_FARTHEST: Final = 100_000.0


@dataclass(slots=True, eq=False)
class Node:
    """A node in the picture."""

    located: Located
    number: int
    """Its place among all nodes, from 0."""
    leaving: list[Leaving] = field(default_factory=list)
    card: Card = field(init=False)
    corner: Point = (0.0, 0.0)

    @property
    def id(self) -> str:
        return self.located.id

    @property
    def name(self) -> str:
        return text(self.located.node.get("name")) or text(self.located.node.get("id"))

    @property
    def type(self) -> str:
        return text(self.located.node.get("type"))


@dataclass(frozen=True, slots=True)
class Line:
    """A way drawn as an arrow."""

    way: Way
    source: Node
    target: Node
    outline: str
    end: Point
    """Where its head is."""


@dataclass(slots=True)
class Group:
    """The flow, or one sub-flow. Its cards and lines are placed as if it were alone."""

    name: str
    nodes: list[Node]
    lines: list[Line] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    corner: Point = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is in the picture."""

    groups: list[Group]
    nodes: Mapping[str, Node]
    """By id; of several with the same id the first."""
    ways: tuple[Way, ...]
    starts: frozenset[str]
    reachable: frozenset[str]
    width: float
    height: float

    @property
    def drawn(self) -> Iterator[Node]:
        """Every node, group by group."""
        for group in self.groups:
            yield from group.nodes


def compose(definition: Mapping[str, Any]) -> Scene:
    """Place everything that can be read of a definition."""
    located = [node for node in raw_nodes(definition) if node.id]
    nodes = [Node(each, number) for number, each in enumerate(located)]
    by_id: dict[str, Node] = {}
    for node in nodes:
        by_id.setdefault(node.id, node)
    found = ways(definition)
    groups = _groups(definition, nodes)
    leaving = _leaving(nodes, found)
    for group in groups:
        _Placing(group, leaving, by_id).place()
    corners, width, height = shelves([(group.width, group.height) for group in groups], GROUP_GAP)
    for group, corner in zip(groups, corners, strict=True):
        group.corner = corner
    starts = frozenset(start for group in groups if (start := _start(definition, group.name)))
    return Scene(groups, by_id, found, starts, reachable(definition), width, height)


def _groups(definition: Mapping[str, Any], nodes: Sequence[Node]) -> list[Group]:
    """The flow itself, then its sub-flows; in each the start comes first, for there the picture begins."""
    members: dict[str, list[Node]] = {"": []}
    for node in nodes:
        members.setdefault(node.located.flow, []).append(node)
    groups = []
    for name, inside in members.items():
        start = _start(definition, name)
        groups.append(Group(name, sorted(inside, key=lambda node: node.id != start)))
    return groups


def _start(definition: Mapping[str, Any], flow: str) -> str:
    """Id of the node where the flow or the sub-flow begins; empty if it does not say."""
    path = ("flows", flow, "start_node") if flow else ("start_node",)
    start = next((text(start) for _, start in select(definition, path)), "")
    return f"{flow}/{start}" if flow and start else start


def _leaving(nodes: Sequence[Node], found: Sequence[Way]) -> dict[int, list[Way]]:
    """Node number -> its ways. Two nodes of the same id have ways of their own."""
    by_path = {node.located.path: node.number for node in nodes}
    leaving: dict[int, list[Way]] = {node.number: [] for node in nodes}
    for way in found:
        depth = 4 if way.place[0] == "flows" else 2
        number = by_path.get(way.place[:depth])
        if way.source and number is not None:
            leaving[number].append(way)
    return leaving


class _Placing:
    """Places the cards and lines of one group."""

    def __init__(self, group: Group, leaving: Mapping[int, Sequence[Way]], nodes: Mapping[str, Node]) -> None:
        self._group = group
        self._nodes = nodes
        self._leaving = leaving
        self._index = {node.number: index for index, node in enumerate(group.nodes)}
        self._inside = [
            (node, way, target)
            for node in group.nodes
            for way in leaving[node.number]
            if (target := nodes.get(way.target)) is not None and target.number in self._index
        ]

    def place(self) -> None:
        """At the nodes' own positions if they will do, else in layers."""
        if not self._at_positions():
            self._in_layers()
        inset = FRAME if self._group.name else 0.0
        head = FRAME_HEAD if self._group.name else 0.0
        self._group.width += 2 * inset
        self._group.height += 2 * inset + head + HEADROOM

    def _deal(self, arrows: frozenset[int]) -> None:
        """Make the cards; the ways of these ids become arrows, the others name their targets."""
        for node in self._group.nodes:
            node.leaving = [
                Leaving(way, "arrow" if id(way) in arrows else "elsewhere", target.name)
                if (target := self._nodes.get(way.target)) is not None
                else Leaving(way, "missing", way.target)
                for way in self._leaving[node.number]
            ]
            node.card = card(text(node.located.node.get("id")), node.located.node, node.leaving)

    def _at_positions(self) -> bool:
        positions = [_position(node) for node in self._group.nodes]
        points = [point for point in positions if point is not None]
        if not points or len(points) < len(positions):
            return False
        for across, down in _SCALES:
            corners = [(x * across, y * down) for x, y in points]
            self._deal(frozenset(id(way) for _, way, _ in self._near(corners)))
            if not _overlap(corners, [node.card.height for node in self._group.nodes]):
                self._stand(corners)
                return True
        return False

    def _near(self, corners: Sequence[Point]) -> list[tuple[Node, Way, Node]]:
        """The ways that do not lead far back."""
        left = {node.number: x for node, (x, _) in zip(self._group.nodes, corners, strict=True)}
        return [each for each in self._inside if left[each[2].number] >= left[each[0].number] - _FAR_BACK]

    def _stand(self, corners: Sequence[Point]) -> None:
        left, top = min(x for x, _ in corners), min(y for _, y in corners)
        group = self._group
        for node, (x, y) in zip(group.nodes, corners, strict=True):
            node.corner = (x - left, y - top)
            group.width = max(group.width, node.corner[0] + WIDTH)
            group.height = max(group.height, node.corner[1] + node.card.height)
        for source, way, target in self._near(corners):
            begin = (source.corner[0] + WIDTH, source.corner[1] + source.card.port(way))
            end = (target.corner[0], target.corner[1] + ENTRY)
            group.lines.append(Line(way, source, target, svg.curve(begin, (end[0] - 6, end[1])), end))

    def _in_layers(self) -> None:
        group = self._group
        edges = [(self._index[node.number], self._index[target.number]) for node, _, target in self._inside]
        layers = layers_of(len(group.nodes), edges)
        drawn = [each for each, is_near in zip(self._inside, near(layers, edges), strict=True) if is_near]
        self._deal(frozenset(id(way) for _, way, _ in drawn))
        arrows = [
            Arrow(self._index[node.number], self._index[target.number], node.card.port(way))
            for node, way, target in drawn
        ]
        done = arrange([Box(WIDTH, node.card.height) for node in group.nodes], arrows, layers)
        group.width, group.height = done.width, done.height
        for node, corner in zip(group.nodes, done.corners, strict=True):
            node.corner = corner
        for (node, way, target), path in zip(drawn, done.paths, strict=True):
            *before, end = path
            outline = svg.rounded([*before, (end[0] - 6, end[1])])
            group.lines.append(Line(way, node, target, outline, end))


def _position(node: Node) -> Point | None:
    position = node.located.node.get("position")
    if not isinstance(position, dict):
        return None
    x, y = position.get("x"), position.get("y")
    if isinstance(x, bool) or isinstance(y, bool):
        return None
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        return None
    if not (isfinite(x) and isfinite(y) and abs(x) <= _FARTHEST and abs(y) <= _FARTHEST):
        return None
    return float(x), float(y)


def _overlap(corners: Sequence[Point], heights: Sequence[float]) -> bool:
    """Whether two cards come too near to each other."""
    cards = sorted(zip(corners, heights, strict=True))
    for index, ((x, y), height) in enumerate(cards):
        for (other_x, other_y), other_height in cards[index + 1 :]:
            if other_x >= x + WIDTH + _CLEAR:
                break
            if y < other_y + other_height + _CLEAR and other_y < y + height + _CLEAR:
                return True
    return False
