"""The blocks of a message beside its text: buttons and menus, pictures, cards.

Button ids tell a press apart: `choice:…` and `choices` carry a choice's id as their value, `link:…` opens an address.

https://docs.slack.dev/reference/block-kit
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.slack.capabilities import (
    ACTIONS,
    ALT_TEXT,
    BLOCK_TEXT,
    BUTTON_TITLE,
    BUTTONS,
    COMPACT_TITLE,
    OPTION_DESCRIPTION,
    OPTION_VALUE,
    OPTIONS,
)
from adapters.slack.richtext import JSON, is_web_address, rich_text
from adapters.text import clean, is_blank, shorten
from engine.messages import Card, CardButton, Choice, Link, Media, Span

CHOICE_ACTION: Final = "choice"
MENU_ACTION: Final = "choices"
LINK_ACTION: Final = "link"
DIVIDER: Final[JSON] = {"type": "divider"}


def plain(text: str, size: int = BLOCK_TEXT.size) -> JSON:
    """A text that nothing is read from but what it says: no markup, no `:names:`."""
    return {"type": "plain_text", "text": shorten(text, size), "emoji": False}


def choice_elements(choices: Sequence[Choice]) -> tuple[list[JSON], list[str]]:
    """The choices as buttons, or as one menu; and the lines to write out: descriptions, and what has no button."""
    if not choices:
        return [], []
    if len(choices) <= BUTTONS and all(len(choice.title) <= COMPACT_TITLE for choice in choices):
        return _buttons(choices)
    options: list[JSON] = []
    lines: list[str] = []
    for number, choice in enumerate(choices, 1):
        if len(options) < OPTIONS and choice.id and OPTION_VALUE.allows(choice.id):
            option: JSON = {"text": plain(_title(choice, number), BUTTON_TITLE), "value": choice.id}
            if not is_blank(choice.description):
                option["description"] = plain(clean(choice.description), OPTION_DESCRIPTION)
            options.append(option)
        if not options or options[-1]["value"] != choice.id or len(choice.title) > BUTTON_TITLE:
            lines.append(f"{number}. {choice.title}")
    menu: JSON = {"type": "static_select", "action_id": MENU_ACTION, "options": options}
    return [menu] if options else [], lines


def _buttons(choices: Sequence[Choice]) -> tuple[list[JSON], list[str]]:
    elements: list[JSON] = []
    lines: list[str] = []
    for number, choice in enumerate(choices, 1):
        title = _title(choice, number)
        if choice.id:
            elements.append(_button(title, f"{CHOICE_ACTION}:{number}", choice.id))
            lines += [f"{title}: {choice.description}"] if choice.description else []
        else:
            lines.append(f"{number}. {title}" + (f": {choice.description}" if choice.description else ""))
    return elements, lines


def link_elements(links: Sequence[Link]) -> tuple[list[JSON], list[str]]:
    """Links as buttons; those with an address that a button can't carry as lines."""
    elements: list[JSON] = []
    lines: list[str] = []
    for number, link in enumerate(links, 1):
        if is_web_address(link.url) and not is_blank(link.title) and len(elements) < ACTIONS:
            elements.append({**_button(clean(link.title), f"{LINK_ACTION}:{number}"), "url": link.url})
        else:
            lines.append(f"{link.title}: {link.url}".strip(": "))
    return elements, lines


def image_block(media: Media) -> JSON:
    """A picture by its public address."""
    alt = clean(media.alt or media.name)
    block: JSON = {"type": "image", "image_url": media.url, "alt_text": shorten(alt, ALT_TEXT) or "…"}
    return block


def actions(elements: Sequence[JSON]) -> list[JSON]:
    """Blocks of buttons and menus."""
    return [
        {"type": "actions", "elements": list(elements[start : start + ACTIONS])}
        for start in range(0, len(elements), ACTIONS)
    ]


def card_blocks(card: Card, number: int) -> list[JSON]:
    """A card: its title in bold (a link, when it leads somewhere), its text beside its picture, its buttons."""
    title, subtitle = clean(card.title), clean(card.subtitle)
    blocks: list[JSON] = []
    if not is_blank(title):
        title = shorten(title, BLOCK_TEXT.size)
        spans = [Span(kind="bold", start=0, end=len(title))]
        if is_web_address(card.url):
            spans.append(Span(kind="link", start=0, end=len(title), value=card.url))
        blocks.append(rich_text(title, spans))
    picture = is_web_address(card.image)
    if not is_blank(subtitle):
        section: JSON = {"type": "section", "text": plain(subtitle)}
        if picture:
            alt = shorten(title, ALT_TEXT) or "…"
            section["accessory"] = {"type": "image", "image_url": card.image, "alt_text": alt}
        blocks.append(section)
    elif picture:
        blocks.append(image_block(Media(kind="image", url=card.image, alt=title)))
    elements, lines = _card_buttons(card.buttons, number)
    if lines:
        blocks.append(rich_text("\n".join(lines)))
    return [*blocks, *actions(elements)]


def _card_buttons(buttons: Sequence[CardButton], card: int) -> tuple[list[JSON], list[str]]:
    elements: list[JSON] = []
    lines: list[str] = []
    for number, button in enumerate(buttons, 1):
        title = clean(button.title)
        title = (button.id or str(number)) if is_blank(title) else title
        if button.id:
            elements.append(_button(title, f"{CHOICE_ACTION}:{card}:{number}", button.id))
        elif is_web_address(button.url):
            elements.append({**_button(title, f"{LINK_ACTION}:{card}:{number}"), "url": button.url})
        else:
            lines.append(f"{title}: {button.url}".strip(": "))
    return elements, lines


def _button(title: str, action: str, value: str = "") -> JSON:
    button: JSON = {"type": "button", "action_id": action, "text": plain(title, BUTTON_TITLE)}
    return {**button, "value": value} if value else button


def _title(choice: Choice, number: int) -> str:
    title = clean(choice.title)
    return (choice.id or str(number)) if is_blank(title) else title
