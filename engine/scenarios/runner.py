"""Runs the tests that a document carries: the same step as in production, under a clock of each test's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from engine.bot import Bot
from engine.compile import compile_flow
from engine.document import definition_of
from engine.errors import EngineError
from engine.events import (
    AlbumReceived,
    CommandReceived,
    ContactReceived,
    Context,
    ConversationOpened,
    EventBody,
    FormSubmitted,
    LocationReceived,
    MediaReceived,
    OrderItem,
    OrderPlaced,
    ReactionReceived,
    TextReceived,
)
from engine.languages import Detect
from engine.messages import OutboundMessage
from engine.problems import place_of, suggestion
from engine.scenarios.beginning import begin
from engine.scenarios.coverage import Coverage, coverage
from engine.scenarios.expectations import Difference, Failure, differences, readable_text
from engine.scenarios.model import Expectations, IntegrationTest, Step, UnitTest, duration
from engine.scenarios.narrate import narrate, thresholds_of
from engine.scenarios.reading import SECTION, option_values, read_scenarios
from engine.scenarios.world import Impossible, Moment, World, offered_by
from engine.state import TraceEntry
from engine.understanding.intents import Embed

LAST: Final = "last"
"""The message that a test's customer reacts to: which one it is makes no difference."""
_ENDS_CALLS: Final = frozenset({"result", "timeout", "wait"})


class NoSuchTest(EngineError):
    """No test has that name."""


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """One step as it went."""

    number: int
    did: str
    """What happened, such as `says "Hello"`."""
    said: tuple[str, ...]
    """The bot's messages, their choices in brackets."""
    trace: tuple[TraceEntry, ...]
    story: tuple[str, ...]
    """The trace in words."""
    node: str
    """Where the conversation stands afterwards; empty when the session has ended."""
    at: datetime
    """The test's clock afterwards."""


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One test as it went. It ends with the first step that fails."""

    __test__ = False

    name: str
    kind: Literal["unit", "integration"]
    place: str
    steps: tuple[StepResult, ...]
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures

    def lines(self) -> list[str]:
        """In words: one line when it passed, and else what failed and what happened."""
        found = [f"{'ok  ' if self.passed else 'FAIL'}  {self.name}"]
        for failure in self.failures:
            step = next((step for step in self.steps if step.number == failure.step), None)
            where = f"step {failure.step}, {step.did}" if step is not None else "after the last step"
            found.append(f"      {where}: {failure.message}")
            if failure.expected is not None or failure.actual is not None:
                found.append(f"        expected: {_shown(failure.expected)}")
                found.append(f"        actual:   {_shown(failure.actual)}")
            found.append(f"        at {failure.place}")
        last = self.steps[-1] if self.failures and self.steps else None
        if last is not None:
            found.append("      what happened:")
            found.extend(f"        {line}" for line in last.story)
            found.extend(f"        bot: {line}" for text in last.said for line in text.splitlines())
        return found


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How the tests of a flow went."""

    tests: tuple[TestResult, ...]
    coverage: Coverage

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return all(test.passed for test in self.tests)

    def lines(self) -> list[str]:
        """In words."""
        failed = sum(not test.passed for test in self.tests)
        total = len(self.tests)
        count = f"{total} test{'' if total == 1 else 's'}"
        last = f"{count}: {total - failed} passed, {failed} failed." if failed else f"{count} passed."
        return [*(line for test in self.tests for line in test.lines()), last]


def run_scenarios(
    document: Mapping[str, Any],
    *,
    only: Collection[str] = (),
    embed: Embed | None = None,
    detect: Detect | None = None,
) -> Report:
    """Run the tests of a document, or of a definition with `test_scenarios` beside its own sections.

    `only` are the names of the tests to run, all of them when empty. `embed` and `detect` are those of the server
    (see `compile_flow`). Raises FlowInvalid with every problem of the flow, or of its tests, and NoSuchTest.
    """
    definition = definition_of(document)
    bot = compile_flow(definition, flow_id="test", embed=embed, detect=detect)
    scenarios = read_scenarios(document.get(SECTION, {}), bot)
    for name in only:
        if name not in scenarios.names:
            mend = suggestion(name, scenarios.names, "the document has no test of this name")
            raise NoSuchTest(f'there is no test "{name}"; {mend}')
    run = _Run(bot, definition)
    tests = tuple(
        run.test(place_of((SECTION, *path)), test)
        for path, test in scenarios.tests
        if not only or test.name in only
    )
    return Report(tests=tests, coverage=coverage(definition, ([*_trace(test)] for test in tests)))


def play(world: World, step: Step, *, leave_open: bool = False) -> list[Moment]:
    """Let a step happen; returns its moments. Raises Impossible, also for a call whose result nothing tells.

    With `leave_open` such a call stays open.
    """
    before = len(world.moments)
    body = event_of(step)
    context = msgspec.convert(step.context, Context) if step.context is not None else None
    if body is not None:
        world.happen(body, context)
    elif step.click is not None:
        world.click(step.click, context)
    elif step.wait is not None:
        world.wait(duration(step.wait))
    elif step.result is not None:
        world.finish(step.result)
    else:
        world.time_out()
    world.settle(gather=not step.more)
    if world.call is not None and not leave_open:
        raise Impossible(
            f'{world.call_node} makes a call, and nothing says what it comes to; add "stubs": '
            f'{{"{world.call_node}": {{…}}}} to the test, or a step with a "result"'
        )
    return world.moments[before:]


