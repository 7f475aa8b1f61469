"""`input`: asks a question and keeps the answer.

While it waits, the answer is the customer's own: a global action acts only when its keyword is the whole answer,
or when its priority is `high` (see `engine.actions`). `yes_no` offers two choices and takes words as well; a
shared contact card answers `phone`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from pydantic import Field

from engine.answers import read_email, read_integer, read_number, read_phone, read_yes_no
from engine.fields import Name, NodeRef, Part, TemplateText, VariableName
from engine.folding import plain
from engine.messages import Choice
from engine.nodes.base import Connection, Next, Node, SpeakingConfig, Speech, Tools, choice_id

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_ANSWER = 4_000
"""Code points of a text answer."""
MAX_RETRIES = 20

InputType: TypeAlias = Literal["text", "number", "integer", "email", "phone", "yes_no"]

_RETRY: Final[Mapping[InputType, str]] = {
    "text": "Sorry, I cannot use that answer. Could you write it once more?",
    "number": "Please answer with a number, such as 12.5.",
    "integer": "Please answer with a whole number, such as 3.",
    "email": "That does not look like an e-mail address. Please write it like name@example.com.",
    "phone": "That does not look like a phone number. Please write it like +49 30 1234567.",
    "yes_no": "Please answer with yes or no.",
}


class Validation(Part):
    """What an answer must be, besides being of its type."""

    min_length: int = Field(0, ge=0, description="Fewest characters of a text.")
    max_length: int = Field(MAX_ANSWER, ge=1, le=MAX_ANSWER, description="Most characters of a text.")
    minimum: float | None = Field(None, description="The least number.")
    maximum: float | None = Field(None, description="The greatest number.")
    enum: list[Name] | None = Field(
        None, min_length=1, max_length=1000, description="The only texts allowed; case does not matter."
    )


class InputConfig(SpeakingConfig):
    """Asks, checks the answer, and stores it."""

    message: TemplateText = Field(description="The question, a template.")
    type: InputType = Field("text", description="What kind of answer is wanted.")
    variable: VariableName = Field(description="Where the answer is stored.")
    validation: Validation = Field(default_factory=Validation)
    retry_message: TemplateText | None = Field(
        None, description="What is said when the answer does not do; a sentence for the type if absent."
    )
    retries: int = Field(2, ge=0, le=MAX_RETRIES, description="How often it is asked again.")
    fallback_target: NodeRef | None = Field(
        None, description="Id of the node to go to after the last retry; otherwise the flow's fallback node."
    )
    yes_text: Name = Field("Yes", min_length=1, description="The title of the first choice of yes_no.")
    no_text: Name = Field("No", min_length=1, description="The title of the second choice of yes_no.")


class InputNode(Node):
    """A compiled `input`."""

    __slots__ = ("_config", "_read", "_retry", "_speech", "_titles")

    free_text = True

    def __init__(
        self, id: str, connections: tuple[Connection, ...], speech: Speech, retry: Speech, config: InputConfig
    ) -> None:
        super().__init__(id, connections, speech.choices)
        self._speech = speech
        self._retry = retry
        self._config = config
        self._read = _READERS.get(config.type) or _text_reader(config.validation)
        names = ((config.yes_text, "1"), (config.no_text, "2")) if config.type == "yes_no" else ()
        self._titles = {plain(name): index for index, pair in enumerate(names) for name in pair}

    def enter(self, turn: Turn) -> Next:
        self._speech.say(turn)
        turn.wait(self.id)
        return None

    def offer(self, turn: Turn) -> None:
        self._speech.say(turn)
        turn.wait(self.id, attempts=turn.asked.attempts if turn.asked is not None else 0)

    def pick(self, turn: Turn) -> int | None:
        return self._titles.get(plain(turn.text)) if self._titles else None

    def choose(self, turn: Turn, index: int) -> Next:
        return self._keep(turn, index == 0)

    def answer(self, turn: Turn) -> Next:
        given = turn.contact if turn.contact and self._config.type == "phone" else turn.text
        value = self._read(given)
        if value is not None and self._within(value):
            return self._keep(turn, value)
        attempts = turn.asked.attempts + 1 if turn.asked is not None else 1
        turn.note("input", self.id, f"no {self._config.type}; {attempts} of {self._config.retries} retries")
        turn.unread = False
        if attempts <= self._config.retries:
            self._retry.say(turn)
            turn.wait(self.id, attempts=attempts)
            return None
        return self._give_up(turn)

    def _keep(self, turn: Turn, value: Any) -> Next:
        turn.unread = False
        turn.set(self._config.variable, value)
        turn.note("input", self.id, f"stored in {self._config.variable}")
        return self.follow(turn)

    def _give_up(self, turn: Turn) -> Next:
        target = self._config.fallback_target or turn.fall_back("no usable answer")
        if target is None:
            self._retry.say(turn)
            turn.wait(self.id)
        return target

    def _within(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        rules = self._config.validation
        above = rules.minimum is None or value >= rules.minimum
        return above and (rules.maximum is None or value <= rules.maximum)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "number": read_number,
    "integer": read_integer,
    "email": read_email,
    "phone": read_phone,
    "yes_no": read_yes_no,
}


def _text_reader(rules: Validation) -> Callable[[str], str | None]:
    allowed = None if rules.enum is None else {plain(text): text for text in rules.enum}

    def read(text: str) -> str | None:
        text = text.strip()
        if allowed is not None:
            return allowed.get(plain(text))
        return text if max(1, rules.min_length) <= len(text) <= rules.max_length else None

    return read


def build(definition: NodeDefinition, config: InputConfig, tools: Tools) -> InputNode:
    """Compile."""
    choices: tuple[Choice, ...] = ()
    if config.type == "yes_no":
        choices = tuple(
            Choice(id=choice_id(definition.id, index), title=title)
            for index, title in enumerate((config.yes_text, config.no_text))
        )
    speech = Speech(tools.template(config.message), config, choices)
    retry_text = config.retry_message if config.retry_message is not None else _RETRY[config.type]
    retry = Speech(tools.template(retry_text), SpeakingConfig(), choices)
    return InputNode(definition.id, tools.connections(definition), speech, retry, config)
