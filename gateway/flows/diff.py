"""What changed between two documents of a flow, as a person would tell it. Pure.

Nodes are told apart by their ids, options, intents and tests by their names: moving something within a list is
no change of everything after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

from engine.document import DEFINITION

Kind: TypeAlias = Literal["added", "removed", "changed"]

MAX_SHOWN: Final = 100
"""Characters of a value in a line."""
MAX_DEPTH: Final = 24
"""Objects and lists within each other that are looked into; what lies deeper is compared as a whole."""

_NOTHING: Final = object()
_IDENTITIES: Final = ("id", "name", "value", "text", "target_node", "target", "url", "title", "condition")
"""What tells the members of a list apart: the first that all of them have and no two share."""
_TOLD: Final = ("start_node", "nodes", "flows", "conditions", "variables", "global_actions")
_TOLD_BESIDE: Final = (
    DEFINITION,
    "version",
    "variable_definitions",
    "supported_languages",
    "translations",
    "test_scenarios",
    "flow_metadata",
)


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change: `{"kind": "changed", "subject": "node", "name": "hi", "setting": "config.delay", "old": 0, …}`."""

    kind: Kind
    subject: str
    """node, connection, condition, action, variable, sub-flow, language, translation, test, metadata or setting."""
    name: str
    """Which one: a node of a sub-flow is `sub-flow/node`, a translation `de: Hello`, a test `unit_tests: greets`."""
    setting: str = ""
    """What of it, such as `config.options[sofas].text`; empty for all of it."""
    old: Any = None
    new: Any = None

    def __str__(self) -> str:
        what = f"{self.subject} {self.name}" + (f", {self.setting}" if self.setting else "")
        if self.kind == "changed":
            return f"{what}: {shown(self.old)} → {shown(self.new)}"
        value = self.new if self.kind == "added" else self.old
        return what if value in ({}, self.name) else f"{what}: {shown(value)}"


def diff(old: Mapping[str, Any], new: Mapping[str, Any], *, positions: bool = False) -> list[Change]:
    """The changes from one document to another, empty when they say the same.

    The version's number never counts, and where an editor draws the nodes only with `positions`.
    """
    before, after = old[DEFINITION], new[DEFINITION]
    changes = list(_flow(before, after, "", positions))
    for name, was, is_ in _pairs(before.get("flows"), after.get("flows")):
        if isinstance(was, dict) and isinstance(is_, dict):
            changes += _flow(was, is_, f"{name}/", positions)
        else:
            changes += _compare("sub-flow", name, was, is_)
    for section, subject in (("conditions", "condition"), ("variables", "variable")):
        changes += _each(subject, "", before.get(section), after.get(section))
    changes += _each("action", "", before.get("global_actions"), after.get("global_actions"))
    changes += _order("setting", "global_actions", before.get("global_actions"), after.get("global_actions"))
    for group, was, is_ in _pairs(old.get("variable_definitions"), new.get("variable_definitions")):
        changes += _each("variable", f"{group}.", was, is_)
    changes += _languages(old, new)
    for group, was, is_ in _pairs(old.get("test_scenarios"), new.get("test_scenarios")):
        members = _both([] if was is _NOTHING else was, [] if is_ is _NOTHING else is_)
        changes += _each("test", f"{group}: ", *(members or (was, is_)))
    changes += _each("metadata", "", old.get("flow_metadata"), new.get("flow_metadata"))
    changes += _rest(old, new)
    return changes


def shown(value: Any) -> str:
    """A value in one line: a node by its type and what it says, anything else as short JSON."""
    if isinstance(value, dict) and "type" in value and isinstance(value.get("config"), dict):
        said = value["config"].get("message")
        return f"{value['type']}" + (f" {shown(said)}" if isinstance(said, str) else "")
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def _flow(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str, positions: bool) -> Iterator[Change]:
    """A flow's nodes and where it begins; of a sub-flow everything."""
    start = old.get("start_node", _NOTHING), new.get("start_node", _NOTHING)
    yield from _compare("setting", f"{prefix}start_node", *start)
    for id, was, is_ in _pairs(_by_id(old.get("nodes")), _by_id(new.get("nodes"))):
        yield from _node(f"{prefix}{id}", was, is_, positions)
    if prefix:
        told = ("start_node", "nodes")
        yield from _compare("sub-flow", prefix.rstrip("/"), _without(old, told), _without(new, told))


def _node(name: str, old: Any, new: Any, positions: bool) -> Iterator[Change]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield from _compare("node", name, old, new)
        return
    told = ("connections",) if positions else ("connections", "position")
    yield from _compare("node", name, _without(old, told), _without(new, told))
    was, is_ = old.get("connections", []), new.get("connections", [])
    before, after = _ways(name, was), _ways(name, is_)
    if before is None or after is None:
        yield from _compare("node", name, was, is_, "connections")
        return
    for way, one, other in _pairs(before, after):
        yield from _compare("connection", way, one, other)
    yield from _order("node", name, before, after, "connections")


