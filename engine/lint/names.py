"""Variables: read but never set, declared but never used, required but never asked for, computed in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.environment import BUILTINS
from engine.lint.flow import Flow, Remark


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them."""
    yield from _never_set(flow)
    yield from _unused(flow)
    yield from _circles(flow)


def _never_set(flow: Flow) -> Iterator[Remark]:
    known = flow.known.stored | flow.declared.keys() | BUILTINS
    mends: dict[str, str] = {}
    for path, names in flow.reads:
        for name in sorted(names - known):
            if name in flow.known.conditions:
                mend = f'"{name}" is a condition; write it alone, or its expression'
            elif name not in mends:
                mend = flow.suggest(name, known, "set it in a node, or declare it with a default")
            else:
                mend = mends[name]
            mends[name] = mend
            yield Remark(path, f'nothing sets "{name}"', mend)


def _unused(flow: Flow) -> Iterator[Remark]:
    read = frozenset(name for _, names in flow.reads for name in names)
    for name, (path, variable) in flow.declared.items():
        stored = name in flow.known.stored
        # What is declared for a customer or the whole bot may be there for others to set and read.
        own = path[0] == "variables" and variable.get("scope", "session") == "session"
        given = variable.get("default") is not None or variable.get("computed") is True
        if own and variable.get("required") is True and not stored and not given:
            mend = "ask for it with an input node, or set it"
            yield Remark(path, f'"{name}" is required, and no node sets it', mend)
        elif own and not stored and name not in read:
            yield Remark(path, f'"{name}" is declared and never used', "use it, or remove it")
        elif own and not stored and not given and variable.get("persistence") is not True:
            mend = "set it in a node, or give it a default"
            yield Remark(path, f'"{name}" is read, and nothing sets it', mend)


def _circles(flow: Flow) -> Iterator[Remark]:
    """Computed variables that need themselves."""
    needs: dict[str, frozenset[str]] = {}
    for name, (_, variable) in flow.declared.items():
        expression = variable.get("expression")
        parsed = flow.parsed(expression) if isinstance(expression, str) else None
        if parsed is not None:
            needs[name] = parsed.names
    for name in _circular(needs):
        path = (*flow.declared[name][0], "expression")
        yield Remark(path, f'"{name}" is computed from itself', "break the circle", "error")


def _circular(needs: Mapping[str, frozenset[str]]) -> list[str]:
    """The names in circles or behind them: what is left when all that can be computed is taken away."""
    left = {name: needed & needs.keys() for name, needed in needs.items()}
    while ready := [name for name, needed in left.items() if not needed & left.keys()]:
        for name in ready:
            del left[name]
    # What only needs a circle is in none itself: take away from the other end too.
    while loose := left.keys() - frozenset(name for needed in left.values() for name in needed):
        for name in loose:
            del left[name]
    return [name for name in needs if name in left]
