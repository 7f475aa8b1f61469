"""Every kind of message as Telegram's own calls, to the letter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.protocol import Adapter, Call, Upload
from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.capabilities import CHANNEL_RATE, CHAT_RATE, GROUP_RATE
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
    Paging,
    Place,
    Reaction,
    Span,
)
from tests.channels import ACCESS, access_with, calls_for

ADAPTER: Adapter = TelegramAdapter()
PHOTO = Media(kind="image", url="https://velo.example/a.jpg")
YES = Choice(id="q:1", title="Yes")
YES_ROW = [{"text": "Yes", "callback_data": "q:1"}]


def said(message: OutboundMessage, to: str = "42", **settings: Any) -> list[tuple[str, dict[str, Any]]]:
    """Methods and bodies, the address taken out of a private chat's."""
    calls = calls_for(ADAPTER, to, message, access_with({}, settings))
    bodies = [(call.method, json.loads(call.body)) for call in calls]
    for _, body in bodies:
        if to == "42" and "chat_id" in body:
            assert body.pop("chat_id") == 42
    return bodies


def inline(*rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"inline_keyboard": list(rows)}


def test_spans_become_entities_in_utf16_units() -> None:
    spans = (
        Span(kind="bold", start=2, end=6),
        Span(kind="strike", start=2, end=4),
        Span(kind="quote", start=7, end=8),
        Span(kind="pre", start=9, end=10, value="python"),
        Span(kind="link", start=11, end=15, value="https://velo.example"),
    )
    assert said(OutboundMessage(text="🚲 bold q p here", spans=spans)) == [
        (
            "sendMessage",
            {
                "text": "🚲 bold q p here",
                "entities": [
                    {"type": "bold", "offset": 3, "length": 4},
                    {"type": "strikethrough", "offset": 3, "length": 2},
                    {"type": "blockquote", "offset": 8, "length": 1},
                    {"type": "pre", "offset": 10, "length": 1, "language": "python"},
                    {"type": "text_link", "offset": 12, "length": 4, "url": "https://velo.example"},
                ],
            },
        )
    ]


@pytest.mark.parametrize(
    "span",
    [
        Span(kind="bold", start=9, end=12),
        Span(kind="bold", start=2, end=2),
        Span(kind="link", start=0, end=3, value="mailto:a@velo.example"),
        Span(kind="link", start=0, end=3),
    ],
)
def test_spans_that_telegram_would_refuse_are_left_out(span: Span) -> None:
    assert said(OutboundMessage(text="text", spans=(span,))) == [("sendMessage", {"text": "text"})]


def test_a_long_text_is_cut_with_its_formatting() -> None:
    text = "word " * 1000
    calls = said(OutboundMessage(text=text, spans=(Span(kind="bold", start=0, end=len(text)),)))
    assert len(calls) == 2
    for _, body in calls:
        assert body["entities"] == [{"type": "bold", "offset": 0, "length": len(body["text"])}]


def test_links_are_buttons_below_the_choices() -> None:
    links = (
        Link(title="Site", url="https://velo.example"),
        Link(title="App", url="https://velo.example/app", kind="web_app"),
        Link(title="Form", url="https://velo.example/form", kind="form", form="17"),
        Link(title="Mail", url="mailto:a@velo.example"),
    )
    ((_, body),) = said(OutboundMessage(text="?", choices=(YES,), links=links))
    assert body["reply_markup"] == inline(
        YES_ROW,
        [{"text": "Site", "url": "https://velo.example"}],
        [{"text": "App", "web_app": {"url": "https://velo.example/app"}}],
        [{"text": "Form", "url": "https://velo.example/form"}],
    )
    assert body["text"] == "?\n\nMail: mailto:a@velo.example"


@pytest.mark.parametrize(
    ("to", "settings"),
    [("-100777", {}), ("business:Qk1:42", {}), ("42", {"advanced_features": {"web_app_support": False}})],
)
def test_an_app_is_a_link_where_no_app_can_open(to: str, settings: dict[str, Any]) -> None:
    link = Link(title="App", url="https://velo.example/app", kind="web_app")
    ((_, body),) = said(OutboundMessage(text="?", links=(link,)), to, **settings)
    assert body["reply_markup"] == inline([{"text": "App", "url": "https://velo.example/app"}])


