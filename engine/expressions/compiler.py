"""A tree to closures. What flows ask most often (a name against a constant, joined by &&) is one closure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.expressions import nodes
from engine.expressions.chains import compile_access, has_optional
from engine.expressions.comparisons import (
    Bounds,
    Evaluate,
    bounds_of,
    compare_to_constant,
    constant_of,
    within,
)
from engine.expressions.methods import BOOLEAN_METHODS
from engine.expressions.operators import BINARY, UNARY
from engine.expressions.values import UNDEFINED, truthy

_COMPARISONS: Final = frozenset({"===", "!==", "==", "!=", "<", "<=", ">", ">="})


def compile_node(node: nodes.Node) -> Evaluate:
    """The closure that evaluates `node` in an environment."""
    return BY_TYPE[type(node)](node)


def test_of(node: nodes.Node) -> Evaluate:
    """As `compile_node`, but the closure gives the value's truth as a `bool`."""
    evaluate = compile_node(node)
    if is_boolean(node):
        return evaluate

    def test(env: Mapping[str, Any]) -> bool:
        return truthy(evaluate(env))

    return test


def is_boolean(node: nodes.Node) -> bool:
    """Whether the node's value is always `true` or `false`."""
    if type(node) is nodes.Binary:
        return node.operator in _COMPARISONS
    if type(node) is nodes.Logical:
        return all(map(is_boolean, node.operands))
    if type(node) is nodes.Unary:
        return node.operator == "!"
    if type(node) is nodes.Group:
        return is_boolean(node.inner)
    if type(node) is nodes.MethodCall:
        return node.method in BOOLEAN_METHODS and not node.optional and not has_optional(node.owner)
    return type(node) is nodes.Literal and isinstance(node.value, bool)


# Values


def _literal(node: nodes.Literal) -> Evaluate:
    value = node.value

    def constant(_: Mapping[str, Any]) -> Any:
        return value

    return constant


def _name(node: nodes.Name) -> Evaluate:
    name = node.name

    def lookup(env: Mapping[str, Any]) -> Any:
        try:
            return env[name]
        except KeyError:
            return UNDEFINED

    return lookup


def _group(node: nodes.Group) -> Evaluate:
    return compile_node(node.inner)


def _access(node: nodes.Link) -> Evaluate:
    return compile_access(node, compile_node)


def _array(node: nodes.ArrayLiteral) -> Evaluate:
    items = [compile_node(item) for item in node.items]

    def array(env: Mapping[str, Any]) -> list[Any]:
        return [item(env) for item in items]

    return array


def _object(node: nodes.ObjectLiteral) -> Evaluate:
    entries = [(key, compile_node(value)) for key, value in zip(node.keys, node.values, strict=True)]

    def mapping(env: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value(env) for key, value in entries}

    return mapping


def _function_call(node: nodes.FunctionCall) -> Evaluate:
    call = node.call
    arguments = [compile_node(argument) for argument in node.arguments]
    if len(arguments) == 1:
        (only,) = arguments
        return lambda env: call(only(env))
    if len(arguments) == 2:
        first, second = arguments
        return lambda env: call(first(env), second(env))

    def function_call(env: Mapping[str, Any]) -> Any:
        return call(*[argument(env) for argument in arguments])

    return function_call


# Operators


def _unary(node: nodes.Unary) -> Evaluate:
    apply, operand = UNARY[node.operator], compile_node(node.operand)
    if node.operator == "!" and is_boolean(node.operand):
        return lambda env: not operand(env)

    def unary(env: Mapping[str, Any]) -> Any:
        return apply(operand(env))

    return unary


def _binary(node: nodes.Binary) -> Evaluate:
    symbol = node.operator
    bounds = bounds_of(node)
    if bounds is not None:
        return within(bounds, compile_node)
    if symbol == "===" or symbol == "!==":
        constant = constant_of(node.right)
        if constant is not None:
            return compare_to_constant(compile_node(node.left), constant.value, symbol == "===")
    apply, left, right = BINARY[symbol], compile_node(node.left), compile_node(node.right)

    def binary(env: Mapping[str, Any]) -> Any:
        return apply(left(env), right(env))

    return binary


def _conditional(node: nodes.Conditional) -> Evaluate:
    test, then, otherwise = test_of(node.test), compile_node(node.then), compile_node(node.otherwise)

    def conditional(env: Mapping[str, Any]) -> Any:
        return then(env) if test(env) else otherwise(env)

    return conditional


def _logical(node: nodes.Logical) -> Evaluate:
    if node.operator == "&&":
        tests = _conjuncts(node.operands)
        return _all(tests) if is_boolean(node) else _first(tests, _is_false)
    operands = [compile_node(operand) for operand in node.operands]
    if node.operator == "??":
        return _first(operands, _is_present)
    if len(operands) == 2 and is_boolean(node):
        first, second = operands
        return lambda env: first(env) or second(env)
    return _first(operands, truthy)


def _conjuncts(operands: tuple[nodes.Node, ...]) -> list[Evaluate]:
    """The operands' closures; neighbours that hold the same name against numbers become one range test."""
    merged: list[Bounds | nodes.Node] = []
    for operand in operands:
        bounds = bounds_of(operand)
        before = merged[-1] if merged else None
        if bounds is not None and type(before) is Bounds and before.is_of_same_name(bounds):
            merged[-1] = before.meet(bounds)
        else:
            merged.append(operand if bounds is None else bounds)
    return [within(part, compile_node) if isinstance(part, Bounds) else compile_node(part) for part in merged]


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


def _is_false(value: Any) -> bool:
    return not truthy(value)


BY_TYPE: Final[dict[type, Callable[[Any], Evaluate]]] = {
    nodes.Literal: _literal,
    nodes.Name: _name,
    nodes.Group: _group,
    nodes.ArrayLiteral: _array,
    nodes.ObjectLiteral: _object,
    nodes.Member: _access,
    nodes.Index: _access,
    nodes.MethodCall: _access,
    nodes.FunctionCall: _function_call,
    nodes.Unary: _unary,
    nodes.Binary: _binary,
    nodes.Logical: _logical,
    nodes.Conditional: _conditional,
}
"""How each kind of node is compiled: every member of `nodes.Node`."""
