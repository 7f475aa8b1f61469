"""The tests that a document carries, as bot builders write them under `test_scenarios`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from engine.environment import zone
from engine.fields import Name, Part
from engine.gathering import MAX_PIECES
from engine.messages import SpanKind
from engine.problems import Path
from engine.scenarios.sent import Contact, GivenContext, GivenEvent, Media, Place, SentForm, SentOrder, Words

MAX_TESTS: Final = 2_000
MAX_STEPS: Final = 500
MAX_EXPECTED: Final = 200
MAX_WAIT: Final = timedelta(days=3_650)
MAX_USERS: Final = 5_000
MAX_SECONDS: Final = 3_600

INPUTS: Final = (
    "input", "click", "command", "location", "contact", "media", "album", "form", "order", "reaction", "event", "open",
    "wait", "timeout", "result",
)  # fmt: skip
"""What a step can let happen; each step has one of them."""

_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def duration(text: str) -> timedelta:
    """`2h`, `90s` or `1d12h` as a time span. Raises ValueError."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("this is no time span; write it like 90s, 15m, 2h or 1d12h")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > MAX_WAIT.total_seconds():
        raise ValueError(f"this is longer than {MAX_WAIT.days} days; write less")
    return timedelta(seconds=seconds)


def _is_duration(text: str) -> str:
    duration(text)
    return text


