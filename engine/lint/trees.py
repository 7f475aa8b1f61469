"""Trees of expressions: walking them, and telling whether two conditions cover everything between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from engine.expressions import nodes

_OPPOSITES: Final = frozenset(
    {
        frozenset({"===", "!=="}), frozenset({"==", "!="}), frozenset({"<", ">="}), frozenset({">", "<="}),
    }
)  # fmt: skip


def walk(tree: Any) -> Iterator[Any]:
    """Every node of a tree."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in getattr(node, "__struct_fields__", ()):
            member = getattr(node, field)
            waiting.extend(member if isinstance(member, tuple) else (member,))


def bare(tree: Any) -> Any:
    """A tree without the round brackets around it."""
    while isinstance(tree, nodes.Group):
        tree = tree.inner
    return tree


def opposite(one: Any, other: Any) -> bool:
    """Whether one of two conditions always holds, as far as it can be seen: `a` and `!a`, `x < 3` and `x >= 3`."""
    one, other = bare(one), bare(other)
    for negated, plain in ((one, other), (other, one)):
        if isinstance(negated, nodes.Unary) and negated.operator == "!" and bare(negated.operand) == plain:
            return True
    if isinstance(one, nodes.Binary) and isinstance(other, nodes.Binary):
        same = one.left == other.left and one.right == other.right
        return same and frozenset({one.operator, other.operator}) in _OPPOSITES
    return False
