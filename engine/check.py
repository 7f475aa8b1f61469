"""The check of a raw definition: every problem at once, each with its place and its mend."""

from __future__ import annotations

import copy
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from engine.environment import BUILTINS, zone
from engine.expressions import ExpressionSyntaxError
from engine.fields import EACH, MarkKind, marked, select
from engine.flow import FlowDefinition
from engine.folding import fold
from engine.known import SEPARATOR, Known, flow_of, inside, raw_nodes, raw_variables, text
from engine.languages import CONTEXT
from engine.nodes import KINDS
from engine.nodes.base import ALWAYS, ERROR, NodeConfig, choice_id
from engine.nodes.tools import Tools
from engine.problems import (
    Finding,
    Path,
    Problem,
    Suggestions,
    findings_of,
    place_of,
    shortened,
    suggestion,
)
from engine.templates import TemplateSyntaxError
from engine.variables import VariableError, fit

MAX_DEPTH = 24
"""Objects and lists within each other in a definition."""
MAX_VALUES = 500_000
"""Values in a definition, nested ones included."""

MarkedText: TypeAlias = tuple[Path, MarkKind, str]
"""A text that refers to something: (path, what it is, the text)."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_ORDER: Final = (
    "start_node", "nodes", "flows", "conditions", "global_actions", "inline_answers", "variables",
    "variable_definitions", "global_settings", "supported_languages", "default_language", "translations",
)  # fmt: skip
_ZONES: Final = (
    ("global_settings", "timezone"),
    ("global_settings", "quiet_hours", "timezone"),
    ("conditions", EACH, "timezone"),
)


class Check:
    """Checks one definition. `flow` and `configs` are what could be read of it when `problems` is empty."""

    def __init__(
        self, definition: Mapping[str, Any], texts: Iterable[MarkedText], known: Known, tools: Tools
    ) -> None:
        self._definition = definition
        self._marked = tuple(texts)
        self._known = known
        self._tools = tools
        self._suggest = Suggestions()
        self.flow: FlowDefinition | None = None
        self.configs: dict[Path, NodeConfig] = {}
        """The nodes' configs by the nodes' places; within a sub-flow, what they refer to has its id in the whole."""
        findings = [
            *self._structure(),
            *self._texts(),
            *self._nodes(),
            *self._names(),
            *self._keywords(),
            *self._translations(),
        ]
        self.problems = _in_order(findings)

    def _structure(self) -> Iterator[Finding]:
        """Types, bounds and settings that do not exist; the nodes' configs too."""
        try:
            self.flow = FlowDefinition.model_validate(self._definition)
        except ValidationError as error:
            yield from findings_of(error, FlowDefinition, raw=self._definition)
        for located in raw_nodes(self._definition):
            node = located.node
            kind = KINDS.get(text(node.get("type")))
            if kind is None:
                if isinstance(node.get("type"), str):
                    message = f'there is no type of node "{shortened(node["type"])}"'
                    mend = suggestion(node["type"], KINDS, f"use one of {', '.join(KINDS)}")
                    yield (*located.path, "type"), message, mend
                continue
            place: Path = (*located.path, "config")
            raw = node.get("config", {})
            if not isinstance(raw, dict):
                continue
            try:
                config = kind.config.model_validate(in_the_whole(raw, kind.config, located.flow))
            except ValidationError as error:
                yield from findings_of(error, kind.config, place, raw)
                continue
            self.configs[located.path] = config
            yield from (
                ((*place, *path), message, mend) for path, message, mend in config.findings(self._known)
            )

    def _texts(self) -> Iterator[Finding]:
        """What every text refers to: nodes, conditions, variables, and the two little languages."""
        for path, kind, value in self._marked:
            match kind:
                case "node" | "reference":
                    yield from self._node_reference(path, value)
                case "flow":
                    yield from self._flow_reference(path, value)
                case "text" | "template":
                    yield from self._template(path, value)
                case "request":
                    yield from self._request(path, value)
                case "condition":
                    yield from self._condition(path, value)
                case "expression":
                    yield from self._expression(path, value)
                case "variable":
                    yield from _variable_name(path, value)
                    if value in self._known.computed:
                        yield path, f'"{value}" is computed', "store the value in another variable"
                case "label" if "{{" in value:
                    message = "this text is shown as it stands, {{…}} is not filled in"
                    yield path, message, "write plain text"

    def _node_reference(self, path: Path, id: str) -> Iterator[Finding]:
        flow = flow_of(path)
        if id and inside(flow, id) not in self._known.nodes:
            where = f' in the sub-flow "{flow}"' if flow else ""
            if flow and id in self._known.nodes:
                mend = (
                    f'it is outside; end "{flow}" with a return node, and go on from the node that calls it'
                )
            else:
                mend = self._suggest(
                    id, self._neighbours(flow), "add a node with this id, or go to another one"
                )
            yield path, f'there is no node "{shortened(id)}"{where}', mend

    def _neighbours(self, flow: str) -> list[str]:
        """The ids that a node of a sub-flow, or of the flow itself, can refer to."""
        prefix = f"{flow}{SEPARATOR}" if flow else ""
        return [id.removeprefix(prefix) for id in self._known.nodes if id.rpartition(SEPARATOR)[0] == flow]

    def _flow_reference(self, path: Path, name: str) -> Iterator[Finding]:
        if name and name not in self._known.flows:
            mend = self._suggest(name, self._known.flows, 'add it to "flows"')
            yield path, f'there is no sub-flow "{shortened(name)}"', mend

    def _template(self, path: Path, source: str) -> Iterator[Finding]:
        try:
            self._tools.template(source)
        except TemplateSyntaxError as error:
            yield (
                path,
                f"the template is wrong: {error.message} at position {error.position}",
                error.mend or "correct it",
            )

    def _request(self, path: Path, source: str) -> Iterator[Finding]:
        try:
            self._tools.request(source)
        except TemplateSyntaxError as error:
            yield (
                path,
                f"the template is wrong: {error.message} at position {error.position}",
                error.mend or "correct it",
            )

    def _expression(self, path: Path, source: str) -> Iterator[Finding]:
        try:
            self._tools.expression(source)
        except ExpressionSyntaxError as error:
            message = f"the expression is wrong: {error.message} at position {error.position}"
            yield path, message, error.mend or "correct it"

    def _condition(self, path: Path, source: str) -> Iterator[Finding]:
        """A word alone is the name of a condition, or else of something that has a value."""
        known = self._known
        if source in ALWAYS or source in known.conditions or (source == ERROR and "connections" in path):
            return
        named = known.stored | known.variables.keys() | BUILTINS
        if _NAME.fullmatch(source) and source not in named:
            mend = self._suggest(source, known.conditions, 'add it to "conditions", or write an expression')
            yield path, f'there is no condition "{source}"', mend
        else:
            yield from self._expression(path, source)

    def _nodes(self) -> Iterator[Finding]:
        """Ids that occur twice, and choices that could not be told apart."""
        ids: dict[str, Path] = {}
        prefixes: dict[str, str] = {}
        for located in raw_nodes(self._definition):
            id, place = located.id, (*located.path, "id")
            if not id:
                continue
            if id in ids:
                message = f'there is another node "{shortened(id)}", {place_of(ids[id])}'
                yield place, message, "give each node an id of its own"
                continue
            ids[id] = located.path
            other = prefixes.setdefault(choice_id(id, 0), id)
            if other != id:
                message = f'the id "{shortened(id)}" makes the same choice ids as "{shortened(other)}"'
                yield place, message, "change it a little"
            if SEPARATOR in text(located.node.get("id")):
                yield place, f'an id has no "{SEPARATOR}"', "it divides a sub-flow's name from its nodes"

    def _names(self) -> Iterator[Finding]:
        """Time zones, and the variables' names and defaults."""
        for place in _ZONES:
            for path, value in select(self._definition, place):
                if text(value) and zone(value) is None:
                    message = f'there is no time zone "{shortened(value)}"'
                    yield path, message, "use an IANA name such as Europe/Berlin"
        for name in (*ALWAYS, ERROR):
            if name in self._known.conditions:
                yield (
                    ("conditions", name),
                    f'"{name}" has a meaning of its own',
                    "give the condition another name",
                )
        owners: dict[str, Path] = {}
        for path, definition in raw_variables(self._definition):
            name = str(path[-1])
            yield from _variable_name(path, name)
            if name in owners:
                message = f'"{name}" is declared in {place_of(owners[name][:-1])} too'
                yield path, message, "declare it once"
            owners.setdefault(name, path)
            default = definition.get("default")
            if name in self._known.variables and default is not None:
                yield from _default(path, default, self._known.variables[name])

    def _keywords(self) -> Iterator[Finding]:
        """Keywords that can never be found, or that two actions claim."""
        owners: dict[str, str] = {}
        for path, kind, keyword in self._marked:
            if kind != "keyword":
                continue
            folded, action = fold(keyword), str(path[1])
            if not folded:
                yield path, "the keyword is empty", "write a word, or remove it"
            elif path[0] != "global_actions":
                continue
            elif owners.setdefault(folded, action) != action:
                message = f'the action "{owners[folded]}" has the keyword "{shortened(keyword)}" too'
                yield path, message, "leave it to one of them"

    def _translations(self) -> Iterator[Finding]:
        """Translations of templates are templates; their languages are the flow's."""
        languages = self._definition.get("supported_languages")
        tags = (
            {tag.lower() for tag in languages if isinstance(tag, str)}
            if isinstance(languages, list)
            else set()
        )
        if tags:
            tags.add(self._tools.languages.default.lower())
        templates = {value for _, kind, value in self._marked if kind == "text"}
        for path, _ in select(self._definition, ("translations", EACH)):
            if tags and str(path[1]).lower() not in tags:
                message = f'the flow does not speak "{shortened(str(path[1]))}"'
                yield path, message, 'add it to "supported_languages"'
        for path, value in select(self._definition, ("translations", EACH, EACH)):
            source = str(path[2])
            if source in templates or source.partition(CONTEXT)[2] in templates:
                for text_path, translation in ((path, value), *select(value, (EACH,), path)):
                    if isinstance(translation, str):
                        yield from self._template(text_path, translation)


