"""What a channel's document switches off is said in another form: every switch, from a message to its calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from adapters.capabilities import Limit
from adapters.protocol import Adapter, CapabilitiesBySettings, ChannelAccess, capabilities_of
from adapters.slack.adapter import SlackAdapter
from adapters.telegram import capabilities as telegram
from adapters.telegram.adapter import TelegramAdapter
from adapters.web.adapter import WebAdapter
from adapters.whatsapp import capabilities as whatsapp
from adapters.whatsapp.adapter import WhatsAppAdapter
from engine.messages import (
    Card,
    CardButton,
    Choice,
    ContactCard,
    Link,
    Media,
    OutboundMessage,
    Paging,
    Place,
)
from gateway.channel import Channel
from gateway.delivery.tables import MAX_CHANNELS, Tables
from gateway.deployments import read_deployment
from gateway.media.links import MediaLinks
from storage.keyring import Keyring
from tests.channels import access_with, calls_for

WHATSAPP: Adapter = WhatsAppAdapter()
TELEGRAM: Adapter = TelegramAdapter()
RECIPIENTS = {"whatsapp": "4915550100311", "telegram": "42"}
YES = Choice(id="q:0", title="Yes")
NO = Choice(id="q:1", title="No")
TOURS = tuple(Choice(id=f"q:{number}", title=f"Tour {number + 1}") for number in range(5))
PLACE = Place(latitude=52.52, longitude=13.405, name="Workshop")
ANA = ContactCard(name="Ana", phone="+4915112345678")
LINK = Link(title="Site", url="https://velo.example")
APP = Link(title="App", url="https://velo.example/app", kind="web_app")
CARDS = tuple(
    Card(
        title=title,
        image=f"https://velo.example/{title}.jpg",
        buttons=(CardButton(title="Rent", id=f"c:{title}"),),
    )
    for title in ("City", "Cargo")
)


def said(adapter: Adapter, message: OutboundMessage, **section: Any) -> list[dict[str, Any]]:
    """The bodies of a channel whose document has these sections."""
    calls = calls_for(adapter, RECIPIENTS[adapter.platform], message, access_with({}, section))
    return [json.loads(call.body) for call in calls]


def on_whatsapp(message: OutboundMessage, **features: bool) -> list[Any]:
    """What each call says, without its envelope."""
    bodies = said(WHATSAPP, message, business_features=features)
    return [body[body["type"]] for body in bodies]


def rows(content: Any) -> list[str]:
    return [row["title"] for row in content["action"]["sections"][0]["rows"]]


def titles(content: Any) -> list[str]:
    return [button["reply"]["title"] for button in content["action"]["buttons"]]


# WhatsApp


def test_without_reply_buttons_few_choices_are_a_list() -> None:
    (content,) = on_whatsapp(OutboundMessage(text="?", choices=(YES, NO)), interactive_buttons=False)
    assert (content["type"], rows(content)) == ("list", ["Yes", "No"])


def test_without_reply_buttons_a_picture_stands_before_the_list() -> None:
    """Only buttons carry a picture above them."""
    message = OutboundMessage(
        text="?", choices=(YES,), media=(Media(kind="image", url="https://velo.example/a.jpg"),)
    )
    picture, content = on_whatsapp(message, interactive_buttons=False)
    assert picture == {"link": "https://velo.example/a.jpg"}
    assert (content["type"], "header" in content) == ("list", False)


def test_without_reply_buttons_cards_are_no_carousel_of_them() -> None:
    message = OutboundMessage(text="Which?", cards=CARDS)
    assert [content["type"] for content in on_whatsapp(message)] == ["carousel"]
    kinds = [content.get("type") for content in on_whatsapp(message, interactive_buttons=False)]
    assert kinds.count("list") == 2 and "carousel" not in kinds and "button" not in kinds


def test_without_lists_three_choices_are_buttons_and_more_are_numbered() -> None:
    (content,) = on_whatsapp(OutboundMessage(text="?", choices=TOURS), list_messages=False)
    assert (content["type"], titles(content)) == ("button", ["Tour 1", "Tour 2", "Tour 3"])
    assert content["body"]["text"] == "?\n\n4. Tour 4\n5. Tour 5"


def test_without_lists_a_long_menu_is_not_leafed() -> None:
    menu = OutboundMessage(text="?", choices=TOURS, paging=Paging(key="q:p", more="More", back="Back"))
    (content,) = on_whatsapp(menu, list_messages=False)
    assert titles(content) == ["Tour 1", "Tour 2", "Tour 3"]


def test_without_lists_what_no_button_can_show_stands_in_the_text() -> None:
    choices = (
        Choice(id="q:0", title="Repair", description="in two days"),
        Choice(id="q:1", title="A longer title than 20"),
        Choice(id="q:2", title="Repair"),
    )
    (content,) = on_whatsapp(OutboundMessage(text="?", choices=choices), list_messages=False)
    assert titles(content) == ["Repair"]
    assert content["body"]["text"] == "?\n\n2. A longer title than 20\n3. Repair\nRepair: in two days"


@pytest.mark.parametrize(
    "features", [{"quick_replies": False}, {"interactive_buttons": False, "list_messages": False}]
)
def test_without_both_choices_are_numbered_on_whatsapp(features: dict[str, bool]) -> None:
    message = OutboundMessage(text="?", choices=TOURS[:2], links=(LINK,))
    (content,) = on_whatsapp(message, **features)
    assert content["type"] == "cta_url", "links are no choices"
    assert content["body"]["text"] == "?\n\n1. Tour 1\n2. Tour 2"
    cards = on_whatsapp(OutboundMessage(text="Which?", cards=CARDS), **features)
    assert "Rent" in str(cards) and "c:City" not in str(cards), "words, nothing to press"


def test_without_location_sharing_places_are_words() -> None:
    (place,) = on_whatsapp(OutboundMessage(text="Here:", location=PLACE), location_sharing=False)
    assert place["body"].startswith("Here:\n\nWorkshop\nhttps://www.openstreetmap.org/")
    asked = on_whatsapp(OutboundMessage(text="Where?", request="location"), location_sharing=False)
    assert asked == [{"body": "Where?"}]
    (still,) = on_whatsapp(OutboundMessage(text="Who?", request="contact"), location_sharing=False)
    assert still["type"] == "request_contact_info"


def test_without_contact_sharing_contacts_are_words() -> None:
    (contact,) = on_whatsapp(OutboundMessage(text="Ask", contact=ANA), contact_sharing=False)
    assert contact == {"body": "Ask\n\nAna\n+4915112345678"}
    asked = on_whatsapp(OutboundMessage(text="Who?", request="contact"), contact_sharing=False)
    assert asked == [{"body": "Who?"}]
    (still,) = on_whatsapp(OutboundMessage(text="Where?", request="location"), contact_sharing=False)
    assert still["type"] == "location_request_message"


# Telegram


@pytest.mark.parametrize(
    "section",
    [
        {"advanced_features": {"inline_keyboards": False}},
        {"message_formatting": {"keyboard_types": ["reply", "remove"]}},
    ],
)
def test_without_inline_keyboards_everything_stands_in_the_text(section: dict[str, Any]) -> None:
    menu = OutboundMessage(
        text="?", choices=TOURS * 3, links=(LINK, APP), paging=Paging(key="q:p", more="More", back="Back")
    )
    (body,) = said(TELEGRAM, menu, **section)
    assert "reply_markup" not in body
    lines = body["text"].splitlines()
    assert {"1. Tour 1", "15. Tour 5", "Site: https://velo.example", "App: https://velo.example/app"} <= {
        *lines
    }
    card = structs.replace(
        CARDS[0], image="", buttons=(*CARDS[0].buttons, CardButton(title="See", url=LINK.url))
    )
    (body,) = said(TELEGRAM, OutboundMessage(cards=(card,)), **section)
    assert body["text"] == "City\nRent\nSee: https://velo.example" and "reply_markup" not in body


def test_without_callback_queries_only_links_are_buttons() -> None:
    message = OutboundMessage(text="?", choices=(YES, NO), links=(LINK,))
    (body,) = said(TELEGRAM, message, advanced_features={"callback_queries": False})
    assert body["text"] == "?\n\n1. Yes\n2. No"
    assert body["reply_markup"] == {"inline_keyboard": [[{"text": "Site", "url": "https://velo.example"}]]}


@pytest.mark.parametrize("request_", ["location", "contact"])
def test_without_reply_keyboards_the_words_ask(request_: Any) -> None:
    message = OutboundMessage(text="Where?", request=request_, choices=(YES,))
    (body,) = said(TELEGRAM, message, message_formatting={"keyboard_types": ["inline"]})
    assert (body["text"], list(body["reply_markup"])) == ("Where?", ["inline_keyboard"])
    (asked,) = said(TELEGRAM, message, message_formatting={"keyboard_types": ["inline", "reply"]})
    assert "keyboard" in asked["reply_markup"]


def test_without_web_apps_a_mini_app_is_a_link() -> None:
    (body,) = said(
        TELEGRAM, OutboundMessage(text="?", links=(APP,)), advanced_features={"web_app_support": False}
    )
    assert body["reply_markup"] == {"inline_keyboard": [[{"text": "App", "url": APP.url}]]}


@pytest.mark.parametrize(
    ("longest", "limit"), [(100, 100), (4096, 4096), (9999, 4096), (0, 4096), ("7", 4096)]
)
def test_a_text_is_as_long_as_the_channel_wants_it(longest: Any, limit: int) -> None:
    settings = {"message_formatting": {"max_message_length": longest}}
    assert capabilities_of(TELEGRAM, settings).text == Limit(limit, "utf16")
    parts = said(TELEGRAM, OutboundMessage(text="word " * 1000), **settings)
    assert max(len(body["text"]) for body in parts) <= limit
    assert len(parts) >= 5000 // limit


def test_without_uploads_a_file_of_ours_goes_by_its_link() -> None:
    file, organization = UUID(int=7), UUID(int=8)
    links = MediaLinks(
        Keyring({"k1": bytes(32)}),
        "https://bot.example",
        timedelta(hours=1),
        lambda: datetime(2026, 11, 1, tzinfo=UTC),
    )
    message = OutboundMessage(media=(Media(kind="document", url=f"media:{file}"),), cards=CARDS[:1])
    for enabled in (True, False):
        settings = {"message_formatting": {"file_upload_enabled": enabled}}
        resolved = links.resolve(message, organization, capabilities_of(TELEGRAM, settings))
        document = calls_for(TELEGRAM, "42", resolved, access_with({}, settings))[0]
        assert document.method == "sendDocument"
        address = json.loads(document.body)["document"]
        assert bool(document.uploads) is enabled
        assert address.startswith("attach://" if enabled else "https://bot.example/media/")


# The tables


@pytest.mark.parametrize("adapter", [WHATSAPP, TELEGRAM])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"business_features": None, "message_formatting": [], "advanced_features": "x"},
        {"business_features": {"list_messages": "no"}, "message_formatting": {"keyboard_types": "none"}},
    ],
)
def test_where_nothing_is_switched_off_the_table_is_the_platforms_own(
    adapter: Adapter, settings: Mapping[str, Any]
) -> None:
    assert isinstance(adapter, CapabilitiesBySettings)
    assert capabilities_of(adapter, settings) is adapter.capabilities


@pytest.mark.parametrize("platform", ["whatsapp", "telegram"])
def test_the_documents_as_they_are_delivered_switch_no_form_off(platform: str) -> None:
    document = json.loads(Path(f"tests/data/deployments/{platform}.json").read_text())
    secrets = dict.fromkeys(
        ("bot_token", "secret_token", "access_token", "app_secret", "verify_token"), "s3cret-s3cret-s3cret"
    )
    config = read_deployment(platform, document, secrets).config
    adapter = WHATSAPP if platform == "whatsapp" else TELEGRAM
    assert capabilities_of(adapter, config) is adapter.capabilities


def test_a_platform_without_switches_has_one_table() -> None:
    for adapter in (SlackAdapter(), WebAdapter(lambda *_: None)):
        assert not isinstance(adapter, CapabilitiesBySettings)
        assert capabilities_of(adapter, {"features": {"files": False}}) is adapter.capabilities


@pytest.mark.parametrize(
    "off", ["interactive_buttons", "list_messages", "location_sharing", "contact_sharing"]
)
def test_a_switched_table_is_whole_and_says_what_becomes_of_it(off: str) -> None:
    table = capabilities_of(WHATSAPP, {"business_features": {off: False}})
    changed = {
        kind: feature for kind, feature in table.sends.items() if feature != whatsapp.CAPABILITIES.sends[kind]
    }
    assert changed and all(feature.note for feature in changed.values())
    assert table.sends.keys() == telegram.CAPABILITIES.sends.keys()
    assert table.choice_page <= table.choice_count


def channel(number: int, settings: Mapping[str, Any]) -> Channel:
    id = UUID(int=number)
    return Channel(
        id=id, organization_id=UUID(int=1), chatbot_id=UUID(int=2), platform="whatsapp", route="r", name="n",
        bot_name="b", flow_id=None, adapter=WHATSAPP,
        access=ChannelAccess(channel_id=id, secrets={}, settings=settings),
    )  # fmt: skip


def test_a_channels_table_is_worked_out_once_and_again_for_other_settings() -> None:
    tables, settings = Tables(), {"business_features": {"list_messages": False}}
    first = tables.of(channel(1, settings))
    assert tables.of(channel(1, settings)) is first
    assert tables.of(channel(1, {})) is WHATSAPP.capabilities, "the settings have changed"
    assert tables.of(channel(2, settings)) == first


def test_tables_of_more_channels_than_are_kept_push_the_oldest_out() -> None:
    tables, settings = Tables(), {"business_features": {"list_messages": False}}
    first = tables.of(channel(0, settings))
    for number in range(1, MAX_CHANNELS + 1):
        tables.of(channel(number, settings))
    again = tables.of(channel(0, settings))
    assert again == first and again is not first
