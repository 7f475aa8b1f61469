"""`message`: says or shows something and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from zlib import crc32

from pydantic import Field, model_validator

from engine.answers.sentences import sentence
from engine.environment import first_name
from engine.fields import MessageRef, NodeRef, Part, SpokenText
from engine.known import Known
from engine.markup import shifted
from engine.messages import OutboundMessage
from engine.nodes.attachments import (
    MAX_LINKS,
    ContactItem,
    ContactTemplate,
    LinkItem,
    LinkTemplate,
    LocationItem,
    LocationTemplate,
    TemplateCallTemplate,
    TemplateItem,
)
from engine.nodes.base import Connection, Next, Node, SpeakingConfig
from engine.nodes.content import MAX_CARDS, MAX_MEDIA, CardItem, CardTemplate, MediaItem, MediaTemplate
from engine.nodes.texts import Menu, Speech, Text
from engine.nodes.tools import Tools
from engine.problems import Finding
from engine.saying import say

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MORNING, AFTERNOON, EVENING = 5, 12, 18
"""The hours, local to the customer, from which each greeting is used."""
MAX_VARIATIONS = 50
_MESSAGE: Final = "message"
"""The type of this node, the only one whose message another can replace."""
_ARABIC_COMMA = frozenset({"ar", "fa", "ur"})
"""Languages that write "،" for a comma."""


class Personalization(Part):
    """How the customer is greeted before the message."""

    use_name: bool = Field(
        False, description="Whether the greeting names the customer, when the name is known."
    )
    greeting_time: bool = Field(False, description="Whether the greeting goes by the customer's time of day.")


class MessageConfig(SpeakingConfig):
    """Says a text or shows media or cards, then follows the connections."""

    message: SpokenText | None = Field(None, description="The text, a template; the caption of media.")
    variations: list[SpokenText] = Field(
        default_factory=list,
        max_length=MAX_VARIATIONS,
        description="Other ways to say it: they and the message are said in turn.",
    )
    media: list[MediaItem] = Field(
        default_factory=list, max_length=MAX_MEDIA, description="Shown with the text."
    )
    cards: list[CardItem] = Field(
        default_factory=list,
        max_length=MAX_CARDS,
        description="Shown after the text; several are a carousel.",
    )
    links: list[LinkItem] = Field(
        default_factory=list, max_length=MAX_LINKS, description="Buttons below the text that open something."
    )
    location: LocationItem | None = Field(None, description="A place, shown on the map.")
    contact: ContactItem | None = Field(None, description="A contact to save.")
    template: TemplateItem | None = Field(
        None, description="An approved message, said instead where the platform has such."
    )
    edit: MessageRef | None = Field(
        None,
        description="Id of a message node whose message is replaced by this one, where the platform can; else it is "
        "said anew.",
    )
    personalization: Personalization = Field(default_factory=Personalization)

    @model_validator(mode="after")
    def _something_to_say(self) -> MessageConfig:
        shown = (self.message, self.media, self.cards, self.location, self.contact, self.template)
        if not any(shown):
            raise ValueError('there is nothing to say; add "message", "media" or "cards"')
        if self.links and self.message is None:
            raise ValueError('the links stand below a text; add "message"')
        if self.variations and self.message is None:
            raise ValueError('there are variations of no message; add "message"')
        return self

    @property
    def text_alone(self) -> bool:
        """Whether it is one text and nothing else."""
        shown = (self.variations, self.media, self.cards, self.links, self.location, self.contact)
        return self.message is not None and not any(shown) and self.template is None and self.edit is None

    def findings(self, known: Known) -> Iterator[Finding]:
        """Only a message can be replaced."""
        if self.edit is not None and known.nodes.get(self.edit, _MESSAGE) != _MESSAGE:
            yield ("edit",), f'"{self.edit}" is no message', "name a node of type message"


class MessageNode(Node):
    """A compiled `message` of one text."""

    __slots__ = ("_greeting", "_speech")

    def __init__(
        self, id: str, connections: tuple[Connection, ...], speech: Speech, greeting: Greeting
    ) -> None:
        super().__init__(id, connections)
        self._speech = speech
        self._greeting = greeting

    def enter(self, turn: Turn) -> Next:
        self._speech.say(turn, self._greeting(turn))
        return self.follow(turn)


class RichMessageNode(Node):
    """A compiled `message` with more than one text."""

    __slots__ = (
        "_cards", "_config", "_contact", "_greeting", "_label", "_links", "_location", "_media", "_targets",
        "_template", "_texts",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        config: MessageConfig,
        menu: Menu,
        tools: Tools,
        greeting: Greeting,
    ) -> None:
        super().__init__(id, connections, menu.choices)
        self._config = config
        self._greeting = greeting
        texts = [config.message, *config.variations] if config.message is not None else []
        self._texts: tuple[Text, ...] = tuple(tools.spoken(text, id, config.format) for text in texts)
        self._media = tuple(MediaTemplate(item, id, tools) for item in config.media)
        self._targets = tuple(_targets(config))
        cards, first = [], 0
        for card in config.cards:
            cards.append(CardTemplate(card, id, tools, menu, first))
            first += sum(button.target is not None for button in card.buttons)
        self._cards = tuple(cards)
        self._links = tuple(LinkTemplate(item, id, tools) for item in config.links)
        self._location = LocationTemplate(config.location, id, tools) if config.location is not None else None
        self._contact = ContactTemplate(config.contact, id, tools) if config.contact is not None else None
        self._template = (
            TemplateCallTemplate(config.template, id, tools) if config.template is not None else None
        )
        self._label = id if id in tools.edited else ""

    def enter(self, turn: Turn) -> Next:
        greeting = self._greeting(turn)
        text, spans = self._texts[self._turn_of(turn)].said(turn) if self._texts else ("", ())
        message = OutboundMessage(
            text=greeting + text,
            spans=shifted(spans, len(greeting)),
            media=tuple(media for template in self._media if (media := template(turn)).url),
            cards=tuple(card(turn) for card in self._cards),
            links=tuple(link for template in self._links if (link := template(turn)) is not None),
            location=self._location(turn) if self._location is not None else None,
            contact=self._contact(turn) if self._contact is not None else None,
            template=self._template(turn) if self._template is not None else None,
        )
        config = self._config
        say(turn, message, config.delay, config.typing_indicator, self._label, config.edit or "")
        return self.follow(turn)

    def choose(self, turn: Turn, index: int) -> Next:
        turn.unread = False
        turn.note("choice", self.id, self.choices[index].title)
        return self._targets[index]

    def _turn_of(self, turn: Turn) -> int:
        """Which variation: every customer begins at another one and hears the next in the next turn."""
        return (crc32(f"{turn.customer.id} {self.id}".encode()) + turn.history) % len(self._texts)


class Greeting:
    """`Good morning, Ana! `, or less, or nothing."""

    __slots__ = ("_by_name", "_by_time")

    def __init__(self, how: Personalization) -> None:
        self._by_name = how.use_name
        self._by_time = how.greeting_time

    def __call__(self, turn: Turn) -> str:
        name = first_name(turn.customer) if self._by_name else ""
        if self._by_time:
            greeting = sentence(time_of_day(turn.local_time().hour), turn.language)
            comma = "،" if turn.language.partition("-")[0].lower() in _ARABIC_COMMA else ","
            return f"{greeting}{comma} {name}! " if name else f"{greeting}! "
        return f"{sentence('hi', turn.language)} {name}! " if name else ""


def time_of_day(hour: int) -> str:
    """The name of the greeting for an hour (0–23) of the customer's day."""
    if MORNING <= hour < AFTERNOON:
        return "good_morning"
    if AFTERNOON <= hour < EVENING:
        return "good_afternoon"
    return "good_evening"


def _targets(config: MessageConfig) -> list[NodeRef]:
    return [button.target for card in config.cards for button in card.buttons if button.target is not None]


def build(definition: NodeDefinition, config: MessageConfig, tools: Tools) -> Node:
    """Compile."""
    id, connections, greeting = definition.id, tools.connections(definition), Greeting(config.personalization)
    if config.message is not None and config.text_alone and id not in tools.edited:
        speech = Speech(tools.spoken(config.message, id, config.format), config)
        return MessageNode(id, connections, speech, greeting)
    labels = [
        tools.label(button.text, id)
        for card in config.cards
        for button in card.buttons
        if button.target is not None
    ]
    return RichMessageNode(id, connections, config, tools.menu(id, labels), tools, greeting)
