"""A flow as a picture: one SVG that stands alone, for light and dark, without a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from engine.fields import EACH, select
from engine.known import text
from gateway.flows import svg
from gateway.flows.cards import HEADER, LINE, PADDING, ROW, WIDTH, Row
from gateway.flows.columns import ENTRY
from gateway.flows.layout import Point
from gateway.flows.lettering import fit, width
from gateway.flows.scene import FRAME, FRAME_HEAD, HEADROOM, Group, Line, Node, Scene, compose
from gateway.flows.theme import colours, icon, styles

__all__ = ["NodeVisits", "draw"]

MARGIN: Final = 40.0
_LEAST_WIDTH: Final = 900.0
_ACTION: Final = (316.0, 66.0)
_GAP: Final = 12.0
_SOFT: Final = frozenset({"fallback", "else"})
_HEAT: Final = (0.1, 0.25, 0.5)
"""From which share of those who left a badge takes the next colour."""
_LINES: Final = (("", "goes on"), ("soft", "fallback, else"), ("late", "timeout, error"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeVisits:
    """What conversations did at a node."""

    entered: int
    """How often one came to it."""
    left_here: int
    """How many ended or fell silent there."""


def draw(
    definition: Mapping[str, Any], *, title: str = "", visits: Mapping[str, NodeVisits] | None = None
) -> str:
    """The picture of a raw definition, as SVG. Drafts with problems are drawn as far as they can be read.

    Nodes stand at their positions when every node of the flow (or of the sub-flow) has one and there is room for
    them so; otherwise they are laid out from left to right. `visits`, by node id, adds how many conversations came
    to each node and how many of them left there. The same definition gives the same text.
    """
    return _Picture(definition, compose(definition), visits).svg(title)


class _Picture:
    def __init__(
        self, definition: Mapping[str, Any], scene: Scene, visits: Mapping[str, NodeVisits] | None
    ) -> None:
        self._definition = definition
        self._scene = scene
        self._visits = visits
        self._types = list(dict.fromkeys(node.type for node in scene.drawn))
        self._colour = {type_: number for number, type_ in enumerate(self._types)}
        self._most = max((visit.entered for visit in (visits or {}).values()), default=0)
        self._marks = self._marked()

    def svg(self, title: str) -> str:
        """The whole picture."""
        across = max(_LEAST_WIDTH, self._scene.width)
        head, top = self._head(title, across)
        legend, bottom = self._legend(top + self._scene.height + 36, across)
        total = across + 2 * MARGIN, bottom + MARGIN
        body = [svg.group("", *self._group(group, (MARGIN, top))) for group in self._scene.groups]
        if not self._colour:
            body.append(svg.text(MARGIN, top + 20, "muted body", "This flow has no nodes yet."))
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" class="flow" role="img" '
                f'width="{svg.number(total[0])}" height="{svg.number(total[1])}" '
                f'viewBox="0 0 {svg.number(total[0])} {svg.number(total[1])}">',
                svg.titled(title or "Flow"),
                f"<style>{styles(colours(self._types).values())}</style>",
                svg.rect(0, 0, *total, "paper"),
                *head,
                *body,
                *legend,
                "</svg>\n",
            )
        )

    # What is around the flow.

    def _head(self, title: str, across: float) -> tuple[list[str], float]:
        """The title and the global actions; and where the flow begins."""
        parts: list[str] = []
        y = MARGIN
        if title:
            parts.append(svg.text(MARGIN, y + 18, "title", fit(title, across, 22)))
            y += 42
        actions = list(_objects(self._definition, "global_actions"))
        if actions:
            parts.append(svg.text(MARGIN, y + 8, "muted small", "From anywhere, by what the customer writes"))
            y += 20
            columns = max(1, int((across + _GAP) // (_ACTION[0] + _GAP)))
            for number, (name, action) in enumerate(actions):
                row, column = divmod(number, columns)
                corner = MARGIN + column * (_ACTION[0] + _GAP), y + row * (_ACTION[1] + _GAP)
                parts.append(self._action(name, action, corner))
            y += ((len(actions) - 1) // columns + 1) * (_ACTION[1] + _GAP) + 20
        return parts, y

    def _action(self, name: str, action: Mapping[str, Any], corner: Point) -> str:
        x, y = corner
        room = _ACTION[0] - 48
        keywords = [word for _, word in select(action, ("keywords", EACH)) if isinstance(word, str)]
        keywords += [word for _, word in select(action, ("keywords", EACH, EACH)) if isinstance(word, str)]
        target = self._scene.nodes.get(text(action.get("target")))
        led = target.name if target is not None else f"no node {text(action.get('target'))}"
        conditions = [each for _, each in select(action, ("conditions", EACH)) if isinstance(each, str)]
        when = f" · when {' and '.join(conditions)}" if conditions else ""
        urgent = " · always" if action.get("priority") == "high" else ""
        content = (
            svg.rect(x, y, *_ACTION, "chip", radius=10)
            + svg.path(_BOLT, "bolt", at=(x + 13, y + 13))
            + svg.text(x + 36, y + 20, "name", fit(name, room, 14.2))
            + svg.text(x + 36, y + 37, "body", fit(", ".join(keywords) or "no words", room, 12))
            + svg.text(
                x + 36,
                y + 54,
                "small wrong" if target is None else "small muted",
                fit(f"→ {led}{when}{urgent}", room, 11),
            )
        )
        return svg.link(f"node-{target.number}", content) if target is not None else content

    def _legend(self, y: float, across: float) -> tuple[list[str], float]:
        """The types and the lines that occur; and where it ends."""
        entries = [(self._typed(type_), _words(type_) or "no type") for type_ in self._types]
        kinds = {line.way.kind for group in self._scene.groups for line in group.lines}
        used = {_dash(kind) for kind in kinds}
        entries += [(_sample(dash), name) for dash, name in _LINES if dash in used]
        if self._visits is not None:
            names = ("under 10 % left", "10 to 25 %", "25 to 50 %", "more")
            entries += [
                (svg.rect(2, 4, 18, 12, f"heat{level}", radius=6), name) for level, name in enumerate(names)
            ]
        if any(node.id not in self._scene.reachable for node in self._scene.drawn):
            entries.append((svg.group("away", svg.rect(2, 4, 18, 12, "card", radius=4)), "cannot be reached"))
        sizes = [(34 + width(name, 11.5), 20.0) for _, name in entries]
        corners, _, height = _flowing(sizes, across, 18)
        parts = [
            svg.group(
                "",
                drawn,
                svg.text(28, 14, "small muted", name),
                attributes=f' transform="translate({svg.number(MARGIN + x)} {svg.number(y + dy)})"',
            )
            for (drawn, name), (x, dy) in zip(entries, corners, strict=True)
        ]
        return parts, y + height

    def _typed(self, type_: str) -> str:
        return svg.group(
            f"t{self._colour[type_]}",
            svg.rect(0, 0, 20, 20, "tile", radius=6),
            svg.path(icon(type_), "icon", at=(2, 2)),
        )

    # The flow and its sub-flows.

    def _group(self, group: Group, origin: Point) -> Iterator[str]:
        x, y = origin[0] + group.corner[0], origin[1] + group.corner[1]
        if group.name:
            yield svg.rect(x, y, group.width, group.height, "frame", radius=16)
            yield svg.text(x + FRAME, y + 30, "name", fit(group.name, group.width - 2 * FRAME, 14.2))
            yield self._callers(group, (x + FRAME + width(group.name, 14.2) + 10, y + 30))
            x, y = x + FRAME, y + FRAME + FRAME_HEAD
        inner = [*self._lines(group), *(self._node(node) for node in group.nodes)]
        moved = f' transform="translate({svg.number(x)} {svg.number(y + HEADROOM)})"'
        yield svg.group("", *inner, attributes=moved)

    def _callers(self, group: Group, at: Point) -> str:
        called = [way.source for way in self._scene.ways if way.kind == "call" and way.label == group.name]
        names = [self._scene.nodes[id].name for id in dict.fromkeys(called) if id in self._scene.nodes]
        told = f"called by {', '.join(names)}" if names else "called by nobody"
        room = group.width - 2 * FRAME - width(group.name, 14.2) - 10
        return svg.text(*at, "small muted", fit(told, max(room, 60.0), 11))

    def _lines(self, group: Group) -> Iterator[str]:
        """Arrows to the same node together: where they cross others, those seem to pass below them."""
        by_target: dict[int, list[Line]] = {}
        for line in group.lines:
            by_target.setdefault(line.target.number, []).append(line)
        for lines in by_target.values():
            halos = [svg.path(line.outline, "halo") for line in lines]
            drawn = [self._line(line) for line in lines]
            tips = [svg.path(svg.tip(end), "tip") for end in dict.fromkeys(line.end for line in lines)]
            yield svg.group(f"a{self._colour[lines[0].target.type]}", *halos, *drawn, *tips)

    def _line(self, line: Line) -> str:
        style, width_ = f"line {_dash(line.way.kind)}".rstrip(), ""
        if self._visits is not None:
            share = self._traffic(line)
            style += "" if share else " cold"
            width_ = f' style="stroke-width:{svg.number(1.2 + 4.3 * sqrt(share))}"'
        told = f"{line.source.name} → {line.target.name}"
        told += f": {line.way.label[:200]}" if line.way.label else ""
        outline = f'<path d="{line.outline}" class="{style}"{width_}>{svg.titled(told)}</path>'
        return svg.group("way", outline)

    def _traffic(self, line: Line) -> float:
        """At most this share of the busiest node's visits went along the line."""
        source, target = self._visited(line.source), self._visited(line.target)
        least = min(max(0, source.entered - source.left_here), target.entered)
        return max(0.0, least / self._most) if self._most > 0 else 0.0

    def _visited(self, node: Node) -> NodeVisits:
        return (self._visits or {}).get(node.id, NodeVisits(entered=0, left_here=0))

    # Nodes.

    def _node(self, node: Node) -> str:
        x, y = node.corner
        card = node.card
        away = "" if node.id in self._scene.reachable else " away"
        parts = [
            svg.titled(_told(node)),
            svg.rect(x, y + 2, WIDTH, card.height + 1, "shade", radius=12),
            svg.rect(x, y, WIDTH, card.height, "card", radius=12),
            svg.rect(x, y + 14, 3, HEADER - 28, "edge", radius=1.5),
            svg.rect(x + PADDING, y + 11, 30, 30, "tile", radius=8),
            svg.path(icon(node.type), "icon", at=(x + PADDING + 7, y + 18)),
            svg.text(x + 54, y + 24, "name", card.name),
            svg.text(x + 54, y + 39, "tiny muted", card.subtitle),
        ]
        line = y + HEADER + 11
        for spoken in card.body:
            parts.append(svg.text(x + PADDING, line, "body", spoken))
            line += LINE
        for note in card.notes:
            parts.append(svg.text(x + PADDING, line, "small muted", note))
            line += 15.0
        parts += [self._row(row, node) for row in card.rows]
        if any(leaving.end == "arrow" and not leaving.way.label for leaving in node.leaving):
            parts.append(_port(x + WIDTH, y + ENTRY))
        parts += self._pinned(node)
        attributes = f' id="node-{node.number}"' + svg.attribute("data-node", node.id)
        return svg.group(f"node t{self._colour[node.type]}{away}", *parts, attributes=attributes)

    def _row(self, row: Row, node: Node) -> str:
        x, y = node.corner[0], node.corner[1] + row.top
        drawn = svg.path(f"M{svg.number(x + 1)} {svg.number(y)}h{svg.number(WIDTH - 2)}", "rule")
        style = "mono small" if row.monospace else "body"
        drawn += svg.text(x + PADDING, y + 17, style, row.label)
        if not row.aside:
            return drawn + (_port(x + WIDTH, y + ROW / 2) if row.leaving[0].end == "arrow" else "")
        leaving = row.leaving[0]
        wrong = leaving.end == "missing"
        aside = svg.text(
            x + WIDTH - PADDING, y + 17, "small wrong" if wrong else "small muted", row.aside, anchor="end"
        )
        target = self._scene.nodes.get(leaving.way.target)
        return drawn + (svg.link(f"node-{target.number}", aside) if target is not None else aside)

    def _pinned(self, node: Node) -> Iterator[str]:
        """What sticks to the upper edge: where one comes from, and the visits."""
        x, y = node.corner[0] + PADDING, node.corner[1] - 9
        room = WIDTH - 2 * PADDING
        if self._visits is not None:
            badge, room = self._badge(node)
            yield badge
        for number, (style, mark) in enumerate(self._marks.get(node.id, ())):
            shown = fit(mark, max(room - 20, 40.0), 10.8)
            wide = width(shown, 10.8) + 16
            if number and wide > room:
                break
            yield svg.rect(x, y, wide, 18, style, radius=9)
            yield svg.text(x + 8, y + 12.8, "tiny onfull" if style == "start" else "tiny", shown)
            x, room = x + wide + 5, room - wide - 5

    def _badge(self, node: Node) -> tuple[str, float]:
        """(how many came and left, the room that is left beside it)."""
        visited = self._visited(node)
        share = visited.left_here / visited.entered if visited.entered > 0 else 0.0
        level = sum(share >= least for least in _HEAT)
        told = f"{visited.entered:,}"
        told += f" · {share:.0%} left" if visited.entered > 0 else ""
        wide = width(told, 10.8) + 18
        x, y = node.corner[0] + WIDTH - 10 - wide, node.corner[1] - 11
        drawn = svg.rect(x, y, wide, 22, f"badge heat{level}", radius=11)
        drawn += svg.text(x + wide / 2, y + 14.8, "tiny", told, anchor="middle")
        return svg.group("visits" if visited.entered else "visits cold", drawn), WIDTH - wide - 2 * PADDING

    def _marked(self) -> dict[str, list[tuple[str, str]]]:
        """Node id -> what leads there from nowhere in particular: (style, words)."""
        marks: dict[str, list[tuple[str, str]]] = {}
        for start in sorted(self._scene.starts):
            marks.setdefault(start, []).append(("start", "start"))
        for way in self._scene.ways:
            if not way.source:
                told = "fallback" if way.kind == "fallback" else f"⚡ {way.label}"
                marks.setdefault(way.target, []).append(("chip", told))
        return marks