@pytest.mark.parametrize(
    ("request_", "language", "button"),
    [
        ("location", "", {"text": "📍 Share my location", "request_location": True}),
        ("contact", "de-AT", {"text": "📱 Telefonnummer teilen", "request_contact": True}),
        ("contact", "tlh", {"text": "📱 Share my phone number", "request_contact": True}),
    ],
)
def test_a_request_is_a_reply_keyboard_that_folds_away(
    request_: Any, language: str, button: dict[str, Any]
) -> None:
    message = OutboundMessage(text="Where?", request=request_, language=language, choices=(YES,))
    assert said(message) == [
        (
            "sendMessage",
            {
                "text": "Where?",
                "reply_markup": {
                    "keyboard": [[button], [{"text": "Yes"}]],
                    "one_time_keyboard": True,
                    "resize_keyboard": True,
                },
            },
        )
    ]


@pytest.mark.parametrize(
    ("to", "settings"),
    [("-100777", {}), ("42", {"message_formatting": {"keyboard_types": ["inline"]}})],
)
def test_where_nothing_can_be_requested_the_words_ask_alone(to: str, settings: dict[str, Any]) -> None:
    ((_, body),) = said(OutboundMessage(text="Where?", request="location", choices=(YES,)), to, **settings)
    assert (body["text"], body["reply_markup"]) == ("Where?", inline(YES_ROW))


@pytest.mark.parametrize(
    ("media", "method", "body"),
    [
        (PHOTO, "sendPhoto", {"photo": "https://velo.example/a.jpg"}),
        (
            Media(kind="image", url="https://velo.example/a.GIF?v=2"),
            "sendAnimation",
            {"animation": "https://velo.example/a.GIF?v=2"},
        ),
        (
            Media(kind="video", url="https://velo.example/a.mp4"),
            "sendVideo",
            {"video": "https://velo.example/a.mp4", "supports_streaming": True},
        ),
        (
            Media(kind="audio", url="https://velo.example/a.mp3"),
            "sendAudio",
            {"audio": "https://velo.example/a.mp3"},
        ),
        (
            Media(kind="voice", url="https://velo.example/a.ogg"),
            "sendVoice",
            {"voice": "https://velo.example/a.ogg"},
        ),
        (
            Media(kind="document", url="https://velo.example/a.pdf"),
            "sendDocument",
            {"document": "https://velo.example/a.pdf"},
        ),
    ],
)
def test_media_goes_by_its_address_with_the_text_as_caption(
    media: Media, method: str, body: dict[str, Any]
) -> None:
    message = OutboundMessage(
        text="Look", spans=(Span(kind="bold", start=0, end=4),), media=(media,), choices=(YES,)
    )
    captioned = {"caption": "Look", "caption_entities": [{"type": "bold", "offset": 0, "length": 4}]}
    assert said(message) == [(method, {**body, **captioned, "reply_markup": inline(YES_ROW)})]


def test_a_sticker_has_no_caption() -> None:
    sticker = Media(kind="sticker", url="https://velo.example/a.webp")
    assert said(OutboundMessage(text="Hi", media=(sticker,), choices=(YES,))) == [
        ("sendSticker", {"sticker": "https://velo.example/a.webp"}),
        ("sendMessage", {"text": "Hi", "reply_markup": inline(YES_ROW)}),
    ]


def test_what_the_gateway_keeps_is_uploaded() -> None:
    message = OutboundMessage(media=(Media(kind="document", url="media:7", name="bill.pdf"),))
    (call,) = calls_for(ADAPTER, "42", message)
    assert call == Call(
        method="sendDocument",
        body=b'{"document":"attach://file0","chat_id":42}',
        uploads=(Upload(field="file0", source="media:7", kind="document", name="bill.pdf"),),
    )


def test_a_text_beyond_a_caption_follows_its_picture() -> None:
    text = "Sentence. " * 110
    assert [method for method, _ in said(OutboundMessage(text=text, media=(PHOTO,), choices=(YES,)))] == [
        "sendPhoto",
        "sendMessage",
    ]


def test_neighbours_that_mix_are_albums() -> None:
    film = Media(kind="video", url="media:1")
    paper = Media(kind="document", url="https://velo.example/a.pdf")
    message = OutboundMessage(text="Look", media=(PHOTO, film, paper, paper, PHOTO))
    calls = calls_for(ADAPTER, "42", message)
    assert [(call.method, json.loads(call.body)) for call in calls] == [
        (
            "sendMediaGroup",
            {
                "chat_id": 42,
                "media": [
                    {"type": "photo", "media": PHOTO.url},
                    {"type": "video", "media": "attach://file1"},
                ],
            },
        ),
        ("sendMediaGroup", {"chat_id": 42, "media": [{"type": "document", "media": paper.url}] * 2}),
        ("sendPhoto", {"chat_id": 42, "photo": PHOTO.url}),
        ("sendMessage", {"chat_id": 42, "text": "Look"}),
    ]
    assert calls[0].uploads == (Upload(field="file1", source="media:1", kind="video"),)


