"""Ends that nobody meant: nodes after which the conversation stands still, and ways that are never taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.fields import EACH, select
from engine.folding import plain
from engine.known import text
from engine.lint.flow import Flow, Remark
from engine.lint.trees import opposite
from engine.nodes.base import ALWAYS, ERROR
from engine.problems import Path, shortened
from engine.templates import to_text

_ELSE: Final = 'add a connection with the condition "else"'
_DECIDED: Final = ("jump", "split")
"""Types whose settings always lead somewhere."""
_CASES: Final = ("condition", "switch")
_MOST_COMPARED: Final = 12
"""Conditions of one node that are compared with each other."""


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them."""
    elsewhere = looped_nodes(flow) | _occasional_nodes(flow)
    for id, node in flow.nodes.items():
        if not node.flow and id not in elsewhere:
            yield from _standstill(flow, id)
        yield from _never_taken(flow, id)


def can_end(flow: Flow, id: str) -> bool:
    """Whether the conversation may lead no further at a node: in a sub-flow it returns there."""
    return flow.type_of(id) == "return" or any(True for _ in _standstill(flow, id))


def covers(flow: Flow, id: str) -> bool:
    """Whether one of the node's connections is taken whatever happens."""
    conditions = [condition for _, condition in flow.connections_of(id) if condition != ERROR]
    return _exhaustive(flow, conditions)


def looped_nodes(flow: Flow) -> frozenset[str]:
    """The nodes that a loop's body leads to: where they lead no further, the next round begins."""
    waiting = [way.target for way in flow.ways if way.kind == "body"]
    seen: set[str] = set()
    while waiting:
        current = waiting.pop()
        if current in flow.nodes and current not in seen and flow.type_of(current) != "loop":
            seen.add(current)
            waiting.extend(way.target for way in flow.onward[current])
    return frozenset(seen)


def _occasional_nodes(flow: Flow) -> frozenset[str]:
    """The nodes that only events lead to: where they lead no further, the conversation waits as before."""
    events = {
        path[1]
        for path, action in select(flow.definition, ("global_actions", EACH))
        if isinstance(action, dict) and action.get("events") and not action.get("keywords")
    }
    called = [way for way in flow.ways if not way.source and way.kind == "action"]
    by_events = _onward(flow, [way.target for way in called if way.place[1] in events])
    others = [way.target for way in flow.ways if not way.source and way.place[1] not in events]
    return by_events - _onward(flow, [text(flow.definition.get("start_node")), *others])


def _onward(flow: Flow, waiting: list[str]) -> frozenset[str]:
    """These nodes, and all that they lead to."""
    seen: set[str] = set()
    while waiting:
        current = waiting.pop()
        if current in flow.nodes and current not in seen:
            seen.add(current)
            waiting.extend(way.target for way in flow.onward[current])
    return frozenset(seen)


def _exhaustive(flow: Flow, conditions: list[str]) -> bool:
    if not ALWAYS.isdisjoint(conditions):
        return True
    trees = [tree for condition in conditions if (tree := flow.condition(condition)) is not None]
    if len(trees) > _MOST_COMPARED:
        return False
    return any(opposite(one, other) for index, one in enumerate(trees) for other in trees[index + 1 :])