_BOLT: Final = "M8.6 1.6L3.4 9h3.8l-.8 5.4L11.6 7H7.8z"


def _port(x: float, y: float) -> str:
    return f'<circle cx="{svg.number(x)}" cy="{svg.number(y)}" r="3.6" class="port"/>'


def _dash(kind: str) -> str:
    if kind in _SOFT:
        return "soft"
    return "late" if kind in ("timeout", "error") else ""


def _sample(dash: str) -> str:
    return svg.path("M0 10H22", f"sample line {dash}".rstrip())


def _words(type_: str) -> str:
    return fit(type_.replace("_", " "), 160, 11)


def _told(node: Node) -> str:
    """What the pointer shows: everything that the card had to shorten."""
    config = node.located.node.get("config")
    said = text(config.get("message")) if isinstance(config, dict) else ""
    return "\n".join(part for part in (node.name, f"{node.type} · {node.id}", said[:500]) if part)


def _objects(definition: Mapping[str, Any], section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, member in select(definition, (section, EACH)):
        if isinstance(member, dict):
            yield str(path[-1]), member


def _flowing(sizes: Sequence[Point], across: float, gap: float) -> tuple[list[Point], float, float]:
    """Rectangles of one height set like words: (their corners, the width, the height)."""
    corners: list[Point] = []
    x = y = 0.0
    for wide, high in sizes:
        if x and x + wide > across:
            x, y = 0.0, y + high + 6
        corners.append((x, y))
        x += wide + gap
    return corners, across, y + (sizes[0][1] if sizes else 0.0)
