"""Where the boxes of a graph stand: in layers from left to right, ordered so that few arrows cross, each as level
with its neighbours as there is room for. Pure arithmetic; the same graph always gives the same picture.

An arrow that crosses layers runs through a lane of its own between their boxes, which all arrows to the same box
share. So no arrow ever runs over a box.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.flows.columns import ENTRY, Element, level, order
from gateway.flows.layers import components
from gateway.flows.routing import Channel

ISLAND_GAP: Final = 64.0
_APART: Final = 4.0
_STEPS: Final = (0.0, 6.0, -6.0, 12.0, -12.0)
_SLACK: Final = 16.0
"""How near to a box's corners an arrow may come in."""
_LEAST_ROW: Final = 2400.0

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """The size of a box."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from the right side of a box, `port` below its top, to the left side of another or the same."""

    source: int
    target: int
    port: float


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A picture that begins at (0, 0)."""

    corners: list[Point]
    """The top left corner of each box."""
    paths: list[list[Point]]
    """The corners of each arrow."""
    width: float
    height: float


def arrange(boxes: Sequence[Box], arrows: Sequence[Arrow], layers: Sequence[int]) -> Arrangement:
    """Place the boxes, in the layers given, and route the arrows. Box 0 is the start."""
    groups = components(len(boxes), [(arrow.source, arrow.target) for arrow in arrows])
    group_of = {box: number for number, group in enumerate(groups) for box in group}
    mine: list[list[int]] = [[] for _ in groups]
    for index, arrow in enumerate(arrows):
        mine[group_of[arrow.source]].append(index)
    parts = [
        _Part(boxes, [arrows[index] for index in indexes], layers, group).arrangement()
        for group, indexes in zip(groups, mine, strict=True)
    ]
    offsets, width, height = shelves([(part.width, part.height) for part in parts])
    corners: list[Point] = [(0.0, 0.0)] * len(boxes)
    paths: list[list[Point]] = [[] for _ in arrows]
    for group, indexes, part, (x, y) in zip(groups, mine, parts, offsets, strict=True):
        for box, corner in zip(group, part.corners, strict=True):
            corners[box] = (corner[0] + x, corner[1] + y)
        for index, path in zip(indexes, part.paths, strict=True):
            paths[index] = [(px + x, py + y) for px, py in path]
    return Arrangement(corners, paths, width, height)


def shelves(
    sizes: Sequence[tuple[float, float]], gap: float = ISLAND_GAP
) -> tuple[list[Point], float, float]:
    """Rectangles side by side in rows as wide as the widest: (their corners, total width, total height)."""
    row = max(_LEAST_ROW, max((width for width, _ in sizes), default=0.0))
    corners: list[Point] = []
    x = y = tallest = widest = 0.0
    for index, (width, height) in enumerate(sizes):
        if x and (x + width > row or index == 1):
            x, y, tallest = 0.0, y + tallest + gap, 0.0
        corners.append((x, y))
        widest, tallest = max(widest, x + width), max(tallest, height)
        x += width + gap
    return corners, widest, y + tallest


class _Part:
    """Boxes that hang together."""

    def __init__(
        self, boxes: Sequence[Box], arrows: Sequence[Arrow], layers: Sequence[int], group: Sequence[int]
    ) -> None:
        first = min(layers[box] for box in group)
        self._boxes = boxes
        self._arrows = arrows
        self._group = group
        self._elements = {box: Element(box, box, boxes[box].height, layers[box] - first) for box in group}
        self._lanes: dict[tuple[int, int, bool], Element] = {}
        for arrow in arrows:
            self._connect(arrow)
        self._columns: list[list[Element]] = [
            [] for _ in range(max(element.layer for element in self._elements.values()) + 1)
        ]
        for element in (*self._elements.values(), *self._lanes.values()):
            self._columns[element.layer].append(element)
        order(self._columns)
        level(self._columns)

    def _lane(self, target: int, layer: int, back: bool) -> Element:
        key = (target, layer, back)
        if key not in self._lanes:
            self._lanes[key] = Element(-1, target, 0.0, layer)
        return self._lanes[key]

    def _connect(self, arrow: Arrow) -> None:
        source, target = self._elements[arrow.source], self._elements[arrow.target]
        if source.layer < target.layer:
            self._forward(source, target, arrow)
        else:
            self._back(source, target)

    def _forward(self, source: Element, target: Element, arrow: Arrow) -> None:
        at, port = source, arrow.port
        for layer in range(source.layer + 1, target.layer + 1):
            element = target if layer == target.layer else self._lane(target.box, layer, False)
            if (at, port) not in element.before:
                element.before.append((at, port))
                at.after.append((element, port))
            at, port = element, 0.0

    def _back(self, source: Element, target: Element) -> None:
        lane = self._lane(target.box, source.layer, True)
        lane.beside.append(source)
        for layer in range(source.layer - 1, target.layer - 1, -1):
            onward = self._lane(target.box, layer, True)
            if any(element is lane for element, _ in onward.after):
                return
            onward.after.append((lane, 0.0))
            lane.before.append((onward, 0.0))
            lane = onward
        lane.beside.append(target)

    def arrangement(self) -> Arrangement:
        """The finished part."""
        channels = [Channel() for _ in range(len(self._columns) + 1)]
        for arrow in self._arrows:
            self._pin(arrow, channels)
        self._enter(channels)
        for channel in channels:
            channel.assign()
        left, width = self._columns_across(channels)
        corners = [(left[self._elements[box].layer], self._elements[box].y) for box in self._group]
        paths = [self._path(arrow, channels, left) for arrow in self._arrows]
        boxes = [self._elements[box] for box in self._group]
        ys = [y for path in paths for _, y in path]
        top = min((*ys, *(box.y for box in boxes)))
        bottom = max((*ys, *(box.y + box.height for box in boxes)))
        return Arrangement(
            [(x, y - top) for x, y in corners],
            [[(x, y - top) for x, y in path] for path in paths],
            width,
            bottom - top,
        )

    def _pin(self, arrow: Arrow, channels: list[Channel]) -> None:
        """Tell the channels between the layers where the arrow enters and leaves them."""
        source, target = self._elements[arrow.source], self._elements[arrow.target]
        net = channels[source.layer + 1].net(arrow.target)
        net.left.add(source.y + arrow.port)
        if source.layer < target.layer:
            for layer in range(source.layer + 1, target.layer):
                y = self._lane(arrow.target, layer, False).y
                net.right.add(y)
                net.end = y
                net = channels[layer + 1].net(arrow.target)
                net.left.add(y)
            return
        for layer in range(source.layer, target.layer - 1, -1):
            y = self._lane(arrow.target, layer, True).y
            net.left.add(y)
            net.end = y
            net = channels[layer].net(arrow.target)
            net.right.add(y)

    def _enter(self, channels: list[Channel]) -> None:
        """Where each box is entered: level with where the arrow comes from, if that is beside the box."""
        pins = [
            sorted((y, box) for box, net in channel.nets.items() for y in net.left) for channel in channels
        ]
        for box in self._group:
            element = self._elements[box]
            net = channels[element.layer].nets.get(box)
            if net is None:
                continue
            top, bottom = element.y + _SLACK, element.y + element.height - _SLACK
            level = [y for y in sorted(net.left) if top <= y <= bottom]
            if level:
                net.end = level[len(level) // 2]
            else:
                y, others = element.y + ENTRY, pins[element.layer]
                net.end = next((y + step for step in _STEPS if not _near(y + step, others, box)), y)
            net.right.add(net.end)

    def _columns_across(self, channels: list[Channel]) -> tuple[list[float], float]:
        """The left side of each layer, with the channels placed between them; and the total width."""
        x = channels[0].place(0.0)
        left: list[float] = []
        for column, channel in zip(self._columns, channels[1:], strict=True):
            left.append(x)
            widths = (self._boxes[element.box].width for element in column if element.box >= 0)
            x = channel.place(x + max(widths, default=0.0))
        return left, x

    def _path(self, arrow: Arrow, channels: list[Channel], left: list[float]) -> list[Point]:
        source, target = self._elements[arrow.source], self._elements[arrow.target]
        y = source.y + arrow.port
        points = [(left[source.layer] + self._boxes[arrow.source].width, y)]
        forward = source.layer < target.layer
        numbers = (
            range(source.layer + 1, target.layer + 1)
            if forward
            else range(source.layer + 1, target.layer - 1, -1)
        )
        for number in numbers:
            net = channels[number].nets[arrow.target]
            last = number == target.layer
            lane = number if forward else number - 1
            onward = net.end if last else self._lane(arrow.target, lane, not forward).y
            if y != onward:
                points += [(net.x, y), (net.x, onward)]
            y = onward
        points.append((left[target.layer], y))
        return points


def _near(y: float, pins: list[tuple[float, int]], box: int) -> bool:
    """Whether an arrow to another box leaves so near to `y` that the two might be taken for one."""
    first, last = bisect_right(pins, (y - _APART, -1)), bisect_right(pins, (y + _APART, -1))
    return any(other != box for _, other in pins[first:last])
