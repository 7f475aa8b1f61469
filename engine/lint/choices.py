"""Choices: values that are compared with but can't be chosen, and titles that can't be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.fields import EACH, marked, select
from engine.folding import fold, plain
from engine.known import text
from engine.lint.flow import Flow, Remark
from engine.lint.types import strict_comparisons
from engine.nodes import KINDS
from engine.nodes.base import ALWAYS, ERROR
from engine.problems import shortened
from engine.templates import to_text

_SHOWN = 5


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them."""
    yield from _twins(flow)
    values = _values(flow)
    if values:
        yield from _comparisons(flow, values)
        yield from _cases(flow, values)


def _twins(flow: Flow) -> Iterator[Remark]:
    """Options with the same title: whoever types it is not understood, and whoever sees it can't decide."""
    for id in flow.nodes:
        seen: set[str] = set()
        for path, option in flow.items_of(id, "options"):
            title = plain(text(option.get("text")))
            if title and title in seen:
                message = f'another option has the title "{shortened(text(option.get("text")))}" too'
                yield Remark((*path, "text"), message, "give each option a title of its own")
            seen.add(title)


def _values(flow: Flow) -> dict[str, tuple[Any, ...]]:
    """The session's variables that only choices set, with all that they can be."""
    stored: dict[str, list[Any] | None] = {}
    for id in flow.nodes:
        config, type_ = flow.config_of(id), flow.type_of(id)
        choosing = type_ == "quick_reply" or (type_ == "input" and config.get("type") == "choice")
        kind = KINDS.get(type_)
        for path, mark in marked(kind.config) if kind is not None else ():
            for _, name in select(config, path) if mark == "variable" else ():
                if not isinstance(name, str):
                    continue
                known = stored.setdefault(name, [])
                if not choosing or config.get("skip_text") is not None:
                    stored[name] = None
                elif known is not None:
                    known += [_value(option) for _, option in flow.items_of(id, "options")]
    found = {}
    for name, values in stored.items():
        declared = flow.declared.get(name)
        variable = declared[1] if declared is not None else {}
        own = variable.get("scope", "session") == "session" and variable.get("type", "string") == "string"
        if values and own and all(isinstance(value, str) for value in values):
            default = variable.get("default")
            found[name] = tuple(dict.fromkeys([*values, *([default] if isinstance(default, str) else [])]))
    # A group of variables gives a scope to what has none.
    return {
        name: found[name]
        for name in found
        if name not in flow.declared or flow.declared[name][0][0] == "variables"
    }


def _value(option: dict[str, Any]) -> Any:
    value = option.get("value")
    return option.get("text") if value is None else value


def _comparisons(flow: Flow, values: dict[str, tuple[Any, ...]]) -> Iterator[Remark]:
    for path, kind, source in flow.texts:
        named = source in ALWAYS or source == ERROR or source in flow.known.conditions
        if kind not in ("expression", "condition") or (kind == "condition" and named):
            continue
        parsed = flow.parsed(source)
        for name, _, literal in strict_comparisons(parsed.tree if parsed is not None else None):
            if isinstance(literal, str) and literal and name in values and literal not in values[name]:
                yield _never(flow, path, name, literal, values[name])


def _cases(flow: Flow, values: dict[str, tuple[Any, ...]]) -> Iterator[Remark]:
    for id, node in flow.nodes.items():
        name = text(flow.config_of(id).get("value")).strip()
        if flow.type_of(id) != "switch" or name not in values:
            continue
        known = {plain(value) for value in values[name]}
        cases = select(flow.config_of(id), ("cases", EACH, "values", EACH), (*node.path, "config"))
        for path, value in cases:
            written = "" if isinstance(value, list | dict) else plain(to_text(value))
            if written and written not in known:
                yield _never(flow, path, name, str(value), values[name])


def _never(flow: Flow, path: Any, name: str, literal: str, values: tuple[Any, ...]) -> Remark:
    shown = ", ".join(f'"{shortened(value)}"' for value in values[:_SHOWN])
    more = ", …" if len(values) > _SHOWN else ""
    folded = next((value for value in values if fold(value) == fold(literal)), None)
    mend = (
        f'did you mean "{folded}"?'
        if folded
        else flow.suggest(literal, values, "compare it with one of these")
    )
    return Remark(path, f'"{name}" is never "{shortened(literal)}": the choices are {shown}{more}', mend)
