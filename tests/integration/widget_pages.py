"""Pages with the widget on them in a real Chromium, and the bot's side of their conversation."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from engine.events import ConversationOpened
from engine.messages import OutboundMessage
from gateway.web.ports import Entry
from tests.integration.web_site import Site, running_site

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 20_000
expect.set_options(timeout=WAIT_MS)

BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"),
]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest.fixture
async def site(redis_url: str) -> AsyncIterator[Site]:
    async with running_site(redis_url) as made:
        yield made


class Tab:
    """One page with the widget on it."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.field = page.get_by_label("Write a message…")
        self.launcher = page.locator("button.launcher")
        self.lines = page.locator("li.line .bubble")

    async def open(self) -> None:
        await self.launcher.click()
        await expect(self.page.get_by_role("dialog")).to_be_visible()
        await expect(self.page.locator(".state")).to_have_text("Online", timeout=WAIT_MS)

    async def say(self, text: str) -> None:
        await self.field.fill(text)
        await self.field.press("Enter")

    async def shows(self, *texts: str) -> None:
        """Exactly these messages, in this order (what a reader of the screen hears before one is left out)."""
        await expect(self.lines).to_have_text([re.compile(f"{re.escape(text)}$") for text in texts])

    def choice(self, title: str) -> Locator:
        return self.page.locator(".choices").get_by_role("button", name=title)


class Talk:
    """The server's side of the only conversation."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @property
    def conversation(self) -> UUID:
        (conversation,) = self.site.transcript.contacts.values()
        return conversation

    def bot_sends(self, message: OutboundMessage, *, sender: str = "bot") -> Entry:
        """A message of any kind, kept and delivered as the gateway does."""
        payload = msgspec.to_builtins(message)
        text = payload.pop("text", "")
        entry = self.site.transcript.add(self.conversation, text, sender=sender, payload=payload)
        self.site.deliver(entry)
        return entry

    def bot_says(self, text: str, *titles: str, deliver: bool = True) -> None:
        choices = [{"id": f"c:{number}", "title": title} for number, title in enumerate(titles)]
        entry = self.site.transcript.add(self.conversation, text, payload={"choices": choices})
        if deliver:
            self.site.deliver(entry)

    @property
    def heard(self) -> list[Any]:
        """What the visitor did, without the opening."""
        bodies = [event.body for event in self.site.turns.events]
        return [body for body in bodies if not isinstance(body, ConversationOpened)]


@asynccontextmanager
async def visitor(browser: Browser, **options: Any) -> AsyncIterator[BrowserContext]:
    """A browser of one visitor; a page that reports an error of its own fails the test."""
    context = await browser.new_context(
        viewport=options.pop("viewport", {"width": 900, "height": 700}), **options
    )
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    await context.close()
    assert errors == []


async def tab(context: BrowserContext, site: Site, *, bot: str = "demo", **attributes: str) -> Tab:
    """A page of a site that embeds the widget."""
    page = await context.new_page()
    query = {"data-bot-id": bot, **{f"data-{name}": value for name, value in attributes.items()}}
    await page.goto(str(site.server.make_url("/shop").with_query(query)))
    return Tab(page, site)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_MS / 1000):
        while not done():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.02)


@asynccontextmanager
async def begun(browser: Browser, site: Site, **options: Any) -> AsyncIterator[tuple[Tab, Talk]]:
    """A visitor's page with the panel open and a conversation that has just begun."""
    payload = {"payload": options.pop("payload")} if "payload" in options else {}
    async with visitor(browser, **options) as context:
        shop = await tab(context, site, **payload)
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        yield shop, Talk(site)
