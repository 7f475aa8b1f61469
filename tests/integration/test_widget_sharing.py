"""What visitors share by the widget, in a real Chromium: files, places, contacts, reactions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

from playwright.async_api import Browser, Locator, expect

from engine.events import (
    AlbumReceived,
    ChoiceMade,
    ContactReceived,
    LocationReceived,
    MediaReceived,
    ReactionReceived,
)
from engine.messages import OutboundMessage
from tests.integration.web_site import Site
from tests.integration.widget_files import landscape, png
from tests.integration.widget_pages import BROWSER, Tab, begun, browser, site, until

__all__ = ["browser", "site"]

pytestmark = BROWSER

SMALL = png(8, 6, landscape(0.1))


def a_file(name: str, mime_type: str, body: bytes) -> Any:
    """A file as the browser's dialog gives it."""
    return {"name": name, "mimeType": mime_type, "buffer": body}


async def choose(shop: Tab, *files: Any) -> None:
    """Pick files in the browser's dialog."""
    async with shop.page.expect_file_chooser() as choosing:
        await shop.page.get_by_role("button", name="Attach files").click()
    chooser = await choosing.value
    await chooser.set_files(list(files))


def pieces(shop: Tab) -> Locator:
    """The files that wait to be sent."""
    return shop.page.locator(".piece")


async def sent(shop: Tab) -> None:
    """Send what is ready."""
    send = shop.page.get_by_role("button", name="Send", exact=True)
    await expect(send).to_be_enabled()
    await send.click()


async def test_a_chosen_picture_is_sent_with_its_caption_and_still_there_after_a_reload(
    browser: Browser, site: Site
) -> None:
    async with begun(browser, site) as (shop, talk):
        await choose(shop, a_file("cat.png", "image/png", SMALL))
        await expect(pieces(shop).locator(".bar")).to_have_count(0)
        await shop.field.fill("my cat")
        await sent(shop)
        await until(lambda: len(talk.heard) == 1)
        (body,) = talk.heard
        assert isinstance(body, MediaReceived)
        assert body == MediaReceived(
            kind="image",
            file=f"media:{body.media}",
            caption="my cat",
            name="cat.png",
            mime_type="image/png",
            size=len(SMALL),
            media=body.media,
        )
        assert site.shelf.files[body.media] == (SMALL, "image/png")
        await expect(pieces(shop)).to_have_count(0)
        picture = shop.page.locator("li.line.customer").get_by_role("button", name="cat.png")
        await expect(picture).to_be_visible()
        await shop.page.reload()
        await expect(picture.locator("img")).to_have_attribute("src", re.compile(f"/files/{body.media}$"))
        await shop.shows("my cat")


async def test_several_files_become_one_album(browser: Browser, site: Site) -> None:
    async with begun(browser, site) as (shop, talk):
        await choose(
            shop,
            a_file("one.png", "image/png", SMALL),
            a_file("two.png", "image/png", SMALL),
            a_file("offer.pdf", "application/pdf", b"%PDF-1.4"),
        )
        await expect(pieces(shop)).to_have_count(3)
        await pieces(shop).get_by_role("button", name=re.compile("two.png")).click()
        await expect(pieces(shop)).to_have_count(2)
        await sent(shop)
        await until(lambda: len(talk.heard) == 1)
        (body,) = talk.heard
        assert isinstance(body, AlbumReceived)
        assert [(one.kind, one.name) for one in body.items] == [
            ("image", "one.png"),
            ("document", "offer.pdf"),
        ]
        own = shop.page.locator("li.line.customer")
        await expect(own.get_by_role("link", name="Download: offer.pdf")).to_be_attached()


_TRANSFER = """(element, file) => {
  const bytes = Uint8Array.from(atob(file.body), (character) => character.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], file.name, { type: file.type }));
  const init = { bubbles: true, composed: true, cancelable: true };
  if (file.how === "paste") element.dispatchEvent(new ClipboardEvent("paste", { ...init, clipboardData: data }));
  else for (const kind of ["dragover", "drop"]) {
    element.dispatchEvent(new DragEvent(kind, { ...init, dataTransfer: data }));
  }
}"""


