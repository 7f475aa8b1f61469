"""Every kind of message that a bot can send, as a real Chromium shows it."""

from __future__ import annotations

import asyncio
import base64
import os
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from adapters.web import frames
from engine.events import ChoiceMade, TextReceived
from engine.messages import (
    Card,
    CardButton,
    Choice,
    ContactCard,
    Link,
    Media,
    MediaKind,
    OutboundMessage,
    Place,
    Reaction,
    Span,
)
from tests.integration.web_site import Site
from tests.integration.widget_files import film, landscape, png, wav
from tests.integration.widget_pages import BROWSER, Tab, Talk, begun, browser, site, until
from tests.unit.web_doubles import NOW

__all__ = ["browser", "site"]

pytestmark = BROWSER

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "widget-kinds.png"
PDF = b"%PDF-1.4\n%%EOF\n"
HUES = (0.03, 0.62, 0.86)
SMALL = png(8, 6, landscape(0.1))


def shelve(site: Site, kind: MediaKind, path: str, body: bytes, mime_type: str, **more: str) -> Media:
    """Media of a message, by its address on the site."""
    url = str(site.server.make_url(site.shelf.put(path, body, mime_type)))
    return Media(kind=kind, url=url, **more)


def span(text: str, part: str, kind: str, value: str = "") -> Span:
    """A span over a part of a text, in code points."""
    start = text.index(part)
    return Span(kind=kind, start=start, end=start + len(part), value=value)  # type: ignore[arg-type]


async def test_text_is_formatted_as_its_spans_say_and_hostile_links_lead_nowhere(
    browser: Browser, site: Site
) -> None:
    text = "🙂 bold both, code <b>, here, there and hidden"
    spans = (
        span(text, "bold both", "bold"),
        span(text, "both", "italic"),
        span(text, "code <b>", "code"),
        span(text, "here", "link", "https://example.org/a"),
        span(text, "there", "link", "javascript:alert(1)"),
        span(text, "hidden", "spoiler"),
    )
    async with begun(browser, site) as (shop, talk):
        talk.bot_sends(OutboundMessage(text=text, spans=spans))
        bubble = shop.lines.last
        await expect(bubble).to_have_text(text)
        await expect(bubble.locator("strong")).to_have_text("bold both")
        await expect(bubble.locator("strong em")).to_have_text("both")
        await expect(bubble.locator("code")).to_have_text("code <b>")
        await expect(bubble.locator("a")).to_have_count(1)
        await expect(bubble.locator("a")).to_have_attribute("href", "https://example.org/a")
        await expect(bubble.locator("a")).to_have_attribute("rel", "noopener noreferrer")
        cover = bubble.get_by_role("button", name="Show hidden text")
        await cover.focus()
        await shop.page.keyboard.press("Enter")
        await expect(bubble.locator(".revealed")).to_have_text("hidden")


async def test_blocks_keep_their_lines_and_scroll_by_themselves(browser: Browser, site: Site) -> None:
    line = "return " + "x" * 200
    text = f"As follows:\n{line}\nsaid Ana\nand so on"
    spans = (span(text, line, "pre", "python"), span(text, "said Ana", "quote"))
    async with begun(browser, site) as (shop, talk):
        talk.bot_sends(OutboundMessage(text=text, spans=spans))
        code = shop.lines.last.locator("pre")
        await expect(code).to_have_text(line)
        await expect(code).to_have_attribute("data-language", "python")
        assert await code.evaluate("it => it.scrollWidth > it.clientWidth")
        await expect(shop.lines.last.locator("blockquote")).to_have_text("said Ana")


