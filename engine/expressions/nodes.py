"""The tree of an expression. `height` is the longest way down to a leaf, counted in nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec


class _Node(msgspec.Struct, frozen=True, gc=False):
    """Base of every node. Not tracked by the collector: a tree has no cycles."""

    height: int


class Literal(_Node, frozen=True, gc=False):
    """A number, text, `true`, `false`, `null` or `undefined`."""

    value: str | int | float | bool | object


class Name(_Node, frozen=True, gc=False):
    """A name of the environment."""

    name: str


class ArrayLiteral(_Node, frozen=True, gc=False):
    """`[1, 'b']`"""

    items: tuple[Node, ...]


class ObjectLiteral(_Node, frozen=True, gc=False):
    """`{a: 1, 'b': 2}`; keys and values in order, a later key replaces an earlier one."""

    keys: tuple[str, ...]
    values: tuple[Node, ...]


class Group(_Node, frozen=True, gc=False):
    """Round brackets. Kept, because they end an optional chain and allow mixing `??` with `||`."""

    inner: Node


class Member(_Node, frozen=True, gc=False):
    """`owner.key`, or `owner?.key`."""

    owner: Node
    key: str
    optional: bool


class Index(_Node, frozen=True, gc=False):
    """`owner[key]`, or `owner?.[key]`."""

    owner: Node
    key: Node
    optional: bool


class MethodCall(_Node, frozen=True, gc=False):
    """`owner.method(…)`, or `owner?.method(…)`, of a method in `METHODS`."""

    owner: Node
    method: str
    arguments: tuple[Node, ...]
    optional: bool


class FunctionCall(_Node, frozen=True, gc=False):
    """`function(…)`, of a function in the table that the expression is compiled with."""

    call: Callable[..., Any]
    arguments: tuple[Node, ...]


class Unary(_Node, frozen=True, gc=False):
    """`!a`, `-a`, `+a`, `typeof a`"""

    operator: str
    operand: Node


class Binary(_Node, frozen=True, gc=False):
    """Arithmetic and comparisons."""

    operator: str
    left: Node
    right: Node


class Logical(_Node, frozen=True, gc=False):
    """`a && b && c`, and the same for `||` and `??`: at least two operands."""

    operator: str
    operands: tuple[Node, ...]


class Conditional(_Node, frozen=True, gc=False):
    """`test ? then : otherwise`"""

    test: Node
    then: Node
    otherwise: Node


Link: TypeAlias = Member | Index | MethodCall
"""What an access chain such as `a.b[0]?.c` is made of."""

Node: TypeAlias = (
    Literal
    | Name
    | ArrayLiteral
    | ObjectLiteral
    | Group
    | Member
    | Index
    | MethodCall
    | FunctionCall
    | Unary
    | Binary
    | Logical
    | Conditional
)
