"""Files of our own in messages: sealed for the organization that sends, linked where somebody else reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import structs

from adapters.capabilities import Capabilities
from adapters.telegram.capabilities import CAPABILITIES as TELEGRAM
from engine.messages import (
    Card,
    InlineAnswer,
    InlineResult,
    Media,
    OutboundMessage,
    TemplateCall,
)
from gateway.media.links import MediaLinks
from storage.keyring import Keyring

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORGANIZATION = UUID(int=1)
FILE = UUID("0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000")
OWN = f"media:{FILE}"
WEB = "https://shop.example/a.png"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


CLOCK = Clock()
LINKS = MediaLinks(Keyring({"k1": bytes(32)}), "https://bot.example", timedelta(hours=168), CLOCK)
UPLOADS = structs.replace(TELEGRAM, by_link=frozenset())


def resolve(message: OutboundMessage, capabilities: Capabilities = UPLOADS) -> OutboundMessage:
    return LINKS.resolve(message, ORGANIZATION, capabilities)


def named(url: str) -> UUID | None:
    found = LINKS.read_source(url)
    return None if found is None or found.organization_id != ORGANIZATION else found.media_id


def picture(url: str) -> OutboundMessage:
    return OutboundMessage(media=(Media(kind="image", url=url),))


def test_a_link_leads_to_the_file_until_its_time_is_over() -> None:
    link = LINKS.link(ORGANIZATION, FILE)
    assert link.startswith("https://bot.example/media/k1.")
    token = link.removeprefix("https://bot.example/media/")
    found = LINKS.read_link(token)
    assert found is not None and (found.organization_id, found.media_id) == (ORGANIZATION, FILE)
    assert found.expires_at == NOW + timedelta(hours=168)


def test_a_link_counts_from_the_moment_that_is_named() -> None:
    assert LINKS.link(ORGANIZATION, FILE, NOW) == LINKS.link(ORGANIZATION, FILE, NOW)
    assert LINKS.link(ORGANIZATION, FILE, NOW) != LINKS.link(ORGANIZATION, FILE, NOW + timedelta(seconds=1))


def test_a_platform_that_uploads_gets_a_sealed_source() -> None:
    (media,) = resolve(picture(OWN)).media
    assert media.url.startswith("media:k1.") and named(media.url) == FILE


def test_a_platform_that_is_told_addresses_gets_a_link() -> None:
    (media,) = resolve(picture(OWN), structs.replace(UPLOADS, by_link=frozenset({"image"}))).media
    assert media.url.startswith("https://bot.example/media/") and named(media.url) == FILE


def test_what_will_be_written_out_is_a_link() -> None:
    none = {kind: structs.replace(feature, level="fallback") for kind, feature in UPLOADS.sends.items()}
    (media,) = resolve(picture(OWN), structs.replace(UPLOADS, sends=none)).media
    assert media.url.startswith("https://bot.example/media/")


def test_a_kind_that_is_sent_as_another_is_uploaded_as_that() -> None:
    sends = {**UPLOADS.sends, "sticker": structs.replace(UPLOADS.sends["sticker"], level="fallback")}
    message = OutboundMessage(media=(Media(kind="sticker", url=OWN),))
    assert resolve(message, structs.replace(UPLOADS, sends=sends)).media[0].url.startswith("media:k1.")


def test_addresses_on_the_web_stay_as_they_are() -> None:
    message = OutboundMessage(
        media=(Media(kind="image", url=WEB),), cards=(Card(title="a", image=WEB), Card(title="b"))
    )
    assert resolve(message) == message
    assert resolve(OutboundMessage(text=OWN)) == OutboundMessage(text=OWN)


def test_cards_templates_and_inline_answers_are_resolved_too() -> None:
    message = OutboundMessage(
        cards=(Card(title="a", image=OWN),),
        template=TemplateCall(key="welcome", media=Media(kind="image", url=OWN)),
        inline=InlineAnswer(query="1", results=(InlineResult(id="1", title="a", text="b", thumbnail=OWN),)),
    )
    done = resolve(message)
    assert done.template is not None and done.template.media is not None and done.inline is not None
    urls = (done.cards[0].image, done.template.media.url, done.inline.results[0].thumbnail)
    assert all(named(url) == FILE for url in urls)
    assert urls[2].startswith("https://")  # the platform fetches it itself


def test_what_is_no_name_of_a_file_is_left_alone() -> None:
    for url in ("media:", "media:../../etc/passwd", "media:" + "0" * 36, f"{OWN}x", f"{OWN}\n"):
        assert resolve(picture(url)).media[0].url == url
        assert LINKS.read_source(url) is None


def test_a_source_is_sealed_for_the_organization_that_sends() -> None:
    other = LINKS.resolve(picture(OWN), UUID(int=2), UPLOADS).media[0].url
    found = LINKS.read_source(other)
    assert found is not None and found.organization_id == UUID(int=2)


def test_a_link_is_no_source_and_a_source_is_no_link() -> None:
    source, link = LINKS.source(ORGANIZATION, FILE), LINKS.link(ORGANIZATION, FILE)
    assert LINKS.read_link(source.removeprefix("media:")) is None
    assert LINKS.read_source("media:" + link.rpartition("/")[2]) is None


def test_a_public_link_is_made_of_every_form_of_a_source() -> None:
    assert LINKS.public_link(WEB) == WEB
    assert LINKS.public_link(OWN) is None
    for link in (LINKS.public_link(OWN, ORGANIZATION), LINKS.public_link(LINKS.source(ORGANIZATION, FILE))):
        assert link is not None and named(link) == FILE and link.startswith("https://")
    for nothing in ("media:k1.forged", "ftp://a/b", ""):
        assert LINKS.public_link(nothing, ORGANIZATION) is None


def test_a_source_outlives_the_tries_of_its_send() -> None:
    source = LINKS.source(ORGANIZATION, FILE)
    try:
        CLOCK.now = NOW + timedelta(hours=25)
        assert named(source) == FILE
        CLOCK.now = NOW + timedelta(hours=49)
        assert named(source) is None
    finally:
        CLOCK.now = NOW
