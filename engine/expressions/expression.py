"""A compiled expression, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.expressions.comparisons import Evaluate
from engine.expressions.compiler import compile_node, is_boolean
from engine.expressions.functions import DEFAULT_FUNCTIONS, FunctionTable
from engine.expressions.parser import parse
from engine.expressions.text import well_formed
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
    tree, names, can_cut = parse(source, functions)
    evaluate = compile_node(tree)
    always_boolean = is_boolean(tree)
    if can_cut and not always_boolean:
        evaluate = _well_formed(evaluate)
    return Expression(source=source, names=names, evaluate=evaluate, always_boolean=always_boolean)


def _well_formed(evaluate: Evaluate) -> Evaluate:
    return lambda env: well_formed(evaluate(env))
