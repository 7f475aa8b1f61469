"""`quick_reply`: offers a menu and waits for a choice, by button, by name, by value or by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.actions import ESCALATION, HANDOFF, Called, perform
from engine.answers import read_choice
from engine.fields import Label as LabelText
from engine.fields import NodeRef, Part, Seconds, SpokenText, VariableName
from engine.known import Known
from engine.nodes.base import Connection, Next, Node, SpeakingConfig, scalar
from engine.nodes.texts import Menu, Speech
from engine.nodes.titles import Titles, titles_of
from engine.nodes.tools import Tools
from engine.problems import Finding
from engine.scopes import keep
from engine.state import TraceEntry
from engine.waits import wait

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_OPTIONS = 100
MAX_RETRIES = 20


class Option(Part):
    """One thing to choose."""

    text: LabelText = Field(description="What the customer sees.")
    value: Annotated[Any, AfterValidator(scalar)] = Field(
        None, description="What is stored when it is chosen, and can be typed as well; its text if absent."
    )
    target: NodeRef | None = Field(
        None, description="Id of the node to go to; otherwise the connections are followed."
    )
    description: LabelText | None = Field(None, description="A second line, where the platform has one.")


class QuickReplyConfig(SpeakingConfig):
    """Offers options."""

    message: SpokenText = Field(description="The question, a template.")
    options: list[Option] = Field(min_length=1, max_length=MAX_OPTIONS)
    timeout: Seconds = Field(0, description="Seconds to wait before the fallback action; 0 for ever.")
    allow_free_text: bool = Field(
        True,
        description="Whether other text is taken along the connections (fallback action when there is none). "
        "If not, the question is repeated.",
    )
    retries: int = Field(
        2, ge=0, le=MAX_RETRIES, description="How often it is repeated before the fallback action."
    )
    retry_message: SpokenText | None = Field(None, description="What is said instead when it is repeated.")
    fallback_action: Literal["escalate_to_human", "restart", "repeat", "target"] | None = Field(
        None,
        description="What to do when nothing fits; otherwise go to fallback_target or to the fallback node.",
    )
    fallback_target: NodeRef | None = Field(None, description="Id of the node to go to when nothing fits.")
    variable: VariableName | None = Field(None, description="Where the chosen value is stored.")
    store_as: VariableName | None = Field(None, description="Another name of `variable`.")

    @model_validator(mode="after")
    def _consistent(self) -> QuickReplyConfig:
        if self.variable is not None and self.store_as is not None:
            raise ValueError('"variable" and "store_as" mean the same; keep one of them')
        if self.fallback_action == "target" and self.fallback_target is None:
            raise ValueError('the fallback action is "target" but there is none; add "fallback_target"')
        if self.fallback_action not in (None, "target") and self.fallback_target is not None:
            raise ValueError('there are a "fallback_action" and a "fallback_target"; keep one of them')
        return self

    def findings(self, known: Known) -> Iterator[Finding]:
        """Escalating needs somewhere to go."""
        reachable = ESCALATION in known.actions or HANDOFF in known.nodes.values()
        if self.fallback_action == "escalate_to_human" and not reachable:
            mend = f'add a global action named "{ESCALATION}" or a node of type {HANDOFF}'
            yield ("fallback_action",), "there is no human to escalate to", mend


class QuickReplyNode(Node):
    """A compiled `quick_reply`."""

    __slots__ = ("_again", "_chosen", "_config", "_labels", "_speech", "_titles", "_values", "_variable")

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        speech: Speech,
        again: Speech,
        menu: Menu,
        config: QuickReplyConfig,
    ) -> None:
        super().__init__(id, connections, menu.choices)
        self.paged = menu.paged
        self._speech = speech
        self._again = again
        self._config = config
        self._variable = config.variable or config.store_as
        self._values = tuple(
            option.text if option.value is None else option.value for option in config.options
        )
        self._chosen = tuple(
            TraceEntry(kind="choice", at=id, detail=option.text, value=value)
            for option, value in zip(config.options, self._values, strict=True)
        )
        values = [
            (str(option.value), index)
            for index, option in enumerate(config.options)
            if option.value is not None
        ]
        self._titles = Titles([*titles_of(menu.labels), *values], numbered=len(config.options))
        self._labels = menu.labels

    def enter(self, turn: Turn) -> Next:
        self._ask(turn, self._speech, 0)
        return None

    def offer(self, turn: Turn) -> None:
        # After a timeout the menu waits without another timer: asking once into the silence is enough.
        attempts = turn.asked.attempts if turn.asked is not None else 0
        self._ask(turn, self._speech, attempts, timer=turn.silent == 0)

    def show_page(self, turn: Turn, page: int) -> None:
        self._speech.show_page(turn, page)

    def pick(self, turn: Turn) -> int | None:
        return self._titles.find(turn)

    def choose(self, turn: Turn, index: int) -> Next:
        value = self._values[index]
        turn.trace.append(self._chosen[index])
        turn.unread = False
        if self._variable is not None:
            keep(turn, self._variable, value)
        return self._config.options[index].target or self.follow(turn)

    def answer(self, turn: Turn) -> Next:
        if self._config.allow_free_text and (target := self.follow(turn)) is not None:
            # The text stays unread: an ai_intent that the connections lead to reads it.
            return target
        if (near := self._nearly(turn)) is not None:
            return self.choose(turn, near)
        if self._config.allow_free_text:
            return self._give_up(turn, "no option was chosen")
        attempts = turn.asked.attempts + 1 if turn.asked is not None else 1
        if attempts > self._config.retries:
            return self._give_up(turn, f"no option was chosen in {attempts} answers")
        turn.note("choice", self.id, f"no option matches; asked again, {attempts} of {self._config.retries}")
        self._ask(turn, self._again, attempts)
        return None

    def _nearly(self, turn: Turn) -> int | None:
        """The one option that was probably meant: by its beginning, or with a slip of the finger."""
        titles = (label(turn.language) for label in self._labels)
        return read_choice(turn.text, list(zip(titles, map(str, self._values), strict=True)))

    def timed_out(self, turn: Turn) -> Next:
        return self._give_up(turn, "nobody chose in time")

    def _ask(self, turn: Turn, speech: Speech, attempts: int, *, timer: bool = True) -> None:
        turn.unread = False
        speech.say(turn)
        wait(turn, self.id, attempts=attempts, timeout=self._config.timeout if timer else 0)

    def _repeat_for_ever(self, turn: Turn) -> None:
        """Each answer is asked again; a silence is broken `retries` times at most."""
        attempts = turn.asked.attempts + 1 if turn.asked is not None and turn.silent else 0
        self._ask(turn, self._again, attempts, timer=attempts < self._config.retries)

    def _give_up(self, turn: Turn, why: str) -> Next:
        """The fallback action."""
        bot, config = turn.bot, self._config
        if config.fallback_target is not None:
            turn.note("fallback", config.fallback_target, why)
            return config.fallback_target
        match config.fallback_action:
            case "escalate_to_human" if bot.escalation is not None:
                return perform(turn, Called(bot.escalation, why))
            case "restart":
                turn.unread = False
                turn.renew(why)
                return turn.start()
            case "repeat":
                self._repeat_for_ever(turn)
                return None
        target = turn.fall_back(why)
        if target is None:
            self._repeat_for_ever(turn)
        return target


def build(definition: NodeDefinition, config: QuickReplyConfig, tools: Tools) -> QuickReplyNode:
    """Compile."""
    id, options = definition.id, config.options
    described = any(option.description for option in options)
    menu = tools.menu(
        id,
        [tools.label(option.text, id) for option in options],
        [tools.label(option.description or "", id) for option in options] if described else (),
        paged=True,
    )
    speech = Speech(tools.spoken(config.message, id, config.format), config, menu)
    again = speech
    if config.retry_message is not None:
        again = Speech(tools.spoken(config.retry_message, id, config.format), config, menu)
    return QuickReplyNode(id, tools.connections(definition), speech, again, menu, config)
