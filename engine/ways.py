"""The ways of a flow: every way on from every node, read leniently from a raw definition.

Nothing here knows a type of node: a way is whatever a type's config marks as a `node`, and what kind of way it is
follows from the names of the settings around it (`options[*].target` is a choice, `timeout_target` a timeout).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

from engine.actions import ESCALATION, HANDOFF
from engine.fields import EACH, MarkKind, marked, select
from engine.known import Located, inside, raw_nodes, text
from engine.nodes import KINDS
from engine.problems import Path

WayKind: TypeAlias = Literal[
    "connection",
    "choice",
    "intent",
    "case",
    "else",
    "fallback",
    "error",
    "timeout",
    "body",
    "jump",
    "action",
    "call",
]

_LISTS: Final[Mapping[str, WayKind]] = {"intents": "intent", "cases": "case", "branches": "case"}
"""What the items of a list are; those of any other list are choices."""
_NAMED: Final[tuple[tuple[WayKind, frozenset[str]], ...]] = (
    ("else", frozenset({"else", "otherwise", "default"})),
    ("fallback", frozenset({"fallback"})),
    ("error", frozenset({"error", "failure", "failed", "invalid"})),
    ("timeout", frozenset({"timeout"})),
    ("body", frozenset({"body", "each"})),
)
"""What a setting is, by a word of its name."""
_ALWAYS: Final = "always"
_CONDITIONS: Final[Mapping[str, WayKind]] = {"else": "else", "error": "error"}
_CALL: Final[tuple[tuple[str, ...], MarkKind]] = (("flow",), "flow")
_TARGET: Final = re.compile(r"_?(target|node)")
_LABELS: Final = ("text", "title", "name", "label", "condition", "value", "values")


class Way(msgspec.Struct, frozen=True):
    """One way from one node to another."""

    source: str
    """Id of the node that it leaves; empty when it may be taken from anywhere."""
    target: str
    """Id of the node that it leads to, which need not exist."""
    label: str
    """What a builder calls it: an option's text, an intent's name, a condition; empty for `always`."""
    kind: WayKind
    place: Path
    """Where in the definition its target is written."""


def ways(definition: Mapping[str, Any]) -> tuple[Way, ...]:
    """Every way of a definition: from anywhere first, then node by node in the order in which they are tried.

    Parts that cannot be read are passed over. Within a sub-flow ids are prefixed with its name and `/`.
    """
    nodes = [node for node in raw_nodes(definition) if node.id]
    starts = _starts(definition)
    handoff = _handoff(definition, nodes)
    found = list(_from_anywhere(definition))
    for node in nodes:
        found.extend(_of_config(node, starts, handoff))
        found.extend(_of_connections(node))
    return tuple(found)


def reachable(definition: Mapping[str, Any]) -> frozenset[str]:
    """The ids of the nodes that a conversation can come to."""
    onward: dict[str, list[str]] = {}
    for way in ways(definition):
        onward.setdefault(way.source, []).append(way.target)
    missing = {node.id for node in raw_nodes(definition)} - {""}
    waiting = [text(definition.get("start_node")), *onward.get("", ())]
    seen: set[str] = set()
    while waiting:
        id = waiting.pop()
        if id in missing:
            missing.remove(id)
            seen.add(id)
            waiting.extend(onward.get(id, ()))
    return frozenset(seen)


def _starts(definition: Mapping[str, Any]) -> dict[str, str]:
    """The first node of each sub-flow."""
    found = select(definition, ("flows", EACH, "start_node"))
    return {str(path[1]): inside(str(path[1]), start) for path, start in found if text(start)}


def _handoff(definition: Mapping[str, Any], nodes: Iterable[Located]) -> str:
    """Where `fallback_action: escalate_to_human` leads, as the compiler decides it; empty for nowhere."""
    for _, target in select(definition, ("global_actions", ESCALATION, "target")):
        return text(target)
    return next((node.id for node in nodes if not node.flow and node.node.get("type") == HANDOFF), "")


def _from_anywhere(definition: Mapping[str, Any]) -> Iterator[Way]:
    for key in ("target", "otherwise_target"):
        for path, target in select(definition, ("global_actions", EACH, key)):
            if text(target):
                name = str(path[1])
                yield Way("", target, name if key == "target" else f"{name}, otherwise", "action", path)
    for path, target in select(definition, ("global_settings", "fallback_node")):
        if text(target):
            yield Way("", target, "fallback", "fallback", path)


def _of_config(node: Located, starts: Mapping[str, str], handoff: str) -> Iterator[Way]:
    config, place = node.node.get("config"), (*node.path, "config")
    kind = KINDS.get(text(node.node.get("type")))
    marks = dict.fromkeys((*(marked(kind.config) if kind is not None else ()), _CALL))
    for path, mark in marks:
        if mark != "node" and mark != "flow":
            continue
        for full, value in select(config, path, place):
            if mark == "node" and text(value):
                way_kind, label = _described(full[len(place) :], config)
                yield Way(node.id, inside(node.flow, value), label, way_kind, full)
            elif mark == "flow" and text(value) in starts:
                yield Way(node.id, starts[value], value, "call", full)
    for full, action in select(config, ("fallback_action",), place):
        if action == "escalate_to_human" and handoff:
            yield Way(node.id, handoff, "escalate to a human", "fallback", full)


def _of_connections(node: Located) -> Iterator[Way]:
    for path, target in select(node.node, ("connections", EACH, "target"), node.path):
        if text(target):
            condition = text(node.node["connections"][path[-2]].get("condition"))
            label = "" if condition == _ALWAYS else condition
            kind = _CONDITIONS.get(condition, "connection")
            yield Way(node.id, inside(node.flow, target), label, kind, path)


def _described(path: Path, config: Any) -> tuple[WayKind, str]:
    """What kind of way a setting of a config is, and its label."""
    holder = config
    for step in path[:-1]:
        holder = holder[step]
    words = "" if isinstance(path[-1], int) else _TARGET.sub("", path[-1]).replace("_", " ").strip()
    for kind, names in _NAMED:
        if not names.isdisjoint(words.split()):
            return kind, words
    if len(path) == 1:
        return ("connection", words) if words else ("jump", "")
    return _LISTS.get(str(path[0]), "choice"), _label(holder, path) or words


def _label(item: Any, path: Path) -> str:
    """The label of an item of a list, or of a member of an object: what it says of itself, else its key."""
    for key in _LABELS if isinstance(item, dict) else ():
        said = _said(item.get(key)) if key != path[-1] else ""
        if said:
            return "" if said == _ALWAYS else said
    named = [step for step in path[1:] if isinstance(step, str) and not _TARGET.fullmatch(step)]
    return named[0] if named else ""


def _said(value: Any) -> str:
    """A value, or a list of them, as it would be written."""
    if isinstance(value, list):
        return ", ".join(said for each in value if not isinstance(each, list) and (said := _said(each)))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""