async def test_pictures_open_large_and_close_with_escape(browser: Browser, site: Site) -> None:
    async with begun(browser, site) as (shop, talk):
        media = tuple(
            shelve(site, "image", f"{number}.png", SMALL, "image/png", alt=f"Picture {number}")
            for number in range(6)
        )
        talk.bot_sends(OutboundMessage(text="Look", media=media))
        await expect(shop.page.locator(".picture")).to_have_count(4)
        await expect(shop.page.get_by_role("button", name="Picture 3 (+2)")).to_be_visible()
        await shop.page.get_by_role("button", name="Picture 1").click()
        large = shop.page.locator("dialog.lightbox")
        await expect(large).to_be_visible()
        await expect(large.get_by_role("img", name="Picture 1")).to_be_visible()
        await shop.page.keyboard.press("ArrowRight")
        await expect(large.get_by_role("img", name="Picture 2")).to_be_visible()
        for _ in range(8):  # the focus stays inside
            await shop.page.keyboard.press("Tab")
            inside = (
                "document.querySelector('channel-gateway-widget').shadowRoot.activeElement?.closest('dialog')"
            )
            assert await shop.page.evaluate(
                f"!document.hasFocus() || document.activeElement === document.body || {inside} !== null"
            )
        await shop.page.keyboard.press("Escape")
        await expect(large).to_be_hidden()
        await expect(shop.page.get_by_role("dialog")).to_be_visible()
        await expect(shop.page.get_by_role("button", name="Picture 1")).to_be_focused()


async def test_sounds_films_documents_and_stickers_have_forms_of_their_own(
    browser: Browser, site: Site
) -> None:
    async with begun(browser, site) as (shop, talk):
        talk.bot_sends(OutboundMessage(media=(shelve(site, "voice", "v.wav", wav(2.0), "audio/wav"),)))
        play = shop.page.get_by_role("button", name="Voice message")
        await play.click()
        await expect(play).to_have_attribute("aria-pressed", "true")
        seek = shop.page.get_by_role("slider", name="Voice message")
        await expect(seek).not_to_have_value("0")
        song = shelve(site, "audio", "s.wav", wav(1.0), "audio/wav", name="Song.wav")
        moving = shelve(site, "video", "f.webm", await film(shop.page), "video/webm", alt="A sunset")
        paper = shelve(site, "document", "p.pdf", PDF, "application/pdf", name="Offer.pdf")
        sticker = shelve(site, "sticker", "t.png", SMALL, "image/png", alt="Hooray")
        for one in (song, moving, paper, sticker):
            talk.bot_sends(OutboundMessage(media=(one,)))
        await expect(shop.page.get_by_role("button", name="Song.wav")).to_be_visible()
        await shop.page.wait_for_function(
            "document.querySelector('channel-gateway-widget').shadowRoot.querySelector('video').readyState >= 1"
        )
        document = shop.page.get_by_role("link", name="Download: Offer.pdf")
        await expect(document).to_have_attribute("download", "Offer.pdf")
        await expect(shop.page.get_by_role("img", name="Hooray")).to_be_visible()
        await expect(shop.lines).to_have_count(0)


async def test_a_file_that_is_gone_says_so(browser: Browser, site: Site) -> None:
    async with begun(browser, site) as (shop, talk):
        gone = Media(kind="image", url=f"media:{uuid4()}", name="old.png")
        site.shelf.link = lambda organization_id, media_id: ""  # type: ignore[method-assign]
        talk.bot_sends(OutboundMessage(media=(gone,)))
        await expect(shop.page.locator(".document.away")).to_have_text(
            re.compile("old.png.*No longer available")
        )
        broken = shelve(site, "image", "broken.png", b"no picture", "image/png", name="broken.png")
        talk.bot_sends(OutboundMessage(media=(broken,)))
        await expect(shop.page.get_by_role("link", name="Download: broken.png")).to_be_visible()


async def test_cards_move_by_keys_and_their_buttons_answer_or_lead_on(browser: Browser, site: Site) -> None:
    cards = tuple(
        Card(
            title=f"Card {number}",
            subtitle="Words",
            buttons=(
                CardButton(title=f"Take {number}", id=f"k:{number}"),
                CardButton(title="Read on", url="https://example.org/"),
            ),
        )
        for number in range(5)
    )
    async with begun(browser, site) as (shop, talk):
        talk.bot_sends(OutboundMessage(text="Which?", cards=cards))
        slides = shop.page.locator(".slides")
        await expect(shop.page.get_by_role("button", name="Previous")).to_be_hidden()
        await slides.focus()
        for _ in range(4):
            await shop.page.keyboard.press("ArrowRight")
            await shop.page.wait_for_timeout(350)
        await expect(shop.page.get_by_role("button", name="Take 4")).to_be_in_viewport(ratio=0.9)
        await expect(shop.page.get_by_role("button", name="Next")).to_be_hidden()
        await expect(
            shop.page.get_by_role("link", name="Read on (opens in a new tab)").first
        ).to_have_attribute("href", "https://example.org/")
        await shop.page.get_by_role("button", name="Take 4").click()
        await until(lambda: talk.heard == [ChoiceMade(choice="k:4", title="Take 4")])


