"""What a platform has no form for is put into one that it has, and nothing of it is lost."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from adapters.capabilities import Capabilities, Inbound, Limit, Outbound, dropped, fallback, native
from adapters.fit import fit
from engine.answers import read_choice
from engine.messages import (
    Card,
    CardButton,
    Choice,
    ContactCard,
    InlineAnswer,
    Link,
    Media,
    MediaKind,
    OutboundMessage,
    Paging,
    Place,
    Reaction,
    Span,
    TemplateCall,
)


def able(*kinds: Outbound, page: int = 10, count: int = 10, links: int = 1) -> Capabilities:
    """A platform that sends text and these kinds natively, and nothing else."""
    return Capabilities(
        platform="test",
        sends={
            kind: native() if kind in (*kinds, "text") else fallback("in words")
            for kind in get_args(Outbound)
        },
        hears={kind: dropped("not here") for kind in get_args(Inbound)},
        text=Limit(100, "code_points"),
        caption=Limit(50, "code_points"),
        choice_title=Limit(20, "code_points"),
        choice_id=Limit(32, "bytes"),
        choice_count=count,
        choice_page=page,
        link_count=links,
    )


TEXT_ONLY = able()
EVERYTHING = able(*get_args(Outbound), links=3)
PICTURE = Media(kind="image", url="https://example.com/a.png", alt="Our office")
CARD = Card(
    title="Basic",
    subtitle="For one",
    image="https://example.com/basic.png",
    url="https://example.com/basic",
    buttons=(
        CardButton(title="Buy", id="x:0"),
        CardButton(title="Read more", url="https://example.com/more"),
    ),
)
OFFICE = Place(latitude=52.52, longitude=13.405, name="Office", address="Unter den Linden 1")
FORM = Link(title="Form", url="https://e.com/f", kind="form", form="17")
ANA = ContactCard(name="Ana", phone="+4915112345678", email="ana@example.com", organization="Velo")


def fitted(message: OutboundMessage, capabilities: Capabilities = TEXT_ONLY) -> OutboundMessage:
    found = fit(message, capabilities)
    assert found is not None
    return found


def options(count: int) -> tuple[Choice, ...]:
    return tuple(Choice(id=f"m:{number}", title=f"Option {number + 1}") for number in range(count))


MENU = OutboundMessage(text="Which?", choices=options(30), paging=Paging(key="m:p", more="More", back="Back"))


def test_what_the_platform_can_say_is_left_as_it_is() -> None:
    message = OutboundMessage(
        text="Hello",
        spans=(Span(kind="bold", start=0, end=5),),
        choices=(Choice(id="a", title="A"),),
        media=(PICTURE,),
        cards=(CARD,),
        links=(Link(title="Site", url="https://example.com"),),
        location=OFFICE,
        contact=ANA,
        request="location",
        edits="17",
        reply_to="16",
    )
    assert fitted(message, EVERYTHING) == message
    plain = OutboundMessage(text="Hello", choices=(Choice(id="a", title="A"),))
    assert fitted(plain, able("choices")) is plain


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (OutboundMessage(text="Look", media=(PICTURE,)), "Look\n\nOur office: https://example.com/a.png"),
        (OutboundMessage(media=(Media(kind="document", url="https://e.com/p.pdf", name="Plan"),)), "Plan: https://e.com/p.pdf"),
        (OutboundMessage(media=(Media(kind="audio", url="https://e.com/x.mp3"),)), "https://e.com/x.mp3"),
        (
            OutboundMessage(location=OFFICE),
            "Office\nUnter den Linden 1\n"
            "https://www.openstreetmap.org/?mlat=52.520000&mlon=13.405000#map=17/52.520000/13.405000",
        ),
        (OutboundMessage(text="Ask her", contact=ANA), "Ask her\n\nAna\nVelo\n+4915112345678\nana@example.com"),
        (OutboundMessage(text="x", links=(Link(title="Site", url="https://e.com"),)), "x\n\nSite: https://e.com"),
        (OutboundMessage(text="x", links=(FORM,)), "x\n\nForm: https://e.com/f"),
        (OutboundMessage(text="Welcome", template=TemplateCall(key="welcome")), "Welcome"),
        (OutboundMessage(reaction=Reaction(message="1", emoji="👍")), "👍"),
        (OutboundMessage(text="Bold", spans=(Span(kind="bold", start=0, end=4),)), "Bold"),
        (OutboundMessage(text="Where?", request="location"), "Where?"),
        (OutboundMessage(text="New", edits="17", reply_to="16"), "New"),
    ],
)  # fmt: skip
def test_what_it_can_not_show_is_written_out(message: OutboundMessage, text: str) -> None:
    assert fitted(message) == OutboundMessage(text=text)


def test_a_carousel_becomes_text_and_choices() -> None:
    plain = fitted(OutboundMessage(text="Our plans", cards=(CARD, Card(title="Free"))), able("choices"))
    assert plain.text == (
        "Our plans\n\nBasic\nFor one\nhttps://example.com/basic.png\nhttps://example.com/basic\n"
        "Read more: https://example.com/more\n\nFree"
    )
    assert plain.choices == (Choice(id="x:0", title="Buy"),)
    assert not plain.cards


@pytest.mark.parametrize(
    ("kinds", "sent"),
    [(("image",), "image"), (("document",), "document"), (("sticker", "image"), "sticker")],
)
def test_a_sticker_is_sent_as_the_nearest_kind(kinds: tuple[Outbound, ...], sent: MediaKind) -> None:
    sticker = Media(kind="sticker", url="https://example.com/s.webp")
    (media,) = fitted(OutboundMessage(media=(sticker,)), able(*kinds)).media
    assert media == structs.replace(sticker, kind=sent)


def test_links_beyond_the_buttons_are_written_out() -> None:
    links = tuple(Link(title=f"L{n}", url=f"https://e.com/{n}") for n in range(3))
    message = fitted(OutboundMessage(text="x", links=links), able("link", links=2))
    assert message.links == links[:2]
    assert message.text == "x\n\nL2: https://e.com/2"


def test_an_app_becomes_a_link_where_there_are_no_apps() -> None:
    app = Link(title="Open", url="https://e.com/app", kind="web_app")
    assert fitted(OutboundMessage(text="x", links=(app,)), able("link")).links == (
        Link(title="Open", url="https://e.com/app"),
    )
    assert fitted(OutboundMessage(text="x", links=(app,)), able("web_app")).links == (app,)


def test_what_answers_nothing_that_is_there_is_not_said() -> None:
    assert fit(OutboundMessage(inline=InlineAnswer(query="1")), TEXT_ONLY) is None
    assert fit(OutboundMessage(reaction=Reaction(message="1", emoji="")), TEXT_ONLY) is None


# Menus


def test_without_buttons_all_choices_are_numbered() -> None:
    message = fitted(MENU)
    assert message.text.splitlines() == ["Which?", "", *(f"{n}. Option {n}" for n in range(1, 31))]
    assert not message.choices


def test_a_menu_without_paging_numbers_what_finds_no_button() -> None:
    message = fitted(structs.replace(MENU, choices=options(12), paging=None), able("choices"))
    assert [choice.id for choice in message.choices] == [f"m:{n}" for n in range(10)]
    assert message.text == "Which?\n\n11. Option 11\n12. Option 12"


def test_an_id_that_no_button_can_carry_is_numbered() -> None:
    choices = (Choice(id="é" * 17, title="Long"), Choice(id="b", title="B", description="second"))
    message = fitted(OutboundMessage(text="?", choices=choices), able("choices"))
    assert message.choices == choices[1:]
    assert message.text == "?\n\n1. Long"


@pytest.mark.parametrize("size", [4, 10, 29])
@pytest.mark.parametrize("count", [1, 3, 10, 11, 19, 30, 100])
def test_every_option_is_on_exactly_one_page(size: int, count: int) -> None:
    menu, platform = structs.replace(MENU, choices=options(count)), able("choices", page=size, count=size)
    seen: list[str] = []
    page = 0
    while True:  # ends with the page that leafs no further
        shown = fitted(
            structs.replace(menu, paging=Paging(key="m:p", more="More", back="Back", page=page)), platform
        )
        assert len(shown.choices) <= size
        assert shown.text == "Which?"
        leafing = {choice.title: choice.id for choice in shown.choices if choice.id.startswith("m:p")}
        seen += [choice.id for choice in shown.choices if not choice.id.startswith("m:p")]
        assert ("Back" in leafing) == (page > 0)
        assert leafing.get("Back", f"m:p{page - 1}") == f"m:p{page - 1}"
        if "More" not in leafing:
            break
        page += 1
        assert leafing["More"] == f"m:p{page}"
    assert seen == [choice.id for choice in menu.choices]


def test_a_platform_of_three_buttons_leafs_nothing() -> None:
    """Between Back and More stood one choice alone; what has no button is numbered."""
    shown = fitted(structs.replace(MENU, choices=options(5)), able("choices", page=3, count=3))
    assert shown.choices == MENU.choices[:3]
    assert shown.text == "Which?\n\n4. Option 4\n5. Option 5"


def test_a_card_whose_buttons_can_not_be_pressed_keeps_their_words() -> None:
    shown = fitted(OutboundMessage(cards=(CARD,)), able("card", "link"))
    assert shown.cards == (structs.replace(CARD, subtitle="For one\nBuy", buttons=CARD.buttons[1:]),)
    assert not shown.choices


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=2, max_value=99))
def test_a_page_that_is_not_there_is_the_last(page: int, count: int) -> None:
    menu = structs.replace(
        MENU, choices=options(count), paging=Paging(key="m:p", more="More", back="Back", page=page)
    )
    shown = fitted(menu, able("choices", page=5, count=5)).choices
    assert [choice for choice in shown if not choice.id.startswith("m:p")]


def test_a_numbered_choice_is_taken_by_number_title_or_value() -> None:
    """What `fit` writes out is what the engine reads."""
    titles = [(choice.title, f"value {number}") for number, choice in enumerate(MENU.choices)]
    line = fitted(MENU).text.splitlines()[13]
    number, _, title = line.partition(". ")
    assert read_choice(number, titles) == read_choice(title, titles) == read_choice("value 11", titles) == 11