def test_one_album_carries_the_text_and_eleven_pictures_are_ten_and_one() -> None:
    ((method, body),) = said(OutboundMessage(text="Look", media=(PHOTO,) * 3))
    assert (method, body["media"][0]["caption"]) == ("sendMediaGroup", "Look")
    assert "caption" not in body["media"][1]
    many = said(OutboundMessage(media=(PHOTO,) * 11))
    assert [(name, len(one.get("media", ()))) for name, one in many] == [
        ("sendMediaGroup", 10),
        ("sendPhoto", 0),
    ]


@pytest.mark.parametrize(("text", "below"), [("Which?", "Which?"), ("", "…")])
def test_a_keyboard_hangs_below_an_album(text: str, below: str) -> None:
    _, (method, body) = said(OutboundMessage(text=text, media=(PHOTO,) * 2, choices=(YES,)))
    assert (method, body) == ("sendMessage", {"text": below, "reply_markup": inline(YES_ROW)})


def test_cards_are_pictures_with_their_words_and_buttons() -> None:
    bike = Card(
        title="Gravel",
        subtitle="11 speed",
        image="https://velo.example/g.jpg",
        url="https://velo.example/gravel",
        buttons=(CardButton(title="Buy", id="b:1"), CardButton(title="More", url="https://velo.example/m")),
    )
    plain = Card(title="City", buttons=(CardButton(title="Mail", url="mailto:a@velo.example"),))
    assert said(OutboundMessage(text="Ours:", cards=(bike, plain), choices=(YES,))) == [
        ("sendMessage", {"text": "Ours:"}),
        (
            "sendPhoto",
            {
                "photo": "https://velo.example/g.jpg",
                "caption": "Gravel\n11 speed",
                "caption_entities": [
                    {"type": "bold", "offset": 0, "length": 6},
                    {"type": "text_link", "offset": 0, "length": 6, "url": "https://velo.example/gravel"},
                ],
                "reply_markup": inline(
                    [{"text": "Buy", "callback_data": "b:1"}],
                    [{"text": "More", "url": "https://velo.example/m"}],
                ),
            },
        ),
        (
            "sendMessage",
            {
                "text": "City\nMail: mailto:a@velo.example",
                "entities": [{"type": "bold", "offset": 0, "length": 4}],
                "reply_markup": inline(YES_ROW),
            },
        ),
    ]


def test_the_messages_own_choices_join_the_last_cards() -> None:
    card = Card(title="City", buttons=(CardButton(title="Buy", id="b:1"),))
    ((_, body),) = said(OutboundMessage(cards=(card,), choices=(YES,)))
    assert body["reply_markup"] == inline([{"text": "Buy", "callback_data": "b:1"}], YES_ROW)


def test_a_card_of_many_words_keeps_its_picture_and_its_buttons() -> None:
    card = Card(
        title="City",
        subtitle="Sentence. " * 200,
        image="media:3",
        buttons=(CardButton(title="Buy", id="b:1"),),
    )
    first, second = said(OutboundMessage(cards=(card,)))
    assert first == ("sendPhoto", {"photo": "attach://file0"})
    assert second[1]["reply_markup"] == inline([{"text": "Buy", "callback_data": "b:1"}])


@pytest.mark.parametrize(
    ("place", "method", "body"),
    [
        (Place(latitude=59.3, longitude=18.0), "sendLocation", {}),
        (
            Place(latitude=59.3, longitude=18.0, name="Shop", address="Kungsgatan 9"),
            "sendVenue",
            {"title": "Shop", "address": "Kungsgatan 9"},
        ),
        (
            Place(latitude=59.3, longitude=18.0, address="Kungsgatan 9"),
            "sendVenue",
            {"title": "Kungsgatan 9", "address": "Kungsgatan 9"},
        ),
    ],
)
def test_places(place: Place, method: str, body: dict[str, Any]) -> None:
    assert said(OutboundMessage(location=place)) == [(method, {"latitude": 59.3, "longitude": 18.0, **body})]


