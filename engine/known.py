"""What a flow defines, read leniently from its raw definition: what its texts may refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

import msgspec

from engine.variables import VariableType

_VARIABLE_TYPES = frozenset(get_args(VariableType))


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The names in a flow. Parts of the definition that cannot be read are passed over; their own check tells."""

    nodes: Mapping[str, str]
    """Node id -> type."""
    conditions: Mapping[str, tuple[str, str]]
    """Condition name -> (expression, time zone)."""
    actions: frozenset[str]
    variables: Mapping[str, VariableType]
    """Declared variable -> type."""
    stored: frozenset[str]
    """Variables that some node stores."""


def read_known(definition: Mapping[str, Any], stored: frozenset[str]) -> Known:
    """Read the names of a definition."""
    nodes = {text(node.get("id")): text(node.get("type")) for _, node in raw_nodes(definition)}
    conditions = {
        name: (text(condition.get("expression")), text(condition.get("timezone")))
        for name, condition in _objects(definition, "conditions")
    }
    types = {
        name: text(variable.get("type", "string")) for name, variable in _objects(definition, "variables")
    }
    variables = {
        name: cast("VariableType", type_) for name, type_ in types.items() if type_ in _VARIABLE_TYPES
    }
    actions = definition.get("global_actions")
    return Known(
        nodes=nodes,
        conditions=conditions,
        actions=frozenset(actions) if isinstance(actions, dict) else frozenset(),
        variables=variables,
        stored=stored,
    )


def raw_nodes(definition: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The nodes that are objects at all, with their indexes."""
    nodes = definition.get("nodes")
    if isinstance(nodes, list):
        yield from ((index, node) for index, node in enumerate(nodes) if isinstance(node, dict))


def text(value: Any) -> str:
    """`value` if it is a text, else nothing."""
    return value if isinstance(value, str) else ""


def _objects(definition: Mapping[str, Any], section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    members = definition.get(section)
    if isinstance(members, dict):
        yield from ((str(name), member) for name, member in members.items() if isinstance(member, dict))