async def test_links_places_and_contacts(browser: Browser, site: Site) -> None:
    async with begun(browser, site) as (shop, talk):
        talk.bot_sends(
            OutboundMessage(
                text="Here",
                links=(
                    Link(title="Shop", url="https://example.org/shop"),
                    Link(title="Call", url="tel:+4930123456"),
                    Link(title="Trap", url="javascript:alert(1)"),
                ),
                location=Place(latitude=52.5163, longitude=13.3777, name="Office", address="Pariser Platz"),
                contact=ContactCard(
                    name="Ana; Díaz, Ltd",
                    phone="+49 30 1234567",
                    email="ana@example.org",
                    organization="Support",
                ),
            )
        )
        await expect(shop.page.get_by_role("link", name="Shop (opens in a new tab)")).to_be_visible()
        await expect(shop.page.get_by_role("link", name="Call")).to_have_attribute("href", "tel:+4930123456")
        await expect(shop.page.get_by_role("link", name="Trap")).to_have_count(0)
        await expect(shop.page.get_by_text("Trap: javascript:alert(1)")).to_be_visible()
        place = shop.page.locator("a.place")
        await expect(place).to_contain_text("Pariser Platz")
        href = await place.get_attribute("href")
        assert href is not None
        assert href.startswith("https://www.openstreetmap.org/?mlat=52.516300&mlon=13.377700#map=17/")
        async with shop.page.expect_download() as saving:
            await shop.page.get_by_role("button", name="Save contact").click()
        download = await saving.value
        assert download.suggested_filename == "Ana Díaz Ltd.vcf"
        card = await asyncio.to_thread(Path(await download.path()).read_text)
        assert card.splitlines()[:6] == [
            "BEGIN:VCARD",
            "VERSION:3.0",
            r"N:Ana\; Díaz\, Ltd;;;;",
            r"FN:Ana\; Díaz\, Ltd",
            "ORG:Support",
            "TEL;TYPE=CELL:+49 30 1234567",
        ]


async def test_edits_reactions_quotes_and_read_marks(browser: Browser, site: Site) -> None:
    async with begun(browser, site) as (shop, talk):
        first = talk.bot_sends(OutboundMessage(text="Looking it up…"))
        await shop.say("Where is my parcel?")
        await until(lambda: talk.heard == [TextReceived(text="Where is my parcel?")])
        said = site.turns.events[-1].message
        own = shop.page.locator("li.line.customer")
        await expect(own.locator(".mark.check")).to_be_attached()
        for socket in site.service.hub:
            socket.push(frames.encode(frames.Read(message=said)))
        await expect(own.locator(".mark.read")).to_be_attached()
        talk.bot_sends(OutboundMessage(reaction=Reaction(message=said, emoji="👀")))
        await expect(own.locator(".emoji")).to_have_text(re.compile("👀"))
        second = talk.bot_sends(OutboundMessage(text="Found it", edits=str(first.id)))
        talk.bot_sends(OutboundMessage(text="It arrived", edits=str(second.id)))
        talk.bot_sends(OutboundMessage(text="At the neighbour's", reply_to=said))
        await shop.shows("It arrived", "Where is my parcel?", "At the neighbour's")
        await expect(shop.page.locator(".quoted")).to_have_text(re.compile("Where is my parcel\\?"))
        await shop.page.reload()
        await shop.shows("It arrived", "Where is my parcel?", "At the neighbour's")
        await expect(own.locator(".emoji")).to_have_text(re.compile("👀"))