async def test_files_are_dropped_on_the_panel_and_pasted_into_the_field(browser: Browser, site: Site) -> None:
    file = {"name": "note.txt", "type": "text/plain", "body": "aGVsbG8="}
    async with begun(browser, site) as (shop, talk):
        await expect(shop.page.get_by_role("button", name="Attach files")).to_be_visible()
        await shop.page.locator(".scroller").evaluate(_TRANSFER, {**file, "how": "drop"})
        await expect(pieces(shop)).to_have_count(1)
        await shop.field.evaluate(_TRANSFER, {**file, "name": "again.txt", "how": "paste"})
        await expect(pieces(shop)).to_have_count(2)
        await sent(shop)
        await until(lambda: len(talk.heard) == 1)
        assert [one.name for one in talk.heard[0].items] == ["note.txt", "again.txt"]


async def test_what_may_not_be_uploaded_is_not(browser: Browser, site: Site, tmp_path: Path) -> None:
    site.configure({"behavior": {"file_upload": {"max_size": "1KB", "allowed_types": ["image/*", ".docx"]}}})
    async with begun(browser, site) as (shop, _):
        await choose(shop, a_file("big.png", "image/png", b"x" * 2000))
        await expect(shop.page.get_by_text("This file is larger than 1 kB.")).to_be_visible()
        await choose(shop, a_file("run.exe", "application/octet-stream", b"MZ"))
        await expect(shop.page.get_by_text("Files of this type can’t be sent.")).to_be_visible()
        await expect(pieces(shop)).to_have_count(0)
        await choose(shop, *(a_file(f"{at}.DOCX", "", b"PK") for at in range(11)))
        await expect(pieces(shop)).to_have_count(10)
        await expect(shop.page.get_by_text("At most 10 files at once.")).to_be_visible()
        assert site.shelf.files.keys() == {str(media) for media in site.shelf.owners}
        assert len(site.shelf.owners) <= 10


