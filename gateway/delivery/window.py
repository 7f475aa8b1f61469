"""The customer's window, and what a channel's settings say of templates. Pure: the rows come as arguments.

Read from the channel's settings, in the shape of the documents:

    {"window": {"template": "welcome", "parameters": {"message": "{{text}}"}},
     "message_templates": {"welcome": {"name": "welcome_v2", "language": "en_US", "category": "UTILITY", …}},
     "compliance": {"opt_in_required": true, "business_hours_only": false,
                    "rate_limiting": {"marketing_messages": 1000, "utility_messages": "unlimited"}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.capabilities import Capabilities
from engine.messages import OutboundMessage, TemplateCall
from gateway.delivery.trouble import Trouble
from storage.window import Consent

TEXT: Final = "{{text}}"
"""In a parameter of `window.parameters`: the words of the message that the template stands in for."""
SENDABLE: Final = frozenset({"APPROVED", "REINSTATED", "FLAGGED"})
"""Statuses under which a template goes out; a flagged one is at risk."""
CATEGORIES: Final = ("marketing", "utility", "authentication")


class Obstacle(msgspec.Struct, frozen=True, kw_only=True):
    """Why a message may not go out now."""

    trouble: Trouble
    reason: str


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A template as the channel's settings name it."""

    key: str
    name: str
    language: str
    category: str
    """In lower case; empty when the settings do not say."""
    status: str


def is_free_form(message: OutboundMessage) -> bool:
    """Whether only an open window lets it through."""
    return message.template is None


def is_open(heard_at: datetime | None, now: datetime, capabilities: Capabilities) -> bool:
    """Whether one may write freely to a customer who was last heard then."""
    if not capabilities.window_hours:
        return True
    return heard_at is not None and now - heard_at < timedelta(hours=capabilities.window_hours)


def closed(heard_at: datetime | None, capabilities: Capabilities, *, said_so: bool) -> str:
    """The reason in words, for the record and for operators."""
    if said_so:
        return "the platform says that the customer's window is closed"
    when = f"last wrote at {heard_at:%Y-%m-%d %H:%M} UTC" if heard_at else "has never written"
    return f"the customer {when}; after {capabilities.window_hours} hours only templates may be sent"


def stand_in(message: OutboundMessage, settings: Mapping[str, Any]) -> OutboundMessage | None:
    """The template that the channel sends instead of `message`; None when it names none."""
    window = _mapping(settings, "window")
    key = window.get("template")
    if not isinstance(key, str) or not key:
        return None
    text = " ".join(message.text.split())
    parameters = tuple(
        (str(name), str(value).replace(TEXT, text)) for name, value in _mapping(window, "parameters").items()
    )
    return OutboundMessage(
        text=message.text,
        template=TemplateCall(key=key, parameters=parameters),
        language=message.language,
    )


def template_of(key: str, settings: Mapping[str, Any]) -> Template | None:
    """A template of the channel's `message_templates`; None when there is none of that key."""
    entry = _mapping(settings, "message_templates").get(key)
    if not isinstance(entry, Mapping):
        return None
    return Template(
        key=key,
        name=str(entry.get("name") or key),
        language=str(entry.get("language") or ""),
        category=str(entry.get("category") or "").lower(),
        status=str(entry.get("status") or "").upper(),
    )


def most_a_day(category: str, settings: Mapping[str, Any]) -> int | None:
    """How many templates of a category may go out on a day; None for any number."""
    limit = _mapping(_mapping(settings, "compliance"), "rate_limiting").get(f"{category}_messages")
    return max(0, limit) if isinstance(limit, int) and not isinstance(limit, bool) else None


def unwanted(consent: Consent, settings: Mapping[str, Any]) -> str:
    """Why a marketing template does not go to a customer who said this; empty when it goes."""
    if consent.against_marketing:
        return "the customer does not want marketing messages"
    if _mapping(settings, "compliance").get("opt_in_required") is True and not consent.to_marketing:
        return "the customer has not agreed to marketing messages"
    return ""


def keeps_hours(category: str, settings: Mapping[str, Any]) -> bool:
    """Whether a template of that category goes out within business hours only."""
    return category == "marketing" and _mapping(settings, "compliance").get("business_hours_only") is True


def hours_of(settings: Mapping[str, Any]) -> tuple[str, str, str]:
    """When business hours begin and end, and in which timezone: `settings.business_hours`, or 9 to 18 in UTC."""
    hours = _mapping(settings, "business_hours")
    return (
        str(hours.get("start") or "09:00"),
        str(hours.get("end") or "18:00"),
        str(hours.get("timezone") or "UTC"),
    )


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object within the settings; an empty one where there is something else."""
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}
