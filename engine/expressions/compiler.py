"""A tree to closures. What flows ask most often (a name against a constant, joined by &&) is one closure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_never

from engine.expressions import nodes
from engine.expressions.chains import compile_access, has_optional
from engine.expressions.comparisons import (
    Bounds,
    Compile,
    Evaluate,
    bounds_of,
    compare_to_constant,
    constant_of,
    within,
)
from engine.expressions.functions import FunctionTable
from engine.expressions.methods import BOOLEAN_METHODS
from engine.expressions.operators import BINARY, UNARY
from engine.expressions.values import UNDEFINED, truthy

_COMPARISONS = frozenset({"===", "!==", "==", "!=", "<", "<=", ">", ">="})


def compile_node(node: nodes.Node, functions: FunctionTable) -> Evaluate:
    """The closure that evaluates `node` in an environment."""

    def compiled(child: nodes.Node) -> Evaluate:
        return compile_node(child, functions)

    match node:
        case nodes.Literal():
            return _constant(node.value)
        case nodes.Name():
            return _name(node.name)
        case nodes.Group():
            return compiled(node.inner)
        case nodes.Member() | nodes.Index() | nodes.MethodCall():
            return compile_access(node, compiled)
        case nodes.FunctionCall():
            return _function_call(
                functions[node.function].call, [compiled(child) for child in node.arguments]
            )
        case nodes.Unary():
            return _unary(node, compiled)
        case nodes.Binary():
            return _binary(node, compiled)
        case nodes.Logical():
            return _logical(node, compiled)
        case nodes.Conditional():
            return _conditional(test_of(node.test, functions), compiled(node.then), compiled(node.otherwise))
        case nodes.ArrayLiteral():
            return _array([compiled(child) for child in node.items])
        case nodes.ObjectLiteral():
            return _object(node.keys, [compiled(child) for child in node.values])
        case _:
            assert_never(node)


def test_of(node: nodes.Node, functions: FunctionTable) -> Evaluate:
    """As `compile_node`, but the closure gives the value's truth as a `bool`."""
    evaluate = compile_node(node, functions)
    if is_boolean(node):
        return evaluate

    def test(env: Mapping[str, Any]) -> bool:
        return truthy(evaluate(env))

    return test


def is_boolean(node: nodes.Node) -> bool:
    """Whether the node's value is always `true` or `false`."""
    match node:
        case nodes.Group():
            return is_boolean(node.inner)
        case nodes.Unary():
            return node.operator == "!"
        case nodes.Binary():
            return node.operator in _COMPARISONS
        case nodes.Logical():
            return all(map(is_boolean, node.operands))
        case nodes.MethodCall():
            return node.method in BOOLEAN_METHODS and not node.optional and not has_optional(node.owner)
        case nodes.Literal():
            return isinstance(node.value, bool)
        case _:
            return False


# Values


def _constant(value: Any) -> Evaluate:
    def constant(_: Mapping[str, Any]) -> Any:
        return value

    return constant


def _name(name: str) -> Evaluate:
    def lookup(env: Mapping[str, Any]) -> Any:
        try:
            return env[name]
        except KeyError:
            return UNDEFINED

    return lookup


def _array(items: list[Evaluate]) -> Evaluate:
    def array(env: Mapping[str, Any]) -> list[Any]:
        return [item(env) for item in items]

    return array


def _object(keys: tuple[str, ...], values: list[Evaluate]) -> Evaluate:
    def mapping(env: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value(env) for key, value in zip(keys, values, strict=True)}

    return mapping


def _function_call(call: Callable[..., Any], arguments: list[Evaluate]) -> Evaluate:
    def function_call(env: Mapping[str, Any]) -> Any:
        return call(*[argument(env) for argument in arguments])

    return function_call


# Operators


def _unary(node: nodes.Unary, compiled: Compile) -> Evaluate:
    apply, operand = UNARY[node.operator], compiled(node.operand)
    if node.operator == "!" and is_boolean(node.operand):
        return lambda env: not operand(env)

    def unary(env: Mapping[str, Any]) -> Any:
        return apply(operand(env))

    return unary


def _binary(node: nodes.Binary, compiled: Compile) -> Evaluate:
    bounds = bounds_of(node)
    if bounds is not None:
        return within(bounds, compiled)
    constant = constant_of(node.right)
    if constant is not None and node.operator in ("===", "!=="):
        return compare_to_constant(compiled(node.left), constant.value, node.operator == "===")
    apply, left, right = BINARY[node.operator], compiled(node.left), compiled(node.right)

    def binary(env: Mapping[str, Any]) -> Any:
        return apply(left(env), right(env))

    return binary


def _conditional(test: Evaluate, then: Evaluate, otherwise: Evaluate) -> Evaluate:
    def conditional(env: Mapping[str, Any]) -> Any:
        return then(env) if test(env) else otherwise(env)

    return conditional


def _logical(node: nodes.Logical, compiled: Compile) -> Evaluate:
    operands = node.operands
    match node.operator:
        case "&&":
            tests = _conjuncts(operands, compiled)
            return _all(tests) if is_boolean(node) else _first(tests, lambda value: not truthy(value))
        case "||" if len(operands) == 2 and is_boolean(node):
            first, second = map(compiled, operands)
            return lambda env: first(env) or second(env)
        case "||":
            return _first([compiled(operand) for operand in operands], truthy)
        case _:
            return _first([compiled(operand) for operand in operands], _is_present)


def _conjuncts(operands: tuple[nodes.Node, ...], compiled: Compile) -> list[Evaluate]:
    """The operands' closures; neighbours that hold the same name against numbers become one range test."""
    merged: list[Bounds | nodes.Node] = []
    for operand in operands:
        bounds = bounds_of(operand)
        before = merged[-1] if merged else None
        if bounds is not None and isinstance(before, Bounds) and before.is_of_same_name(bounds):
            merged[-1] = before.meet(bounds)
        else:
            merged.append(operand if bounds is None else bounds)
    return [within(part, compiled) if isinstance(part, Bounds) else compiled(part) for part in merged]


def _all(tests: list[Evaluate]) -> Evaluate:
    """`&&` of tests that give `bool`."""
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda env: first(env) and second(env)

    def every(env: Mapping[str, Any]) -> bool:
        for test in tests:  # noqa: SIM110 - all() with a generator costs twice as much
            if not test(env):
                return False
        return True

    return every


def _first(operands: list[Evaluate], decides: Callable[[Any], bool]) -> Evaluate:
    """The first operand's value that `decides`, else the last one's."""
    *leading, last = operands

    def first(env: Mapping[str, Any]) -> Any:
        for operand in leading:
            value = operand(env)
            if decides(value):
                return value
        return last(env)

    return first


def _is_present(value: Any) -> bool:
    return value is not None and value is not UNDEFINED
