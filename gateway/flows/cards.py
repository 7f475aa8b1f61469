"""What a node's card shows: its name and type, what it says, and a row for each way on that has a name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from engine.fields import EACH, marked, select
from engine.known import text
from engine.nodes import KINDS
from engine.ways import Way
from gateway.flows.columns import ENTRY
from gateway.flows.lettering import fit, one_line, width, wrap

WIDTH: Final = 244.0
HEADER: Final = 52.0
ROW: Final = 26.0
LINE: Final = 16.5
PADDING: Final = 14.0
BODY_SIZE: Final = 12.0
_LINES: Final = 3
_MOST_ROWS: Final = 40
_SPEAKING: Final = ("message", "text", "question", "prompt", "title", "url")

End: TypeAlias = Literal["arrow", "elsewhere", "missing"]
"""How a way is shown: by an arrow, by the name of a far-off node, or as one that leads to no node."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A way on from a node, and how it is shown."""

    way: Way
    end: End
    target: str
    """Name of the node that it leads to."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a card."""

    label: str
    aside: str
    """The name of the node that it leads to, when there is no arrow."""
    top: float
    leaving: tuple[Leaving, ...]
    monospace: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A card, ready to be drawn. Texts are cut to fit; heights are from its top, in pixels."""

    name: str
    subtitle: str
    body: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    height: float

    def port(self, way: Way) -> float:
        """How far below the top the way leaves."""
        for row in self.rows:
            if any(leaving.way is way for leaving in row.leaving):
                return row.top + ROW / 2
        return ENTRY


def card(id: str, raw: Mapping[str, Any], ways: Sequence[Leaving], *, badge: float = 0.0) -> Card:
    """The card of a node. `badge` is the width of what is drawn at its upper right."""
    type_, config = text(raw.get("type")), raw.get("config")
    name = text(raw.get("name")) or id
    kind = type_.replace("_", " ") or "no type"
    subtitle = kind if name == id else f"{kind} · {id}"
    room = WIDTH - 2 * PADDING
    body = wrap(_says(type_, config), room, BODY_SIZE, _LINES)
    notes = [fit(note, room, 11.0) for note in _notes(config)]
    top = HEADER + LINE * len(body) + 15.0 * len(notes) + (10.0 if body or notes else 0.0)
    rows = _rows(ways, top)
    return Card(
        fit(name, WIDTH - 64, 14.2),
        fit(subtitle, WIDTH - 64, 10.8),
        tuple(body),
        tuple(notes),
        rows,
        top + ROW * len(rows),
    )


def _rows(ways: Sequence[Leaving], top: float) -> tuple[Row, ...]:
    named = [leaving for leaving in ways if leaving.way.label or leaving.end != "arrow"]
    rows: list[Row] = []
    for index, leaving in enumerate(named):
        y = top + ROW * index
        if index == _MOST_ROWS - 1 and len(named) > _MOST_ROWS:
            rows.append(Row(f"{len(named) - index} more", "", y, tuple(named[index:]), False))
            break
        rows.append(_row(leaving, y))
    return tuple(rows)


def _row(leaving: Leaving, top: float) -> Row:
    """A label takes what room the name beside it leaves, and at least half of the row."""
    room = WIDTH - 2 * PADDING - 6
    monospace = leaving.way.kind in ("case", "connection") and leaving.way.label != ""
    size = 11.0 if monospace else BODY_SIZE
    label = one_line(leaving.way.label)
    aside = ""
    if leaving.end != "arrow":
        taken = min(width(label, size, monospace=monospace), room / 2)
        prefix = "no node " if leaving.end == "missing" else "→ "
        aside = fit(prefix + leaving.target, room - taken - 8, 11.0)
        room -= width(aside, 11.0) + 8
    return Row(fit(label, room, size, monospace=monospace), aside, top, (leaving,), monospace)


def _says(type_: str, config: Any) -> str:
    """What a node says or does, in its own words."""
    if not isinstance(config, dict):
        return ""
    if "variable" in config and ("value" in config or "expression" in config):
        value = config.get("expression", config.get("value"))
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return f"{text(config['variable'])} = {told}"
    kind = KINDS.get(type_)
    for wanted in ("text", "template"):
        for path, mark in marked(kind.config) if kind is not None else ():
            spoken = next((value for _, value in select(config, path) if text(value)), "")
            if mark == wanted and spoken:
                return str(spoken)
    return next((text(config.get(key)) for key in _SPEAKING if text(config.get(key))), "")


def _notes(config: Any) -> list[str]:
    """Options that lead nowhere by themselves, and what is stored."""
    options = [
        text(option.get("text"))
        for _, option in select(config, ("options", EACH))
        if isinstance(option, dict) and not option.get("target")
    ]
    notes = [" · ".join(option for option in options if option)] if options else []
    if isinstance(config, dict) and "value" not in config and "expression" not in config:
        variable = text(config.get("variable")) or text(config.get("store_as"))
        notes += [f"stored in {variable}"] if variable else []
    return [note for note in notes if note]
