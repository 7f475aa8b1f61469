"""The widget in a real Chromium against a server whose every answer the test decides."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser, expect

from adapters.web import frames
from engine.events import ChoiceMade, CommandReceived, ConversationOpened, TextReceived
from gateway.web.hub import render
from tests.integration.web_site import Site
from tests.integration.widget_pages import BROWSER, WAIT_MS, Talk, browser, site, tab, until, visitor

__all__ = ["browser", "site"]

pytestmark = BROWSER


async def test_asks_for_a_greeting_once_and_talks(browser: Browser, site: Site) -> None:
    talk = Talk(site)
    async with visitor(browser) as context:
        shop = await tab(context, site)
        assert site.turns.events == []
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        talk.bot_says("Hello!", "Yes", "No")
        await shop.shows("Hello!")
        await shop.say("Good morning\nto you")
        await until(lambda: talk.heard == [TextReceived(text="Good morning\nto you")])
        await shop.page.reload()
        await shop.shows("Hello!", "Good morning\nto you")
        assert [type(event.body) for event in site.turns.events] == [ConversationOpened, TextReceived]


async def test_quick_replies_are_reached_by_keyboard_vanish_after_use_and_work_when_stale(
    browser: Browser, site: Site
) -> None:
    talk = Talk(site)
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        talk.bot_says("Old question", "Apples", "Pears")
        await expect(shop.choice("Apples")).to_be_visible()
        await shop.say("something else")
        await until(lambda: len(talk.heard) == 1)
        talk.bot_says("New question", "Left", "Right")
        await expect(shop.choice("Right")).to_be_visible()
        await shop.field.focus()
        for _ in ("the button for files", "the last choice"):
            await shop.page.keyboard.press("Shift+Tab")
        await expect(shop.choice("Right")).to_be_focused()
        await shop.page.keyboard.press("Enter")
        await expect(shop.choice("Right")).to_be_hidden()
        await expect(shop.choice("Left")).to_be_hidden()
        await expect(shop.field).to_be_focused()
        await shop.choice("Pears").click()
        await until(lambda: len(talk.heard) == 3)
        assert talk.heard[1:] == [
            ChoiceMade(choice="c:1", title="Right"),
            ChoiceMade(choice="c:1", title="Pears"),
        ]
        await shop.shows("Old question", "something else", "New question", "Right", "Pears")


async def test_messages_come_once_and_in_order_through_every_disturbance(
    browser: Browser, site: Site
) -> None:
    talk = Talk(site)
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        talk.bot_says("1")
        site.service.hub.close()  # every socket, as at a restart
        talk.bot_says("2")
        talk.bot_says("3", deliver=False)  # nobody told this replica
        await shop.shows("1", "2", "3")
        for number in ("4", "5", "6"):
            talk.bot_says(number, deliver=False)
        for seq in (6, 6, 4, 1, 5):  # repeated, jumbled, and with a gap that the widget has to notice
            frame = render(site.transcript.entries[talk.conversation][seq - 1])
            for socket in site.service.hub:
                socket.push(frame)
        await shop.shows("1", "2", "3", "4", "5", "6")
        talk.bot_says("7", deliver=False)
        talk.bot_says("8", deliver=False)
        frame = render(site.transcript.entries[talk.conversation][7])
        for socket in site.service.hub:
            socket.cursor = 8  # the server believes that it sent them: only the widget can notice
            socket.push(frame)
        await shop.shows("1", "2", "3", "4", "5", "6", "7", "8")


async def test_what_is_written_while_nothing_is_accepted_arrives_once_in_order(
    browser: Browser, site: Site
) -> None:
    talk = Talk(site)
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        site.turns.away = True
        await shop.say("first")
        await shop.say("second")
        await expect(shop.page.get_by_text("Waiting to send").first).to_be_visible()
        await shop.page.reload()
        await shop.shows("first", "second")
        site.turns.away = False
        await until(lambda: len(talk.heard) == 2)
        await expect(shop.page.get_by_text("Waiting to send")).to_have_count(0)
        assert talk.heard == [TextReceived(text="first"), TextReceived(text="second")]
        await shop.shows("first", "second")


async def test_a_refused_message_says_so_and_can_be_sent_again(browser: Browser, site: Site) -> None:
    talk = Talk(site)
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        site.turns.away = True
        await shop.say("hello")
        await expect(shop.page.get_by_text("Waiting to send").first).to_be_visible()
        id = await shop.page.evaluate("JSON.parse(sessionStorage['channel-gateway:demo:outbox'])[0].frame.id")
        error = frames.Error(code="refused", message="Not in this shop.", retry=False, id=id)
        for socket in site.service.hub:
            socket.push(frames.encode(error))
        await expect(shop.page.get_by_text("Not in this shop.")).to_be_visible()
        site.turns.away = False
        await shop.page.get_by_role("button", name="Try again").click()
        await until(lambda: talk.heard == [TextReceived(text="hello")])
        await expect(shop.page.get_by_text("Not in this shop.")).to_have_count(0)
        await shop.shows("hello")


async def test_two_tabs_are_one_visitor(browser: Browser, site: Site) -> None:
    talk = Talk(site)
    async with visitor(browser) as context:
        one = await tab(context, site)
        await one.open()
        await until(lambda: len(site.turns.events) == 1)
        talk.bot_says("Hello!")
        two = await tab(context, site)
        await two.open()
        await two.shows("Hello!")
        await one.say("from one")
        await two.shows("Hello!", "from one")
        await two.say("from two")
        await one.shows("Hello!", "from one", "from two")
        assert len(site.transcript.contacts) == 1


async def test_unread_messages_are_counted_until_they_are_seen(browser: Browser, site: Site) -> None:
    talk = Talk(site)
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        await shop.page.keyboard.press("Escape")
        await expect(shop.page.get_by_role("dialog")).to_be_hidden()
        await expect(shop.launcher).to_be_focused()
        talk.bot_says("one")
        talk.bot_says("two")
        await expect(shop.launcher).to_have_accessible_name("Open chat (2 unread messages)")
        await until(lambda: [(u.seq, u.state) for u in site.statuses.updates] == [(2, "delivered")])
        await shop.page.reload()
        await expect(shop.launcher).to_have_accessible_name("Open chat (2 unread messages)")
        await shop.open()
        await until(lambda: (site.statuses.updates[-1].seq, site.statuses.updates[-1].state) == (2, "read"))
        await shop.page.keyboard.press("Escape")
        await expect(shop.launcher).to_have_accessible_name("Open chat")
        await shop.page.reload()
        await expect(shop.launcher).to_have_accessible_name("Open chat")


async def test_the_menu_restarts_and_closes_with_escape(browser: Browser, site: Site) -> None:
    talk = Talk(site)
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        menu = shop.page.get_by_role("menuitem", name="Restart conversation")
        await shop.page.get_by_label("More options").press("Enter")
        await expect(menu).to_be_focused()
        await shop.page.keyboard.press("Escape")
        await expect(menu).to_be_hidden()
        await expect(shop.page.get_by_role("dialog")).to_be_visible()
        await shop.page.get_by_label("More options").press("Enter")
        await shop.page.keyboard.press("Enter")
        await until(lambda: talk.heard == [CommandReceived(command="start")])
        await expect(shop.page.get_by_text("Conversation restarted")).to_be_visible()


async def test_texts_are_shown_as_texts_and_only_web_addresses_are_links(
    browser: Browser, site: Site
) -> None:
    talk = Talk(site)
    hostile = "<img src=x onerror=alert(1)> javascript:alert(1) https://example.com/a_(b)."
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await shop.open()
        await until(lambda: len(site.turns.events) == 1)
        talk.bot_says(hostile, "<b>bold</b>")
        await shop.shows(hostile)
        await expect(shop.choice("<b>bold</b>")).to_be_visible()
        assert await shop.page.locator(".messages img, .messages b").count() == 0
        links = shop.page.locator(".bubble a")
        await expect(links).to_have_count(1)
        await expect(links).to_have_attribute("href", "https://example.com/a_(b)")
        await expect(links).to_have_attribute("rel", "noopener noreferrer")


async def test_too_long_a_message_is_not_sent(browser: Browser, site: Site) -> None:
    talk = Talk(site)
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await shop.open()
        await shop.say("🙂" * 4001)
        await expect(shop.page.get_by_text("This message is too long.")).to_be_visible()
        await expect(shop.page.get_by_label("Send", exact=True)).to_be_disabled()
        await shop.say("🙂" * 4000)
        await until(lambda: talk.heard == [TextReceived(text="🙂" * 4000)])


async def test_a_phone_shows_the_whole_screen_and_is_not_zoomed(browser: Browser, site: Site) -> None:
    phone = {"width": 390, "height": 780}
    async with visitor(browser, viewport=phone, has_touch=True, is_mobile=True) as context:
        shop = await tab(context, site)
        await shop.open()
        await asyncio.sleep(0.4)
        box = await shop.page.get_by_role("dialog").bounding_box()
        assert box is not None
        assert (round(box["x"]), round(box["y"]), round(box["width"])) == (0, 0, 390)
        assert box["height"] >= 779
        size = await shop.field.evaluate("field => getComputedStyle(field).fontSize")
        assert float(size.removesuffix("px")) >= 16
        await expect(shop.field).not_to_be_focused()


async def test_a_page_that_may_not_have_the_bot_gets_no_widget(browser: Browser, site: Site) -> None:
    async with visitor(browser) as context:
        unknown = await tab(context, site, bot="nobody")
        async with context.expect_event("console", lambda said: "is unknown" in said.text):
            await unknown.page.reload()
        await expect(unknown.launcher).to_have_count(0)


async def test_a_bot_that_vanishes_is_told_and_not_asked_for_again(browser: Browser, site: Site) -> None:
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await shop.open()
        site.channels.clear()
        site.service.hub.close()
        await expect(shop.page.locator(".state")).to_have_text("Not available", timeout=WAIT_MS)
        await expect(shop.field).to_be_disabled()


async def test_the_page_and_the_channel_decide_how_it_looks(browser: Browser, site: Site) -> None:
    site.configure(
        {"appearance": {"position": "top-left", "title": "Help desk", "texts": {"open": "Ask us"}}}
    )
    config = "eyJ0aGVtZSI6ImRhcmsiLCJ0ZXh0cyI6eyJzZW5kIjoiR28ifX0="  # {"theme":"dark","texts":{"send":"Go"}}
    async with visitor(browser) as context:
        shop = await tab(context, site, config=config)
        await expect(shop.launcher).to_have_accessible_name("Ask us")
        box = await shop.launcher.bounding_box()
        assert box is not None
        assert (box["x"], box["y"]) == (20, 20)
        await shop.open()
        await expect(shop.page.get_by_role("dialog", name="Help desk")).to_be_visible()
        await expect(shop.page.get_by_label("Go", exact=True)).to_be_attached()
        background = await shop.page.get_by_role("dialog").evaluate(
            "it => getComputedStyle(it).backgroundColor"
        )
        assert background == "rgb(23, 25, 33)"


async def test_it_opens_by_itself_without_taking_the_focus_and_not_again_once_closed(
    browser: Browser, site: Site
) -> None:
    site.configure({"behavior": {"auto_open": True, "auto_open_delay": 50}})
    async with visitor(browser) as context:
        shop = await tab(context, site)
        await expect(shop.page.get_by_role("dialog")).to_be_visible()
        await expect(shop.field).not_to_be_focused()
        await shop.page.get_by_label("Close chat").first.click()
        await expect(shop.page.get_by_role("dialog")).to_be_hidden()
        await shop.page.reload()
        await expect(shop.launcher).to_be_visible()
        await asyncio.sleep(0.3)
        await expect(shop.page.get_by_role("dialog")).to_be_hidden()
