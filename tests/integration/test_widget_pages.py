"""The widget among the pages that embed it: languages, directions, policies, lazy loading, frames."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.async_api import Browser, Page, Route, expect

from engine.messages import Card, Media, OutboundMessage, Place, Span
from tests.integration.web_site import Site
from tests.integration.widget_files import landscape, png
from tests.integration.widget_pages import BROWSER, WAIT_MS, Talk, begun, browser, site, tab, until, visitor

__all__ = ["browser", "site"]

pytestmark = BROWSER

SMALL = png(8, 6, landscape(0.1))
SLOW_IMAGE = """addEventListener("DOMContentLoaded", () =>
  document.body.append(Object.assign(new Image(), {src: "/slow.png"})))"""
"""Part of the page from the beginning, so that the page is not loaded before the image is."""


async def open_panel(page: Page) -> None:
    """Open the panel, in whatever language."""
    await page.locator("button.launcher").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize(
    ("language", "word", "direction"),
    [
        ("de-AT", "Nachricht schreiben …", "ltr"),
        ("pt-PT", "Escreva uma mensagem…", "ltr"),
        ("zh-Hant-HK", "輸入訊息…", "ltr"),
        ("zh-TW", "輸入訊息…", "ltr"),
        ("ar", "اكتب رسالة…", "rtl"),
        ("fi", "Write a message…", "ltr"),
    ],
)
async def test_speaks_the_language_of_the_page(
    browser: Browser, site: Site, language: str, word: str, direction: str
) -> None:
    async with visitor(browser, locale="fr-FR") as context:
        page = await context.new_page()
        query = {"data-bot-id": "demo", "lang": language}
        await page.goto(str(site.server.make_url("/shop").with_query(query)))
        await open_panel(page)
        await expect(page.get_by_label(word)).to_be_visible()
        await expect(page.locator(".root")).to_have_attribute("dir", direction)


async def test_settings_replace_words_in_every_language(browser: Browser, site: Site) -> None:
    site.configure({"appearance": {"texts": {"placeholder": "Frag uns!"}}})
    async with visitor(browser, locale="de-DE") as context:
        page = await context.new_page()
        await page.goto(str(site.server.make_url("/shop").with_query({"data-bot-id": "demo"})))
        await open_panel(page)
        await expect(page.get_by_label("Frag uns!")).to_be_visible()
        await expect(page.get_by_label("Senden", exact=True)).to_be_attached()


async def test_works_under_a_policy_that_forbids_inline_styles_and_scripts(
    browser: Browser, site: Site
) -> None:
    origin = str(site.server.make_url("/")).rstrip("/")
    policy = (
        f"default-src 'none'; script-src {origin}; connect-src {origin} {origin.replace('http', 'ws')}; "
        f"img-src {origin} blob:; media-src {origin}; style-src 'none'"
    )
    async with visitor(browser) as context:
        page = await context.new_page()
        violations: list[str] = []
        page.on(
            "console", lambda said: violations.append(said.text) if "Content Security" in said.text else None
        )
        query = {"data-bot-id": "demo", "policy": policy}
        await page.goto(str(site.server.make_url("/shop").with_query(query)))
        await open_panel(page)
        await until(lambda: len(site.turns.events) == 1)
        url = str(site.server.make_url(site.shelf.put("a.png", SMALL, "image/png")))
        message = OutboundMessage(
            text="**code**",
            spans=(Span(kind="pre", start=0, end=8),),
            media=(Media(kind="image", url=url, alt="A hill"),),
            cards=(Card(title="One", image=url), Card(title="Two")),
            location=Place(latitude=1, longitude=2),
        )
        Talk(site).bot_sends(message)
        await page.get_by_role("button", name="A hill").click()
        await expect(page.locator("dialog.lightbox img")).to_be_visible()
        assert violations == []


async def test_without_its_second_script_everything_is_said_in_words(browser: Browser, site: Site) -> None:
    async with visitor(browser) as context:
        await context.route("**/widget-parts.js*", lambda route: route.abort())
        shop = await tab(context, site)
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        place = Place(latitude=52.5, longitude=13.4, name="Office")
        Talk(site).bot_sends(OutboundMessage(text="Here:", location=place))
        await expect(shop.lines.last).to_have_text(
            re.compile(r"Here:\s+Office\s+https://www.openstreetmap.org/")
        )


async def test_a_lazy_widget_waits_for_the_page_and_opens_no_socket_by_itself(
    browser: Browser, site: Site
) -> None:
    site.configure({"embed_configuration": {"lazy_loading": True}})
    async with visitor(browser) as context:
        page = await context.new_page()
        asked = asyncio.Event()
        go_on = asyncio.Event()

        async def hold(route: Route) -> None:
            asked.set()
            await go_on.wait()
            await route.fulfill(body=SMALL, content_type="image/png")

        await page.route("**/slow.png", hold)
        query = {"data-bot-id": "demo"}
        await page.add_init_script(SLOW_IMAGE)
        await page.goto(str(site.server.make_url("/shop").with_query(query)), wait_until="commit")
        await asked.wait()
        await page.wait_for_timeout(300)
        await expect(page.locator("button.launcher")).to_have_count(0)
        go_on.set()
        await expect(page.locator("button.launcher")).to_be_visible()
        assert len(site.service.hub) == 0


async def test_a_preloading_widget_is_connected_before_it_opens(browser: Browser, site: Site) -> None:
    site.configure({"embed_configuration": {"preload": True}})
    async with visitor(browser) as context:
        await tab(context, site)
        await until(lambda: len(site.service.hub) == 1)
        assert site.turns.events == []


async def test_pictures_are_fetched_when_the_reader_comes_near(browser: Browser, site: Site) -> None:
    site.configure({"performance": {"lazy_load_threshold": "0px"}})
    async with begun(browser, site) as (shop, talk):
        for number in range(12):
            url = str(site.server.make_url(site.shelf.put(f"{number}.png", SMALL, "image/png")))
            talk.bot_sends(OutboundMessage(media=(Media(kind="image", url=url),)))
        await shop.page.reload()
        pictures = shop.page.locator(".picture")
        await expect(pictures).to_have_count(12)
        await expect(pictures.last.locator("img")).to_have_count(1)
        assert await pictures.locator("img").count() < 12
        await shop.page.locator(".scroller").evaluate("it => it.scrollTo(0, 0)")
        await expect(pictures.first.locator("img")).to_have_count(1, timeout=WAIT_MS)


async def test_a_protected_widget_stays_out_of_foreign_frames(browser: Browser, site: Site) -> None:
    site.configure({"security": {"iframe_protection": True}})
    inner = site.server.make_url("/shop").with_query({"data-bot-id": "demo"})
    async with visitor(browser) as context:
        page = await context.new_page()
        for host, shown in (("localhost", 0), ("127.0.0.1", 1)):
            await page.goto(str(site.server.make_url("/shop").with_query({"data-bot-id": "nobody"})))
            framed = str(inner.with_host(host))
            await page.evaluate(_FRAME, framed)
            frame = page.frame_locator("iframe")
            await expect(frame.get_by_role("heading", name="Shop")).to_be_visible()
            await page.wait_for_timeout(500)
            await expect(frame.locator("button.launcher")).to_have_count(shown)


_FRAME = "src => document.body.append(Object.assign(document.createElement('iframe'), { src }))"


async def test_dark_mode_and_high_contrast_keep_words_readable(browser: Browser, site: Site) -> None:
    for options in (
        {"color_scheme": "dark"},
        {"contrast": "more"},
        {"color_scheme": "dark", "contrast": "more"},
    ):
        async with begun(browser, site, **options) as (shop, talk):
            talk.bot_sends(
                OutboundMessage(text="Readable", location=Place(latitude=1, longitude=2, name="Here"))
            )
            await expect(shop.page.locator("a.place")).to_be_visible()
            ratios = await shop.page.evaluate(_CONTRASTS)
            assert min(ratios.values()) >= 4.5, ratios
        site.turns.events.clear()
        site.transcript.contacts.clear()


_CONTRASTS = """() => {
  const root = document.querySelector("channel-gateway-widget").shadowRoot;
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const light = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(color)) return color;
    }
    return "#fff";
  };
  const ratios = {};
  for (const selector of [".bubble", ".place .name", ".place .about", ".place .go", ".state", "time"]) {
    const element = root.querySelector(selector);
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    ratios[selector] = (a + 0.05) / (b + 0.05);
  }
  return ratios;
}"""


# Spans: whatever the text, its characters stay, each with the look that the spans give it.

_TAGS = {"bold": "STRONG", "italic": "EM", "underline": "U", "strike": "S", "code": "CODE"}
_CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029")


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, tuple[Span, ...]]:
    """A text, and spans that nest."""
    text = draw(st.text(_CHARACTERS | st.sampled_from("🙂👩‍🚀é\n"), min_size=1, max_size=30))
    spans: list[Span] = []

    def fill(start: int, end: int, depth: int) -> None:
        while start < end and depth < 3 and draw(st.booleans()):
            a = draw(st.integers(start, end - 1))
            b = draw(st.integers(a + 1, end))
            kind = draw(st.sampled_from(sorted(_TAGS)))
            spans.append(Span(kind=kind, start=a, end=b))  # type: ignore[arg-type]
            if kind != "code":
                fill(a, b, depth + 1)
            start = b

    fill(0, len(text), 0)
    return f"<{text}>", tuple(Span(kind=s.kind, start=s.start + 1, end=s.end + 1) for s in spans)


_READ = """() => {
  const root = document.querySelector("channel-gateway-widget").shadowRoot;
  return [...root.querySelectorAll(".bubble")].map((bubble) => {
    const found = [];
    const walk = (node, tags) => {
      if (node.nodeType === 3) for (const character of node.data) found.push([character, [...tags].sort()]);
      else for (const child of node.childNodes)
        walk(child, child.nodeType === 1 && child.tagName !== "A" ? [...new Set([...tags, child.tagName])] : tags);
    };
    walk(bubble, []);
    return found;
  });
}"""


def looks(text: str, spans: tuple[Span, ...]) -> list[list[object]]:
    """Each character, and the tags that it is to be in."""
    return [
        [character, sorted({_TAGS[s.kind] for s in spans if s.start <= at < s.end})]
        for at, character in enumerate(text)
    ]


async def test_spans_give_each_character_its_look(browser: Browser, site: Site) -> None:
    """One conversation shows all examples: a page for each would take too long."""
    examples: list[tuple[str, tuple[Span, ...]]] = []

    @settings(max_examples=150, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(marked())
    def collect(example: tuple[str, tuple[Span, ...]]) -> None:
        examples.append(example)

    collect()
    assert any(len(spans) > 2 for _, spans in examples)
    async with begun(browser, site) as (shop, talk):
        for text, spans in examples:
            talk.bot_sends(OutboundMessage(text=text, spans=spans))
            await asyncio.sleep(0)
        await expect(shop.lines).to_have_count(len(examples), timeout=WAIT_MS)
        shown = await shop.page.evaluate(_READ)
    for (text, spans), found in zip(examples, shown, strict=True):
        assert found == looks(text, spans), (text, spans)
