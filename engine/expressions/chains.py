"""Access chains (`a.b[0]?.c.includes('x')`) to closures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine.expressions import nodes
from engine.expressions.access import get_index, get_member
from engine.expressions.comparisons import Compile, Evaluate
from engine.expressions.methods import METHODS, invoke
from engine.expressions.values import UNDEFINED

_Step: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
"""One link further: from a value (and the environment, for keys and arguments) to the next."""


def compile_access(node: nodes.Link, compiled: Compile) -> Evaluate:
    """The closure of a chain such as `a.b[0]?.c`."""
    if type(node) is nodes.Member and type(node.owner) is nodes.Name and not node.optional:
        name, key = node.owner.name, node.key
        return _length_of_name(name) if key == "length" else _member_of_name(name, key)
    if has_optional(node):
        return _optional_chain(node, compiled)
    owner = compiled(node.owner)
    step = _step(node, compiled)

    def access(env: Mapping[str, Any]) -> Any:
        return step(owner(env), env)

    return access


def _member_of_name(name: str, key: str) -> Evaluate:
    def member(env: Mapping[str, Any]) -> Any:
        try:
            owner = env[name]
        except KeyError:
            owner = UNDEFINED
        return owner.get(key, UNDEFINED) if type(owner) is dict else get_member(owner, key)

    return member


def _length_of_name(name: str) -> Evaluate:
    def length(env: Mapping[str, Any]) -> Any:
        try:
            owner = env[name]
        except KeyError:
            owner = UNDEFINED
        return len(owner) if type(owner) is list else get_member(owner, "length")

    return length


def has_optional(node: nodes.Node) -> bool:
    """Whether there is a `?.` in the chain that ends at `node`."""
    while type(node) is nodes.Member or type(node) is nodes.Index or type(node) is nodes.MethodCall:
        if node.optional:
            return True
        node = node.owner
    return False


def _optional_chain(node: nodes.Link, compiled: Compile) -> Evaluate:
    """A chain with `?.` in it: where that meets null or undefined, the whole chain is undefined."""
    links: list[tuple[bool, _Step]] = []
    base: nodes.Node = node
    while isinstance(base, nodes.Link):
        links.append((base.optional, _step(base, compiled)))
        base = base.owner
    links.reverse()
    start = compiled(base)

    def chain(env: Mapping[str, Any]) -> Any:
        value = start(env)
        for optional, step in links:
            if optional and (value is None or value is UNDEFINED):
                return UNDEFINED
            value = step(value, env)
        return value

    return chain


def _step(node: nodes.Link, compiled: Compile) -> _Step:
    """The closure that goes one link further from a value."""
    if isinstance(node, nodes.Member):
        member_key = node.key
        return lambda owner, _: get_member(owner, member_key)
    if isinstance(node, nodes.Index):
        key = compiled(node.key)
        return lambda owner, env: get_index(owner, key(env))
    name, method = node.method, METHODS[node.method]
    arguments = [compiled(argument) for argument in node.arguments]
    return lambda owner, env: invoke(name, method, owner, [argument(env) for argument in arguments])
