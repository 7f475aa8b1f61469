"""`consent`: asks whether the customer agrees to something, and puts the answer on record as proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from engine.answers import read_yes_no
from engine.effects import Record
from engine.fields import Label, NodeRef, SpokenText, VariableName
from engine.nodes.base import Connection, Next, Node, SpeakingConfig
from engine.nodes.texts import Menu, Speech, Text
from engine.nodes.titles import Titles, titles_of
from engine.nodes.tools import Tools
from engine.scopes import keep
from engine.waits import wait

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_RETRIES = 20


class ConsentConfig(SpeakingConfig):
    """Asks with two buttons. Only a clear yes is a yes; who does not answer it has not agreed."""

    message: SpokenText = Field(
        description="What is to be agreed to, a template; it goes on record as it was shown."
    )
    purpose: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="What it is for, such as marketing; the record's name."
    )
    variable: VariableName | None = Field(None, description="Where true or false is stored.")
    yes_text: Label | None = Field(None, description="The title of the first button.")
    no_text: Label | None = Field(None, description="The title of the second button.")
    retries: int = Field(1, ge=0, le=MAX_RETRIES, description="How often it is asked again.")
    granted_target: NodeRef | None = Field(
        None, description="Where a yes leads; otherwise along the connections."
    )
    refused_target: NodeRef | None = Field(
        None, description="Where a no leads; otherwise along the connections."
    )


class ConsentNode(Node):
    """A compiled `consent`."""

    __slots__ = ("_config", "_speech", "_text", "_titles")

    free_text = True

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        text: Text,
        menu: Menu,
        config: ConsentConfig,
    ) -> None:
        super().__init__(id, connections, menu.choices)
        self._text = text
        self._speech = Speech(text, config, menu)
        self._config = config
        self._titles = Titles(titles_of(menu.labels), numbered=len(menu.labels))

    def enter(self, turn: Turn) -> Next:
        turn.unread = False
        self._ask(turn, 0)
        return None

    def offer(self, turn: Turn) -> None:
        self._ask(turn, turn.asked.attempts if turn.asked is not None else 0)

    def pick(self, turn: Turn) -> int | None:
        return self._titles.find(turn)

    def choose(self, turn: Turn, index: int) -> Next:
        return self._decided(turn, granted=index == 0)

    def answer(self, turn: Turn) -> Next:
        granted = read_yes_no(turn.text)
        if granted is not None:
            return self._decided(turn, granted=granted)
        attempts = turn.asked.attempts + 1 if turn.asked is not None else 1
        if attempts > self._config.retries:
            return self._decided(turn, granted=False)
        turn.note("input", self.id, f"neither yes nor no; {attempts} of {self._config.retries} retries")
        turn.unread = False
        self._ask(turn, attempts)
        return None

    def _ask(self, turn: Turn, attempts: int) -> None:
        self._speech.say(turn)
        wait(turn, self.id, attempts=attempts)

    def _decided(self, turn: Turn, *, granted: bool) -> Next:
        config = self._config
        turn.unread = False
        properties = {"granted": granted, "text": self._text(turn), "language": turn.language}
        turn.effects.append(Record(kind="consent", name=config.purpose, properties=properties))
        turn.note("consent", self.id, config.purpose, granted)
        if config.variable is not None:
            keep(turn, config.variable, granted)
        target = config.granted_target if granted else config.refused_target
        return target or self.follow(turn)


def build(definition: NodeDefinition, config: ConsentConfig, tools: Tools) -> ConsentNode:
    """Compile."""
    id = definition.id
    titles = [
        tools.label(text, id) if text is not None else tools.sentence_label(name)
        for text, name in ((config.yes_text, "yes"), (config.no_text, "no"))
    ]
    return ConsentNode(
        id,
        tools.connections(definition),
        tools.spoken(config.message, id, config.format),
        tools.menu(id, titles),
        config,
    )
