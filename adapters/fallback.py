"""What a platform can't show, written out: media and cards become text with addresses, their buttons choices."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from engine.messages import Card, Choice, Media, OutboundMessage


def written_out(message: OutboundMessage) -> OutboundMessage:
    """The message as text and choices only. Nothing of it is lost; one that is text already comes back as it is."""
    if not message.media and not message.cards:
        return message
    parts = [message.text] if message.text.strip() else []
    parts += ["\n".join(_media(media)) for media in message.media]
    parts += ["\n".join(_card(card)) for card in message.cards]
    buttons = tuple(
        Choice(id=button.id, title=button.title)
        for card in message.cards
        for button in card.buttons
        if button.id
    )
    return structs.replace(
        message, text="\n\n".join(parts), choices=message.choices + buttons, media=(), cards=()
    )


def _media(media: Media) -> Iterator[str]:
    name = media.alt or media.name
    yield f"{name}: {media.url}" if name else media.url


def _card(card: Card) -> Iterator[str]:
    yield card.title
    yield from filter(None, (card.subtitle, card.image, card.url))
    for button in card.buttons:
        if button.url:
            yield f"{button.title}: {button.url}"
