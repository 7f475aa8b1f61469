"""A definition as the lint reads it: its nodes, ways and texts, each found once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import msgspec

from engine.check import MarkedText, marked_texts
from engine.expressions import ExpressionSyntaxError, nodes
from engine.expressions.functions import DEFAULT_FUNCTIONS
from engine.expressions.parser import Parsed, parse
from engine.fields import EACH, select
from engine.known import Located, flow_of, raw_nodes, raw_variables, read_known, text
from engine.languages import CONTEXT, Languages
from engine.nodes import KINDS
from engine.nodes.base import ALWAYS, ERROR
from engine.problems import Path, Severity, Suggestions
from engine.templates import SecretName, TemplateSyntaxError, compile_template, split_secrets
from engine.ways import Way, ways


class Remark(msgspec.Struct, frozen=True):
    """A problem on its way."""

    path: Path
    message: str
    mend: str
    severity: Severity = "warning"


class Flow:
    """One definition."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.definition = definition
        self.nodes: dict[str, Located] = {}
        """The nodes by their ids in the whole flow; the first counts where an id occurs twice."""
        for node in raw_nodes(definition):
            if node.id:
                self.nodes.setdefault(node.id, node)
        self.texts: tuple[MarkedText, ...] = tuple(marked_texts(definition))
        stored = frozenset(value for _, kind, value in self.texts if kind == "variable")
        self.known = read_known(definition, stored)
        self.ways: tuple[Way, ...] = ways(definition)
        self.suggest = Suggestions()
        self._ids = {node.path: id for id, node in self.nodes.items()}
        self._parsed: dict[str, Parsed | None] = {}
        self._template_names: dict[str, frozenset[str]] = {}

    @cached_property
    def onward(self) -> dict[str, list[Way]]:
        """The ways on from each node."""
        found: dict[str, list[Way]] = {id: [] for id in self.nodes}
        for way in self.ways:
            if way.source in found:
                found[way.source].append(way)
        return found

    @cached_property
    def languages(self) -> Languages:
        """The languages that the flow speaks, without translations."""
        supported, translations = (
            self.definition.get("supported_languages"),
            self.definition.get("translations"),
        )
        tags = [tag for tag in supported if isinstance(tag, str)] if isinstance(supported, list) else []
        return Languages(
            text(self.definition.get("default_language")) or "en",
            tags or (list(translations) if isinstance(translations, dict) else []),
            {},
        )

    @cached_property
    def declared(self) -> dict[str, tuple[Path, dict[str, Any]]]:
        """The declared variables with their places."""
        return {str(path[-1]): (path, variable) for path, variable in raw_variables(self.definition)}

    @cached_property
    def reads(self) -> tuple[tuple[Path, frozenset[str]], ...]:
        """What each template, expression and condition reads from its environment, translations included."""
        found = ((path, self._names(kind, value)) for path, kind, value in self.texts)
        return tuple((path, names) for path, names in (*found, *self._translated()) if names)

    def node_at(self, path: Path) -> str:
        """The id of the node that a place is in; empty when it is in none."""
        return self._ids.get(path[: 4 if flow_of(path) else 2], "")

    def type_of(self, id: str) -> str:
        """The node's type."""
        node = self.nodes.get(id)
        return text(node.node.get("type")) if node is not None else ""

    def config_of(self, id: str) -> dict[str, Any]:
        """The node's config; empty when it has none that can be read."""
        config = self.nodes[id].node.get("config")
        return config if isinstance(config, dict) else {}

    def items_of(self, id: str, setting: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The objects in a list of the node's config, with their places."""
        for path, item in select(self.config_of(id), (setting, EACH), (*self.nodes[id].path, "config")):
            if isinstance(item, dict):
                yield path, item

    def connections_of(self, id: str) -> list[tuple[Path, str]]:
        """The node's connections: (place, condition)."""
        node = self.nodes[id]
        found = select(node.node, ("connections", EACH), node.path)
        return [(path, text(way.get("condition", "always"))) for path, way in found if isinstance(way, dict)]

    def waits(self, id: str) -> bool:
        """Whether a turn ends at the node."""
        type_ = self.type_of(id)
        kind = KINDS.get(type_)
        return (
            kind is not None
            and kind.waits
            and not (type_ == "wait" and self.config_of(id).get("seconds") == 0)
        )

    def is_final(self, id: str) -> bool:
        """Whether nothing need follow the node."""
        kind = KINDS.get(self.type_of(id))
        return kind is not None and kind.final

    def parsed(self, source: str) -> Parsed | None:
        """An expression's tree and names; None when it can't be understood."""
        if source not in self._parsed:
            try:
                self._parsed[source] = parse(source, DEFAULT_FUNCTIONS)
            except ExpressionSyntaxError:
                self._parsed[source] = None
        return self._parsed[source]

    def condition(self, source: str) -> nodes.Node | None:
        """The tree of a condition, named or not; None for `always`, `error` and what can't be understood."""
        if source in ALWAYS or source == ERROR:
            return None
        parsed = self.parsed(self.known.conditions.get(source, (source, ""))[0])
        return parsed.tree if parsed is not None else None

    def _names(self, kind: str, value: str) -> frozenset[str]:
        match kind:
            case "condition" if value in ALWAYS or value == ERROR or value in self.known.conditions:
                return frozenset()
            case "expression" | "condition":
                parsed = self.parsed(value)
                return parsed.names if parsed is not None else frozenset()
            case "text" | "template" | "request":
                return self.names_in(value)
        return frozenset()

    def names_in(self, source: str) -> frozenset[str]:
        """The names that a template reads; none when it can't be understood."""
        if "{{" not in source:
            return frozenset()
        if source not in self._template_names:
            try:
                pieces = [piece for piece in split_secrets(source) if not isinstance(piece, SecretName)]
                names = frozenset(name for piece in pieces for name in compile_template(piece).names)
            except TemplateSyntaxError:
                names = frozenset()
            self._template_names[source] = names
        return self._template_names[source]

    def _translated(self) -> Iterator[tuple[Path, frozenset[str]]]:
        spoken = {value for _, kind, value in self.texts if kind == "text"}
        for path, value in select(self.definition, ("translations", EACH, EACH)):
            source = str(path[-1])
            if isinstance(value, str) and (source in spoken or source.partition(CONTEXT)[2] in spoken):
                yield path, self.names_in(value)
