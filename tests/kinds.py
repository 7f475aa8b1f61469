"""One message of every kind that can be said, and what tells that a platform said it in its own form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.capabilities import Outbound
from engine.messages import (
    Card,
    CardButton,
    Choice,
    ContactCard,
    InlineAnswer,
    InlineResult,
    Link,
    Media,
    OutboundMessage,
    Place,
    Reaction,
    Span,
    TemplateCall,
)

SITE: Final = "https://files.example.com"
TEMPLATES: Final = {
    "welcome": {
        "name": "welcome_message_v2",
        "language": "en_US",
        "category": "UTILITY",
        "status": "APPROVED",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Welcome to {{company_name}}!"},
            {"type": "BODY", "text": "Hi {{customer_name}}, thanks for reaching out."},
        ],
    }
}
"""As a channel's `message_templates`."""


def media(kind: Outbound, name: str, alt: str) -> OutboundMessage:
    """A file with a caption."""
    return OutboundMessage(text=alt, media=(Media(kind=kind, url=f"{SITE}/{name}", alt=alt, name=name),))  # type: ignore[arg-type]


BASIC = Card(
    title="City bike",
    subtitle="Seven gears, 14 kg",
    image=f"{SITE}/city.jpg",
    url=f"{SITE}/city",
    buttons=(CardButton(title="Rent it", id="ca:0"), CardButton(title="More", url=f"{SITE}/city")),
)
CARGO = Card(
    title="Cargo bike",
    subtitle="Carries 80 kg",
    image=f"{SITE}/cargo.jpg",
    buttons=(CardButton(title="Rent this", id="ca:1"),),
)

EVERY_KIND: Final[Mapping[Outbound, OutboundMessage]] = {
    "text": OutboundMessage(text="Hello! * this is not bold * and <b>nor is this</b>"),
    "formatting": OutboundMessage(
        text="Bold, italic, struck, code and a link",
        spans=(
            Span(kind="bold", start=0, end=4),
            Span(kind="italic", start=6, end=12),
            Span(kind="strike", start=14, end=20),
            Span(kind="code", start=22, end=26),
            Span(kind="link", start=33, end=37, value=f"{SITE}/page"),
        ),
    ),
    "choices": OutboundMessage(
        text="Which one?",
        choices=(Choice(id="ch:0", title="City bike"), Choice(id="ch:1", title="Cargo bike")),
    ),
    "image": media("image", "shop.jpg", "Our shop"),
    "video": media("video", "tour.mp4", "A tour"),
    "audio": media("audio", "bell.mp3", "A bell"),
    "voice": media("voice", "hello.ogg", "A greeting"),
    "document": media("document", "prices.pdf", "Our prices"),
    "sticker": OutboundMessage(media=(Media(kind="sticker", url=f"{SITE}/wave.webp", alt="Waving"),)),
    "album": OutboundMessage(
        text="The team",
        media=(
            Media(kind="image", url=f"{SITE}/ana.jpg", alt="Ana"),
            Media(kind="image", url=f"{SITE}/ben.jpg", alt="Ben"),
        ),
    ),
    "card": OutboundMessage(cards=(BASIC,)),
    "carousel": OutboundMessage(text="Our bikes", cards=(BASIC, CARGO)),
    "location": OutboundMessage(
        location=Place(latitude=52.520008, longitude=13.404954, name="Velo", address="Karl-Liebknecht-Str. 5")
    ),
    "contact": OutboundMessage(
        contact=ContactCard(
            name="Ana Velo", phone="+493012345678", email="ana@velo.example", organization="Velo"
        )
    ),
    "request_location": OutboundMessage(text="Where are you?", request="location"),
    "request_contact": OutboundMessage(text="How can we call you?", request="contact"),
    "link": OutboundMessage(text="All prices", links=(Link(title="Open the list", url=f"{SITE}/list"),)),
    "web_app": OutboundMessage(
        text="Book now", links=(Link(title="Book", url=f"{SITE}/app", kind="web_app"),)
    ),
    "form": OutboundMessage(
        text="Tell us more",
        links=(Link(title="Fill in", url=f"{SITE}/form", kind="form", form="1234567890"),),
    ),
    "template": OutboundMessage(
        text="Welcome to Velo! Hi Ana, thanks for reaching out.",
        template=TemplateCall(key="welcome", parameters=(("company_name", "Velo"), ("customer_name", "Ana"))),
    ),
    "reaction": OutboundMessage(reaction=Reaction(message="17", emoji="👍")),
    "edit": OutboundMessage(text="Your order is on its way", edits="18"),
    "reply": OutboundMessage(text="That one is sold", reply_to="17"),
    "inline_answer": OutboundMessage(
        inline=InlineAnswer(
            query="4242",
            results=(InlineResult(id="1", title="City bike", text="The city bike costs 9 € a day."),),
        )
    ),
}
"""For each kind (typing and mark_as_read are no messages) one that needs it."""

ESSENCE: Final[Mapping[Outbound, tuple[str, ...]]] = {
    "text": ("this is not bold",),
    "formatting": ("Bold", "code"),
    "choices": ("City bike", "Cargo bike"),
    "image": (f"{SITE}/shop.jpg",),
    "video": (f"{SITE}/tour.mp4",),
    "audio": (f"{SITE}/bell.mp3",),
    "voice": (f"{SITE}/hello.ogg",),
    "document": (f"{SITE}/prices.pdf",),
    "sticker": (f"{SITE}/wave.webp",),
    "album": (f"{SITE}/ana.jpg", f"{SITE}/ben.jpg"),
    "card": ("City bike", "Seven gears", f"{SITE}/city.jpg", "ca:0"),
    "carousel": ("City bike", "Cargo bike", f"{SITE}/cargo.jpg", "ca:0", "ca:1"),
    "location": ("52.52", "13.40", "Velo"),
    "contact": ("Ana Velo", "493012345678"),
    "request_location": ("Where are you?",),
    "request_contact": ("How can we call you?",),
    "link": ("Open the list", f"{SITE}/list"),
    "web_app": ("Book", f"{SITE}/app"),
    "form": ("Fill in",),
    "template": ("Velo", "Ana"),
    "reaction": ("👍|thumbsup",),
    "edit": ("Your order is on its way",),
    "reply": ("That one is sold",),
    "inline_answer": ("9 € a day",),
}
"""What has to be found in the calls, in whatever form (`|`: or): without it something was lost."""
