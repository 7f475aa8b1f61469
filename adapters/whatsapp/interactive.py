"""Interactive messages: reply buttons, lists, a link, a form, requests for a location or a contact.

https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-list-messages
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from adapters.text import clean, is_blank, shorten
from adapters.whatsapp.capabilities import (
    BUTTON_ID,
    BUTTON_TITLE,
    BUTTONS,
    ROW_DESCRIPTION,
    ROW_ID,
    ROW_TITLE,
    ROWS,
)
from adapters.whatsapp.words import choose
from engine.messages import Choice, Link

FLOW_VERSION = "3"


def fit_buttons(choices: Sequence[Choice]) -> bool:
    """Whether the choices can be reply buttons: few, short, without descriptions, no two alike."""
    titles = {title_of(choice) for choice in choices}
    return (
        len(choices) <= BUTTONS
        and len(titles) == len(choices)
        and all(
            not choice.description and BUTTON_TITLE.allows(title_of(choice)) and BUTTON_ID.allows(choice.id)
            for choice in choices
        )
    )


def title_of(choice: Choice) -> str:
    """A choice's title on one line; its id when there is nothing to see."""
    title = " ".join(clean(choice.title).split())
    return choice.id if is_blank(title) else title


def buttons(choices: Sequence[Choice]) -> dict[str, Any]:
    """Up to three reply buttons."""
    return {
        "type": "button",
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": choice.id, "title": title_of(choice)}} for choice in choices
            ]
        },
    }


def choice_list(choices: Sequence[Choice], language: str) -> dict[str, Any]:
    """A list of up to ten rows in one section."""
    return {
        "type": "list",
        "action": {
            "button": choose(language),
            "sections": [{"rows": [_row(choice) for choice in choices]}],
        },
    }


def _row(choice: Choice) -> dict[str, str]:
    """A row; a title that had to be cut is whole in the description, before the description itself."""
    title = title_of(choice)
    shown = shorten(title, ROW_TITLE.size)
    parts = [part for part in (title if shown != title else "", _tidy(choice.description)) if part]
    row = {"id": choice.id, "title": shown}
    if parts:
        row["description"] = shorten(": ".join(parts), ROW_DESCRIPTION.size)
    return row


def _tidy(text: str) -> str:
    return " ".join(clean(text).split())


def carried(choices: Sequence[Choice]) -> tuple[list[Choice], list[Choice]]:
    """The choices that one message can carry, and the rest: without an id, with another's, or beyond the tenth."""
    kept: list[Choice] = []
    rest: list[Choice] = []
    ids: set[str] = set()
    for choice in choices:
        if len(kept) < ROWS and choice.id and choice.id not in ids and ROW_ID.allows(choice.id):
            kept.append(choice)
            ids.add(choice.id)
        else:
            rest.append(choice)
    return kept, rest


def carried_by_buttons(choices: Sequence[Choice]) -> tuple[list[Choice], list[Choice]]:
    """As `carried`, for a channel without lists: up to three of short titles, no two alike."""
    kept: list[Choice] = []
    rest: list[Choice] = []
    for choice in choices:
        alone = structs.replace(choice, description="")
        fits = choice.id and choice.id not in {one.id for one in kept}
        if fits and fit_buttons([*(structs.replace(one, description="") for one in kept), alone]):
            kept.append(choice)
        else:
            rest.append(choice)
    return kept, rest


def link_button(link: Link) -> dict[str, Any]:
    """A button that opens an address."""
    return {
        "type": "cta_url",
        "action": {
            "name": "cta_url",
            "parameters": {"display_text": label_of(link), "url": link.url},
        },
    }


def form_button(link: Link) -> dict[str, Any]:
    """A button that opens a form (a WhatsApp Flow) at its first screen. The token brings the form's id back."""
    return {
        "type": "flow",
        "action": {
            "name": "flow",
            "parameters": {
                "flow_message_version": FLOW_VERSION,
                "flow_token": link.form,
                "flow_id": link.form,
                "flow_cta": label_of(link),
            },
        },
    }


def label_of(link: Link) -> str:
    """What is on a link's button; never empty."""
    title = _tidy(link.title) or link.url or link.form
    return shorten(title, BUTTON_TITLE.size)


def request(kind: str) -> dict[str, Any]:
    """A button that shares the customer's location, or the customer's own contact."""
    if kind == "location":
        return {"type": "location_request_message", "action": {"name": "send_location"}}
    return {"type": "request_contact_info", "action": {"name": "request_contact_info"}}
