"""`input`: asks a question and keeps the answer.

While it waits, the answer is the customer's own: a global action acts only when its keyword is the whole answer,
or when its priority is `high` (see `engine.actions`). `yes_no` and `choice` offer buttons and take words as well; a
shared contact card answers `phone`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from engine.answers import (
    Reading,
    read_choice,
    read_date,
    read_email,
    read_integer,
    read_number,
    read_phone,
    read_time,
    read_url,
    read_yes_no,
)
from engine.events import EventBody
from engine.fields import Label, NodeRef, Part, Seconds, SpokenText, VariableName
from engine.messages import MediaKind, Request
from engine.nodes.base import Connection, Next, Node, SpeakingConfig, scalar
from engine.nodes.retries import Reason, Retries, RuleSentences
from engine.nodes.sent import SENT_AS, sent_contact, sent_file, sent_form, sent_location, sent_order
from engine.nodes.texts import Menu, Speech
from engine.nodes.titles import Titles, titles_of
from engine.nodes.tools import Tools
from engine.scopes import keep
from engine.state import TraceEntry
from engine.validation import Rules, compile_rules
from engine.waits import wait

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_ANSWER: Final = 4_000
"""Code points of a text answer."""
MAX_RETRIES: Final = 20
MAX_OPTIONS: Final = 100

InputType: TypeAlias = Literal[
    "text", "number", "integer", "email", "phone", "url", "date", "time", "file", "location", "contact", "choice",
    "yes_no", "form", "order",
]  # fmt: skip


class InputOption(Part):
    """One thing to choose."""

    text: Label = Field(description="What the customer sees.")
    value: Annotated[Any, AfterValidator(scalar)] = Field(
        None, description="What is stored; the text if absent."
    )


class InputConfig(SpeakingConfig):
    """Asks, checks the answer, and stores it."""

    message: SpokenText = Field(description="The question, a template.")
    type: InputType = Field("text", description="What kind of answer is wanted.")
    variable: VariableName = Field(description="Where the answer is stored.")
    validation: Rules = Field(default_factory=Rules, description="What the answer must be, besides its type.")
    options: list[InputOption] = Field(
        default_factory=list, max_length=MAX_OPTIONS, description="What can be chosen, for choice."
    )
    retry_message: SpokenText | None = Field(
        None,
        description="What is said when the answer does not do; a sentence for the reason or the type if absent.",
    )
    retry_messages: list[SpokenText] = Field(
        default_factory=list,
        max_length=MAX_RETRIES,
        description="What is said the first time, the second time, …; the last one serves for all that follow.",
    )
    error_messages: dict[Reason, SpokenText] = Field(
        default_factory=dict,
        description="What is said for a reason, before the messages above: `type`, `too_short`, `too_long`, "
        "`too_small`, `too_large`, `not_allowed`, `pattern`, `schema`, `too_early`, `too_late`.",
    )
    retries: int = Field(2, ge=0, le=MAX_RETRIES, description="How often it is asked again.")
    fallback_target: NodeRef | None = Field(
        None, description="Id of the node to go to after the last retry; otherwise the flow's fallback node."
    )
    timeout: Seconds = Field(0, description="Seconds to wait for an answer; 0 for ever.")
    timeout_target: NodeRef | None = Field(
        None, description="Id of the node to go to when they have passed; otherwise as after the last retry."
    )
    skip_text: Label | None = Field(
        None, description="The title of a button that leaves the question out; the variable is then null."
    )
    yes_text: Label | None = Field(None, description="The title of the first choice of yes_no.")
    no_text: Label | None = Field(None, description="The title of the second choice of yes_no.")
    accept: list[MediaKind] = Field(
        default_factory=list, description="Kinds of files, for file; all but stickers if empty."
    )
    max_bytes: int = Field(
        0, ge=0, description="The largest file, where the platform tells its size; 0 for any."
    )
    multiple: bool = Field(
        False, description="Whether a file answer is a list of all files that were sent as one album."
    )

    @model_validator(mode="after")
    def _consistent(self) -> InputConfig:
        if (self.type == "choice") != bool(self.options):
            raise ValueError('"options" and the type "choice" go together; write both or none')
        if self.multiple and self.type != "file":
            raise ValueError('only files come in several; remove "multiple", or ask for a file')
        if self.retry_message is not None and self.retry_messages:
            raise ValueError('"retry_message" and "retry_messages" mean the same; keep one of them')
        return self


class InputNode(Node):
    """A compiled `input`. The last of its choices leaves the question out, when it has a `skip_text`."""

    __slots__ = (
        "_check",
        "_config",
        "_labels",
        "_read",
        "_retries",
        "_speech",
        "_stored",
        "_titles",
        "_values",
    )

    free_text = True

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        speech: Speech,
        retries: Retries,
        menu: Menu,
        config: InputConfig,
    ) -> None:
        super().__init__(id, connections, menu.choices)
        self.paged = menu.paged
        self._speech = speech
        self._retries = retries
        self._config = config
        self._read = _READERS[config.type]
        self._check = compile_rules(config.validation)
        self._values = _values(config)
        numbered = len(self._values) if config.type in ("yes_no", "choice") else 0
        self._titles = Titles(titles_of(menu.labels), numbered)
        self._labels = menu.labels
        self._stored = TraceEntry(kind="input", at=id, detail=f"stored in {config.variable}")

    def enter(self, turn: Turn) -> Next:
        self._speech.say(turn)
        wait(turn, self.id, timeout=self._config.timeout)
        return None

    def offer(self, turn: Turn) -> None:
        self._speech.say(turn)
        # After a timeout the question waits without another timer: asking once into the silence is enough.
        timeout = 0 if turn.silent else self._config.timeout
        wait(turn, self.id, attempts=turn.asked.attempts if turn.asked is not None else 0, timeout=timeout)

    def show_page(self, turn: Turn, page: int) -> None:
        self._speech.show_page(turn, page)

    def takes(self, event: EventBody) -> bool:
        return isinstance(event, SENT_AS.get(self._config.type, ()))

    def pick(self, turn: Turn) -> int | None:
        return self._titles.find(turn)

    def choose(self, turn: Turn, index: int) -> Next:
        return self._keep(turn, self._values[index])

    def answer(self, turn: Turn) -> Next:
        if self._config.type == "choice" and (index := self._chosen(turn)) is not None:
            return self.choose(turn, index)
        reading = Reading(language=turn.reading_language, today=turn.local_time().date())
        value = self._read(turn, reading, self._config)
        reason: Reason = "type"
        if value is not None:
            reason = self._check(value, reading)
            if not reason:
                return self._keep(turn, self._check.canonical(value))
        attempts = turn.asked.attempts + 1 if turn.asked is not None else 1
        why = f"no {self._config.type}" if reason == "type" else reason
        turn.note("input", self.id, f"{why}; {attempts} of {self._config.retries} retries")
        turn.unread = False
        if attempts <= self._config.retries:
            self._retries.say(turn, reason, attempts)
            wait(turn, self.id, attempts=attempts, timeout=self._config.timeout)
            return None
        return self._give_up(turn, "no usable answer", reason)

    def timed_out(self, turn: Turn) -> Next:
        if self._config.timeout_target is not None:
            turn.note("fallback", self._config.timeout_target, "no answer in time")
            return self._config.timeout_target
        return self._give_up(turn, "no answer in time")

    def _chosen(self, turn: Turn) -> int | None:
        """The choice that is meant, in the customer's language or in any other."""
        if not turn.text:
            return None
        languages = (turn.language, *turn.bot.languages.supported)
        found = (read_choice(turn.text, self._options(language)) for language in dict.fromkeys(languages))
        return next((index for index in found if index is not None), None)

    def _options(self, language: str) -> list[tuple[str, str]]:
        """(title, value) of each choice; the one that leaves the question out has no value to be typed."""
        titles = (label(language) for label in self._labels)
        return [
            (title, title if value is None else str(value))
            for title, value in zip(titles, self._values, strict=True)
        ]

    def _keep(self, turn: Turn, value: Any) -> Next:
        turn.unread = False
        keep(turn, self._config.variable, value)
        turn.trace.append(self._stored)
        return self.follow(turn)

    def _give_up(self, turn: Turn, why: str, reason: Reason = "type") -> Next:
        target = self._config.fallback_target or turn.fall_back(why)
        if target is None:
            attempts = turn.asked.attempts if turn.asked is not None else 0
            self._retries.say(turn, reason, attempts + 1)
            wait(turn, self.id, attempts=attempts)
        return target


