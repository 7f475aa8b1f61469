"""Cards: several that are alike as one carousel, any other as a message of its own.

https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-media-carousel-messages
"""

from __future__ import annotations

from typing import Any

from adapters.text import clean
from adapters.whatsapp.capabilities import BODY, BUTTON_TITLE, BUTTONS, CARD_BODY, CARD_LINES, CARDS
from adapters.whatsapp.interactive import label_of
from adapters.whatsapp.media import is_public
from adapters.whatsapp.phrasing import one_of
from engine.messages import Card, CardButton, Choice, Link, Media, OutboundMessage, Span


def carousel_of(message: OutboundMessage, *, replies: bool = True) -> dict[str, Any] | None:
    """The interactive content for cards that WhatsApp takes as a carousel, under the message's text; else None.

    It wants a text, 2 to 10 cards with a picture by link, and the same buttons on each: one link, or as many quick
    replies (where the channel has `replies`).
    """
    cards = message.cards
    alone = not (
        message.media
        or message.choices
        or message.links
        or message.request
        or message.location
        or message.contact
    )
    body = one_of(message.text, message.spans, BODY)
    if not alone or not body or not CARDS[0] <= len(cards) <= CARDS[1]:
        return None
    shapes = {_shape(card) for card in cards}
    shape = shapes.pop()
    if shapes or shape is None or (shape[0] and not replies):
        return None
    texts = [one_of(*_words(card), CARD_BODY) for card in cards]
    if any(text is None or text.count("\n") >= CARD_LINES for text in texts):
        return None
    return {
        "type": "carousel",
        "body": {"text": body},
        "action": {
            "cards": [
                _carousel_card(index, card, text or "")
                for index, (card, text) in enumerate(zip(cards, texts, strict=True))
            ]
        },
    }


def message_of(card: Card) -> OutboundMessage:
    """One card as a message: its picture, its words, its buttons."""
    text, spans = _words(card)
    links = _links(card)
    return OutboundMessage(
        text=text,
        spans=spans,
        media=(Media(kind="image", url=card.image, alt=card.title),) if card.image else (),
        choices=tuple(Choice(id=button.id, title=button.title) for button in card.buttons if button.id),
        links=tuple(links),
    )


def _words(card: Card) -> tuple[str, tuple[Span, ...]]:
    """The title in bold over the subtitle."""
    title, subtitle = clean(card.title).strip(), clean(card.subtitle).strip()
    spans = (Span(kind="bold", start=0, end=len(title)),) if title else ()
    return "\n".join(part for part in (title, subtitle) if part), spans


def _links(card: Card) -> list[Link]:
    links = [
        Link(title=button.title, url=button.url) for button in card.buttons if button.url and not button.id
    ]
    if card.url and all(link.url != card.url for link in links):
        links.append(Link(title=card.title, url=card.url))
    return links


def _shape(card: Card) -> tuple[int, int] | None:
    """How many quick replies and links a card has; None for one that does not fit into a carousel."""
    replies = [button for button in card.buttons if button.id]
    links = _links(card)
    fits = all(BUTTON_TITLE.allows(button.title) and button.title.strip() for button in card.buttons)
    one_sort = (1 <= len(replies) <= BUTTONS and not links) or (not replies and len(links) == 1)
    return (len(replies), len(links)) if is_public(card.image) and one_sort and fits else None


def _carousel_card(index: int, card: Card, text: str) -> dict[str, Any]:
    links = _links(card)
    action: dict[str, Any]
    if links:
        action = {
            "name": "cta_url",
            "parameters": {"display_text": label_of(links[0]), "url": links[0].url},
        }
    else:
        action = {"buttons": [_quick_reply(button) for button in card.buttons if button.id]}
    content: dict[str, Any] = {
        "card_index": index,
        "type": "cta_url",  # of quick replies too, says the reference
        "header": {"type": "image", "image": {"link": card.image}},
        "action": action,
    }
    if text:
        content["body"] = {"text": text}
    return content


def _quick_reply(button: CardButton) -> dict[str, Any]:
    return {"type": "quick_reply", "quick_reply": {"id": button.id, "title": button.title}}