def measure(definition: Any) -> Problem | None:
    """Whether the definition is plain JSON data within its bounds: the first thing that says no."""
    waiting: list[tuple[Path, Any]] = [((), definition)]
    for _ in range(MAX_VALUES):
        if not waiting:
            return None
        path, value = waiting.pop()
        if len(path) > MAX_DEPTH:
            return _bad(path[:4], f"the definition is more than {MAX_DEPTH} levels deep", "make it flatter")
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                return _bad(path, "a key is no text", "write keys in quotes")
            waiting.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, index), item) for index, item in enumerate(value))
        elif isinstance(value, float) and not math.isfinite(value):
            return _bad(path, "this is no number that JSON has", "write a finite number")
        elif value is not None and not isinstance(value, str | int | float):
            return _bad(path, f"a {type(value).__name__} is no JSON value", "write JSON")
    if not waiting:
        return None
    return _bad((), f"the definition has more than {MAX_VALUES} values", "split the flow")


def marked_texts(definition: Mapping[str, Any]) -> Iterator[MarkedText]:
    """Every text that refers to something, or that somebody reads."""
    for path, kind in marked(FlowDefinition):
        for place, value in select(definition, path):
            if isinstance(value, str):
                yield place, kind, value
    for located in raw_nodes(definition):
        known_type = KINDS.get(text(located.node.get("type")))
        if known_type is None:
            continue
        for path, kind in marked(known_type.config):
            for place, value in select(located.node.get("config"), path, (*located.path, "config")):
                if isinstance(value, str):
                    yield place, kind, value