def _ways(node: str, connections: Any) -> dict[str, Any] | None:
    """`welcome → menu when open` → what else is said of that way; None when the connections can't be read."""
    if not isinstance(connections, list) or not all(isinstance(way, dict) for way in connections):
        return None

    def name(way: Any) -> str:
        condition = way.get("condition", "always")
        return f"{node} → {way.get('target')}" + ("" if condition == "always" else f" when {condition}")

    told = ("target", "condition")
    return {key: _without(way, told) for key, way in _numbered(connections, name).items()}


def _languages(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    key = "supported_languages"
    before, after = ({tag: tag for tag in document.get(key, [])} for document in (old, new))
    for tag, was, is_ in _pairs(before, after):
        yield from _compare("language", tag, was, is_)
    yield from _order("setting", key, before, after)
    for language, was, is_ in _pairs(old.get("translations"), new.get("translations")):
        yield from _each("translation", f"{language}: ", was, is_)


def _rest(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """What has no subject of its own."""
    yield from _each("setting", "", _without(old[DEFINITION], _TOLD), _without(new[DEFINITION], _TOLD))
    yield from _each("setting", "", _without(old, _TOLD_BESIDE), _without(new, _TOLD_BESIDE))


def _each(subject: str, prefix: str, old: Any, new: Any) -> Iterator[Change]:
    """The members of two objects, by their names; one that is missing has none."""
    old, new = ({} if side is None or side is _NOTHING else side for side in (old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        for name, was, is_ in _pairs(old, new):
            yield from _compare(subject, f"{prefix}{name}", was, is_)
    else:
        yield from _compare(subject, prefix.rstrip(": ."), old, new)


def _compare(
    subject: str, name: str, old: Any, new: Any, setting: str = "", depth: int = 0
) -> Iterator[Change]:
    """Everything that differs within two values, down to what can't be told apart further."""
    if old is _NOTHING or new is _NOTHING:
        if old is not new:
            kind: Kind = "added" if old is _NOTHING else "removed"
            values = {"new": new} if old is _NOTHING else {"old": old}
            yield Change(kind=kind, subject=subject, name=name, setting=setting, **values)
        return
    if _same(old, new):
        return
    members = _both(old, new) if depth < MAX_DEPTH else None
    if members is None:
        yield Change(kind="changed", subject=subject, name=name, setting=setting, old=old, new=new)
        return
    for key, was, is_ in _pairs(*members):
        step = f"{setting}.{key}" if setting else key
        if isinstance(old, list):
            step = f"{setting}[{key}]" if isinstance(was if is_ is _NOTHING else is_, dict) else setting
        yield from _compare(subject, name, was, is_, step, depth + 1)
    if isinstance(old, list):
        yield from _order(subject, name, *members, setting)


def _order(subject: str, name: str, old: Any, new: Any, setting: str = "") -> Iterator[Change]:
    """Whether what both have comes in another order."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    before, after = [key for key in old if key in new], [key for key in new if key in old]
    if before != after:
        setting = f"order of {setting}" if setting else "order"
        yield Change(kind="changed", subject=subject, name=name, setting=setting, old=before, new=after)


def _by_id(nodes: Any) -> dict[str, Any]:
    """Nodes by their ids; in a flow that would not compile, those that are no nodes have none."""
    found = nodes if isinstance(nodes, list) else []
    return _numbered(found, lambda node: str(node.get("id", "")) if isinstance(node, dict) else "")


def _both(old: Any, new: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Two values member by member: objects, lists of objects that something tells apart, lists of texts."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old, new
    if not isinstance(old, list) or not isinstance(new, list):
        return None
    for key in ("", *_IDENTITIES):
        before, after = _by(key, old), _by(key, new)
        if before is not None and after is not None:
            return before, after
    return None


def _by(key: str, members: list[Any]) -> dict[str, Any] | None:
    """The members of a list by their `key`, or texts by themselves; None when that does not tell them apart."""
    if key:
        names = [member.get(key) if isinstance(member, dict) else None for member in members]
    else:
        names = [member if isinstance(member, str) else None for member in members]
    found = {str(name): member for name, member in zip(names, members, strict=True) if name is not None}
    return found if len(found) == len(members) else None


def _numbered(members: list[Any], name: Callable[[Any], str]) -> dict[str, Any]:
    """Members by their names, the second of a name as `name (2)`."""
    found: dict[str, Any] = {}
    for member in members:
        wanted = free = name(member)
        count = 1
        while free in found:
            count += 1
            free = f"{wanted} ({count})"
        found[free] = member
    return found


def _pairs(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """(name, old, new) of the members of two objects: those of the old in their order, then what is new."""
    old, new = (side if isinstance(side, dict) else {} for side in (old, new))
    for name in old:
        yield name, old[name], new.get(name, _NOTHING)
    for name in new:
        if name not in old:
            yield name, _NOTHING, new[name]


def _same(old: Any, new: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def _without(value: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: member for key, member in value.items() if key not in keys}
