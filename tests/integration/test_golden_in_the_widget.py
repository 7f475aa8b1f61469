"""The golden conversation as a visitor has it: the engine steps, a real Chromium shows, the visitor answers by hand.

The flow is that of `test_golden_on_four`. SCREENSHOT=1 keeps the picture that is in the documents.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any, Final

import msgspec
from playwright.async_api import Browser, Locator, Page, Route, expect

from adapters.fit import fit
from adapters.web.capabilities import CAPABILITIES
from engine.compile import compile_flow
from engine.effects import Send
from engine.state import ConversationState, Customer
from engine.step import step
from gateway.web.ports import Entry
from tests.integration.test_golden_on_four import FLOW, FOLDER
from tests.integration.web_site import Site
from tests.integration.widget_files import film, landscape, png, wav
from tests.integration.widget_pages import BROWSER, Tab, Talk, begun, browser, site, until
from tests.unit.web_doubles import NOW

__all__ = ["browser", "site"]

pytestmark = BROWSER

PICTURE: Final = Path(__file__).parents[2] / "docs" / "images" / "golden-web.png"
SHOTS: Final = 5


class Bot:
    """The flow behind the widget: each event of the visitor is a step, and what it says is shown."""

    def __init__(self, site: Site) -> None:
        self._talk = Talk(site)
        self._events = site.turns.events
        self._flow = compile_flow(json.loads(FLOW.read_text()), flow_id="every")
        self._state = ConversationState()
        self._labelled: dict[str, Entry] = {}
        self._taken = len(self._events)
        self.said: list[str] = []
        """The texts of the messages, as the golden file names them."""

    async def answers(self) -> None:
        """Wait for the visitor's next event, and answer it."""
        await until(lambda: len(self._events) > self._taken)
        event = self._events[self._taken]
        self._taken += 1
        outcome = step(self._flow, self._state, event, Customer(id="1", first_name="Ana"), NOW, channel="web")
        assert not [entry for entry in outcome.trace if entry.kind == "error"], outcome.trace
        self._state = outcome.state
        for effect in outcome.effects:
            if isinstance(effect, Send):
                self._send(effect)

    def _send(self, send: Send) -> None:
        message = send.message
        if (earlier := self._labelled.get(send.replaces)) is not None:
            message = msgspec.structs.replace(message, edits=str(earlier.id))
        fitted = fit(message, CAPABILITIES)
        assert fitted is not None
        entry = self._talk.bot_sends(fitted)
        if send.label:
            self._labelled[send.label] = entry
        self.said.append(message.text)


async def test_the_golden_conversation_in_a_browser(browser: Browser, site: Site) -> None:
    site.configure({"appearance": {"title": "Velo", "size": {"width": "400px", "height": "1000px"}}})
    options: dict[str, Any] = {
        "viewport": {"width": 1280, "height": 1120},
        "device_scale_factor": 1.5,
        "geolocation": {"latitude": 52.5, "longitude": 13.4},
        "permissions": ["geolocation"],
    }
    async with begun(browser, site, **options) as (shop, _):
        page = shop.page
        await page.clock.set_fixed_time(NOW)
        await serve_files(page)
        bot = Bot(site)
        await shop.say("Hello")
        await bot.answers()
        await has_every_kind(shop)
        await page.get_by_role("button", name="Share my location").click()
        await bot.answers()
        await page.get_by_label("Name").fill("Ana")
        await page.get_by_label("Phone number").fill("+49 151 12345678")
        await page.get_by_label("Phone number").press("Enter")
        await bot.answers()
        await shop.choice("City bike").click()
        await bot.answers()
        await expect(shop.choice("44 cm")).to_be_visible()
        await shop.choice("More").click()
        await bot.answers()
        await expect(shop.choice("63 cm")).to_be_visible()
        await expect(shop.choice("44 cm")).to_have_count(0)
        await shop.say("30")
        await bot.answers()
        await expect(shop.lines.last).to_have_text("Thank you!")
        await the_panel_stays_put(shop)
        golden = [one["says"] for one in json.loads((FOLDER / "web.json").read_text())]
        kept = [text[:60] for text in bot.said if text]
        assert kept == [text for text in golden[: golden.index("Thank you!") + 1] if text in kept]
        assert len(bot.said) == golden.index("Thank you!") + 1
        if os.environ.get("SCREENSHOT"):
            await take_picture(shop)


async def has_every_kind(shop: Tab) -> None:
    """What the first answers show, before the visitor is asked for anything."""
    lines = shop.page.locator("li.line")

    async def seen(place: Locator, count: int) -> None:
        await expect(place).to_have_count(count)

    await expect(shop.lines.nth(1)).to_have_text("Hello again! This was changed.")
    await seen(lines.locator("strong"), 1)
    await seen(lines.locator("pre"), 1)
    await seen(lines.locator("blockquote"), 1)
    await seen(lines.locator("video"), 1)
    await seen(lines.locator("audio"), 2)
    await expect(lines.locator(".emoji")).to_have_text("Reaction: 👍")
    for words in ("prices.pdf", "Seven gears, 14 kg", "Carries 80 kg", "Karl-Liebknecht-Str. 5", "Ana Velo"):
        await expect(lines.get_by_text(words)).to_be_visible()
    for link in ("Open the list", "Book", "Fill in"):
        await expect(lines.get_by_role("link", name=link)).to_be_visible()
    await expect(lines.get_by_text("Welcome to Velo! Hi Ana, thanks for reaching out.")).to_be_visible()


async def the_panel_stays_put(shop: Tab) -> None:
    """Only the conversation scrolls: nothing in it reaches out of the panel, so no focus can move that."""
    panel = shop.page.locator("section.panel")
    assert await panel.evaluate("it => [it.scrollTop, it.scrollHeight - it.clientHeight]") == [0, 0]


async def serve_files(page: Page) -> None:
    """The files that the flow names, at the address that it names."""
    moving = await film(page)

    async def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        match name.rpartition(".")[2]:
            case "mp4":
                await route.fulfill(body=moving, content_type="video/webm")
            case "mp3" | "ogg":
                await route.fulfill(body=wav(3.0), content_type="audio/wav")
            case _:
                hue = sum(name.encode()) % 97 / 97
                await route.fulfill(body=png(320, 240, landscape(hue)), content_type="image/png")

    await page.route("https://files.example.com/**", answer)


async def take_picture(shop: Tab) -> None:
    """The whole conversation from left to right, as one picture."""
    scroller = shop.page.locator(".scroller")
    shots = []
    for number in range(SHOTS):
        part = number / (SHOTS - 1)
        await scroller.evaluate(f"it => it.scrollTo(0, (it.scrollHeight - it.clientHeight) * {part})")
        await shop.page.wait_for_timeout(1000)
        shots.append(base64.b64encode(await shop.page.get_by_role("dialog").screenshot()).decode())
    album = await shop.page.context.new_page()
    width = SHOTS * 412 + 44
    await album.set_viewport_size({"width": width, "height": 1056})
    style = "margin:0;padding:28px;display:flex;gap:12px;background:#dfe4ee"
    pictures = "".join(
        f'<img style="border-radius:20px" width="400" height="1000" src="data:image/png;base64,{shot}">'
        for shot in shots
    )
    await album.set_content(f'<body style="{style}">{pictures}</body>')
    assert len(await album.screenshot(path=os.environ.get("SCREENSHOT_TO", str(PICTURE)))) > 10_000