def _is_moment(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("this is no time; write it like 2026-01-14T10:00 or 2026-01-14T10:00:00Z") from None
    return text


def _is_zone(text: str) -> str:
    if zone(text) is None:
        raise ValueError("there is no such time zone; use an IANA name such as Europe/Berlin")
    return text


def _true_or_text(value: Any) -> Any:
    if isinstance(value, bool | str):
        return value
    raise ValueError("this is true, false, or a part of the error's text; write one of these")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


OneOrMore = Annotated[list[Words], BeforeValidator(_listed), Field(max_length=MAX_EXPECTED)]
"""A text, or a list of texts."""
Moment = Annotated[str, AfterValidator(_is_moment)]
"""An ISO 8601 time, with an offset or in the test's own time zone."""
Duration = Annotated[str, AfterValidator(_is_duration)]
TimeZone = Annotated[str, AfterValidator(_is_zone)]
TestName = Annotated[str, Field(min_length=1, max_length=200)]


class Look(Part):
    """How a stretch of a text looks."""

    kind: SpanKind
    text: Words = Field(description="The stretch.")
    value: Words | None = Field(None, description="A link's address, or the language of a pre.")


class FoundPassage(Part):
    """A piece of knowledge that a search finds."""

    text: Words
    score: float = Field(1.0, ge=0, le=1)
    title: Words = ""
    source: Words = ""


class Stub(Part):
    """What a call comes to: a response, found passages, a written answer, an error, or nothing in time."""

    status: int | None = Field(None, ge=100, le=599, description="Of the response; 200 if absent.")
    body: Any = Field(None, description="Of the response: any JSON, or a text.")
    headers: dict[str, str] = Field(default_factory=dict, description="Of the response.")
    passages: list[FoundPassage] = Field(
        default_factory=list, max_length=MAX_EXPECTED, description="What a search finds, best first."
    )
    text: Words | None = Field(None, description="What a language model writes.")
    error: Name = Field("", description="The call fails; what went wrong, such as `refused`.")
    timeout: bool = Field(False, description="No result ever comes: the call's timer fires.")


Stubs = Annotated[list[Stub], BeforeValidator(_listed), Field(min_length=1, max_length=MAX_EXPECTED)]
"""One stub for every call, or a list of them for one call after the other."""


class Expectations(Part):
    """What must be so after a step; at an integration test itself, after all of its steps."""

    expected_node: Name | None = Field(
        None, description="Id of a node that was entered, or where the conversation now stands or waits."
    )
    expected_nodes: list[Name] | None = Field(
        None,
        max_length=MAX_EXPECTED,
        description="Ids of nodes that were entered in this order; others may lie between them.",
    )
    expected_response_contains: OneOrMore = Field(
        default_factory=list, description="Texts that the bot's messages contain, exactly as written."
    )
    expected_response_not_contains: OneOrMore = Field(
        default_factory=list, description="Texts that the bot's messages do not contain."
    )
    expected_response_equals: OneOrMore | None = Field(
        None, description="The texts of the bot's messages, all of them."
    )
    expected_choices: list[Words] | None = Field(
        None, max_length=MAX_EXPECTED, description="The titles of the choices on offer in the last message."
    )
    expected_looks: list[Look] = Field(
        default_factory=list,
        max_length=MAX_EXPECTED,
        description="Stretches of the bot's messages that look so.",
    )
    expected_links: list[Words] | None = Field(
        None,
        max_length=MAX_EXPECTED,
        description="The titles of the links below the bot's messages, all of them.",
    )
    expected_location: dict[str, Any] | None = Field(
        None, description='Parts of the place that the bot shows, such as {"name": "Office"}.'
    )
    expected_contact: dict[str, Any] | None = Field(
        None, description="Parts of the contact that the bot shares."
    )
    expected_template: Words | None = Field(
        None, description="The key of the approved template that the bot sends."
    )
    expected_reaction: Words | None = Field(
        None,
        description="The emoji that the bot puts to the customer's message; empty when it takes it back.",
    )
    expected_variables: dict[str, Any] = Field(
        default_factory=dict, description="Variables with their values; null for one that has none."
    )
    expected_effects: list[dict[str, Any]] = Field(
        default_factory=list,
        max_length=MAX_EXPECTED,
        description='Parts of what was done, such as {"type": "record", "kind": "feedback"}.',
    )
    expected_language: Name | None = Field(None, description="The conversation's language.")
    expected_control: Literal["bot", "waiting", "human"] | None = Field(None, description="Who answers.")
    expected_intent: Name | None = Field(None, description="The intent that was understood; null for none.")
    expected_action: Name | None = Field(None, description="The global action that was called for.")
    expected_no_response: bool | None = Field(None, description="Whether the bot says nothing.")
    expected_error: Annotated[Any, AfterValidator(_true_or_text)] = Field(
        False, description="Whether an error happens, or a part of its text."
    )


class Step(Expectations):
    """One thing that happens, and what is expected of it."""

    input: Words | None = Field(None, description="The customer writes this.")
    click: Annotated[str, Field(min_length=1, max_length=300)] | None = Field(
        None, description="The customer presses a choice: its text, its value, or node:index from 0."
    )
    command: Annotated[str, Field(min_length=1, max_length=1_000)] | None = Field(
        None, description="The customer sends a command, such as `start`."
    )
    location: Place | None = None
    contact: Contact | None = None
    media: Media | None = None
    album: list[Media] | None = Field(
        None, min_length=1, max_length=MAX_PIECES, description="The customer sends these files as one."
    )
    form: SentForm | None = None
    order: SentOrder | None = None
    reaction: Annotated[list[Words], BeforeValidator(_listed)] | None = Field(
        None,
        max_length=10,
        description="The customer reacts to a message with this emoji, or these; none takes it back.",
    )
    event: GivenEvent | None = Field(
        None,
        description='Anything else that can happen, such as {"type": "members_changed", "joined": ["Ana"]}.',
    )
    open: Literal[True] | None = Field(None, description="The customer opens the chat and says nothing.")
    wait: Duration | None = Field(
        None, description="Time passes, such as 90s or 2h; timers that become due fire in order."
    )
    timeout: Literal[True] | None = Field(
        None, description="Time passes until the timer of the node that waits is due, and it fires."
    )
    result: Stub | None = Field(None, description="What the open call comes to.")
    more: bool = Field(
        False, description="More follows before the flow's burst window, or that of an album, has closed."
    )
    context: GivenContext | None = Field(
        None,
        description='How the message comes, such as {"place": "group", "mentioned": true}, or with a "referral".',
    )

    @model_validator(mode="after")
    def _one_input(self) -> Step:
        given = [name for name in INPUTS if getattr(self, name) is not None]
        if not given:
            raise ValueError('nothing happens here; add an "input"')
        if len(given) > 1:
            raise ValueError(f"only one thing happens in a step; keep one of {', '.join(given)}")
        if self.more and self.input is None and self.media is None:
            raise ValueError('"more" goes with an "input" or "media"; remove it')
        return self

    @property
    def kind(self) -> str:
        """Which of INPUTS it is."""
        return next(name for name in INPUTS if getattr(self, name) is not None)


class TestCustomer(Part):
    """The customer of a test. What the flow reads as `user.something` else is in `attributes`."""

    __test__ = False

    id: Name = "test-customer"
    first_name: Name = ""
    last_name: Name = ""
    email: Name = ""
    phone: Name = ""
    language: Name = ""
    timezone: TimeZone | None = None
    opted_out: bool = False
    attributes: dict[str, Any] = Field(default_factory=dict)


class Settings(Part):
    """Under which circumstances a test runs."""

    name: TestName
    start: Moment | None = Field(
        None,
        description="When it begins, on the test's own clock; otherwise Wednesday, 14 January 2026, 10:00 UTC.",
    )
    business_hours: bool | None = Field(
        None, description="Begin at a time when the business is open, or closed, by the flow's own condition."
    )
    timezone: TimeZone | None = Field(None, description="The customer's IANA time zone.")
    customer: TestCustomer = Field(default_factory=TestCustomer)
    language: Name = Field("", description="The language of the customer's profile.")
    channel: Name = Field("", description="The platform's name, such as telegram.")
    variables: dict[str, Any] = Field(
        default_factory=dict,
        description="Variables that are set at the beginning; each in its declared scope.",
    )
    stubs: dict[str, Stubs] = Field(
        default_factory=dict, description="For each node that makes a call, what the call comes to."
    )

    @model_validator(mode="after")
    def _one_start(self) -> Settings:
        if self.start is not None and self.business_hours is not None:
            raise ValueError('there are a "start" and "business_hours"; keep one of them')
        return self


class UnitTest(Step, Settings):
    """A test of one step."""


class IntegrationTest(Expectations, Settings):
    """A test of several steps."""

    steps: list[Step] = Field(min_length=1, max_length=MAX_STEPS)


class LoadTest(Part):
    """What a running server must bear; `gateway flow test --load` runs it."""

    concurrent_users: int = Field(ge=1, le=MAX_USERS)
    duration_seconds: int = Field(ge=1, le=MAX_SECONDS)
    expected_response_time_ms: float = Field(gt=0)
    percentile: float = Field(95, gt=0, le=100, description="Of the response times; 100 is the slowest.")
    think_time_ms: int = Field(
        1_000, ge=0, le=600_000, description="Between an answer and the visitor's next message."
    )


class Scenarios(Part):
    """The whole section `test_scenarios`."""

    unit_tests: list[UnitTest] = Field(default_factory=list, max_length=MAX_TESTS)
    integration_tests: list[IntegrationTest] = Field(default_factory=list, max_length=MAX_TESTS)
    load_tests: LoadTest | None = None

    @property
    def tests(self) -> Iterator[tuple[Path, UnitTest | IntegrationTest]]:
        """Every test with its place in the section."""
        for index, unit in enumerate(self.unit_tests):
            yield ("unit_tests", index), unit
        for index, integration in enumerate(self.integration_tests):
            yield ("integration_tests", index), integration

    @property
    def names(self) -> tuple[str, ...]:
        """The tests' names, in their order."""
        return tuple(test.name for _, test in self.tests)
