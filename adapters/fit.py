"""Fits a message to a platform: what it has no form for is put into one that it has, in the open.

Nothing that carries meaning is dropped: what can't be shown is written out, what can't be pressed is numbered, and
the engine takes the number, the title or the value as the choice. What comes out holds only what the platform sends
natively; how many calls that takes is the adapter's to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import structs

from adapters.capabilities import Capabilities, Outbound
from engine.messages import Card, Choice, ContactCard, Link, Media, MediaKind, OutboundMessage, Place

LEAST_PAGE: Final = 4
"""On a smaller page a single choice would stand between what leafs back and on: a longer menu is not leafed there."""
_INSTEAD: Final[dict[MediaKind, MediaKind]] = {
    "sticker": "image",
    "voice": "audio",
    "image": "document",
    "video": "document",
    "audio": "document",
}
"""As what a kind of media is sent where the platform does not have it."""
_MAP: Final = "https://www.openstreetmap.org/?mlat={latitude:.6f}&mlon={longitude:.6f}#map=17/{latitude:.6f}/{longitude:.6f}"


def fit(message: OutboundMessage, capabilities: Capabilities) -> OutboundMessage | None:
    """`message` as the platform of `capabilities` can say it; None when nothing of it can be said there."""
    if _is_plain(message) and len(message.choices) <= capabilities.choice_page:
        return _with_choices(message, capabilities) if message.choices else message
    if message.inline is not None:
        return message if capabilities.sends_natively("inline_answer") else None
    if message.reaction is not None:
        if capabilities.sends_natively("reaction"):
            return message
        return (
            structs.replace(message, reaction=None, text=message.reaction.emoji)
            if message.reaction.emoji
            else None
        )
    if message.template is not None:
        if capabilities.sends_natively("template"):
            return message
        message = structs.replace(message, template=None)
    return _with_choices(_with_parts(_without_extras(message, capabilities), capabilities), capabilities)


def _is_plain(message: OutboundMessage) -> bool:
    """Whether it is text and choices and nothing else: the usual case."""
    return not (
        message.media
        or message.cards
        or message.links
        or message.spans
        or message.request
        or message.edits
        or message.reply_to
        or message.location is not None
        or message.contact is not None
        or message.template is not None
        or message.reaction is not None
        or message.inline is not None
    )


def _without_extras(message: OutboundMessage, capabilities: Capabilities) -> OutboundMessage:
    """Without what changes only how it looks, or where it stands."""
    native = capabilities.sends_natively
    request: Outbound = "request_location" if message.request == "location" else "request_contact"
    return structs.replace(
        message,
        spans=message.spans if native("formatting") else (),
        edits=message.edits if native("edit") else "",
        reply_to=message.reply_to if native("reply") else "",
        request=message.request if message.request is not None and native(request) else None,
    )


def _with_parts(message: OutboundMessage, capabilities: Capabilities) -> OutboundMessage:
    """Media, cards, places, contacts and links: kept, or written out behind the text."""
    native = capabilities.sends_natively
    written: list[str] = []
    choices = list(message.choices)
    media = [_sendable(one, capabilities) for one in message.media]
    written += ["\n".join(_media(one)) for one in media if not native(one.kind)]
    cards = message.cards
    if cards and not native("card"):
        written += ["\n".join(_card(card)) for card in cards]
        choices += [
            Choice(id=button.id, title=button.title) for card in cards for button in card.buttons if button.id
        ]
        cards = ()
    elif not native("choices"):
        cards = tuple(_unpressed(card) for card in cards)
    location, contact = message.location, message.contact
    if location is not None and not native("location"):
        written.append("\n".join(_place(location)))
        location = None
    if contact is not None and not native("contact"):
        written.append("\n".join(_contact(contact)))
        contact = None
    links, lines = _links(message.links, capabilities)
    written += ["\n".join(lines)] if lines else []
    return structs.replace(
        message,
        text=_joined(message.text, written),
        choices=tuple(choices),
        media=tuple(one for one in media if native(one.kind)),
        cards=cards,
        location=location,
        contact=contact,
        links=links,
    )


def _with_choices(message: OutboundMessage, capabilities: Capabilities) -> OutboundMessage:
    """The choices of one page, all of which the platform can carry; the others are numbered in the text."""
    if not message.choices:
        return message
    first, shown, leafing = _page(message, capabilities)
    pressed: list[Choice] = []
    lines: list[str] = []
    room = capabilities.choice_count - len(leafing)
    for number, choice in enumerate(shown, first + 1):
        carried = len(pressed) < room and choice.id and capabilities.choice_id.allows(choice.id)
        if carried and capabilities.sends_natively("choices"):
            pressed.append(choice)
        else:
            lines.append(
                f"{number}. {choice.title}" + (f": {choice.description}" if choice.description else "")
            )
    choices = (*pressed, *leafing)
    if not lines and choices == message.choices:
        return message
    written = ["\n".join(lines)] if lines else []
    return structs.replace(message, text=_joined(message.text, written), choices=choices, paging=None)


def _page(
    message: OutboundMessage, capabilities: Capabilities
) -> tuple[int, tuple[Choice, ...], list[Choice]]:
    """Which choices are shown now (the place of the first, and they themselves), and what leafs on."""
    choices, paging = message.choices, message.paging
    if (
        paging is None
        or len(choices) <= capabilities.choice_page
        or capabilities.choice_page < LEAST_PAGE
        or not capabilities.sends_natively("choices")
    ):
        return 0, choices, []
    most = capabilities.choice_page
    starts = [0]
    while len(choices) - starts[-1] > (room := most - (starts[-1] > 0)):
        starts.append(starts[-1] + room - 1)
    page = min(paging.page, len(starts) - 1)
    first, last = starts[page], page == len(starts) - 1
    shown = choices[first:] if last else choices[first : starts[page + 1]]
    leafing = []
    if page > 0:
        leafing.append(Choice(id=f"{paging.key}{page - 1}", title=paging.back))
    if not last:
        leafing.append(Choice(id=f"{paging.key}{page + 1}", title=paging.more))
    return first, shown, leafing


def _sendable(media: Media, capabilities: Capabilities) -> Media:
    """As the nearest kind that the platform has."""
    for _ in _INSTEAD:
        if capabilities.sends_natively(media.kind) or media.kind not in _INSTEAD:
            return media
        media = structs.replace(media, kind=_INSTEAD[media.kind])
    return media


def _links(links: tuple[Link, ...], capabilities: Capabilities) -> tuple[tuple[Link, ...], list[str]]:
    """The links that become buttons, and the others as lines."""
    buttons: list[Link] = []
    lines: list[str] = []
    for link in links:
        kind: Outbound = "link" if link.kind == "url" else link.kind
        if not capabilities.sends_natively(kind) or (link.kind == "form" and not link.form):
            link = structs.replace(link, kind="url", form="")
        fits = len(buttons) < capabilities.link_count
        if fits and (link.url or link.form) and (link.kind != "url" or capabilities.sends_natively("link")):
            buttons.append(link)
        else:
            lines.append(f"{link.title}: {link.url}" if link.url else link.title)
    return tuple(buttons), lines


def _joined(text: str, written: list[str]) -> str:
    return "\n\n".join([*([text] if text.strip() else []), *written]) if written else text


def _media(media: Media) -> Iterator[str]:
    name = media.alt or media.name
    yield f"{name}: {media.url}" if name else media.url


def _card(card: Card) -> Iterator[str]:
    yield card.title
    yield from filter(None, (card.subtitle, card.image, card.url))
    for button in card.buttons:
        if button.url:
            yield f"{button.title}: {button.url}"


def _unpressed(card: Card) -> Card:
    """Without the buttons that are choices; their titles become words."""
    titles = [button.title for button in card.buttons if button.id]
    if not titles:
        return card
    return structs.replace(
        card,
        subtitle="\n".join([*([card.subtitle] if card.subtitle.strip() else []), *titles]),
        buttons=tuple(button for button in card.buttons if not button.id),
    )


def _place(place: Place) -> Iterator[str]:
    yield from filter(None, (place.name, place.address))
    yield _MAP.format(latitude=place.latitude, longitude=place.longitude)


def _contact(contact: ContactCard) -> Iterator[str]:
    yield from filter(None, (contact.name, contact.organization, contact.phone, contact.email))