async def test_a_long_menu_turns_its_pages_in_place(browser: Browser, site: Site) -> None:
    def page(number: int, click: str = "") -> OutboundMessage:
        leaves = [("m:p0", "Back")] if number else [("m:p1", "More")]
        options = [(f"m:{number}", f"Option {number}"), *leaves]
        return OutboundMessage(
            text="Which?", choices=tuple(Choice(id=id, title=title) for id, title in options), edits=click
        )

    async with begun(browser, site) as (shop, talk):
        talk.bot_sends(page(0))
        await shop.choice("More").click()
        await until(lambda: talk.heard == [ChoiceMade(choice="m:p1", title="More")])
        talk.bot_sends(page(1, site.turns.events[-1].message))
        await expect(shop.choice("Option 1")).to_be_visible()
        await expect(shop.choice("Option 0")).to_have_count(0)
        await shop.shows("Which?")
        await shop.page.reload()
        await expect(shop.choice("Option 1")).to_be_visible()
        await shop.shows("Which?")
        await shop.choice("Option 1").click()
        await shop.shows("Which?", "Option 1")


async def test_an_older_widget_is_told_everything_in_words(site: Site) -> None:
    widget = await site.visitor()
    await widget.send(type="open", id=str(uuid4()))
    await widget.get("ack")
    card = Card(title="Tea", buttons=(CardButton(title="Buy", id="k:1"),))
    message = OutboundMessage(
        text="Look", cards=(card,), location=Place(latitude=1.0, longitude=2.0, name="Shop")
    )
    Talk(site).bot_sends(message)
    frame = await widget.get("message")
    assert frame["words"] == "Look"
    assert frame["text"].startswith("Look\n\nTea")
    assert "https://www.openstreetmap.org/" in frame["text"]


async def test_nothing_overflows_the_panel_of_a_small_phone(browser: Browser, site: Site) -> None:
    async with begun(browser, site, viewport={"width": 320, "height": 568}) as (shop, talk):
        await everything(shop, talk)
        await talk_back(shop, talk)
        await shop.page.wait_for_timeout(400)
        wide = await shop.page.evaluate(
            """() => {
              const root = document.querySelector("channel-gateway-widget").shadowRoot;
              const panel = root.querySelector(".panel").getBoundingClientRect();
              const scroller = root.querySelector(".scroller");
              const scrolled = (element) => element.closest(".slides, pre, .pieces, .unseen, .spoiler, [hidden]");
              return [scroller.scrollWidth > scroller.clientWidth && "the list",
                ...[...root.querySelectorAll(".panel *")]
                .filter((element) => !scrolled(element) && element.getClientRects().length)
                .filter((element) => element.getBoundingClientRect().right > panel.right + 0.5
                  || element.getBoundingClientRect().left < panel.left - 0.5)
                .map((element) => element.className.baseVal ?? element.className)].filter(Boolean);
            }"""
        )
        assert wide == []


async def everything(shop: Tab, talk: Talk, scale: int = 1) -> None:
    """A conversation in which the bot uses every kind; its pictures are `scale` times as large."""
    site = talk.site
    text = "Hello Ana! Your order 4711 is on its way. Pay with pixel --help, or read on."
    talk.bot_sends(
        OutboundMessage(
            text=text,
            spans=(
                span(text, "Hello Ana!", "bold"),
                span(text, "4711", "italic"),
                span(text, "pixel --help", "code"),
                span(text, "read on", "link", "https://example.org/"),
            ),
        )
    )
    command = "npm install @pixel/very-long-name --save-exact --registry=https://npm.example.org"
    code = f"Keep this:\n{command}\nas the manual says"
    talk.bot_sends(
        OutboundMessage(
            text=code,
            spans=(span(code, command, "pre", "sh"), span(code, "as the manual says", "quote")),
        )
    )
    pictures = tuple(
        shelve(
            site,
            "image",
            f"scene{at}.png",
            png(320 * scale, 240 * scale, landscape(HUES[at])),
            "image/png",
            alt=f"View {at + 1}",
        )
        for at in range(3)
    )
    talk.bot_sends(OutboundMessage(text="The view from each room", media=pictures))
    moving = shelve(site, "video", "film.webm", await film(shop.page), "video/webm", alt="A sunset")
    talk.bot_sends(OutboundMessage(media=(moving,)))
    talk.bot_sends(
        OutboundMessage(
            media=(
                shelve(site, "voice", "voice.wav", wav(7.0), "audio/wav"),
                shelve(site, "audio", "song.wav", wav(3.0), "audio/wav", name="Waiting music.wav"),
                shelve(site, "document", "offer.pdf", PDF, "application/pdf", name="Offer November.pdf"),
            )
        )
    )
    cards = tuple(
        Card(
            title=title,
            subtitle=subtitle,
            image=str(site.server.make_url(f"/files/scene{at}.png")),
            url="https://example.org/",
            buttons=(
                CardButton(title="Book", id=f"k:{at}"),
                CardButton(title="Details", url="https://example.org/"),
            ),
        )
        for at, (title, subtitle) in enumerate(
            [
                ("Lake house", "Two rooms, from 120 €"),
                ("Forest hut", "One room, from 80 €"),
                ("Loft", "From 140 €"),
            ]
        )
    )
    talk.bot_sends(OutboundMessage(text="Three places are free:", cards=cards))
    talk.bot_sends(
        OutboundMessage(
            text="We are here, and Ben will help you.",
            location=Place(
                latitude=52.5163, longitude=13.3777, name="Pixel office", address="Pariser Platz 1, Berlin"
            ),
            contact=ContactCard(
                name="Ben Berger",
                phone="+49 30 1234567",
                email="ben@example.org",
                organization="Pixel Support",
            ),
            links=(
                Link(title="Open the shop", url="https://example.org/shop"),
                Link(title="Call us", url="tel:+4930123456"),
            ),
        )
    )


