"""Every kind of message as Slack calls, within Slack's limits: the mock's checks and slack_sdk's own models agree."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from adapters.capabilities import Outbound
from adapters.protocol import Call
from adapters.slack.adapter import SlackAdapter
from adapters.slack.capabilities import BLOCKS_JSON, CAPABILITIES, FALLBACK_TEXT
from adapters.slack.emojis import emoji_of, name_of
from adapters.slack.manage import SCOPES, manifest
from adapters.slack.parse import EVENTS
from adapters.slack.render import POST, UPDATE, UPLOAD
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
    Reaction,
    Span,
    TemplateCall,
)
from tests.channels import calls_for
from tests.platforms.slack.blocks import check_blocks

NEL = "T0MOORLAND:U0NELEVANS"
THREAD = "T0MOORLAND:C0GARDENRY:1793534300.000100"
ADAPTER = SlackAdapter()
PNG = "https://pictures.example/bed.png"


def bodies(message: OutboundMessage, to: str = NEL) -> list[tuple[str, dict[str, Any]]]:
    """The calls for a message, each checked."""
    return [(call.method, checked(call)) for call in calls_for(ADAPTER, to, message)]


def checked(call: Call) -> dict[str, Any]:
    """A call's body: its blocks are taken by the mock, and by slack_sdk's models."""
    body: dict[str, Any] = msgspec.json.decode(call.body)
    blocks = body.get("blocks", [])
    check_blocks(blocks)
    for parsed in Block.parse_all(blocks):
        assert parsed is not None
        parsed.validate_json()
    assert len(msgspec.json.encode(blocks).decode()) <= BLOCKS_JSON + 1_000
    return body


def post(message: OutboundMessage, to: str = NEL) -> dict[str, Any]:
    """The body of the one post that a message is."""
    ((method, body),) = bodies(message, to)
    assert method == POST
    return body


def kinds(body: dict[str, Any]) -> list[str]:
    return [block["type"] for block in body["blocks"]]


def said(blocks: list[dict[str, Any]]) -> str:
    """The words of rich text."""
    return "".join(
        part.get("text") or part.get("url", "")
        for block in blocks
        if block["type"] == "rich_text"
        for one in block["elements"]
        for part in one["elements"]
    )


def choices(count: int, title: str = "Choice") -> tuple[Choice, ...]:
    return tuple(Choice(id=f"2f1a9c3e:{n}", title=f"{title} {n}") for n in range(count))


def test_a_text_is_rich_text_with_a_plain_one_beside_it() -> None:
    body = post(OutboundMessage(text="Hi <@U1> & *all*"))
    assert body["channel"] == "U0NELEVANS" and "thread_ts" not in body
    assert body["text"] == "Hi &lt;@U1&gt; &amp; *all*" and body["mrkdwn"] is False
    assert said(body["blocks"]) == "Hi <@U1> & *all*"


def test_in_a_thread_everything_stays_in_the_thread() -> None:
    message = OutboundMessage(text="x", reply_to="1793534399.000100")
    body = post(message, THREAD)
    assert (body["channel"], body["thread_ts"]) == ("C0GARDENRY", "1793534300.000100")
    assert post(message)["thread_ts"] == "1793534399.000100", "elsewhere an answer opens a thread"


def test_few_short_choices_are_buttons() -> None:
    body = post(OutboundMessage(text="Which?", choices=choices(5)))
    assert kinds(body) == ["rich_text", "actions"]
    buttons = body["blocks"][1]["elements"]
    assert [one["value"] for one in buttons] == [f"2f1a9c3e:{n}" for n in range(5)]
    assert len({one["action_id"] for one in buttons}) == 5


@pytest.mark.parametrize(
    "given", [choices(6), choices(2, "A title that is much too long to be read on a button")]
)
def test_more_or_longer_choices_are_a_menu(given: tuple[Choice, ...]) -> None:
    ((menu,),) = [
        block["elements"]
        for block in post(OutboundMessage(text="Which?", choices=given))["blocks"]
        if block["type"] == "actions"
    ]
    assert menu["type"] == "static_select"
    assert [option["value"] for option in menu["options"]] == [choice.id for choice in given]


def test_descriptions_and_whole_titles_are_shown() -> None:
    described = tuple(Choice(id=f"d:{n}", title=f"T{n}", description="what it is") for n in range(2))
    assert (
        said(post(OutboundMessage(text="Q", choices=described))["blocks"])
        == "Q\n\nT0: what it is\nT1: what it is"
    )
    many = tuple(Choice(id=f"d:{n}", title=f"T{n}", description="what it is") for n in range(7))
    options = post(OutboundMessage(text="Q", choices=many))["blocks"][1]["elements"][0]["options"]
    assert {option["description"]["text"] for option in options} == {"what it is"}
    long = "word " * 30
    body = post(OutboundMessage(text="Q", choices=(Choice(id="a", title=long), Choice(id="b", title="B"))))
    assert f"1. {long.strip()}" in said(body["blocks"]), "a menu cuts it off, so the text has it whole"


def test_a_long_menu_pages() -> None:
    message = OutboundMessage(
        text="Which?", choices=choices(45), paging=Paging(key="2f1a9c3e:p", more="More", back="Back", page=1)
    )
    options = post(message)["blocks"][-1]["elements"][0]["options"]
    assert len(options) == 20
    assert [option["value"] for option in options[-2:]] == ["2f1a9c3e:p0", "2f1a9c3e:p2"]


def test_choices_without_a_text_have_one() -> None:
    assert kinds(post(OutboundMessage(choices=choices(2)))) == ["rich_text", "actions"]
    assert kinds(post(OutboundMessage())) == ["rich_text"]


def test_a_public_picture_is_a_block_and_anything_else_an_upload() -> None:
    body = post(OutboundMessage(text="look", media=(Media(kind="image", url=PNG, alt="a bed"),)))
    assert kinds(body) == ["image", "rich_text"]
    assert body["blocks"][0] == {"type": "image", "image_url": PNG, "alt_text": "a bed"}
    for media in (
        Media(kind="image", url="media:0194", alt="a bed"),
        Media(kind="image", url="http://inside.example/a.png"),
        Media(kind="document", url="https://files.example/plan.pdf", name="plan.pdf"),
        Media(kind="voice", url="media:0195"),
    ):
        (call,) = calls_for(ADAPTER, THREAD, OutboundMessage(text="look", media=(media,)))
        body = checked(call)
        assert call.method == UPLOAD and call.uploads[0].source == media.url
        assert said(body["blocks"]) == "look" and body["thread_ts"] == "1793534300.000100"
        assert body["files"] == [{"title": media.name, "alt": media.alt}]


def test_several_files_are_one_message_and_come_before_the_buttons() -> None:
    media = tuple(Media(kind="document", url=f"media:{n}", name=f"{n}.pdf") for n in range(12))
    found = calls_for(ADAPTER, NEL, OutboundMessage(text="all of it", media=media, choices=choices(2)))
    assert [(call.method, len(call.uploads)) for call in found] == [(UPLOAD, 10), (UPLOAD, 2), (POST, 0)]
    assert said(checked(found[2])["blocks"]) == "all of it"


def test_a_file_without_words_still_carries_a_block_to_be_found_by() -> None:
    (call,) = calls_for(
        ADAPTER, NEL, OutboundMessage(media=(Media(kind="document", url="media:1", name="a.pdf"),))
    )
    assert said(checked(call)["blocks"]) == "a.pdf"


def test_a_sticker_is_a_picture() -> None:
    assert kinds(post(OutboundMessage(media=(Media(kind="sticker", url=PNG),)))) == ["image"]


def test_cards_stand_below_one_another() -> None:
    cards = tuple(
        Card(
            title=f"Bed {n}",
            subtitle="tulips & more",
            image=PNG,
            url="https://beds.example",
            buttons=(
                CardButton(title="Take it", id=f"c:{n}"),
                CardButton(title="See it", url="https://beds.example/1"),
            ),
        )
        for n in range(3)
    )
    body = post(OutboundMessage(text="Ours:", cards=cards, choices=choices(2)))
    card = ["rich_text", "section", "actions"]
    assert kinds(body) == ["rich_text", *card, "divider", *card, "divider", *card, "actions"]
    title, section, buttons = body["blocks"][1:4]
    assert title["elements"][0]["elements"] == [
        {"type": "link", "url": "https://beds.example", "text": "Bed 0", "style": {"bold": True}}
    ]
    assert section["text"]["text"] == "tulips & more" and section["accessory"]["image_url"] == PNG
    assert [one.get("value") or one.get("url") for one in buttons["elements"]] == [
        "c:0",
        "https://beds.example/1",
    ]


def test_many_cards_are_several_messages_each_card_whole() -> None:
    cards = tuple(Card(title=f"Bed {n}", subtitle="x" * 900, image=PNG) for n in range(30))
    found = bodies(OutboundMessage(text="Ours:", cards=cards))
    assert len(found) > 1
    titles = [said(body["blocks"]) for _, body in found]
    assert "".join(titles) == "Ours:" + "".join(f"Bed {n}" for n in range(30))
    assert all(kinds(body)[-1] == "section" for _, body in found), "no card is torn from its text"


def test_places_contacts_templates_and_requests_are_put_into_words() -> None:
    place = Place(latitude=52.5, longitude=13.4, name="Greenhouse")
    assert "openstreetmap.org" in said(post(OutboundMessage(text="Here", location=place))["blocks"])
    contact = ContactCard(name="Otto", phone="+49301234")
    assert said(post(OutboundMessage(contact=contact))["blocks"]) == "Otto\n+49301234"
    template = OutboundMessage(text="Welcome", template=TemplateCall(key="welcome"))
    assert said(post(template)["blocks"]) == "Welcome"
    assert said(post(OutboundMessage(text="Where?", request="location"))["blocks"]) == "Where?"


def test_links_are_buttons() -> None:
    links = (
        Link(title="Map", url="https://m.example"),
        Link(title="Form", url="https://f.example", kind="web_app"),
    )
    body = post(OutboundMessage(text="Go", links=links))
    assert [one["url"] for one in body["blocks"][1]["elements"]] == ["https://m.example", "https://f.example"]
    odd = post(OutboundMessage(text="Go", links=(Link(title="App", url="myapp://x"),)))
    assert said(odd["blocks"]) == "Go\n\nApp: myapp://x"


def test_reactions_are_named_as_slack_names_them() -> None:
    ((method, body),) = bodies(OutboundMessage(reaction=Reaction(message="17.1", emoji="👍🏽")))
    assert (method, body) == (
        "reactions.add",
        {"channel": "U0NELEVANS", "timestamp": "17.1", "name": "thumbsup::skin-tone-4"},
    )
    ((method, body),) = bodies(OutboundMessage(reaction=Reaction(message="17.1", emoji="")))
    assert (method, body) == ("reactions.clear", {"channel": "U0NELEVANS", "timestamp": "17.1"})


@pytest.mark.parametrize("emoji", ["👍", "❤️", "🎉", "✅", "👋", "😂", "🙏", "🔥", "💯", "🇩🇪", "👍🏿", "👀"])
def test_an_emoji_comes_back_from_its_name(emoji: str) -> None:
    assert emoji_of(name_of(emoji)).rstrip("\ufe0f") == emoji.rstrip("\ufe0f")


def test_an_edit_replaces_and_what_does_not_fit_follows() -> None:
    ((method, body),) = bodies(OutboundMessage(text="new", edits="17.1", choices=choices(2)))
    assert method == UPDATE and (body["ts"], body["channel"]) == ("17.1", "U0NELEVANS")
    assert "thread_ts" not in body and kinds(body) == ["rich_text", "actions"]
    long = bodies(OutboundMessage(text="word " * 6000, edits="17.1"))
    assert [method for method, _ in long][:2] == [UPDATE, POST]


def test_a_long_text_is_cut_and_nothing_is_lost() -> None:
    text = " ".join(f"word{n}." for n in range(6000))
    found = bodies(OutboundMessage(text=text, choices=choices(2)))
    assert len(found) > 3
    assert "".join(said(body["blocks"]) for _, body in found).replace(" ", "") == text.replace(" ", "")
    assert [kinds(body)[-1] == "actions" for _, body in found] == [*[False] * (len(found) - 1), True]
    assert all(len(body["text"]) <= FALLBACK_TEXT for _, body in found)


MESSAGES: dict[Outbound, OutboundMessage] = {
    "text": OutboundMessage(text="x"),
    "formatting": OutboundMessage(text="x", spans=(Span(kind="bold", start=0, end=1),)),
    "choices": OutboundMessage(text="x", choices=choices(2)),
    "image": OutboundMessage(media=(Media(kind="image", url=PNG),)),
    "video": OutboundMessage(media=(Media(kind="video", url="media:1"),)),
    "audio": OutboundMessage(media=(Media(kind="audio", url="media:1"),)),
    "voice": OutboundMessage(media=(Media(kind="voice", url="media:1"),)),
    "document": OutboundMessage(media=(Media(kind="document", url="media:1"),)),
    "album": OutboundMessage(
        media=(Media(kind="document", url="media:1"), Media(kind="video", url="media:2"))
    ),
    "card": OutboundMessage(cards=(Card(title="x"),)),
    "carousel": OutboundMessage(cards=(Card(title="x"), Card(title="y"))),
    "link": OutboundMessage(text="x", links=(Link(title="x", url="https://x.example"),)),
    "reaction": OutboundMessage(reaction=Reaction(message="17.1", emoji="👍")),
    "edit": OutboundMessage(text="x", edits="17.1"),
    "reply": OutboundMessage(text="x", reply_to="17.1"),
}


def test_the_table_says_what_the_adapter_does() -> None:
    """What is called native has a form of its own here; what is not leaves no trace of one."""
    native = {kind for kind, feature in CAPABILITIES.sends.items() if feature.level == "native"}
    assert native == set(MESSAGES)
    for message in MESSAGES.values():
        assert bodies(message)
    assert ADAPTER.announce(NEL, "", None, typing=True) is None  # type: ignore[arg-type]
    assert calls_for(ADAPTER, NEL, OutboundMessage(text="x"))[0].method == POST


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(max_size=400),
    titles=st.lists(st.text(max_size=100), max_size=8),
    subtitle=st.text(max_size=50),
    alt=st.text(max_size=30),
)
def test_whatever_is_written_slack_takes_it(text: str, titles: list[str], subtitle: str, alt: str) -> None:
    message = OutboundMessage(
        text=text,
        choices=tuple(Choice(id=f"h:{n}", title=title, description=alt) for n, title in enumerate(titles)),
        cards=(Card(title=text[:20], subtitle=subtitle, buttons=(CardButton(title=alt, id="h:x"),)),),
        media=(Media(kind="image", url=PNG, alt=alt),),
        links=(Link(title=subtitle, url="https://x.example"),),
    )
    for _, body in bodies(message):
        assert body["text"]


def test_the_manifest_asks_for_what_the_adapter_uses() -> None:
    made = manifest(
        "Greenhouse", "https://bots.example/webhook/slack/r", [{"command": "/Order", "description": "Order"}], False,
        shortcuts=[{"name": "New order", "callback_id": "new_order"}],
    )  # fmt: skip
    assert made["settings"]["event_subscriptions"] == {
        "request_url": "https://bots.example/webhook/slack/r",
        "bot_events": list(EVENTS),
    }
    assert made["settings"]["interactivity"]["request_url"] == "https://bots.example/webhook/slack/r"
    assert made["features"]["slash_commands"] == [
        {
            "command": "/order",
            "description": "Order",
            "should_escape": False,
            "url": "https://bots.example/webhook/slack/r",
        }
    ]
    assert made["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert made["features"]["app_home"]["messages_tab_enabled"] is True
    socket = manifest("Greenhouse", "", [{"command": "order"}], True)
    assert socket["settings"]["socket_mode_enabled"] is True and "request_url" not in str(socket)
    assert "url" not in socket["features"]["slash_commands"][0]
    msgspec.json.encode(made)
