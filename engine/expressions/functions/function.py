"""What a function of the expression language is, and how one is described."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

Check: TypeAlias = Callable[[Any], object]
"""Refuses an argument that can never be right, with an `ExpressionError`."""

MOST_ARGUMENTS: Final = 32
_SIGNATURE: Final = re.compile(r"([\w.]+)\((.*)\)")
_NO_CHECKS: Final[Mapping[int, Check]] = MappingProxyType({})


class Function(NamedTuple):
    """A function: its Python form takes values and gives one, raises only `ExpressionError`, and is pure."""

    least: int
    most: int
    call: Callable[..., Any]
    signature: str = ""
    """As in the reference: `date(time, timezone?)`; `...values` stands for any number of arguments."""
    summary: str = ""
    """One sentence."""
    checks: Mapping[int, Check] = _NO_CHECKS
    """By an argument's position: what holds it when it is a constant, as the expression is compiled."""


FunctionTable: TypeAlias = Mapping[str, Function]
"""By name; a dotted name such as `Math.floor` is called like a method and wins over a variable `Math`."""


def described(
    signature: str, summary: str, call: Callable[..., Any], checks: Mapping[int, Check] = _NO_CHECKS
) -> tuple[str, Function]:
    """A function under its name; how many arguments it takes is read from `signature`."""
    match = _SIGNATURE.fullmatch(signature)
    if match is None:
        raise ValueError(f"{signature!r} is not written as name(first, second?, ...others)")
    parameters = match[2].split(", ") if match[2] else []
    least = sum(not parameter.endswith("?") and not parameter.startswith("...") for parameter in parameters)
    repeats = any(parameter.startswith("...") for parameter in parameters)
    most = MOST_ARGUMENTS if repeats else len(parameters)
    return match[1], Function(least, most, call, signature, summary, checks)
