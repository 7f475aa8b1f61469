"""Compiled rules: what is wrong with a value, in one word."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from engine.answers.reading import UNKNOWN, Reading
from engine.folding import plain
from engine.validation.day_bounds import compile_day, iso_day
from engine.validation.patterns import compile_pattern
from engine.validation.rules import Rules
from engine.validation.schemas import checked_schema, compile_schema
from engine.variables import VariableError

Fault: TypeAlias = Literal[
    "",
    "too_short",
    "too_long",
    "too_small",
    "too_large",
    "not_allowed",
    "pattern",
    "schema",
    "too_early",
    "too_late",
]
"""What is wrong with a value; empty when nothing is."""
Test: TypeAlias = Callable[[Any, Reading], Fault]

_SAID: Final[Mapping[Fault, str]] = {
    "too_short": "the text is too short",
    "too_long": "the text is too long",
    "too_small": "the number is too small",
    "too_large": "the number is too large",
    "not_allowed": "this is none of the values allowed",
    "pattern": "the text does not match the pattern",
    "schema": "the value does not fit its schema",
    "too_early": "the day is too early",
    "too_late": "the day is too late",
}


class Check:
    """What `compile_rules` makes of rules."""

    __slots__ = ("_allowed", "_tests")

    def __init__(self, tests: Sequence[Test], allowed: Mapping[Hashable, Any] | None) -> None:
        self._tests = tuple(tests)
        self._allowed = allowed

    def __call__(self, value: Any, reading: Reading = UNKNOWN) -> Fault:
        """The first thing wrong with `value`. Days from today are checked when `reading.today` is known."""
        if self._allowed is not None and _key(value) not in self._allowed:
            return "not_allowed"
        for test in self._tests:
            fault = test(value, reading)
            if fault:
                return fault
        return ""

    def __bool__(self) -> bool:
        """Whether there is anything that it checks."""
        return bool(self._tests) or self._allowed is not None

    def canonical(self, value: Any) -> Any:
        """`value` as the enumeration spells it; any other value as it is."""
        return value if self._allowed is None else self._allowed.get(_key(value), value)


def compile_rules(rules: Rules) -> Check:
    """Raises ValueError for a pattern, schema or day that the model did not check."""
    tests: list[Test] = []
    if rules.min_length or rules.max_length is not None:
        tests.append(_length(rules.min_length, rules.max_length))
    if rules.minimum is not None or rules.maximum is not None:
        tests.append(_size(rules.minimum, rules.maximum))
    if rules.pattern is not None:
        tests.append(_pattern(rules.pattern))
    if rules.earliest is not None or rules.latest is not None:
        tests.append(_days(rules.earliest, rules.latest))
    if rules.schema_ is not None:
        tests.append(_schema(rules.schema_))
    return Check(
        tests, None if rules.enum is None else {_key(value): value for value in reversed(rules.enum)}
    )


def check_of(rules: Rules) -> Callable[[Any], Any] | None:
    """A variable's check: gives the value as it is kept, or raises VariableError; None without rules."""
    check = compile_rules(rules)
    if not check:
        return None

    def kept(value: Any) -> Any:
        fault = check(value)
        if fault:
            raise VariableError(_SAID[fault])
        return check.canonical(value)

    return kept


def _key(value: Any) -> Hashable:
    """What equal values of an enumeration have in common; True is not 1."""
    if isinstance(value, str):
        return plain(value)
    return (type(value) is bool, value) if isinstance(value, int | float) else None


def _length(least: int, most: int | None) -> Test:
    def test(value: Any, reading: Reading) -> Fault:
        if not isinstance(value, str):
            return ""
        if len(value) < least:
            return "too_short"
        return "too_long" if most is not None and len(value) > most else ""

    return test


def _size(least: float | None, most: float | None) -> Test:
    def test(value: Any, reading: Reading) -> Fault:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return ""
        if least is not None and not value >= least:
            return "too_small"
        return "too_large" if most is not None and not value <= most else ""

    return test


def _pattern(source: str) -> Test:
    matches = compile_pattern(source)
    return lambda value, reading: "pattern" if isinstance(value, str) and not matches(value) else ""


def _days(earliest: str | None, latest: str | None) -> Test:
    first = compile_day(earliest) if earliest is not None else None
    last = compile_day(latest) if latest is not None else None

    def test(value: Any, reading: Reading) -> Fault:
        given = iso_day(value) if isinstance(value, str) else None
        if given is None:
            return ""
        lower = first(reading.today) if first is not None else None
        upper = last(reading.today) if last is not None else None
        if lower is not None and given < lower:
            return "too_early"
        return "too_late" if upper is not None and given > upper else ""

    return test


def _schema(schema: dict[str, Any]) -> Test:
    fits = compile_schema(checked_schema(schema))
    return lambda value, reading: "" if fits(value) else "schema"
