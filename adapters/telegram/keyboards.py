"""Choices, links and requests as keyboards; what a keyboard can't carry is written out, with its number.

https://core.telegram.org/bots/api#inlinekeyboardmarkup
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from adapters.telegram.capabilities import (
    BUTTON_TITLE,
    BUTTONS,
    CALLBACK_DATA,
    COMPACT_TITLE,
    MARKUP_BYTES,
)
from adapters.telegram.manner import Manner
from adapters.text import clean, is_blank, shorten
from engine.messages import CardButton, Choice, Link, OutboundMessage, Request

Button: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[list[Button]]

BUTTON_BYTES: Final = 40
"""The JSON around one button's title and data, as counted against MARKUP_BYTES."""

_LABELS: Final[dict[Request, dict[str, str]]] = {
    "location": {
        "en": "Share my location",
        "de": "Standort teilen",
        "es": "Compartir ubicación",
        "fr": "Partager ma position",
        "it": "Condividi la posizione",
        "nl": "Locatie delen",
        "pl": "Udostępnij lokalizację",
        "pt": "Partilhar localização",
    },
    "contact": {
        "en": "Share my phone number",
        "de": "Telefonnummer teilen",
        "es": "Compartir teléfono",
        "fr": "Partager mon numéro",
        "it": "Condividi il numero",
        "nl": "Telefoonnummer delen",
        "pl": "Udostępnij numer",
        "pt": "Partilhar número",
    },
}
_SIGNS: Final[dict[Request, str]] = {"location": "📍", "contact": "📱"}


def keyboard_of(message: OutboundMessage, manner: Manner) -> tuple[dict[str, Any] | None, str]:
    """The reply_markup of `message`, and what to append to its text: descriptions, and what has no button."""
    choices, request = message.choices, message.request
    if request is not None and manner.private:
        return _reply_keyboard(message, request)
    if not choices and not message.links:
        return None, ""
    buttons, lines, size = _buttons(choices)
    rows = _rows(buttons)
    for link in message.links:
        button = _link_button(link, manner)
        size += BUTTON_BYTES + len(link.title.encode()) + len(link.url)
        if button is None or size > MARKUP_BYTES:
            lines.append(f"{link.title}: {link.url}" if link.url else link.title)
        else:
            rows.append([button])
    return ({"inline_keyboard": rows} if rows else None), "\n\n" + "\n".join(lines) if lines else ""


def card_rows(buttons: Sequence[CardButton], manner: Manner) -> tuple[Rows, list[str]]:
    """A card's buttons, one a row, and the lines for those that can't be any."""
    rows: Rows = []
    lines: list[str] = []
    for button in buttons[:BUTTONS]:
        title = shorten(clean(button.title), BUTTON_TITLE.size)
        title = (button.id or button.url) if is_blank(title) else title
        if button.id and CALLBACK_DATA.allows(button.id):
            rows.append([{"text": title, "callback_data": button.id}])
        elif manner.keyboards and _is_web(button.url):
            rows.append([{"text": title, "url": button.url}])
        elif button.url or button.id:
            lines.append(f"{button.title}: {button.url}" if button.url else button.title)
    return rows, lines


def _reply_keyboard(message: OutboundMessage, request: Request) -> tuple[dict[str, Any], str]:
    """A keyboard in place of the letters: the request first, then the choices, which send their title as a text.

    It folds away once it was used. A message has one keyboard, so links go into the text.
    """
    language = message.language.partition("-")[0].lower()
    labels = _LABELS[request]
    button: Button = {"text": f"{_SIGNS[request]} {labels.get(language) or labels['en']}"}
    button["request_contact" if request == "contact" else "request_location"] = True
    titles = (shorten(clean(choice.title), BUTTON_TITLE.size) for choice in message.choices)
    rows = [[button], *([{"text": title}] for title in titles if not is_blank(title))]
    lines = [f"{choice.title}: {choice.description}" for choice in message.choices if choice.description]
    lines += [f"{link.title}: {link.url}" if link.url else link.title for link in message.links]
    markup = {"keyboard": rows, "one_time_keyboard": True, "resize_keyboard": True}
    return markup, "\n\n" + "\n".join(lines) if lines else ""


def _buttons(choices: tuple[Choice, ...]) -> tuple[list[Button], list[str], int]:
    """The choices as buttons, the lines for what goes into the text, and the buttons' size in bytes."""
    buttons: list[Button] = []
    lines: list[str] = []
    size = 0
    for number, choice in enumerate(choices, start=1):
        title = shorten(clean(choice.title), BUTTON_TITLE.size)
        title = (choice.id or str(number)) if is_blank(title) else title
        size += len(title.encode()) + len(choice.id) + BUTTON_BYTES
        fits = len(buttons) < BUTTONS and size <= MARKUP_BYTES
        if fits and choice.id and CALLBACK_DATA.allows(choice.id):
            buttons.append({"text": title, "callback_data": choice.id})
            if choice.description:
                lines.append(f"{title}: {choice.description}")
        else:
            lines.append(
                f"{number}. {choice.title}" + (f": {choice.description}" if choice.description else "")
            )
    return buttons, lines, size


def _rows(buttons: list[Button]) -> Rows:
    """Short titles two a row; one long title gives every button a row of its own."""
    width = 1 if any(len(button["text"]) > COMPACT_TITLE for button in buttons) else 2
    return [buttons[start : start + width] for start in range(0, len(buttons), width)]


def _link_button(link: Link, manner: Manner) -> Button | None:
    """A button that opens a page, or an app inside the chat; None for an address that Telegram refuses."""
    title = shorten(clean(link.title), BUTTON_TITLE.size)
    title = link.url if is_blank(title) else title
    if not _is_web(link.url):
        return None
    if link.kind == "web_app" and manner.private and link.url.startswith("https://"):
        return {"text": title, "web_app": {"url": link.url}}
    return {"text": title, "url": link.url}


def _is_web(url: str) -> bool:
    """Whether a button can lead there: an address of the web with a dotted host, or one of Telegram's own."""
    if url.startswith("tg://"):
        return True
    if not url.startswith(("https://", "http://")) or any(character.isspace() for character in url):
        return False
    try:
        return "." in (urlsplit(url).hostname or "")
    except ValueError:
        return False
