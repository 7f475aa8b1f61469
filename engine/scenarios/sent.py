"""What a test's customer can send besides words, as bot builders write it."""

from __future__ import annotations

from typing import Annotated, Any, Final, get_args

import msgspec
from pydantic import AfterValidator, Field

from engine.events import AnswerGenerated, CallFinished, Context, EventBody, SearchFinished, TimerFired
from engine.fields import MAX_TEXT, Name, Part
from engine.messages import MediaKind
from engine.problems import suggestion

MAX_ITEMS: Final = 200
"""Lines of an order."""
EVENTS: Final = tuple(
    str(kind.__struct_config__.tag)
    for kind in get_args(EventBody)
    if kind not in (TimerFired, CallFinished, SearchFinished, AnswerGenerated)
)
"""The types of what platforms tell."""

Words = Annotated[str, Field(max_length=MAX_TEXT)]


def _is_event(value: dict[str, Any]) -> dict[str, Any]:
    kind = value.get("type")
    if kind not in EVENTS:
        mend = suggestion(str(kind), EVENTS, f"its type is one of {', '.join(EVENTS)}")
        raise ValueError(f"this is no event that platforms know; {mend}")
    try:
        msgspec.convert(value, EventBody)
    except msgspec.ValidationError as error:
        raise ValueError(f"this is no {kind}; {error}") from None
    return value


def _is_context(value: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(value.keys() - set(Context.__struct_fields__))
    if unknown:
        mend = suggestion(unknown[0], Context.__struct_fields__, "leave it out")
        raise ValueError(f'a message\'s context has no "{unknown[0]}"; {mend}')
    try:
        msgspec.convert(value, Context)
    except msgspec.ValidationError as error:
        raise ValueError(f"this is no context of a message; {error}") from None
    return value


GivenEvent = Annotated[dict[str, Any], AfterValidator(_is_event)]
"""An event as it is stored: its `type` and its fields."""
GivenContext = Annotated[dict[str, Any], AfterValidator(_is_context)]
"""Some of the fields of `engine.events.Context`."""


class Place(Part):
    """A place that the customer shares, in degrees."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: Name = ""


class Contact(Part):
    """A contact card that the customer shares."""

    phone: Name
    name: Name = ""


class Media(Part):
    """Media that the customer sends."""

    kind: MediaKind
    file: Words = Field("test-file", description="The platform's reference of the file.")
    caption: Words = ""
    name: Name = ""
    mime_type: Name = ""
    size: int | None = Field(None, ge=0, description="Bytes.")
    seconds: int | None = Field(None, ge=0, description="How long it plays.")
    album: Name = Field("", description="What it was sent together with; the pieces are gathered.")
    media: Name = Field("", description="The gateway's id of the file.")
    url: Words = Field("", description="The gateway's link to it.")


class SentForm(Part):
    """A form that the customer sends."""

    form: Name = Field("", description="The form's id.")
    values: dict[str, Any] = Field(default_factory=dict, description="The values of its fields.")
    title: Words = ""


class SentItem(Part):
    """One line of an order."""

    product: Name
    quantity: int = Field(1, ge=1)
    price: Name = Field("", description="Of one piece, such as 9.50.")
    currency: Name = ""


class SentOrder(Part):
    """An order that the customer sends."""

    items: list[SentItem] = Field(default_factory=list, max_length=MAX_ITEMS)
    catalog: Name = ""
    text: Words = Field("", description="What the customer wrote with it.")