Read: TypeAlias = "Callable[[Turn, Reading, InputConfig], Any]"


def _of_text(read: Callable[[str, Reading], Any]) -> Read:
    return lambda turn, reading, config: read(turn.text, reading)


def _read_text(turn: Turn, reading: Reading, config: InputConfig) -> str | None:
    text = turn.text.strip()
    return text if 0 < len(text) <= MAX_ANSWER else None


def _read_phone(turn: Turn, reading: Reading, config: InputConfig) -> str | None:
    return read_phone(turn.contact or turn.text, reading)


_READERS: Final[Mapping[InputType, Read]] = {
    "text": _read_text,
    "number": _of_text(read_number),
    "integer": _of_text(read_integer),
    "email": _of_text(read_email),
    "phone": _read_phone,
    "url": _of_text(read_url),
    "date": _of_text(read_date),
    "time": _of_text(read_time),
    "file": sent_file,
    "location": sent_location,
    "contact": sent_contact,
    "choice": lambda turn, reading, config: None,
    "yes_no": _of_text(lambda text, reading: read_yes_no(text)),
    "form": sent_form,
    "order": sent_order,
}
_RETRY: Final[Mapping[InputType, str]] = {"form": "retry_submission"}
"""The sentence of a type, where it is not `retry_` and the type."""
_REQUESTS: Final[Mapping[InputType, Request]] = {
    "location": "location",
    "contact": "contact",
    "phone": "contact",
}


