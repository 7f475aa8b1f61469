"""A turn's variables, read and kept where each is declared: in the session, with the customer, with the bot.

A session's own are in `Turn.variables`, where they are looked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import json

from engine.effects import Remember
from engine.expressions.values import UNDEFINED
from engine.variables import MAX_VARIABLES, VariableError, fit, storable

if TYPE_CHECKING:
    from engine.turn import Turn

MAX_COMPUTED_DEPTH: Final = 10
"""Computed variables that need each other."""
MAX_SESSION_BYTES: Final = 262_144
"""Of a session's variables together, as JSON: every turn reads and writes them."""
LONG_TEXT: Final = 1_000
"""Code points; shorter values are kept without measuring the others."""

_encode = json.Encoder().encode


def keep(turn: Turn, name: str, value: Any) -> None:
    """Keep a variable. Raises VariableError when the value does not fit its declaration."""
    variable = turn.bot.variables.get(name)
    if variable is None:
        value = storable(value)
    else:
        value = fit(value, variable.type)
        if variable.compute is not None:
            raise VariableError(f'"{name}" is computed and can\'t be set')
        if variable.check is not None and value is not None:
            value = variable.check(value)
        if variable.scope != "session":
            _remember(turn, variable.scope, name, value)
            return
    if not turn.own_variables:
        turn.variables = dict(turn.variables)
        turn.own_variables = True
    if name not in turn.variables and len(turn.variables) >= MAX_VARIABLES:
        raise VariableError(f"a conversation keeps at most {MAX_VARIABLES} variables")
    if isinstance(value, list | dict) or (isinstance(value, str) and len(value) > LONG_TEXT):
        _measure({**turn.variables, name: value})
    turn.variables[name] = value


def declared(turn: Turn, name: str) -> Any:
    """The value of a variable that the session does not have; UNDEFINED when nothing declares it."""
    variable = turn.bot.variables.get(name)
    if variable is None:
        return UNDEFINED
    if variable.compute is not None:
        return _compute(turn, name, variable.compute)
    if variable.scope == "session":
        return variable.default
    kept = turn.customer_variables if variable.scope == "customer" else turn.shared
    return kept.get(name, variable.default)


def _measure(variables: Mapping[str, Any]) -> None:
    """Raise VariableError when the session's variables together have become too large."""
    if len(_encode(variables)) > MAX_SESSION_BYTES:
        raise VariableError(f"the variables of a session hold at most {MAX_SESSION_BYTES // 1024} KiB")


def _compute(turn: Turn, name: str, compute: Callable[[Turn], Any]) -> Any:
    if name in turn.computing or len(turn.computing) >= MAX_COMPUTED_DEPTH:
        raise VariableError(f'"{name}" is computed from itself')
    turn.computing = (*turn.computing, name)
    try:
        return compute(turn)
    finally:
        turn.computing = turn.computing[:-1]


def _remember(turn: Turn, scope: Literal["customer", "bot"], name: str, value: Any) -> None:
    kept = turn.customer_variables if scope == "customer" else turn.shared
    if name not in kept and len(kept) >= MAX_VARIABLES:
        raise VariableError(f"a {scope} keeps at most {MAX_VARIABLES} variables")
    changed = {**kept, name: value}
    if scope == "customer":
        turn.customer_variables = changed
    else:
        turn.shared = changed
    turn.effects.append(Remember(scope=scope, values={name: value}))
