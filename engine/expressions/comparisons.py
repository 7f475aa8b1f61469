"""Comparisons with constants, each one closure: what a condition does most of the time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from engine.expressions import nodes
from engine.expressions.limits import MAX_SAFE_INTEGER
from engine.expressions.values import UNDEFINED, strict_equals, to_number

Evaluate: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""An expression or a part of one: environment in, value out."""

Compile: TypeAlias = Callable[[nodes.Node], Evaluate]
"""Compiles a part of the expression at hand."""

_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """`low <= subject <= high`, both included."""

    subject: nodes.Node
    low: int | float
    high: int | float

    def meet(self, other: Bounds) -> Bounds:
        """Within both. Exact for every value: one that is NaN as a number is within neither."""
        return Bounds(self.subject, max(self.low, other.low), min(self.high, other.high))

    def is_of_same_name(self, other: Bounds) -> bool:
        """Whether both hold the same name, so that reading it once is enough."""
        mine, others = self.subject, other.subject
        return type(mine) is nodes.Name and type(others) is nodes.Name and mine.name == others.name


def constant_of(node: nodes.Node) -> nodes.Literal | None:
    """The constant that a node is, a negative number included."""
    if type(node) is nodes.Literal:
        return node
    if type(node) is nodes.Group:
        return constant_of(node.inner)
    if type(node) is nodes.Unary and node.operator == "-" and type(node.operand) is nodes.Literal:
        number = node.operand.value
        if isinstance(number, int | float) and not isinstance(number, bool) and number != 0:
            return nodes.Literal(1, -number)
    return None


def bounds_of(node: nodes.Node) -> Bounds | None:
    """The bounds that a comparison with a number is; None for any other node.

    A strict bound becomes the neighbouring double, included: nothing lies between. Only for constants
    below 2**53, where an int in the environment compares exactly as its double does.
    """
    if type(node) is not nodes.Binary or node.operator not in _MIRRORED:
        return None
    subject, relation, constant = node.left, node.operator, constant_of(node.right)
    if constant is None:
        subject, relation, constant = node.right, _MIRRORED[relation], constant_of(node.left)
    number = constant.value if constant else None
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < MAX_SAFE_INTEGER:
        return None
    if relation == "<":
        return Bounds(subject, -math.inf, math.nextafter(number, -math.inf))
    if relation == "<=":
        return Bounds(subject, -math.inf, number)
    if relation == ">":
        return Bounds(subject, math.nextafter(number, math.inf), math.inf)
    return Bounds(subject, number, math.inf)


def within(bounds: Bounds, compiled: Compile) -> Evaluate:
    """The test that the subject's value, as a number, lies within `bounds`."""
    subject = bounds.subject
    if type(subject) is nodes.Name:
        return _name_within(subject.name, bounds.low, bounds.high)
    return _value_within(compiled(subject), bounds.low, bounds.high)


def _name_within(name: str, low: int | float, high: int | float) -> Evaluate:
    def test(env: Mapping[str, Any]) -> Any:
        try:
            value = env[name]
        except KeyError:
            return False  # undefined is NaN
        kind = type(value)
        return low <= value <= high if kind is int or kind is float else low <= to_number(value) <= high

    return test


def _value_within(operand: Evaluate, low: int | float, high: int | float) -> Evaluate:
    def test(env: Mapping[str, Any]) -> Any:
        value = operand(env)
        kind = type(value)
        return low <= value <= high if kind is int or kind is float else low <= to_number(value) <= high

    return test


def compare_to_constant(operand: Evaluate, constant: Any, equal: bool) -> Evaluate:
    """`operand === constant` (or `!==`, when `equal` is false)."""
    if constant is None or constant is UNDEFINED or isinstance(constant, bool):
        return lambda env: (operand(env) is constant) is equal
    expected = type(constant)

    def test(env: Mapping[str, Any]) -> Any:
        value = operand(env)
        same = value == constant if type(value) is expected else strict_equals(value, constant)
        return same is equal

    return test