def test_contacts_carry_a_card_when_there_is_more_than_a_number() -> None:
    plain = ContactCard(name="Nora", phone="+46701740605")
    full = ContactCard(name="Ek, Ingrid", phone="+468", email="i@velo.example", organization="Velo; AB")
    assert said(OutboundMessage(contact=plain)) == [
        ("sendContact", {"phone_number": "+46701740605", "first_name": "Nora"})
    ]
    ((_, body),) = said(OutboundMessage(contact=full))
    assert body["vcard"].split("\r\n") == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "FN:Ek\\, Ingrid",
        "TEL;TYPE=CELL:+468",
        "EMAIL:i@velo.example",
        "ORG:Velo\\; AB",
        "END:VCARD",
    ]


@pytest.mark.parametrize(
    ("emoji", "reaction"),
    [
        ("👍", [{"type": "emoji", "emoji": "👍"}]),
        ("❤️", [{"type": "emoji", "emoji": "❤"}]),
        ("🤷‍♀", [{"type": "emoji", "emoji": "🤷\u200d♀\ufe0f"}]),
        ("custom_emoji:77", [{"type": "custom_emoji", "custom_emoji_id": "77"}]),
        ("", []),
    ],
)
def test_reactions(emoji: str, reaction: list[dict[str, str]]) -> None:
    message = OutboundMessage(reaction=Reaction(message="17", emoji=emoji))
    assert said(message) == [("setMessageReaction", {"message_id": 17, "reaction": reaction})]


@pytest.mark.parametrize(("emoji", "to"), [("🚲", "42"), ("👍", "business:Qk1:42")])
def test_what_can_not_be_a_reaction_is_said_as_an_answer(emoji: str, to: str) -> None:
    ((method, body),) = said(OutboundMessage(reaction=Reaction(message="17", emoji=emoji)), to)
    assert (method, body["text"]) == ("sendMessage", emoji)
    assert body["reply_parameters"] == {"message_id": 17, "allow_sending_without_reply": True}


def test_where_there_are_no_reactions_there_is_none_to_take_back() -> None:
    assert said(OutboundMessage(reaction=Reaction(message="17", emoji="")), "business:Qk1:42") == []


def test_an_edit_takes_the_place_of_an_earlier_message() -> None:
    assert said(OutboundMessage(text="New", choices=(YES,), edits="9")) == [
        ("editMessageText", {"message_id": 9, "text": "New", "reply_markup": inline(YES_ROW)})
    ]
    assert said(OutboundMessage(text="New", media=(PHOTO,), edits="9")) == [
        (
            "editMessageMedia",
            {"message_id": 9, "media": {"type": "photo", "media": PHOTO.url, "caption": "New"}},
        )
    ]
    assert said(OutboundMessage(choices=(YES,), edits="9")) == [
        ("editMessageReplyMarkup", {"message_id": 9, "reply_markup": inline(YES_ROW)})
    ]
    assert said(OutboundMessage(edits="9")) == [("editMessageReplyMarkup", {"message_id": 9})]


@pytest.mark.parametrize(
    "message",
    [
        OutboundMessage(text="New", request="contact", edits="9"),
        OutboundMessage(location=Place(latitude=1.0, longitude=1.0), edits="9"),
        OutboundMessage(media=(Media(kind="voice", url="media:1"),), edits="9"),
        OutboundMessage(media=(PHOTO, PHOTO), edits="9"),
        OutboundMessage(text="New", edits="1788.5"),
    ],
)
def test_what_can_take_no_place_is_said_anew(message: OutboundMessage) -> None:
    ((method, body),) = said(message)
    assert method.startswith("send") and "message_id" not in body


def test_of_a_long_edit_the_first_part_takes_the_place() -> None:
    (first, _), (second, body) = said(OutboundMessage(text="word " * 1000, choices=(YES,), edits="9"))
    assert (first, second) == ("editMessageText", "sendMessage")
    assert body["reply_markup"] == inline(YES_ROW)


def test_a_page_of_a_long_menu_is_turned_in_place() -> None:
    choices = tuple(Choice(id=f"m:{n}", title=f"Option {n}") for n in range(1, 31))
    paging = Paging(key="m:p", more="More", back="Back", page=1)
    ((method, body),) = said(OutboundMessage(text="Pick", choices=choices, paging=paging, edits="9"))
    buttons = [button for row in body["reply_markup"]["inline_keyboard"] for button in row]
    assert (method, body["message_id"], body["text"]) == ("editMessageText", 9, "Pick")
    assert [button["callback_data"] for button in buttons] == [
        *(f"m:{n}" for n in range(10, 18)),
        "m:p0",
        "m:p2",
    ]


