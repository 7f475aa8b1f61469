"""What a message can carry besides text, media and cards: links, a place, a contact, an approved template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, model_validator

from engine.fields import Label, Name, Part, SpokenText, TemplateText
from engine.messages import ContactCard, Link, LinkKind, Place, TemplateCall
from engine.nodes.content import MediaItem, MediaTemplate, web_address
from engine.nodes.texts import Text
from engine.nodes.tools import Tools
from engine.variables import VariableError

if TYPE_CHECKING:
    from engine.turn import Turn

MAX_LINKS: Final = 10
MAX_PARAMETERS: Final = 50
MAX_DEGREES: Final = {"latitude": 90.0, "longitude": 180.0}
_NUMBER: Final = re.compile(r"[+-]?\d{1,3}(\.\d{1,15})?")


class LinkItem(Part):
    """A button that opens a page, an app inside the chat, or a form."""

    text: Label = Field(description="What the customer sees.")
    url: TemplateText | None = Field(None, description="The address, a template; http or https.")
    kind: LinkKind = Field(
        "url",
        description="`url` opens a page, `web_app` an app inside the chat, `form` the platform's own form; where the "
        "platform has none of these, it is a link to `url`.",
    )
    form: Name = Field("", description="The id that the platform gave the form.")

    @model_validator(mode="after")
    def _leads_somewhere(self) -> LinkItem:
        if (self.kind == "form") != bool(self.form):
            raise ValueError('the kind "form" and the form\'s id go together; write both or none')
        if self.kind != "form" and self.url is None:
            raise ValueError('a link leads nowhere; add its "url"')
        return self


class LocationItem(Part):
    """A place on the map."""

    latitude: float | TemplateText = Field(description="In degrees, -90 to 90; or a template.")
    longitude: float | TemplateText = Field(description="In degrees, -180 to 180; or a template.")
    name: SpokenText | None = Field(None, description="What is there, a template.")
    address: SpokenText | None = Field(None, description="Its address, a template.")

    @model_validator(mode="after")
    def _on_earth(self) -> LocationItem:
        for name, most in MAX_DEGREES.items():
            value = getattr(self, name)
            if not isinstance(value, str) and not -most <= value <= most:
                raise ValueError(f"a {name} is from -{most:g} to {most:g}; write it in degrees")
        return self


class ContactItem(Part):
    """A contact that the customer can save."""

    name: SpokenText = Field(description="A template.")
    phone: TemplateText = Field(description="In international form, a template.")
    email: TemplateText | None = Field(None, description="A template.")
    organization: SpokenText | None = Field(None, description="A template.")


class TemplateItem(Part):
    """A message that the platform approved beforehand, as WhatsApp's; elsewhere the message's text is said."""

    key: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="Its key in the channel's `message_templates`."
    )
    parameters: dict[Name, TemplateText] = Field(
        default_factory=dict,
        max_length=MAX_PARAMETERS,
        description="What its placeholders stand for, by their names; each a template.",
    )
    media: MediaItem | None = Field(
        None, description="Fills a header that shows a picture, film or document."
    )


class LinkTemplate:
    """A compiled link."""

    __slots__ = ("_item", "_title", "_url")

    def __init__(self, item: LinkItem, node: str, tools: Tools) -> None:
        self._item = item
        self._title = tools.label(item.text, node)
        self._url = tools.template(item.url) if item.url is not None else None

    def __call__(self, turn: Turn) -> Link | None:
        """None when what the template gives is no address, and there is no form to open."""
        url = web_address(self._url(turn)) if self._url is not None else ""
        if not url and not self._item.form:
            return None
        return Link(title=self._title(turn.language), url=url, kind=self._item.kind, form=self._item.form)


class LocationTemplate:
    """A compiled place."""

    __slots__ = ("_address", "_degrees", "_name")

    def __init__(self, item: LocationItem, node: str, tools: Tools) -> None:
        self._degrees = {
            name: tools.template(value) if isinstance(value := getattr(item, name), str) else float(value)
            for name in MAX_DEGREES
        }
        self._name = _optional(item.name, node, tools)
        self._address = _optional(item.address, node, tools)

    def __call__(self, turn: Turn) -> Place:
        """Raises VariableError when a template gives no degrees."""
        latitude, longitude = (_degrees(name, given, turn) for name, given in self._degrees.items())
        return Place(
            latitude=latitude,
            longitude=longitude,
            name=_filled(self._name, turn),
            address=_filled(self._address, turn),
        )


class ContactTemplate:
    """A compiled contact."""

    __slots__ = ("_email", "_name", "_organization", "_phone")

    def __init__(self, item: ContactItem, node: str, tools: Tools) -> None:
        self._name = tools.spoken(item.name, node, "plain")
        self._phone = tools.template(item.phone)
        self._email = tools.template(item.email) if item.email is not None else None
        self._organization = _optional(item.organization, node, tools)

    def __call__(self, turn: Turn) -> ContactCard:
        """Raises VariableError for a contact without a name or a phone number."""
        name, phone = _filled(self._name, turn), _filled(self._phone, turn)
        if not name or not phone:
            raise VariableError("a contact needs a name and a phone number, and one of them is empty")
        return ContactCard(
            name=name,
            phone=phone,
            email=_filled(self._email, turn),
            organization=_filled(self._organization, turn),
        )


class TemplateCallTemplate:
    """A compiled call of an approved template."""

    __slots__ = ("_key", "_media", "_parameters")

    def __init__(self, item: TemplateItem, node: str, tools: Tools) -> None:
        self._key = item.key
        self._parameters = [(name, tools.template(text)) for name, text in item.parameters.items()]
        self._media = MediaTemplate(item.media, node, tools) if item.media is not None else None

    def __call__(self, turn: Turn) -> TemplateCall:
        media = self._media(turn) if self._media is not None else None
        return TemplateCall(
            key=self._key,
            parameters=tuple((name, text(turn)) for name, text in self._parameters),
            media=media if media is not None and media.url else None,
        )


def _optional(source: str | None, node: str, tools: Tools) -> Text | None:
    return tools.spoken(source, node, "plain") if source is not None else None


def _filled(text: Text | None, turn: Turn) -> str:
    return text(turn).strip() if text is not None else ""


def _degrees(name: str, given: Text | float, turn: Turn) -> float:
    if isinstance(given, float):
        return given
    text = given(turn).strip()
    degrees = float(text) if _NUMBER.fullmatch(text) else None
    if degrees is None or abs(degrees) > MAX_DEGREES[name]:
        raise VariableError(f"the {name} is no number of degrees")
    return degrees
