"""Secrets in plain text: a flow is stored, shown and exported as it is, so a token in it is everybody's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from engine.lint.flow import Flow, Remark
from engine.lint.secret_shapes import secret_in
from engine.problems import Path

_NAMES: Final = re.compile(
    r"authorization|(?:^|[-_])api[-_]?key|(?:access|auth|bearer|api|bot|refresh)[-_]?token|^x-[a-z-]*token|^token$"
    r"|secret|passw(?:or)?d|credential",
    re.IGNORECASE,
)
"""Headers, parameters and fields whose value is a secret."""
_HOLDERS: Final = ("headers", "query", "form", "json")
_MEND: Final = "store it with `gateway secret set NAME` and write {{secret.NAME}}"


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them. The secret itself is never quoted, nor is a key that holds one part of a place."""
    for path, value in _texts(flow.definition):
        what = secret_in(value)
        if what:
            yield Remark(_shown(path), f"this looks like {what} in plain text", _MEND, "error")
        elif _is_named(flow, path) and "{{" not in value and value.strip():
            yield Remark(_shown(path), f'the value of "{path[-1]}" is in plain text', _MEND, "error")


def _is_named(flow: Flow, path: Path) -> bool:
    """Whether the value goes with a request, under a name that says that it is secret."""
    node = flow.node_at(path)
    if not node or flow.type_of(node) != "http" or not isinstance(path[-1], str):
        return False
    below = path[len(flow.nodes[node].path) :]
    return len(below) > 2 and below[1] in _HOLDERS and _NAMES.search(path[-1]) is not None


def _shown(path: Path) -> Path:
    for index, step in enumerate(path):
        if isinstance(step, str) and secret_in(step):
            return path[:index]
    return path


def _texts(definition: Any) -> Iterator[tuple[Path, str]]:
    """Every text in its order, keys included."""
    waiting: list[tuple[Path, Any]] = [((), definition)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            yield from (((*path, key), key) for key in value if len(key) > 15)
            waiting.extend(((*path, key), value[key]) for key in reversed(value))
        elif isinstance(value, list):
            waiting.extend(((*path, index), value[index]) for index in reversed(range(len(value))))