def event_of(step: Step) -> EventBody | None:
    """What the customer does in a step; None when the step is about a choice, the clock or a call."""
    match step:
        case Step(input=str(text)):
            return TextReceived(text=text)
        case Step(command=str(line)):
            command, _, argument = line.removeprefix("/").partition(" ")
            return CommandReceived(command=command, argument=argument)
        case Step(location=place) if place is not None:
            return LocationReceived(latitude=place.latitude, longitude=place.longitude, name=place.name)
        case Step(contact=contact) if contact is not None:
            return ContactReceived(phone=contact.phone, name=contact.name)
        case Step(media=media) if media is not None:
            return MediaReceived(**media.model_dump())
        case Step(album=files) if files is not None:
            items = tuple(MediaReceived(**file.model_dump()) for file in files)
            return AlbumReceived(
                items=items, caption="\n".join(item.caption for item in items if item.caption)
            )
        case Step(form=form) if form is not None:
            return FormSubmitted(**form.model_dump())
        case Step(order=order) if order is not None:
            bought = tuple(OrderItem(**item.model_dump()) for item in order.items)
            return OrderPlaced(items=bought, catalog=order.catalog, text=order.text)
        case Step(reaction=emoji) if emoji is not None:
            return ReactionReceived(emoji=tuple(emoji), message=LAST)
        case Step(event=given) if given is not None:
            event: EventBody = msgspec.convert(given, EventBody)
            return event
        case Step(open=True):
            return ConversationOpened()
        case _:
            return None


def shown(moment: Moment) -> list[str]:
    """The bot's messages of a moment, each with its choices in brackets and what it carries."""
    found = []
    for message in moment.messages:
        titles = " | ".join(title for _, title in offered_by(message))
        media = [f"({item.kind}: {item.url})" for item in message.media]
        parts = [readable_text(message), *media, *carried(message), f"[{titles}]" if titles else ""]
        found.append(" ".join(part for part in parts if part))
    return found


def carried(message: OutboundMessage) -> Iterator[str]:
    """What a message carries besides text, media, cards and choices, each in brackets."""
    yield from (f"({link.title} → {link.form or link.url})" for link in message.links)
    if message.location is not None:
        place = message.location
        yield f"(place: {place.name or place.address} {place.latitude:g}, {place.longitude:g})"
    if message.contact is not None:
        yield f"(contact: {message.contact.name} {message.contact.phone})"
    if message.template is not None:
        yield f"(template: {message.template.key})"
    if message.reaction is not None:
        yield f"(reacts: {message.reaction.emoji or 'no more'})"
    if message.inline is not None:
        yield f"(offers: {' | '.join(result.title for result in message.inline.results) or 'nothing'})"


class _Run:
    """Runs one test after the other on the same bot."""

    def __init__(self, bot: Bot, definition: Mapping[str, Any]) -> None:
        self._bot = bot
        self._definition = definition
        self._thresholds = thresholds_of(definition)
        self._names = option_values(definition)

    def test(self, place: str, test: UnitTest | IntegrationTest) -> TestResult:
        unit = isinstance(test, UnitTest)
        steps = (test,) if isinstance(test, UnitTest) else tuple(test.steps)
        results: list[StepResult] = []
        failures: list[Failure] = []
        try:
            world = begin(test, self._bot, self._definition, self._names)
        except Impossible as error:
            failures = [Failure(place=place, step=0, message=str(error))]
            steps = ()
        for index, step in enumerate(steps):
            later = any(other.kind in _ENDS_CALLS for other in steps[index + 1 :])
            step_place = place if unit else f"{place}.steps[{index}]"
            result, failures = self._step(world, step, index + 1, step_place, leave_open=later)
            results.append(result)
            if failures:
                break
        if not failures and not unit:
            failures = _failures(test, world.moments, world, 0, place)
        return TestResult(
            name=test.name,
            kind="unit" if unit else "integration",
            place=place,
            steps=tuple(results),
            failures=tuple(failures),
        )

    def _step(
        self, world: World, step: Step, number: int, place: str, *, leave_open: bool
    ) -> tuple[StepResult, list[Failure]]:
        before = len(world.moments)
        failures: list[Failure] = []
        try:
            moments = play(world, step, leave_open=leave_open)
            failures = _failures(step, moments, world, number, place)
        except Impossible as error:
            moments = world.moments[before:]
            failures = [Failure(place=f"{place}.{step.kind}", step=number, message=str(error))]
        trace = tuple(entry for moment in moments for entry in moment.outcome.trace)
        result = StepResult(
            number=number,
            did=described(step),
            said=tuple(text for moment in moments for text in shown(moment)),
            trace=trace,
            story=tuple(narrate(trace, self._thresholds)),
            node=world.place,
            at=world.now,
        )
        return result, failures


def described(step: Step) -> str:
    """What happens in a step, in a few words."""
    value = getattr(step, step.kind)
    match step.kind:
        case "input":
            return f'says "{value}"'
        case "click":
            return f'clicks "{value}"'
        case "command":
            return f"sends /{value.removeprefix('/')}"
        case "wait":
            return f"{value} pass"
        case "timeout":
            return "the timer fires"
        case "open":
            return "opens the chat"
        case "result":
            return "the call ends"
        case "reaction":
            return f"reacts {' '.join(value)}".rstrip() if value else "takes a reaction back"
        case "album":
            return f"sends {len(value)} files as one"
        case "order":
            return "sends an order"
        case "event":
            return f"the event {value['type']} comes"
        case kind:
            return f"sends a {kind}"


def _failures(
    expected: Expectations, moments: list[Moment], world: World, step: int, place: str
) -> list[Failure]:
    found: Iterator[Difference] = differences(expected, moments, world)
    return [
        Failure(place=f"{place}.{key}", step=step, message=message, expected=wanted, actual=actual)
        for key, message, wanted, actual in found
        if step or key in expected.model_fields_set
    ]


def _trace(test: TestResult) -> Iterator[TraceEntry]:
    for step in test.steps:
        yield from step.trace


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()