def test_a_reply_quotes_even_what_is_gone_by_now() -> None:
    calls = said(OutboundMessage(text="word " * 1000, reply_to="17"))
    assert calls[0][1]["reply_parameters"] == {"message_id": 17, "allow_sending_without_reply": True}
    assert "reply_parameters" not in calls[1][1]
    assert "reply_parameters" not in said(OutboundMessage(text="x", reply_to="not-a-number"))[0][1]


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("business:Qk1pTn0aYQ:42", {"chat_id": 42, "business_connection_id": "Qk1pTn0aYQ"}),
        ("direct:-100777:42", {"chat_id": -100777, "direct_messages_topic_id": 42}),
        ("-100777:12", {"chat_id": -100777, "message_thread_id": 12}),
    ],
)
def test_every_conversation_key_is_an_address(recipient: str, expected: dict[str, Any]) -> None:
    assert said(OutboundMessage(text="x"), recipient) == [("sendMessage", {**expected, "text": "x"})]


def test_inline_results_are_texts_to_send() -> None:
    results = (
        InlineResult(
            id="a", title="Helmet", text="Helmet, 49", description="red", thumbnail="https://v.example/h"
        ),
        InlineResult(id="a", title=" ", text="Bell"),
        InlineResult(id="ü" * 40, title="Lock", text=" "),
    )
    assert said(OutboundMessage(inline=InlineAnswer(query="221", results=results))) == [
        (
            "answerInlineQuery",
            {
                "inline_query_id": "221",
                "is_personal": True,
                "cache_time": 10,
                "results": [
                    {
                        "type": "article",
                        "id": "a",
                        "title": "Helmet",
                        "description": "red",
                        "thumbnail_url": "https://v.example/h",
                        "input_message_content": {"message_text": "Helmet, 49"},
                    },
                    {
                        "type": "article",
                        "id": "2:",
                        "title": "Bell",
                        "input_message_content": {"message_text": "Bell"},
                    },
                    {
                        "type": "article",
                        "id": "3",
                        "title": "Lock",
                        "input_message_content": {"message_text": "Lock"},
                    },
                ],
            },
        )
    ]  # fmt: skip


def test_settings_shape_how_things_are_said() -> None:
    formatting = {
        "parse_mode": "Markdown",
        "disable_web_page_preview": True,
        "disable_notification": True,
        "max_message_length": 10,
    }
    calls = said(OutboundMessage(text="*one two* three"), message_formatting=formatting)
    quiet = {"link_preview_options": {"is_disabled": True}, "disable_notification": True}
    assert [body for _, body in calls] == [{"text": "*one two*", **quiet}, {"text": "three", **quiet}]


def test_without_inline_keyboards_choices_are_numbered() -> None:
    message = OutboundMessage(text="?", choices=(YES, Choice(id="q:2", title="No")))
    ((_, body),) = said(message, advanced_features={"inline_keyboards": False})
    assert body == {"text": "?\n\n1. Yes\n2. No"}


@pytest.mark.parametrize(
    ("showing", "action"),
    [("", "typing"), ("text", "typing"), ("image", "upload_photo"), ("voice", "upload_voice"),
     ("document", "upload_document"), ("location", "find_location"), ("sticker", "choose_sticker")],
)  # fmt: skip
def test_what_comes_is_announced(showing: str, action: str) -> None:
    call = TelegramAdapter().announce("-100777:12", "", ACCESS, typing=True, showing=showing)
    assert call is not None
    assert json.loads(call.body) == {"chat_id": -100777, "message_thread_id": 12, "action": action}


def test_nothing_is_announced_where_nothing_can_be() -> None:
    assert ADAPTER.announce("direct:-100777:42", "", ACCESS, typing=True) is None
    assert ADAPTER.announce("42", "17", ACCESS, typing=False) is None


def test_groups_are_written_to_more_slowly_than_people() -> None:
    adapter = TelegramAdapter()
    assert adapter.rates_for("42") == (CHANNEL_RATE, CHAT_RATE)
    assert adapter.rates_for("business:Qk1:42") == (CHANNEL_RATE, CHAT_RATE)
    assert adapter.rates_for("-100777:12") == (CHANNEL_RATE, GROUP_RATE)
    assert adapter.rates_for("@velo_news") == (CHANNEL_RATE, GROUP_RATE)
