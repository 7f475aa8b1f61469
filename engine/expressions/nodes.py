"""The tree of an expression. `height` is the longest way down to a leaf, counted in nodes."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class _Node(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every node."""

    height: int = 1


class Literal(_Node, frozen=True, kw_only=True):
    """A number, text, `true`, `false`, `null` or `undefined`."""

    value: str | int | float | bool | object


class Name(_Node, frozen=True, kw_only=True):
    """A name of the environment."""

    name: str


class ArrayLiteral(_Node, frozen=True, kw_only=True):
    """`[1, 'b']`"""

    items: tuple[Node, ...]


class ObjectLiteral(_Node, frozen=True, kw_only=True):
    """`{a: 1, 'b': 2}`; keys and values in order, a later key replaces an earlier one."""

    keys: tuple[str, ...]
    values: tuple[Node, ...]


class Group(_Node, frozen=True, kw_only=True):
    """Round brackets. Kept, because they end an optional chain and allow mixing `??` with `||`."""

    inner: Node


class Member(_Node, frozen=True, kw_only=True):
    """`owner.key`, or `owner?.key`."""

    owner: Node
    key: str
    optional: bool = False


class Index(_Node, frozen=True, kw_only=True):
    """`owner[key]`, or `owner?.[key]`."""

    owner: Node
    key: Node
    optional: bool = False


class MethodCall(_Node, frozen=True, kw_only=True):
    """`owner.method(…)`, or `owner?.method(…)`, of a method in `METHODS`."""

    owner: Node
    method: str
    arguments: tuple[Node, ...]
    optional: bool = False


class FunctionCall(_Node, frozen=True, kw_only=True):
    """`function(…)`, of a function in the table that the expression is compiled with."""

    function: str
    arguments: tuple[Node, ...]


class Unary(_Node, frozen=True, kw_only=True):
    """`!a`, `-a`, `+a`, `typeof a`"""

    operator: str
    operand: Node


class Binary(_Node, frozen=True, kw_only=True):
    """Arithmetic and comparisons."""

    operator: str
    left: Node
    right: Node


class Logical(_Node, frozen=True, kw_only=True):
    """`a && b && c`, and the same for `||` and `??`: at least two operands."""

    operator: str
    operands: tuple[Node, ...]


class Conditional(_Node, frozen=True, kw_only=True):
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