def _values(config: InputConfig) -> tuple[Any, ...]:
    """What each choice stores."""
    values: list[Any] = [option.text if option.value is None else option.value for option in config.options]
    if config.type == "yes_no":
        values = [True, False]
    return tuple([*values, None] if config.skip_text is not None else values)


def build(definition: NodeDefinition, config: InputConfig, tools: Tools) -> InputNode:
    """Compile."""
    id = definition.id
    labels = [tools.label(option.text, id) for option in config.options]
    if config.type == "yes_no":
        labels = [
            tools.label(text, id) if text is not None else tools.sentence_label(name)
            for text, name in ((config.yes_text, "yes"), (config.no_text, "no"))
        ]
    if config.skip_text is not None:
        labels.append(tools.label(config.skip_text, id))
    menu = tools.menu(id, labels, paged=True)
    request = _REQUESTS.get(config.type)

    def spoken(text: str | None) -> Speech:
        compiled = (
            tools.spoken(text, id, config.format)
            if text is not None
            else tools.sentence(_RETRY.get(config.type, f"retry_{config.type}"))
        )
        return Speech(compiled, SpeakingConfig(), menu, request)

    own = tuple(spoken(text) for text in config.retry_messages)
    if config.retry_message is not None:
        own = (spoken(config.retry_message),)
    by_reason = {reason: spoken(text) for reason, text in config.error_messages.items()}
    by_rule = RuleSentences(config.validation, menu, request) if not own else None
    retries = Retries(own or (spoken(None),), by_reason, by_rule)
    speech = Speech(tools.spoken(config.message, id, config.format), config, menu, request)
    return InputNode(id, tools.connections(definition), speech, retries, menu, config)
