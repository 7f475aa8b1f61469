"""Types: comparisons that can never hold, and values that do not fit the variable they are stored in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from engine.expressions import nodes
from engine.lint.flow import Flow, Remark
from engine.lint.trees import bare, walk
from engine.nodes.base import ALWAYS, ERROR

TEXT, NUMBER, TRUTH, OBJECT, LIST = "a text", "a number", "true or false", "an object", "a list"

_KINDS: Final = {
    "string": TEXT, "email": TEXT, "phone": TEXT, "number": NUMBER, "integer": NUMBER, "boolean": TRUTH,
    "object": OBJECT, "array": LIST,
}  # fmt: skip
_BUILTIN: Final = {
    "hour": NUMBER, "minute": NUMBER, "day_of_week": NUMBER, "current_time": TEXT, "timezone": TEXT, "channel": TEXT,
    "language": TEXT, "message": TEXT, "text": TEXT, "customer_name": TEXT, "event": OBJECT, "form": OBJECT,
    "message_context": OBJECT,
}  # fmt: skip
_ANSWERS: Final = {
    "number": NUMBER, "integer": NUMBER, "yes_no": TRUTH, "file": OBJECT, "location": OBJECT, "contact": OBJECT,
    "form": OBJECT, "order": OBJECT,
}  # fmt: skip
"""What an input of that type stores; all others but `choice` store a text."""
_STORED: Final = (
    ("consent", "variable", TRUTH),
    ("feedback", "variable", NUMBER),
    ("feedback", "comment_variable", TEXT),
    ("knowledge", "variable", LIST),
    ("ai_answer", "variable", TEXT),
    ("http", "error_variable", TEXT),
    ("loop", "index_as", NUMBER),
)
"""What other types store: (type, setting, what)."""


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them."""
    yield from _comparisons(flow)
    for id in flow.nodes:
        yield from _stored(flow, id)
        yield from _loops(flow, id)


def _comparisons(flow: Flow) -> Iterator[Remark]:
    declared = {name: _KINDS[type_] for name, type_ in flow.known.variables.items() if type_ in _KINDS}
    kinds = declared | _BUILTIN
    for path, kind, value in flow.texts:
        named = value in ALWAYS or value == ERROR or value in flow.known.conditions
        if kind not in ("expression", "condition") or (kind == "condition" and named):
            continue
        parsed = flow.parsed(value)
        for name, operator, literal in strict_comparisons(parsed.tree if parsed is not None else None):
            expected, found = kinds.get(name), _kind_of(literal)
            if expected is not None and found is not None and expected != found:
                outcome = "never" if operator == "===" else "always"
                message = f'"{name}" is {expected}, and comparing it with {found} {outcome} holds'
                yield Remark(path, message, f"compare it with {expected}")


def _stored(flow: Flow, id: str) -> Iterator[Remark]:
    type_, config, path = flow.type_of(id), flow.config_of(id), (*flow.nodes[id].path, "config")
    found = [(setting, what) for of, setting, what in _STORED if of == type_]
    if type_ == "input" and isinstance(answer := config.get("type", "text"), str) and answer != "choice":
        several = answer == "file" and config.get("multiple") is True
        found.append(("variable", LIST if several else _ANSWERS.get(answer, TEXT)))
    for setting, stored in found:
        variable = config.get(setting)
        declared = flow.known.variables.get(variable) if isinstance(variable, str) else None
        wanted = _KINDS.get(declared) if declared is not None else None
        # A text variable takes numbers, true and false as their texts.
        if (
            wanted is None
            or variable in flow.known.computed
            or wanted == stored
            or (wanted == TEXT and stored in (NUMBER, TRUTH))
        ):
            continue
        what = "the answer" if type_ in ("input", "feedback", "consent") else "what is stored"
        message = f'{what} is {stored}, and "{variable}" is declared as {declared}'
        yield Remark((*path, setting), message, "change the type of one of them", "error")


def _loops(flow: Flow, id: str) -> Iterator[Remark]:
    """A loop over something that is declared as no list."""
    items = flow.config_of(id).get("items")
    if flow.type_of(id) != "loop" or not isinstance(items, str):
        return
    declared = flow.known.variables.get(items.strip())
    if declared is not None and declared not in ("array", "any"):
        message = f'a loop goes over a list, and "{items.strip()}" is declared as {declared}'
        path = (*flow.nodes[id].path, "config", "items")
        yield Remark(path, message, "name a list, or declare it as array", "error")


def strict_comparisons(tree: Any) -> Iterator[tuple[str, str, Any]]:
    """`name === literal` and `literal !== name`, wherever they are in the tree: (name, operator, value)."""
    for node in walk(tree):
        if isinstance(node, nodes.Binary) and node.operator in ("===", "!=="):
            left, right = bare(node.left), bare(node.right)
            for one, other in ((left, right), (right, left)):
                if isinstance(one, nodes.Name) and isinstance(other, nodes.Literal):
                    yield one.name, node.operator, other.value


def _kind_of(literal: Any) -> str | None:
    if isinstance(literal, bool):
        return TRUTH
    if isinstance(literal, int | float):
        return NUMBER
    return TEXT if isinstance(literal, str) else None
