"""The demo page in a real Chromium: what a newcomer does in the first two minutes.

With SCREENSHOT=1 the picture in docs/images is made anew.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from gateway.demo import demo_definition
from tests.chaos.processes import REPOSITORY, GatewayProcess

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
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""
PICTURE = REPOSITORY / "docs" / "images" / "widget.png"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """A data directory for embedded servers, as `make run` has one."""
    folder = tempfile.mkdtemp(prefix="gw-")
    yield {"GATEWAY_DATA_DIR": folder}
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def gateway(environment: dict[str, str]) -> Iterator[GatewayProcess]:
    """`gateway serve --demo` with two workers."""
    process = GatewayProcess(environment, REPOSITORY, flags=["--demo"]).start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new visitor, whose page reports no error of its own."""
    context = browser.new_context(viewport={"width": 1200, "height": 760}, locale="en-GB")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def publish(environment: dict[str, str], folder: Path, *, open_now: bool) -> None:
    """Publish the demo's flow with business hours that are always, or never."""
    definition = demo_definition()
    definition["conditions"]["business_hours"]["expression"] = "true" if open_now else "false"
    file = folder / "flow.json"
    file.write_text(json.dumps(definition))
    command = [sys.executable, "-m", "gateway", "bot", "publish", str(file), "--bot", "demo"]
    subprocess.run(
        command,
        check=True,
        env={**os.environ, **environment},
        cwd=REPOSITORY,
        capture_output=True,
        timeout=120,
    )


def open_chat(page: Page, gateway: GatewayProcess) -> None:
    """Open the page and wait for the bot's greeting."""
    page.goto(gateway.url)
    visible(page, "What can I do for you?")


def say(page: Page, text: str) -> None:
    """Write a message and send it with Enter."""
    field = page.get_by_label("Write a message…")
    field.fill(text)
    field.press("Enter")


def visible(page: Page, text: str) -> None:
    """The bot has said it."""
    expect(page.locator("li.line.bot", has_text=text).last).to_be_visible(timeout=WAIT_MS)


def test_a_newcomer_is_greeted_picks_by_click_and_by_typing_and_restarts(
    page: Page, gateway: GatewayProcess
) -> None:
    open_chat(page, gateway)
    say(page, "I want to buy something")
    visible(page, "Which product category interests you?")
    page.get_by_role("button", name=re.compile("AI Tools")).click()
    visible(page, "AI Tools answer your customers")
    if os.environ.get("SCREENSHOT"):
        visible(page, "What would you like to do next?")
        page.wait_for_timeout(600)
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE)

    say(page, "restart")
    expect(page.locator("li.line.bot", has_text="What can I do for you?")).to_have_count(2, timeout=WAIT_MS)
    say(page, "tell me about products")
    expect(page.locator("li.line.bot", has_text="Which product category")).to_have_count(2, timeout=WAIT_MS)
    say(page, "educational")
    visible(page, "Our learning platforms")


def test_the_menu_restarts_the_conversation(page: Page, gateway: GatewayProcess) -> None:
    open_chat(page, gateway)
    page.get_by_label("More options").click()
    page.get_by_role("menuitem", name="Restart conversation").click()
    expect(page.get_by_text("Conversation restarted")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("li.line.bot", has_text="What can I do for you?")).to_have_count(2, timeout=WAIT_MS)


def test_a_reload_remembers_the_conversation(page: Page, gateway: GatewayProcess) -> None:
    open_chat(page, gateway)
    say(page, "I want to buy something")
    visible(page, "Which product category interests you?")
    page.reload()
    visible(page, "Which product category interests you?")
    expect(page.locator("li.line.customer", has_text="I want to buy something")).to_have_count(1)
    expect(page.locator("li.line.bot", has_text="What can I do for you?")).to_have_count(1)


def test_a_message_written_while_the_server_is_away_arrives_once_it_is_back(
    page: Page, environment: dict[str, str], browser: Browser
) -> None:
    first = GatewayProcess(environment, REPOSITORY, flags=["--demo"]).start()
    open_chat(page, first)
    first.kill()
    expect(page.get_by_text(re.compile("Reconnecting"))).to_be_visible(timeout=WAIT_MS)
    say(page, "I want to buy something")
    second = GatewayProcess(environment, REPOSITORY, port=first.port, flags=["--demo"]).start()
    visible(page, "Which product category interests you?")
    expect(page.locator("li.line.customer", has_text="I want to buy something")).to_have_count(1)
    second.stop()


def test_escalation_hands_over_in_business_hours_and_says_so_outside(
    page: Page, gateway: GatewayProcess, environment: dict[str, str], tmp_path: Path
) -> None:
    publish(environment, tmp_path, open_now=True)
    page.wait_for_timeout(3_000)  # the running server takes a published version up within two seconds
    open_chat(page, gateway)
    say(page, "I would like to speak to someone")
    visible(page, "I am passing you on to a person from our team")
    say(page, "restart")
    expect(page.locator("li.line.bot", has_text="What can I do for you?")).to_have_count(2, timeout=WAIT_MS)

    publish(environment, tmp_path, open_now=False)
    page.wait_for_timeout(3_000)
    say(page, "restart")
    expect(page.locator("li.line.bot", has_text="What can I do for you?")).to_have_count(3, timeout=WAIT_MS)
    say(page, "human")
    visible(page, "Nobody from our team is available right now")


def test_customer_text_is_shown_as_text_and_runs_nothing(page: Page, gateway: GatewayProcess) -> None:
    open_chat(page, gateway)
    say(page, "<img src=x onerror=alert(1)> {{user_name}}")
    expect(
        page.locator("li.line.customer", has_text="<img src=x onerror=alert(1)> {{user_name}}")
    ).to_be_visible()
    assert page.locator("li.line.customer img").count() == 0


def test_a_picture_is_uploaded_answered_and_still_there_after_a_reload(
    page: Page, gateway: GatewayProcess
) -> None:
    open_chat(page, gateway)
    picture: FilePayload = {"name": "dot.png", "mimeType": "image/png", "buffer": DOT}
    expect(page.get_by_label("Attach files")).to_be_visible(timeout=WAIT_MS)
    page.locator("input[type=file]").set_input_files([picture])
    page.get_by_label("Write a message…").fill("what I see")
    send = page.get_by_label("Send", exact=True)
    expect(send).to_be_enabled(timeout=WAIT_MS)
    send.click()
    own = page.locator("li.line.customer")
    expect(own.get_by_label("dot.png")).to_be_visible()
    expect(own.locator(".mark.check, .mark.read")).to_be_attached(timeout=WAIT_MS)
    page.reload()
    shown = own.get_by_label("dot.png").locator("img")
    expect(shown).to_have_attribute("src", re.compile("/media/"), timeout=WAIT_MS)
    expect(shown).to_have_js_property("naturalWidth", 1, timeout=WAIT_MS)
