"""What a message can show besides its text: media, and cards with buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, model_validator

from engine.fields import Label, NodeRef, Part, SpokenText, TemplateText
from engine.messages import Card, CardButton, Media, MediaKind
from engine.nodes.texts import Menu
from engine.nodes.texts import Text as CompiledText
from engine.nodes.tools import Tools

if TYPE_CHECKING:
    from engine.turn import Turn

MAX_MEDIA = 10
MAX_CARDS = 10
MAX_BUTTONS = 3
"""As many as every platform with cards can show."""
_ADDRESS: Final = re.compile(r"https?://[^\s/?#][^\s]*", re.IGNORECASE)
_OWN_MEDIA: Final = re.compile(r"media:[A-Za-z0-9_-]{1,64}")


class MediaItem(Part):
    """A picture, film, sound or document."""

    kind: MediaKind = Field("image", description="What it is.")
    url: TemplateText = Field(
        description="Its address, a template; http or https, or `media:` and the id of a file that the gateway keeps."
    )
    alt: SpokenText | None = Field(None, description="What it shows, for those who can't see it; a template.")
    name: Annotated[str, Field(max_length=200)] = Field("", description="A document's file name.")


class CardButtonItem(Part):
    """A button of a card: goes to a node, or opens an address."""

    text: Label = Field(description="What the customer sees.")
    target: NodeRef | None = Field(None, description="Id of the node to go to.")
    url: TemplateText | None = Field(None, description="An address to open, a template.")

    @model_validator(mode="after")
    def _one_of_both(self) -> CardButtonItem:
        if (self.target is None) == (self.url is None):
            raise ValueError('a button has a "target" or an "url"; keep one of them')
        return self


class CardItem(Part):
    """A card; several of them are a carousel."""

    title: SpokenText = Field(description="A template.")
    subtitle: SpokenText | None = Field(None, description="A template.")
    image: TemplateText | None = Field(None, description="Address of a picture, a template.")
    url: TemplateText | None = Field(None, description="Where the card itself leads, a template.")
    buttons: list[CardButtonItem] = Field(
        default_factory=list, max_length=MAX_BUTTONS, description="What can be pressed."
    )


class MediaTemplate:
    """Compiled media."""

    __slots__ = ("_alt", "_item", "_url")

    def __init__(self, item: MediaItem, node: str, tools: Tools) -> None:
        self._item = item
        self._url = tools.template(item.url)
        self._alt = tools.spoken(item.alt, node, "plain") if item.alt is not None else None

    def __call__(self, turn: Turn) -> Media:
        """Its `url` is empty when what the template gives is no address."""
        alt = self._alt(turn) if self._alt is not None else ""
        return Media(kind=self._item.kind, url=_media_address(self._url(turn)), alt=alt, name=self._item.name)


class CardTemplate:
    """A compiled card; its buttons with a target are the choices of `menu` from `first` on."""

    __slots__ = ("_buttons", "_first", "_image", "_item", "_menu", "_subtitle", "_title", "_url")

    def __init__(self, item: CardItem, node: str, tools: Tools, menu: Menu, first: int) -> None:
        self._item = item
        self._menu = menu
        self._first = first
        self._title = tools.spoken(item.title, node, "plain")
        self._subtitle = tools.spoken(item.subtitle, node, "plain") if item.subtitle is not None else None
        self._image = tools.template(item.image) if item.image is not None else None
        self._url = tools.template(item.url) if item.url is not None else None
        self._buttons = [
            (tools.label(button.text, node), tools.template(button.url) if button.url is not None else None)
            for button in item.buttons
        ]

    def __call__(self, turn: Turn) -> Card:
        return Card(
            title=self._title(turn),
            subtitle=_filled(self._subtitle, turn),
            image=web_address(_filled(self._image, turn)),
            url=web_address(_filled(self._url, turn)),
            buttons=tuple(self._shown(turn)),
        )

    def _shown(self, turn: Turn) -> Iterator[CardButton]:
        choices = self._menu(turn)
        index = self._first
        for label, url in self._buttons:
            if url is not None:
                if address := web_address(url(turn)):
                    yield CardButton(title=label(turn.language), url=address)
            else:
                yield CardButton(title=choices[index].title, id=choices[index].id)
                index += 1


def web_address(text: str) -> str:
    """An address that platforms open, http or https; empty for what is none: they would refuse the whole message."""
    text = text.strip()
    return text if _ADDRESS.fullmatch(text) else ""


def _media_address(text: str) -> str:
    """As `web_address`; a file that the gateway keeps itself has an address too."""
    return text.strip() if _OWN_MEDIA.fullmatch(text.strip()) else web_address(text)


def _filled(text: CompiledText | None, turn: Turn) -> str:
    return text(turn).strip() if text is not None else ""
