"""Reading `test_scenarios`: every mistake at once, those included that only the flow can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

import msgspec
from pydantic import ValidationError

from engine.bot import Bot
from engine.check import measure
from engine.effects import Effect
from engine.fields import EACH, select
from engine.known import raw_nodes, text
from engine.nodes.base import choice_id
from engine.problems import Finding, FlowInvalid, Path, Problem, findings_of, place_of, shortened, suggestion
from engine.scenarios.model import Scenarios
from engine.variables import VariableError, fit

SECTION: Final = "test_scenarios"
_GROUPS: Final = ("unit_tests", "integration_tests")

_EFFECTS: Final[Mapping[str, frozenset[str]]] = {
    str(kind.__struct_config__.tag): frozenset(field.name for field in msgspec.structs.fields(kind))
    for kind in get_args(Effect)
}
"""Type of effect -> its fields."""


def read_scenarios(raw: Any, bot: Bot) -> Scenarios:
    """The scenarios of a compiled flow. Raises FlowInvalid with every problem; places begin at `test_scenarios`."""
    unreadable = measure(raw)
    if unreadable is not None:
        place = f"{SECTION}.{unreadable.place}" if unreadable.place else SECTION
        raise FlowInvalid(
            [msgspec.structs.replace(unreadable, place=place, path=(SECTION, *unreadable.path))]
        )
    scenarios: Scenarios | None = None
    findings: list[Finding] = []
    try:
        scenarios = Scenarios.model_validate(raw)
    except ValidationError as error:
        found = findings_of(error, Scenarios)
        findings.extend((_as_written(path, raw), message, mend) for path, message, mend in found)
    findings.extend(_references(raw, bot))
    if findings or scenarios is None:
        raise FlowInvalid(_problem(*finding) for finding in sorted(findings, key=_order))
    return scenarios


def _problem(path: Path, message: str, mend: str) -> Problem:
    full = (SECTION, *path)
    return Problem(place=place_of(full), message=message, mend=mend, path=full)


def _as_written(path: Path, raw: Any) -> Path:
    """The path in the document: what may be written without its list is not counted as one."""
    written: list[str | int] = []
    for step in path:
        if isinstance(step, int) and not isinstance(raw, list):
            continue
        written.append(step)
        if isinstance(raw, dict):
            raw = raw.get(step)
        elif isinstance(raw, list) and isinstance(step, int):
            raw = raw[step] if step < len(raw) else None
    return tuple(written)


def _order(finding: Finding) -> tuple[int, int]:
    """Test by test, the unit tests first."""
    path = finding[0]
    group = _GROUPS.index(str(path[0])) if path and path[0] in _GROUPS else len(_GROUPS)
    return group, path[1] if len(path) > 1 and isinstance(path[1], int) else 0


def _references(raw: Any, bot: Bot) -> Iterator[Finding]:
    """Names of tests, nodes, variables, actions and effects, in raw data: a wrong type elsewhere hides none."""
    seen: dict[str, Path] = {}
    for path, name in _in_tests(raw, "name"):
        if isinstance(name, str):
            if name in seen:
                message = f'"{shortened(name)}" is the name of {place_of(seen[name])} too'
                yield path, message, "give each test a name of its own"
            seen.setdefault(name, path[:-1])
    for path, node in (*_expected(raw, "expected_node"), *_expected(raw, "expected_nodes", EACH)):
        yield from _node(path, node, bot)
    for path, _ in _in_tests(raw, "stubs", EACH):
        yield from _node(path, path[-1], bot)
    for path, value in _in_tests(raw, "variables", EACH):
        yield from _variable(path, str(path[-1]), value, bot)
    for path, action in _expected(raw, "expected_action"):
        if isinstance(action, str) and action not in bot.actions.by_name:
            mend = suggestion(action, bot.actions.by_name, "name one of the flow's")
            yield path, f'there is no global action "{shortened(action)}"', mend
    for path, effect in _expected(raw, "expected_effects", EACH):
        if isinstance(effect, dict):
            yield from _effect(path, effect)


def _in_tests(raw: Any, *path: str) -> Iterator[tuple[Path, Any]]:
    for group in _GROUPS:
        yield from select(raw, (group, EACH, *path))


def _expected(raw: Any, *path: str) -> Iterator[tuple[Path, Any]]:
    yield from _in_tests(raw, *path)
    yield from _in_tests(raw, "steps", EACH, *path)


def _node(path: Path, id: Any, bot: Bot) -> Iterator[Finding]:
    if isinstance(id, str) and id not in bot.nodes:
        mend = suggestion(id, bot.nodes, "name a node of the flow")
        yield path, f'there is no node "{shortened(id)}"', mend


def _variable(path: Path, name: str, value: Any, bot: Bot) -> Iterator[Finding]:
    declared = bot.variables.get(name)
    if declared is None:
        return
    try:
        if declared.compute is not None:
            raise VariableError(f'"{name}" is computed and can\'t be set')
        value = fit(value, declared.type)
        if declared.check is not None and value is not None:
            declared.check(value)
    except VariableError as error:
        yield path, str(error), "give it another value, or leave it out"


def _effect(path: Path, expected: Mapping[str, Any]) -> Iterator[Finding]:
    kind = text(expected.get("type"))
    if kind not in _EFFECTS:
        message = f'there is no effect "{shortened(kind)}"' if kind else "the effect has no type"
        yield (*path, "type"), message, suggestion(kind, _EFFECTS, f"use one of {', '.join(_EFFECTS)}")
        return
    for key in expected:
        if key != "type" and key not in _EFFECTS[kind]:
            mend = suggestion(key, _EFFECTS[kind], f"it has {', '.join(sorted(_EFFECTS[kind]))}")
            yield (*path, key), f"a {kind} has no such field", mend


def option_values(definition: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """For each choice that an option of a node gives: what it can be called besides its title."""
    found = {}
    for located in raw_nodes(definition):
        config = located.node.get("config")
        options = config.get("options") if isinstance(config, dict) else None
        for index, option in enumerate(options if isinstance(options, list) else ()):
            if isinstance(option, dict):
                names = (option.get("text"), option.get("value"))
                found[choice_id(located.id, index)] = tuple(str(name) for name in names if name is not None)
    return found