def _standstill(flow: Flow, id: str) -> Iterator[Remark]:
    """What can happen at a node that leads nowhere."""
    type_, node, config = flow.type_of(id), flow.nodes[id], flow.config_of(id)
    if not type_ or flow.is_final(id) or type_ in _DECIDED or type_ == "ai_intent" or covers(flow, id):
        return
    place: Path = (*node.path, "connections")
    some = any(condition != ERROR for _, condition in flow.connections_of(id))
    if type_ == "quick_reply":
        for path, option in flow.items_of(id, "options"):
            if not text(option.get("target")) and not some:
                message = (
                    f'the conversation stands still when "{shortened(text(option.get("text")))}" is chosen'
                )
                yield Remark(path, message, 'add a "target", or a connection')
        leads_on = all(text(option.get("target")) for _, option in flow.items_of(id, "options"))
    elif type_ == "consent":
        leads_on = bool(text(config.get("granted_target")) and text(config.get("refused_target")))
    elif type_ in _CASES:
        conditions = [text(case.get("condition")) for _, case in flow.items_of(id, "cases")]
        leads_on = bool(text(config.get("else"))) or (type_ == "condition" and _exhaustive(flow, conditions))
    else:
        leads_on = False
    if leads_on:
        return
    if some:
        message = f'the conversation stands still at "{id}" when none of its conditions holds'
        yield Remark(place, message, _ELSE)
    elif type_ in _CASES:
        message = f'the conversation stands still at "{id}" when no case fits'
        yield Remark((*node.path, "config"), message, 'add an "else"')
    elif type_ == "consent":
        missing = "refused_target" if text(config.get("granted_target")) else "granted_target"
        message = f'the conversation stands still after some answers to "{id}"'
        yield Remark((*node.path, "config"), message, f'add a connection, or a "{missing}"')
    elif type_ != "quick_reply":
        message = f'the conversation stands still after "{id}"'
        yield Remark(node.path, message, "add a connection, or an end node")


def _never_taken(flow: Flow, id: str) -> Iterator[Remark]:
    """Ways behind one that is always taken, or behind the same condition."""
    type_, config = flow.type_of(id), flow.config_of(id)
    if type_ in _CASES:
        yield from _never_reached_cases(flow, id)
    for_all = _before_the_connections(flow, id)
    if for_all:
        for path, condition in flow.connections_of(id):
            if condition != ERROR:
                yield Remark(path, f"this connection is never taken: {for_all}", "remove it")
        return
    conditions = [(path, text(case.get("condition"))) for path, case in flow.items_of(id, "cases")]
    seen: dict[str, str] = {}
    for path, condition in [*(conditions if type_ == "condition" else ()), *flow.connections_of(id)]:
        word = "case" if "cases" in path else "connection"
        if condition != ERROR and (always := next((each for each in ALWAYS if each in seen), "")):
            message = f"this {word} is never taken: the {seen[always]} before it always is"
            yield Remark(path, message, "put it before that one, or remove it")
        elif condition in seen:
            message = f"this {word} is never taken: another one has the same condition"
            yield Remark(path, message, "change the condition, or remove it")
        if condition:
            seen.setdefault(condition, word)
    if "timeout_target" in config and not config.get("timeout"):
        path = (*flow.nodes[id].path, "config", "timeout_target")
        yield Remark(path, "this way is never taken: there is no timeout", 'add a "timeout", in seconds')


def _before_the_connections(flow: Flow, id: str) -> str:
    """Why no connection of the node is ever looked at; empty when they are."""
    type_, config = flow.type_of(id), flow.config_of(id)
    if type_ in _DECIDED:
        return f"a {type_} node goes where its own settings say"
    if type_ in ("end", "return"):
        return f"nothing comes after {'an end' if type_ == 'end' else 'a return'} node"
    if type_ in _CASES and text(config.get("else")):
        return 'there is an "else"'
    if type_ == "consent" and text(config.get("granted_target")) and text(config.get("refused_target")):
        return "both answers have targets"
    return ""


def _never_reached_cases(flow: Flow, id: str) -> Iterator[Remark]:
    """Values of a switch that an earlier case has already."""
    seen: dict[str, int] = {}
    for index, (path, case) in enumerate(flow.items_of(id, "cases")):
        values = case.get("values")
        for position, value in enumerate(values if isinstance(values, list) else ()):
            if isinstance(value, list | dict):
                continue
            written = plain(to_text(value))
            if seen.setdefault(written, index) != index:
                message = f'an earlier case has the value "{shortened(written)}" already'
                yield Remark((*path, "values", position), message, "remove it from one of them")