async def test_an_upload_that_is_refused_says_why_and_is_not_sent(browser: Browser, site: Site) -> None:
    async with begun(browser, site) as (shop, talk):
        site.shelf.refuses = "This is no picture."
        await choose(shop, a_file("odd.png", "image/png", b"none"))
        await expect(pieces(shop)).to_contain_text("This is no picture.")
        await expect(shop.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
        await shop.say("never mind")
        await until(lambda: len(talk.heard) == 1)
        await expect(pieces(shop)).to_have_count(0)


async def test_an_upload_under_way_shows_its_progress_and_can_be_stopped(
    browser: Browser, site: Site
) -> None:
    async with begun(browser, site) as (shop, talk):
        session = await shop.page.context.new_cdp_session(shop.page)
        slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
        await session.send("Network.enable")
        await session.send("Network.emulateNetworkConditions", slow)
        await choose(shop, a_file("long.png", "image/png", b"x" * 3_000_000))
        bar = pieces(shop).get_by_role("progressbar")
        await expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]"))
        await expect(shop.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
        await pieces(shop).get_by_role("button", name="Cancel: long.png").click()
        await expect(pieces(shop)).to_have_count(0)
        await shop.say("stopped")
        await until(lambda: len(talk.heard) == 1)
        assert site.shelf.owners == {}


async def test_a_channel_without_uploads_offers_none(browser: Browser, site: Site) -> None:
    site.configure({"behavior": {"file_upload": {"enabled": False}}})
    async with begun(browser, site) as (shop, talk):
        talk.bot_sends(OutboundMessage(text="Where are you?", request="location"))
        await expect(shop.page.get_by_role("button", name="Share my location")).to_be_visible()
        await expect(shop.page.get_by_role("button", name="Attach files")).to_be_hidden()


async def test_a_shared_location_takes_the_place_of_the_request(browser: Browser, site: Site) -> None:
    options = {"geolocation": {"latitude": 52.52, "longitude": 13.4}, "permissions": ["geolocation"]}
    async with begun(browser, site, **options) as (shop, talk):
        talk.bot_sends(OutboundMessage(text="Where are you?", request="location"))
        await shop.page.get_by_role("button", name="Share my location").click()
        await until(lambda: talk.heard == [LocationReceived(latitude=52.52, longitude=13.4)])
        await expect(shop.page.get_by_role("button", name="Share my location")).to_be_hidden()
        own = shop.page.locator("li.line.customer a.place")
        await expect(own).to_contain_text("52.52000, 13.40000")
        await shop.page.reload()
        await expect(own).to_contain_text("52.52000, 13.40000")


async def test_a_location_that_is_not_given_says_so(browser: Browser, site: Site) -> None:
    async with begun(browser, site, permissions=[]) as (shop, talk):
        talk.bot_sends(OutboundMessage(text="Where are you?", request="location"))
        await shop.page.get_by_role("button", name="Share my location").click()
        await expect(shop.page.get_by_text("Your location could not be found.")).to_be_visible()
        assert talk.heard == []


async def test_a_contact_is_shared_by_a_form_that_checks_the_number(browser: Browser, site: Site) -> None:
    async with begun(browser, site) as (shop, talk):
        talk.bot_sends(OutboundMessage(text="How can we reach you?", request="contact"))
        await shop.page.get_by_label("Name").fill("Ana Díaz")
        phone = shop.page.get_by_label("Phone number")
        await phone.fill("call me")
        await phone.press("Enter")
        await expect(shop.page.get_by_text("Please check the number.")).to_be_visible()
        await expect(phone).to_be_focused()
        await phone.fill("+49 (30) 123-4567")
        await phone.press("Enter")
        await until(lambda: talk.heard == [ContactReceived(phone="+49301234567", name="Ana Díaz")])
        await expect(phone).to_be_hidden()
        await shop.page.reload()
        await expect(shop.page.locator("li.line.customer .contact")).to_contain_text("Ana Díaz")


async def test_reactions_are_put_and_taken_back_and_outlive_a_reload(browser: Browser, site: Site) -> None:
    async with begun(browser, site) as (shop, talk):
        entry = talk.bot_sends(OutboundMessage(text="Done!"))
        react = shop.page.get_by_role("button", name="React", exact=True)
        await react.focus()
        await shop.page.keyboard.press("Enter")
        await shop.page.keyboard.press("Tab")
        await shop.page.keyboard.press("Enter")
        await until(lambda: talk.heard == [ReactionReceived(emoji=("❤️",), message=str(entry.id))])
        await shop.page.reload()
        mine = shop.page.get_by_role("button", name="Reaction: ❤️")
        await mine.click()
        await until(lambda: talk.heard[1:] == [ReactionReceived(emoji=(), message=str(entry.id))])
        await expect(mine).to_have_count(0)


async def test_the_page_goes_along_with_the_first_words(browser: Browser, site: Site) -> None:
    async with begun(browser, site, timezone_id="Asia/Tokyo", locale="en-GB", payload="ref42") as (
        shop,
        talk,
    ):
        talk.bot_says("Hello", "Yes")
        await shop.choice("Yes").click()
        await until(lambda: talk.heard == [ChoiceMade(choice="c:0", title="Yes")])
        first, second = site.turns.events
        assert (first.sender.timezone, first.sender.language) == ("Asia/Tokyo", "en-GB")
        assert first.context is not None
        referral = first.context.referral
        assert referral is not None
        assert referral.url.endswith("/shop")
        assert (referral.source, referral.headline, referral.payload) == ("page", "The shop", "ref42")
        assert second.context is None
        assert UUID(second.conversation_key)
