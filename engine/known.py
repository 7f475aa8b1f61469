"""What a flow defines, read leniently from its raw definition: what its texts may refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast, get_args

import msgspec

from engine.problems import Path
from engine.variables import VariableType

_VARIABLE_TYPES: Final = frozenset(get_args(VariableType))
SEPARATOR: Final = "/"
"""Between a sub-flow's name and the id of one of its nodes."""


class Located(msgspec.Struct, frozen=True):
    """A node as it is written, with its place and the sub-flow that it is in."""

    path: Path
    flow: str
    """Name of the sub-flow; empty for the flow itself."""
    node: dict[str, Any]

    @property
    def id(self) -> str:
        """The node's id in the whole flow; empty when it has none."""
        return inside(self.flow, text(self.node.get("id")))


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The names in a flow. Parts of the definition that cannot be read are passed over; their own check tells."""

    nodes: Mapping[str, str]
    """Node id -> type."""
    flows: frozenset[str]
    """The sub-flows' names."""
    conditions: Mapping[str, tuple[str, str]]
    """Condition name -> (expression, time zone)."""
    actions: frozenset[str]
    variables: Mapping[str, VariableType]
    """Declared variable -> type."""
    computed: frozenset[str]
    """Declared variables that no node may set."""
    stored: frozenset[str]
    """Variables that some node stores."""


def read_known(definition: Mapping[str, Any], stored: frozenset[str]) -> Known:
    """Read the names of a definition."""
    conditions = {
        name: (text(condition.get("expression")), text(condition.get("timezone")))
        for name, condition in _objects(definition, "conditions")
    }
    declared = [(str(path[-1]), variable) for path, variable in raw_variables(definition)]
    types = {name: text(variable.get("type", "string")) for name, variable in declared}
    actions = definition.get("global_actions")
    return Known(
        nodes={node.id: text(node.node.get("type")) for node in raw_nodes(definition)},
        flows=frozenset(name for name, _ in _objects(definition, "flows")),
        conditions=conditions,
        actions=frozenset(actions) if isinstance(actions, dict) else frozenset(),
        variables={
            name: cast("VariableType", type_) for name, type_ in types.items() if type_ in _VARIABLE_TYPES
        },
        computed=frozenset(name for name, variable in declared if variable.get("computed") is True),
        stored=stored,
    )


def raw_nodes(definition: Mapping[str, Any]) -> Iterator[Located]:
    """The nodes that are objects at all, those of the sub-flows after the flow's own."""
    yield from _located(definition, (), "")
    for name, flow in _objects(definition, "flows"):
        yield from _located(flow, ("flows", name), name)


def raw_variables(definition: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The declared variables that are objects at all, with their places."""
    for name, variable in _objects(definition, "variables"):
        yield ("variables", name), variable
    for group, variables in _objects(definition, "variable_definitions"):
        for name, variable in variables.items():
            if isinstance(variable, dict):
                yield ("variable_definitions", group, str(name)), variable


def inside(flow: str, id: str) -> str:
    """The id in the whole flow of a node that a sub-flow calls `id`."""
    return f"{flow}{SEPARATOR}{id}" if flow and id else id


def flow_of(path: Path) -> str:
    """The sub-flow that a place is in; empty when it is in none."""
    return str(path[1]) if len(path) > 1 and path[0] == "flows" else ""


def text(value: Any) -> str:
    """`value` if it is a text, else nothing."""
    return value if isinstance(value, str) else ""


def _located(flow: Mapping[str, Any], path: Path, name: str) -> Iterator[Located]:
    nodes = flow.get("nodes")
    if isinstance(nodes, list):
        for index, node in enumerate(nodes):
            if isinstance(node, dict):
                yield Located((*path, "nodes", index), name, node)


def _objects(definition: Mapping[str, Any], section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    members = definition.get(section)
    if isinstance(members, dict):
        yield from ((str(name), member) for name, member in members.items() if isinstance(member, dict))
