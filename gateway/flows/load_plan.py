"""What a load test does: the document's integration tests as a website's visitors would play them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.bot import Bot
from engine.effects import Send
from engine.nodes.base import choice_id
from engine.scenarios import LoadTest, Scenarios
from engine.scenarios.beginning import begin
from engine.scenarios.model import MAX_SECONDS, MAX_USERS, IntegrationTest, Step, UnitTest
from engine.scenarios.reading import option_values
from engine.scenarios.runner import play
from engine.scenarios.world import Impossible
from gateway.errors import GatewayError


class LoadError(GatewayError):
    """The load test could not be run."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a visitor."""

    text: str = ""
    choice: str = ""
    """A title, a value or an id that was on offer; instead of a text."""
    opens: bool = False
    """The panel is opened and nothing is said."""
    answers: int = 1
    """How many messages the bot is going to send."""
    own_delay_ms: int = 0
    """The flow's delay before the first of them, when no typing indicator stands for it."""
    whole_delay_ms: int = 0
    """The flow's delay before the last of them."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run."""

    test: LoadTest
    scripts: tuple[tuple[Line, ...], ...]
    left_out: int = 0
    """Steps that a widget can't make, such as sharing a place."""

    @classmethod
    def of(
        cls,
        scenarios: Scenarios,
        bot: Bot,
        definition: Mapping[str, Any],
        *,
        users: int = 0,
        seconds: int = 0,
    ) -> Plan:
        """The plan of a document; `users` and `seconds` replace its own when they are not 0. Raises LoadError."""
        if scenarios.load_tests is None:
            raise LoadError('the document has no "load_tests" in its test_scenarios')
        if users > MAX_USERS or seconds > MAX_SECONDS:
            raise LoadError(f"at most {MAX_USERS} users and {MAX_SECONDS} seconds")
        changes = {"concurrent_users": users, "duration_seconds": seconds}
        test = scenarios.load_tests.model_copy(update={key: value for key, value in changes.items() if value})
        names = option_values(definition)
        scripts, left_out = [], 0
        cases: Sequence[UnitTest | IntegrationTest] = scenarios.integration_tests or scenarios.unit_tests
        for case in cases:
            steps = case.steps if isinstance(case, IntegrationTest) else [case]
            script = _rehearsed(case, steps, bot, definition, names)
            left_out += len(steps) - len(script)
            scripts.append(script)
        scripts = [script for script in scripts if script]
        if not scripts:
            raise LoadError("no test of the document says anything that a website's visitor can say")
        return cls(test=test, scripts=tuple(scripts), left_out=left_out)


def _rehearsed(
    case: UnitTest | IntegrationTest,
    steps: Sequence[Step],
    bot: Bot,
    definition: Mapping[str, Any],
    names: Mapping[str, tuple[str, ...]],
) -> tuple[Line, ...]:
    """What a visitor says in a test, with the answers that the flow gives here, in memory."""
    lines: list[Line] = []
    try:
        world = begin(case, bot, definition, names)
        for step in steps:
            offered = dict(world.on_offer)
            moments = play(world, step, leave_open=True)
            sends = [
                effect for moment in moments for effect in moment.outcome.effects if isinstance(effect, Send)
            ]
            line = _line(step, offered, names)
            if line is not None:
                own = sends[0].delay_ms if sends and not sends[0].typing else 0
                whole = max((send.delay_ms for send in sends), default=0)
                lines.append(
                    msgspec.structs.replace(line, answers=len(sends), own_delay_ms=own, whole_delay_ms=whole)
                )
    except Impossible as error:
        raise LoadError(f'the test "{case.name}" fails by itself: {error}') from None
    return tuple(lines)


def _line(step: Step, offered: Mapping[str, str], names: Mapping[str, tuple[str, ...]]) -> Line | None:
    """What a widget sends for a step; None for what it can't."""
    if step.input is not None:
        return Line(text=step.input)
    if step.command is not None:
        return Line(text=f"/{step.command.removeprefix('/')}")
    if step.open:
        return Line(opens=True)
    if step.click is not None:
        node, _, index = step.click.rpartition(":")
        if node and index.isdecimal():
            return Line(choice=choice_id(node, int(index)))
        for id, title in offered.items():
            if step.click == title or step.click in names.get(id, ()):
                return Line(choice=id)
        return Line(choice=step.click)
    return None
