"""The elements of SVG that drawings are made of. Every text is escaped here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.flows.layout import Point
from gateway.flows.lettering import markup

RADIUS: Final = 9.0
"""Of the corners of arrows."""


def number(value: float) -> str:
    """A number as short as a tenth of a pixel allows."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, style: str, content: str, *, anchor: str = "") -> str:
    """One line of text whose base line begins at (x, y), or ends or is centred there."""
    placed = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{number(x)}" y="{number(y)}" class="{style}"{placed}>{markup(content)}</text>'


def rect(x: float, y: float, width: float, height: float, style: str, *, radius: float = 0.0) -> str:
    """A rectangle."""
    corner = f' rx="{number(radius)}"' if radius else ""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
        f'{corner} class="{style}"/>'
    )


def path(outline: str, style: str, *, at: Point | None = None, attributes: str = "") -> str:
    """A line of any shape, moved to `at`."""
    moved = f' transform="translate({number(at[0])} {number(at[1])})"' if at is not None else ""
    return f'<path d="{outline}" class="{style}"{moved}{attributes}/>'


def group(style: str, *content: str, attributes: str = "") -> str:
    """Elements together."""
    return f'<g class="{style}"{attributes}>{"".join(content)}</g>'


def titled(content: str) -> str:
    """What is shown when the pointer rests on the element that this stands in."""
    return f"<title>{markup(content)}</title>"


def attribute(name: str, value: str) -> str:
    """An attribute, with a space before it."""
    return f' {name}="{markup(value)}"'


def link(target: str, content: str) -> str:
    """A link to another element of the picture, named by its `id`."""
    return f'<a href="#{target}">{content}</a>'


def rounded(corners: Sequence[Point]) -> str:
    """A line through corners, each of them rounded."""
    points = [point for index, point in enumerate(corners) if index == 0 or point != corners[index - 1]]
    steps = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(RADIUS, _length(before, corner) / 2, _length(corner, after) / 2)
        steps.append(
            f"L{_at(_towards(corner, before, radius))}Q{_at(corner)} {_at(_towards(corner, after, radius))}"
        )
    return "".join((*steps, f"L{_at(points[-1])}"))


def curve(start: Point, end: Point) -> str:
    """A line that leaves to the right and comes in from the left, however the two points stand."""
    reach = min(240.0, max(50.0, abs(end[0] - start[0]) / 2, abs(end[1] - start[1]) / 4))
    first, second = (start[0] + reach, start[1]), (end[0] - reach, end[1])
    return f"M{_at(start)}C{_at(first)} {_at(second)} {_at(end)}"


def tip(point: Point) -> str:
    """The head of an arrow that comes in from the left."""
    x, y = point
    return f"M{_at((x, y))}L{_at((x - 8, y - 4.5))}L{_at((x - 6.4, y))}L{_at((x - 8, y + 4.5))}Z"


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _length(first: Point, second: Point) -> float:
    return abs(first[0] - second[0]) + abs(first[1] - second[1])


def _towards(corner: Point, other: Point, distance: float) -> Point:
    """The point `distance` away from a corner on the level or upright line to another."""
    length = _length(corner, other) or 1.0
    return (
        corner[0] + (other[0] - corner[0]) * distance / length,
        corner[1] + (other[1] - corner[1]) * distance / length,
    )
