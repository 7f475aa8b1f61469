"""A compiled expression, and how one is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.expressions import nodes
from engine.expressions.comparisons import Evaluate
from engine.expressions.compiler import compile_node, is_boolean
from engine.expressions.functions import DEFAULT_FUNCTIONS, FunctionTable
from engine.expressions.parser import parse
from engine.expressions.text import has_surrogate, well_formed
from engine.expressions.values import truthy


class Expression:
    """An expression ready to be evaluated, any number of times and from any thread.

    Calling it gives a value, or raises `ExpressionError` where JavaScript throws.
    """

    __slots__ = ("_evaluate", "_is_boolean", "names", "source")

    def __init__(
        self, *, source: str, names: frozenset[str], evaluate: Evaluate, always_boolean: bool
    ) -> None:
        self.source = source
        self.names = names
        """The names that it reads from the environment (`user` for `user.tier`), functions excepted."""
        self._evaluate = evaluate
        self._is_boolean = always_boolean

    def __call__(self, env: Mapping[str, Any]) -> Any:
        return self._evaluate(env)

    def truthy(self, env: Mapping[str, Any]) -> bool:
        """Whether the value counts as true in JavaScript: not false, 0, NaN, "", null or undefined."""
        value = self._evaluate(env)
        return bool(value) if self._is_boolean else truthy(value)

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"


def compile_expression(source: str, functions: FunctionTable = DEFAULT_FUNCTIONS) -> Expression:
    """Compile `source`, which may call `functions`. Raises `ExpressionSyntaxError`."""
    tree = parse(source, functions)
    evaluate = compile_node(tree, functions)
    always_boolean = is_boolean(tree)
    parts = list(_walk(tree))
    if not always_boolean and any(map(_can_cut, parts)):
        evaluate = _well_formed(evaluate)
    names = frozenset(part.name for part in parts if isinstance(part, nodes.Name))
    return Expression(source=source, names=names, evaluate=evaluate, always_boolean=always_boolean)


def _well_formed(evaluate: Evaluate) -> Evaluate:
    return lambda env: well_formed(evaluate(env))


def _can_cut(node: nodes.Node) -> bool:
    """Whether the node can give a text with a lone surrogate."""
    if isinstance(node, nodes.Literal):
        return isinstance(node.value, str) and has_surrogate(node.value)
    return isinstance(node, nodes.Index | nodes.MethodCall)


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Every node once; the parser has bounded their number."""
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in node.__struct_fields__:
            child = getattr(node, field)
            candidates = child if isinstance(child, tuple) else (child,)
            waiting.extend(item for item in candidates if isinstance(item, nodes.Node))
