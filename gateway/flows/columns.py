"""The columns of a layout: in which order boxes and lanes stand below each other, and how far down."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

ENTRY: Final = 26.0
"""How far below a box's top its arrows usually come in."""
GAP: Final = 34.0
"""Between boxes of the same layer, in pixels."""
_LANE_GAP: Final = 12.0
_BOX_LANE_GAP: Final = 22.0
_ROOM: Final = 14.0
_LEAST_GAP: Final = 7.0
"""The same, next to a box and between lanes, when a bend can be saved."""
_BEND: Final = 14.0
_ROUNDS: Final = 6
_SWEEPS: Final = 24
_MANY: Final = 600
"""Elements, from which on fewer rounds and sweeps must do."""


@dataclass(slots=True, eq=False)
class Element:
    """A box, or the lane through a layer of the arrows to the box `target`."""

    box: int
    """-1 for a lane."""
    target: int
    height: float
    layer: int
    before: list[tuple[Element, float]] = field(default_factory=list)
    """What its arrows come from in the layer before, with the offsets of their ports."""
    after: list[tuple[Element, float]] = field(default_factory=list)
    """(element of the next layer, offset of this one's port)."""
    beside: list[Element] = field(default_factory=list)
    """What is in the same layer and should be near."""
    rank: float = 0.0
    y: float = 0.0

    @property
    def entry(self) -> float:
        """How far below its top arrows come in."""
        return ENTRY if self.box >= 0 else 0.0


def order(columns: Sequence[list[Element]]) -> None:
    """Sweep forth and back, and keep the order with the fewest crossings."""
    best = _ranked(columns)
    least = _crossings(columns)
    for number in range(_SWEEPS if len(best) < _MANY else _SWEEPS // 6):
        forward = number % 2 == 0
        for column in columns if forward else columns[::-1]:
            for element in column:
                element.rank = _barycentre(element, forward)
            column.sort(key=lambda element: element.rank)
            _rank(column)
        for column in columns:
            _transpose(column)
        crossings = _crossings(columns)
        if crossings < least:
            least, best = crossings, _ranked(columns)
    for column in columns:
        column.sort(key=lambda element: best[id(element)])
        _rank(column)


def _ranked(columns: Sequence[list[Element]]) -> dict[int, float]:
    for column in columns:
        _rank(column)
    return {id(element): element.rank for column in columns for element in column}


def _crossings(columns: Sequence[list[Element]]) -> int:
    """How many pairs of arrows cross between the layers."""
    crossings = 0
    for column in columns[1:]:
        pairs = sorted(
            (at.rank + port / (at.height + 1.0), element.rank)
            for element in column
            for at, port in element.before
        )
        seen: list[float] = []
        for _, rank in pairs:
            crossings += len(seen) - bisect_right(seen, rank)
            insort(seen, rank)
        crossings += sum(
            abs(element.rank - other.rank) > 1.5 for element in column for other in element.beside
        )
    return crossings


def level(columns: Sequence[list[Element]]) -> None:
    """Give each element its height."""
    for column in columns:
        y = 0.0
        for above, element in zip((None, *column), column, strict=False):
            y += _distance(above, element) if above is not None else 0.0
            element.y = y
    elements = sum(map(len, columns))
    for _ in range(_ROUNDS if elements < _MANY else _ROUNDS // 2):
        for column in columns:
            _settle(column, forward=True)
        for column in reversed(columns):
            _settle(column, forward=False)
    for column in columns:
        _settle(column, forward=True)
    for column in columns:
        _straighten(column)


def _rank(column: list[Element]) -> None:
    for index, element in enumerate(column):
        element.rank = float(index)


def _barycentre(element: Element, forward: bool) -> float:
    """Where the element's neighbours stand on the average; where it stands itself if it has none."""
    if forward:
        ranks = [at.rank + port / (at.height + 1.0) for at, port in element.before]
    else:
        ranks = [at.rank - port / (element.height + 1.0) for at, port in element.after]
    ranks += [other.rank for other in element.beside]
    return sum(ranks) / len(ranks) if ranks else element.rank


def _transpose(column: list[Element]) -> None:
    """Change places of neighbours whose arrows cross more as they stand."""
    for index in range(len(column) - 1):
        above, below = column[index], column[index + 1]
        if _crossing(below, above) < _crossing(above, below):
            column[index], column[index + 1] = below, above
            above.rank, below.rank = below.rank, above.rank


def _crossing(above: Element, below: Element) -> int:
    """How many arrows of the two cross each other when they stand so."""
    crossings = 0
    for uppers, lowers in (
        ([at.rank + port / (at.height + 1.0) for at, port in each.before] for each in (above, below)),
        ([at.rank for at, _ in each.after] for each in (above, below)),
    ):
        crossings += sum(upper > lower for upper in uppers for lower in lowers)
    crossings += sum(other is not below and other.rank > above.rank for other in above.beside)
    return crossings + sum(other is not above and other.rank < below.rank for other in below.beside)


def _straighten(column: list[Element]) -> None:
    """Take small bends out of lanes where there is room."""
    for index, lane in enumerate(column):
        if lane.box >= 0 or not lane.before:
            continue
        at, port = lane.before[0]
        y = at.y + port
        above = column[index - 1] if index else None
        below = column[index + 1] if index + 1 < len(column) else None
        free = above is None or y >= above.y + above.height + (_ROOM if above.box >= 0 else _LEAST_GAP)
        free = free and (below is None or y <= below.y - (_ROOM if below.box >= 0 else _LEAST_GAP))
        if free and abs(lane.y - y) <= _BEND:
            lane.y = y


def _distance(above: Element, below: Element) -> float:
    """Between the tops of two elements that stand below each other."""
    lanes = (above.box < 0) + (below.box < 0)
    return above.height + (GAP, _BOX_LANE_GAP, _LANE_GAP)[lanes]


def _settle(column: list[Element], *, forward: bool) -> None:
    """Bring each element as near to the level of its neighbours as the others allow, by least squares.

    With each element's distance from the first taken off, the order is kept when the levels do not fall: the
    pool-adjacent-violators algorithm finds the nearest such levels.
    """
    offset = 0.0
    offsets: list[float] = []
    pools: list[list[float]] = []
    """[weighted sum, weight, number of elements]"""
    for index, element in enumerate(column):
        offset += _distance(column[index - 1], element) if index else 0.0
        offsets.append(offset)
        wanted, weight = _wanted(element, forward)
        pools.append([(wanted - offset) * weight, weight, 1])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
            last = pools.pop()
            pools[-1] = [mine + other for mine, other in zip(pools[-1], last, strict=True)]
    levels = (round(total / weight) for total, weight, number in pools for _ in range(int(number)))
    for element, level, distance in zip(column, levels, offsets, strict=True):
        element.y = level + distance


def _wanted(element: Element, forward: bool) -> tuple[float, float]:
    """(the level that an element would have by its neighbours, how much that matters)."""
    if forward:
        levels = sorted(at.y + port - element.entry for at, port in element.before)
    else:
        levels = sorted(at.y + at.entry - port for at, port in element.after)
    if not levels and element.box < 0:
        levels = sorted(other.y for other in element.beside)
    if not levels:
        return element.y, 0.02
    middle = (levels[(len(levels) - 1) // 2] + levels[len(levels) // 2]) / 2
    return middle, 4.0 if element.box < 0 else 1.0
