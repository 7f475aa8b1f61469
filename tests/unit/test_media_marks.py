"""Files in events are marked once, the same way for the same event, and their ids never meet those of effects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from adapters.telegram.adapter import TelegramAdapter
from engine.events import (
    AlbumReceived,
    EventBody,
    HumanReplied,
    InboundEvent,
    MediaReceived,
    Sender,
    TextReceived,
)
from gateway.channel import Channel
from gateway.media.links import MediaLinks
from gateway.media.marks import FIRST_ORDINAL, MAX_FILES, Marked, MediaMarks
from storage.ids import derived, new_id
from storage.keyring import Keyring
from tests.channels import access_with

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHANNEL = Channel(
    id=UUID(int=1),
    organization_id=UUID(int=2),
    chatbot_id=UUID(int=3),
    platform="telegram",
    route="route",
    name="Telegram",
    bot_name="Bot",
    flow_id=None,
    adapter=TelegramAdapter(),
    access=access_with(),
)
LINKS = MediaLinks(Keyring({"k1": bytes(32)}), "https://bot.example", timedelta(days=7), lambda: NOW)
MARKS = MediaMarks(LINKS, timedelta(days=90))
PHOTO = MediaReceived(kind="image", file="AgACAg", caption="look")


def mark(body: EventBody, inbox_id: UUID) -> tuple[EventBody, list[Marked]]:
    event = InboundEvent(
        external_id="1", conversation_key="7", sender=Sender(external_id="7"), body=body, occurred_at=NOW
    )
    marked, files = MARKS.mark(CHANNEL, event, inbox_id, NOW)
    return marked.body, files


def test_a_file_gets_an_id_and_a_link() -> None:
    inbox_id = new_id()
    body, files = mark(PHOTO, inbox_id)
    assert isinstance(body, MediaReceived)
    assert (body.file, body.caption, body.media) == ("AgACAg", "look", str(derived(inbox_id, FIRST_ORDINAL)))
    found = LINKS.read_source(body.url)
    assert found is not None and (found.media_id, found.organization_id) == (UUID(body.media), UUID(int=2))
    assert [(file.id, file.direction, file.stored) for file in files] == [(UUID(body.media), "in", False)]


def test_the_same_event_is_marked_the_same_way_always() -> None:
    inbox_id = new_id()
    assert mark(PHOTO, inbox_id) == mark(PHOTO, inbox_id)
    assert mark(PHOTO, inbox_id) != mark(PHOTO, new_id())


def test_each_piece_of_an_album_is_marked() -> None:
    body, files = mark(AlbumReceived(items=(PHOTO, PHOTO, MediaReceived(kind="video", file="B"))), new_id())
    assert isinstance(body, AlbumReceived)
    assert len({item.media for item in body.items}) == len(files) == 3
    assert all(item.url for item in body.items)


def test_what_a_person_of_the_business_sent_goes_out() -> None:
    body, files = mark(HumanReplied(text="here", media=(PHOTO,)), new_id())
    assert isinstance(body, HumanReplied) and body.media[0].media
    assert [file.direction for file in files] == ["out"]


def test_a_file_that_is_kept_already_keeps_its_id_and_is_not_fetched() -> None:
    id = str(uuid4())
    body, files = mark(MediaReceived(kind="image", file=f"media:{id}", media=id), new_id())
    assert isinstance(body, MediaReceived) and body.media == id and body.url
    assert [(str(file.id), file.stored) for file in files] == [(id, True)]


def test_other_events_and_files_without_a_reference_are_left_alone() -> None:
    for body in (TextReceived(text="hi"), MediaReceived(kind="image", file="")):
        assert mark(body, new_id()) == (body, [])


def test_an_event_with_very_many_files_is_bounded_and_its_ids_stay_derivable() -> None:
    body, files = mark(AlbumReceived(items=(PHOTO,) * 200), new_id())
    assert isinstance(body, AlbumReceived)
    assert len(files) == MAX_FILES == sum(1 for item in body.items if item.media)
    assert len({file.id for file in files}) == MAX_FILES


def test_files_are_kept_for_as_long_as_is_said() -> None:
    assert MARKS.expiry(NOW) == NOW + timedelta(days=90)
    assert MediaMarks(LINKS, None).expiry(NOW) is None