def in_the_whole(config: dict[str, Any], model: type[NodeConfig], flow: str) -> dict[str, Any]:
    """A node's config as it is in the whole flow: the ids of a sub-flow's nodes with the sub-flow's name."""
    if not flow:
        return config
    changed: dict[str, Any] = copy.deepcopy(config)
    for path, kind in marked(model):
        if kind not in ("node", "reference"):
            continue
        for place, value in select(changed, path):
            if isinstance(value, str) and place:
                holder: Any = changed
                for step in place[:-1]:
                    holder = holder[step]
                holder[place[-1]] = inside(flow, value)
    return changed


def _variable_name(path: Path, name: str) -> Iterator[Finding]:
    if name in BUILTINS:
        yield path, f'"{name}" is a name of the engine\'s own', "give the variable another name"
    elif not _NAME.fullmatch(name):
        mend = "use letters, digits and _, 64 at most, and begin with a letter"
        yield path, f'"{shortened(name)}" is no name for a variable', mend


def _default(path: Path, default: Any, type_: Any) -> Iterator[Finding]:
    try:
        fit(default, type_)
    except VariableError as error:
        yield (*path, "default"), str(error), f"the variable is declared as {type_}; give it such a default"


def _bad(path: Path, message: str, mend: str) -> Problem:
    return Problem(place=place_of(path), message=message, mend=mend, path=path)


def _in_order(findings: Iterable[Finding]) -> list[Problem]:
    """As problems, in the order of the sections and of the nodes, each once."""

    def order(finding: Finding) -> tuple[int, int]:
        path = finding[0]
        section = _ORDER.index(path[0]) if path and path[0] in _ORDER else len(_ORDER)
        return section, path[1] if len(path) > 1 and isinstance(path[1], int) else 0

    problems = (_bad(*finding) for finding in sorted(findings, key=order))
    return list(Counter(problems))
