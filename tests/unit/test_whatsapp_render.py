"""Which calls a message becomes, and in which order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.capabilities import Inbound, Outbound
from adapters.protocol import Call, Upload
from adapters.whatsapp.adapter import WhatsAppAdapter
from adapters.whatsapp.capabilities import CAPABILITIES
from engine.messages import (
    Card,
    CardButton,
    Choice,
    ContactCard,
    InlineAnswer,
    Link,
    Media,
    OutboundMessage,
    Paging,
    Place,
    Reaction,
    Span,
    TemplateCall,
)
from tests.channels import access_with, calls_for

MAYA = "4915550100311"
PICTURE = Media(kind="image", url="https://velo.example/wheel.jpg")
CHOICES = (Choice(id="a:0", title="Repair"), Choice(id="a:1", title="Rent"))
MANY = tuple(Choice(id=f"a:{n}", title=f"Tour {n}") for n in range(30))
LONG = "A sentence of some length, as people write them. "


def calls(message: OutboundMessage, to: str = MAYA, **settings: Any) -> list[Call]:
    return calls_for(WhatsAppAdapter(), to, message, access_with({}, settings))


def bodies(message: OutboundMessage, to: str = MAYA, **settings: Any) -> list[dict[str, Any]]:
    return [json.loads(call.body) for call in calls(message, to, **settings)]


def said(message: OutboundMessage, **settings: Any) -> list[tuple[str, Any]]:
    """Type and content of each call."""
    return [(body["type"], body[body["type"]]) for body in bodies(message, **settings)]


def test_a_text() -> None:
    assert bodies(OutboundMessage(text="Hello")) == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": MAYA,
            "type": "text",
            "text": {"body": "Hello"},
        }
    ]


@pytest.mark.parametrize(
    ("recipient", "target"),
    [
        (MAYA, {"recipient_type": "individual", "to": MAYA}),
        ("+4915550100311", {"recipient_type": "individual", "to": "+4915550100311"}),
        ("US.13491208655302741918", {"recipient_type": "individual", "recipient": "US.13491208655302741918"}),
        ("US.ENT.118157992", {"recipient_type": "individual", "recipient": "US.ENT.118157992"}),
        ("Y2FwaV9ncm91cDoxNTU1", {"recipient_type": "group", "to": "Y2FwaV9ncm91cDoxNTU1"}),
    ],
)
def test_how_a_recipient_is_addressed(recipient: str, target: dict[str, str]) -> None:
    (body,) = bodies(OutboundMessage(text="x"), recipient)
    assert {key: body[key] for key in ("recipient_type", "to", "recipient") if key in body} == target


def test_formatting_and_a_quote() -> None:
    message = OutboundMessage(
        text="very good https://velo.example",
        spans=(Span(kind="bold", start=5, end=9),),
        reply_to="wamid.MAYA001",
    )
    (body,) = bodies(message)
    assert body["text"] == {"body": "very *good* https://velo.example", "preview_url": True}
    assert body["context"] == {"message_id": "wamid.MAYA001"}


def test_a_long_text_goes_out_in_parts_and_only_the_first_quotes() -> None:
    sent = bodies(OutboundMessage(text=LONG * 250, reply_to="wamid.MAYA001"))
    assert [len(body["text"]["body"]) <= 4096 for body in sent] == [True] * 4
    assert ["context" in body for body in sent] == [True, False, False, False]


def test_few_short_choices_are_buttons() -> None:
    assert said(OutboundMessage(text="What?", choices=CHOICES)) == [
        (
            "interactive",
            {
                "type": "button",
                "action": {
                    "buttons": [
                        {"type": "reply", "reply": {"id": "a:0", "title": "Repair"}},
                        {"type": "reply", "reply": {"id": "a:1", "title": "Rent"}},
                    ]
                },
                "body": {"text": "What?"},
            },
        )
    ]


@pytest.mark.parametrize(
    "choices",
    [
        (Choice(id="a:0", title="A title of more than 20"),),
        (Choice(id="a:0", title="Repair", description="in two days"),),
        (Choice(id="a:0", title="Same"), Choice(id="a:1", title="Same")),
        MANY[:4],
    ],
)
def test_other_choices_are_a_list(choices: tuple[Choice, ...]) -> None:
    ((kind, content),) = said(OutboundMessage(text="What?", choices=choices, language="de-AT"))
    assert (kind, content["type"], content["action"]["button"]) == ("interactive", "list", "Auswählen")
    rows = content["action"]["sections"][0]["rows"]
    assert [row["id"] for row in rows] == [choice.id for choice in choices]


def test_a_row_whose_title_was_cut_has_it_whole_in_its_description() -> None:
    choice = Choice(
        id="a:0", title="A tour around the lake and back", description="42 km, easy, with coffee at the mill"
    )
    ((_, content),) = said(OutboundMessage(text="Which?", choices=(choice,)))
    (row,) = content["action"]["sections"][0]["rows"]
    assert row["title"] == "A tour around the lake…"
    assert row["description"] == "A tour around the lake and back: 42 km, easy, with coffee at the mill"


def test_a_long_menu_pages() -> None:
    paging = Paging(key="a:p", more="More", back="Back")
    ((_, content),) = said(OutboundMessage(text="Which?", choices=MANY, paging=paging))
    rows = content["action"]["sections"][0]["rows"]
    assert len(rows) == 10 and rows[-1] == {"id": "a:p1", "title": "More"}


def test_a_text_too_long_for_a_body_goes_before_it() -> None:
    *before, (kind, content) = said(OutboundMessage(text=LONG * 40, choices=CHOICES))
    assert [kind for kind, _ in before] == ["text"]
    assert kind == "interactive" and 0 < len(content["body"]["text"]) <= 1024
    together = before[0][1]["body"] + " " + content["body"]["text"]
    assert together == (LONG * 40).strip()


def test_a_list_has_a_longer_body() -> None:
    ((_, content),) = said(OutboundMessage(text=LONG * 40, choices=MANY[:9]))
    assert content["body"]["text"] == (LONG * 40).strip()


@pytest.mark.parametrize(
    ("kind", "type_", "more"),
    [
        ("image", "image", {"caption": "Look"}),
        ("video", "video", {"caption": "Look"}),
        ("document", "document", {"caption": "Look", "filename": "bill.pdf"}),
    ],
)
def test_media_that_carry_their_text(kind: Any, type_: str, more: dict[str, str]) -> None:
    name = "bill.pdf" if kind == "document" else ""
    media = Media(kind=kind, url="https://velo.example/x", name=name)
    assert said(OutboundMessage(text="Look", media=(media,))) == [
        (type_, {"link": "https://velo.example/x", **more})
    ]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("audio", {"link": "https://velo.example/x"}),
        ("voice", {"link": "https://velo.example/x", "voice": True}),
        ("sticker", {"link": "https://velo.example/x"}),
    ],
)
def test_media_that_carry_none(kind: Any, content: dict[str, Any]) -> None:
    media = Media(kind=kind, url="https://velo.example/x")
    assert said(OutboundMessage(text="Listen", media=(media,))) == [
        ("audio" if kind != "sticker" else "sticker", content),
        ("text", {"body": "Listen"}),
    ]


def test_a_caption_that_is_too_long_follows_its_picture() -> None:
    assert [kind for kind, _ in said(OutboundMessage(text=LONG * 30, media=(PICTURE,)))] == ["image", "text"]


def test_an_album_goes_one_by_one_the_first_with_the_text() -> None:
    sent = said(OutboundMessage(text="Both sides", media=(PICTURE, PICTURE)))
    assert sent == [
        ("image", {"link": PICTURE.url, "caption": "Both sides"}),
        ("image", {"link": PICTURE.url}),
    ]


@pytest.mark.parametrize(
    ("source", "uploaded"),
    [
        ("https://velo.example/a.png", False),
        ("http://velo.example/a.png", False),
        ("https://8.8.8.8/a.png", False),
        ("media:0195f3a2-7c1d-7e55-9a10-1b2c3d4e5f60", True),
        ("http://localhost:8080/a.png", True),
        ("http://127.0.0.1/a.png", True),
        ("http://10.1.2.3/a.png", True),
        ("http://[::1]/a.png", True),
        ("http://gateway/a.png", True),
        ("https://files.internal/a.png", True),
    ],
)
def test_what_meta_can_not_fetch_is_uploaded(source: str, uploaded: bool) -> None:
    (call,) = calls(OutboundMessage(media=(Media(kind="image", url=source, name="a.png"),)))
    content = json.loads(call.body)["image"]
    upload = Upload(field="image", source=source, kind="image", name="a.png")
    assert (content, call.uploads) == (({}, (upload,)) if uploaded else ({"link": source}, ()))


def test_a_picture_stands_over_buttons() -> None:
    picture = Media(kind="image", url="media:1")
    (call,) = calls(OutboundMessage(text="What?", choices=CHOICES, media=(picture,)))
    content = json.loads(call.body)["interactive"]
    assert content["header"] == {"type": "image", "image": {}}
    assert [upload.field for upload in call.uploads] == ["interactive.header.image"]


def test_a_picture_goes_before_a_list() -> None:
    sent = said(OutboundMessage(text="Which?", choices=MANY[:9], media=(PICTURE,)))
    assert [(kind, content.get("type")) for kind, content in sent] == [
        ("image", None),
        ("interactive", "list"),
    ]


def test_a_place_and_a_contact_follow_their_text() -> None:
    message = OutboundMessage(
        text="Here we are",
        location=Place(latitude=52.5, longitude=13.4, name="Velo", address="Gleis 1"),
        contact=ContactCard(
            name="Jo Park", phone="+49 155 50100400", email="jo@velo.example", organization="Velo"
        ),
    )
    assert said(message) == [
        ("text", {"body": "Here we are"}),
        ("location", {"latitude": 52.5, "longitude": 13.4, "name": "Velo", "address": "Gleis 1"}),
        (
            "contacts",
            [
                {
                    "name": {"formatted_name": "Jo Park", "first_name": "Jo", "last_name": "Park"},
                    "phones": [{"phone": "+49 155 50100400", "type": "CELL", "wa_id": "4915550100400"}],
                    "emails": [{"email": "jo@velo.example", "type": "WORK"}],
                    "org": {"company": "Velo"},
                }
            ],
        ),
    ]


def test_a_link_is_a_button() -> None:
    link = Link(title="Our shop", url="https://velo.example")
    assert said(OutboundMessage(text="See", links=(link,), media=(PICTURE,))) == [
        (
            "interactive",
            {
                "type": "cta_url",
                "action": {
                    "name": "cta_url",
                    "parameters": {"display_text": "Our shop", "url": "https://velo.example"},
                },
                "header": {"type": "image", "image": {"link": PICTURE.url}},
                "body": {"text": "See"},
            },
        )
    ]


def test_links_beside_choices_are_written_out() -> None:
    link = Link(title="Our shop", url="https://velo.example")
    ((_, content),) = said(OutboundMessage(text="See", links=(link,), choices=CHOICES))
    assert content["type"] == "button"
    assert content["body"] == {"text": "See\n\nOur shop: https://velo.example"}


def test_a_form_is_a_flow_and_says_its_id_back() -> None:
    form = Link(title="Book", kind="form", form="770000000000001")
    ((_, content),) = said(OutboundMessage(text="When?", links=(form,)))
    assert content["action"]["parameters"] == {
        "flow_message_version": "3",
        "flow_token": "770000000000001",
        "flow_id": "770000000000001",
        "flow_cta": "Book",
    }
    sent = said(OutboundMessage(text="Or pick", links=(form,), choices=CHOICES))
    assert [content["type"] for _, content in sent] == ["flow", "button"]


def test_requests() -> None:
    assert said(OutboundMessage(text="Where are you?", request="location")) == [
        (
            "interactive",
            {
                "type": "location_request_message",
                "action": {"name": "send_location"},
                "body": {"text": "Where are you?"},
            },
        )
    ]
    ((_, content),) = said(OutboundMessage(text="Your number?", request="contact", choices=CHOICES))
    assert content["type"] == "request_contact_info"
    assert content["body"] == {"text": "Your number?\n\n1. Repair\n2. Rent"}


def card(number: int, *buttons: CardButton, image: str = "https://velo.example/c.png", url: str = "") -> Card:
    return Card(title=f"Bike {number}", subtitle="49 €", image=image, buttons=buttons, url=url)


def test_a_card_is_a_picture_with_buttons() -> None:
    one = card(1, CardButton(title="Rent", id="a:0"), CardButton(title="More", url="https://velo.example/1"))
    assert said(OutboundMessage(text="Our bikes", cards=(one,))) == [
        ("text", {"body": "Our bikes"}),
        (
            "interactive",
            {
                "type": "button",
                "action": {"buttons": [{"type": "reply", "reply": {"id": "a:0", "title": "Rent"}}]},
                "header": {"type": "image", "image": {"link": "https://velo.example/c.png"}},
                "body": {"text": "*Bike 1*\n49 €\n\nMore: https://velo.example/1"},
            },
        ),
    ]


def test_cards_that_are_alike_are_one_carousel() -> None:
    cards = tuple(card(n, CardButton(title="Rent", id=f"a:{n}")) for n in range(3))
    ((kind, content),) = said(OutboundMessage(text="Our bikes", cards=cards))
    assert (kind, content["type"], content["body"]) == ("interactive", "carousel", {"text": "Our bikes"})
    assert [one["body"]["text"] for one in content["action"]["cards"]] == [
        f"*Bike {n}*\n49 €" for n in range(3)
    ]


@pytest.mark.parametrize(
    "cards",
    [
        (card(1, CardButton(title="Rent", id="a:1")), card(2)),
        (
            card(1, CardButton(title="Rent", id="a:1")),
            card(2, CardButton(title="See", url="https://v.example")),
        ),
        tuple(card(n, CardButton(title="Rent", id=f"a:{n}"), image="media:1") for n in range(2)),
        tuple(card(n, CardButton(title="Rent", id=f"a:{n}"), image="") for n in range(2)),
        tuple(card(n, CardButton(title="A much too long title", id=f"a:{n}")) for n in range(2)),
        tuple(card(n, CardButton(title="Rent", id=f"a:{n}")) for n in range(11)),
    ],
)
def test_other_cards_go_one_by_one(cards: tuple[Card, ...]) -> None:
    sent = said(OutboundMessage(text="Our bikes", cards=cards))
    assert len(sent) == len(cards) + 1 or all(
        card.image and len(card.buttons[0].title) > 20 for card in cards
    )
    assert all(content.get("type") != "carousel" for _, content in sent)


def test_a_reaction() -> None:
    reaction = Reaction(message="wamid.MAYA001", emoji="👍")
    assert said(OutboundMessage(reaction=reaction)) == [
        ("reaction", {"message_id": "wamid.MAYA001", "emoji": "👍"})
    ]
    taken_back = Reaction(message="wamid.MAYA001", emoji="")
    assert said(OutboundMessage(reaction=taken_back)) == [
        ("reaction", {"message_id": "wamid.MAYA001", "emoji": ""})
    ]


@pytest.mark.parametrize("text", ["", " \n", "\u200b"])
def test_an_empty_message_still_says_something(text: str) -> None:
    assert said(OutboundMessage(text=text)) == [("text", {"body": "…"})]
    ((_, content),) = said(OutboundMessage(text=text, choices=CHOICES))
    assert content["body"]["text"].strip()


def test_the_typing_indicator_needs_the_message_that_it_answers() -> None:
    adapter, access = WhatsAppAdapter(), access_with()
    assert adapter.announce(MAYA, "", access, typing=True) is None
    typing = adapter.announce(MAYA, "wamid.MAYA001", access, typing=True)
    read = adapter.announce(MAYA, "wamid.MAYA001", access, typing=False)
    assert typing is not None and read is not None
    plain = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.MAYA001"}
    assert json.loads(read.body) == plain
    assert json.loads(typing.body) == {**plain, "typing_indicator": {"type": "text"}}


def test_what_can_not_be_said_here_is_left_out() -> None:
    assert calls(OutboundMessage(inline=InlineAnswer(query="42"))) == []


def test_the_table_names_every_kind() -> None:
    assert set(CAPABILITIES.sends) == set(Outbound.__args__)  # type: ignore[attr-defined]
    assert set(CAPABILITIES.hears) == set(Inbound.__args__)  # type: ignore[attr-defined]


WELCOME = {
    "name": "welcome_message_v2",
    "language": "en_US",
    "category": "UTILITY",
    "status": "APPROVED",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Welcome to {{company_name}}!"},
        {"type": "BODY", "text": "Hi {{customer_name}}, thanks for reaching out to {{company_name}}."},
        {"type": "FOOTER", "text": "Reply STOP to end"},
    ],
}
RECEIPT = {
    "name": "receipt_v1",
    "language": "de",
    "status": "APPROVED",
    "components": [
        {"type": "HEADER", "format": "DOCUMENT"},
        {"type": "BODY", "text": "Hallo {{1}}, Ihre Rechnung über {{2}}."},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Danke"},
                {"type": "URL", "text": "Ansehen", "url": "https://velo.example/r/{{1}}"},
                {"type": "URL", "text": "Laden", "url": "https://velo.example"},
                {"type": "COPY_CODE", "text": "Code"},
            ],
        },
    ],
}
BARE = {"name": "appointment_confirmation_v1", "language": "en_US", "status": "APPROVED"}
PAUSED = {**BARE, "name": "sale", "status": "PAUSED"}
TEMPLATES = {"welcome": WELCOME, "receipt": RECEIPT, "appointment": BARE, "sale": PAUSED, "broken": {"x": 1}}
BILL = Media(kind="document", url="https://velo.example/17.pdf", name="17.pdf")


def template(key: str, media: Media | None = None, **parameters: str) -> OutboundMessage:
    named = tuple((name.removeprefix("p"), value) for name, value in parameters.items())
    return OutboundMessage(text="instead", template=TemplateCall(key=key, parameters=named, media=media))


def test_a_template_with_named_parameters() -> None:
    message = template("welcome", company_name="Velo", customer_name="Ana  \n*Maria*")
    ((kind, content),) = said(message, message_templates=TEMPLATES)
    assert kind == "template"
    assert content == {
        "name": "welcome_message_v2",
        "language": {"code": "en_US"},
        "components": [
            {
                "type": "header",
                "parameters": [{"type": "text", "text": "Velo", "parameter_name": "company_name"}],
            },
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "text": "Ana *\u200aMaria*", "parameter_name": "customer_name"},
                    {"type": "text", "text": "Velo", "parameter_name": "company_name"},
                ],
            },
        ],
    }


def test_a_template_with_numbered_parameters_a_file_and_buttons() -> None:
    message = template(
        "receipt", BILL, p1="Ana", p2="49 €", button_0="a:3", button_1="17", coupon_code="VELO5"
    )
    ((_, content),) = said(message, message_templates=TEMPLATES)
    assert content["components"] == [
        {
            "type": "header",
            "parameters": [{"type": "document", "document": {"link": BILL.url, "filename": "17.pdf"}}],
        },
        {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "49 €"}]},
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "0",
            "parameters": [{"type": "payload", "payload": "a:3"}],
        },
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "17"}]},
        {
            "type": "button",
            "sub_type": "copy_code",
            "index": "3",
            "parameters": [{"type": "coupon_code", "coupon_code": "VELO5"}],
        },
    ]


def test_a_templates_file_is_uploaded_to_its_place() -> None:
    bill = Media(kind="document", url="media:17", name="17.pdf")
    message = template("receipt", bill, p1="Ana", p2="49 €", button_1="17", coupon_code="V")
    (call,) = calls(message, message_templates=TEMPLATES)
    assert [upload.field for upload in call.uploads] == ["template.components.0.parameters.0.document"]


def test_a_template_without_known_components_takes_what_is_given() -> None:
    ((_, content),) = said(template("appointment", day="Monday"), message_templates=TEMPLATES)
    assert content["components"] == [
        {"type": "body", "parameters": [{"type": "text", "text": "Monday", "parameter_name": "day"}]}
    ]
    ((_, content),) = said(template("appointment"), message_templates=TEMPLATES)
    assert "components" not in content


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (template("nothing"), "this channel has no message template 'nothing'; add it to message_templates"),
        (template("broken"), "this channel has no message template 'broken'"),
        (template("sale"), "the template 'sale' (sale) has the status PAUSED; Meta sends only approved ones"),
        (
            template("welcome", company_name="Velo"),
            "the template 'welcome_message_v2' (welcome) needs the parameter 'customer_name'",
        ),
        (
            template("welcome", company_name="Velo", customer_name=" "),
            "needs the parameter 'customer_name'",
        ),
        (
            template("welcome", company_name="Velo", customer_name="Ana", surname="Li"),
            "has no place for the parameter 'surname'",
        ),
        (
            template("welcome", PICTURE, company_name="Velo", customer_name="Ana"),
            "has no header that shows a file",
        ),
        (template("receipt", p1="Ana", p2="1"), "needs a file for its header (document)"),
        (
            template("receipt", PICTURE, p1="Ana", p2="1"),
            "shows a file of the kind document in its header, not image",
        ),
        (template("receipt", BILL, p1="Ana", p2="1"), "needs the parameter 'button_1'"),
    ],
)
def test_a_template_that_can_not_be_sent_is_a_call_that_says_why(
    message: OutboundMessage, words: str
) -> None:
    (call,) = calls(message, message_templates=TEMPLATES)
    assert call.method == "refused"
    assert words in json.loads(call.body)["reason"]


def test_a_channel_without_templates_says_so() -> None:
    (call,) = calls(template("welcome"))
    assert call.method == "refused"