async def talk_back(shop: Tab, talk: Talk) -> None:
    """What the visitor shares, and what that leads to."""
    await shop.say("Perfect, thank you!")
    await until(lambda: len(talk.heard) == 1)
    said = talk.site.turns.events[-1].message
    talk.bot_sends(OutboundMessage(reaction=Reaction(message=said, emoji="🎉")))
    talk.bot_sends(OutboundMessage(text="Where shall we pick you up?", request="location", reply_to=said))
    talk.site.turns.events.clear()
    await shop.page.get_by_role("button", name="Share my location").wait_for()
    talk.bot_sends(
        OutboundMessage(
            text="Or choose:",
            choices=(
                Choice(id="c:1", title="Main station", description="Platform 1, near the big clock"),
                Choice(id="c:2", title="Airport"),
            ),
        )
    )
    talk.bot_sends(OutboundMessage(text="How can we reach you?", request="contact"))


@pytest.mark.skipif(
    not os.environ.get("SCREENSHOT"), reason="only with SCREENSHOT=1: it makes a picture for docs"
)
async def test_picture_of_every_kind(browser: Browser, site: Site) -> None:
    size = {"width": "400px", "height": "1000px"}
    site.configure({"appearance": {"title": "Pixel", "size": size}})
    options: dict[str, Any] = {"viewport": {"width": 1280, "height": 1120}, "device_scale_factor": 1.5}
    async with begun(browser, site, color_scheme=os.environ.get("SCHEME", "light"), **options) as (
        shop,
        talk,
    ):
        await shop.page.clock.set_fixed_time(NOW)
        await everything(shop, talk, scale=2)
        await talk_back(shop, talk)
        scroller = shop.page.locator(".scroller")
        shots = []
        for place in ("0", "(it.scrollHeight - it.clientHeight) / 2", "it.scrollHeight"):
            await scroller.evaluate(f"it => it.scrollTo(0, {place})")
            await shop.page.wait_for_timeout(1000)
            shots.append(base64.b64encode(await shop.page.get_by_role("dialog").screenshot()).decode())
        album = await shop.page.context.new_page()
        style = "margin:0;padding:28px;display:flex;gap:12px;justify-content:center;background:#dfe4ee"
        pictures = "".join(
            f'<img width="400" height="1000" src="data:image/png;base64,{shot}">' for shot in shots
        )
        await album.set_content(
            f'<body style="{style}"><style>img{{border-radius:20px}}</style>{pictures}</body>'
        )
        target = os.environ.get("SCREENSHOT_TO", str(PICTURE))
        box: Any = {"x": 0, "y": 0, "width": 1280, "height": 1056}
        assert len(await album.screenshot(path=target, clip=box)) > 10_000
