"""What becomes of a refused call, by Telegram's words; and what is left refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.errors import Refused
from adapters.protocol import Call, Receipt, Upload
from adapters.telegram.capabilities import PHOTO_BYTES
from adapters.telegram.failures import Migrated
from adapters.telegram.repairs import mended
from adapters.telegram.upload import too_large

BOLD = {"type": "bold", "offset": 0, "length": 1}
LINK = {"type": "text_link", "offset": 0, "length": 1, "url": "https://velo.example"}


def call(method: str, *uploads: Upload, **body: Any) -> Call:
    return Call(method=method, body=json.dumps({"chat_id": 42, **body}).encode(), uploads=uploads)


def after(refused: Call, words: str) -> tuple[str, dict[str, Any]]:
    found = mended(refused, Refused(f"Telegram: Bad Request: {words}"))
    assert isinstance(found, Call)
    return found.method, json.loads(found.body)


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (call("sendMessage", text="x"), "can't parse entities"),
        (call("sendMessage", text="x", entities=[BOLD]), "Request Entity Too Large"),
        (call("sendMessage", text="x", entities=[BOLD]), "not enough rights to send text messages"),
        (call("sendMessage", text="x"), "message is not modified"),
        (call("sendMessage", text="x", reply_markup={"inline_keyboard": []}), "BUTTON_URL_INVALID"),
        (call("sendPhoto", photo="AgACAg"), "wrong file identifier/HTTP URL specified"),
        (call("sendPhoto", photo="attach://file0"), "failed to get HTTP URL content"),
        (call("sendDocument", document="x"), "IMAGE_PROCESS_FAILED"),
        (call("setMessageReaction", message_id=1, reaction=[]), "REACTION_INVALID"),
        (call("answerInlineQuery"), "query is too old and response timeout expired or query ID is invalid"),
    ],
)
def test_what_nothing_mends_stays_refused(refused: Call, words: str) -> None:
    assert mended(refused, Refused(f"Telegram: Bad Request: {words}")) is None


def test_a_group_is_followed_once() -> None:
    found = mended(call("sendMessage", text="x"), Migrated(-100))
    assert isinstance(found, Call) and json.loads(found.body) == {"chat_id": -100, "text": "x"}
    assert mended(found, Migrated(-100)) is None


def test_a_photo_beyond_its_limit_goes_as_a_document() -> None:
    upload = Upload(field="file0", source="media:1", kind="photo")
    found = mended(call("sendPhoto", upload, photo="attach://file0"), too_large(PHOTO_BYTES + 1, PHOTO_BYTES))
    assert isinstance(found, Call)
    assert (found.method, json.loads(found.body)) == (
        "sendDocument",
        {"chat_id": 42, "document": "attach://file0"},
    )
    assert found.uploads == (Upload(field="file0", source="media:1", kind="document"),)
    assert mended(found, too_large(60 << 20, 50 << 20)) is None


def test_an_album_and_an_edit_turn_into_documents_whole() -> None:
    items = [{"type": "photo", "media": "a"}, {"type": "video", "media": "b", "supports_streaming": True}]
    assert after(call("sendMediaGroup", media=items), "IMAGE_PROCESS_FAILED")[1]["media"] == [
        {"type": "document", "media": "a"},
        {"type": "document", "media": "b"},
    ]
    edit = call("editMessageMedia", message_id=9, media=items[0])
    assert after(edit, "PHOTO_INVALID_DIMENSIONS")[1]["media"] == {"type": "document", "media": "a"}


def test_an_edited_picture_that_is_gone_keeps_its_upload_and_caption() -> None:
    media = {"type": "photo", "media": "attach://file0", "caption": "x", "caption_entities": [BOLD]}
    upload = Upload(field="file0", source="media:1", kind="photo")
    found = mended(
        call("editMessageMedia", upload, message_id=9, media=media), Refused("message to edit not found")
    )
    assert isinstance(found, Call) and found.uploads == (upload,)
    assert json.loads(found.body) == {
        "chat_id": 42,
        "photo": "attach://file0",
        "caption": "x",
        "caption_entities": [BOLD],
    }


def test_links_stand_below_as_far_as_there_is_room() -> None:
    words = "can't parse entities: x"
    assert after(call("sendMessage", text="x", entities=[BOLD, LINK]), words)[1] == {
        "chat_id": 42,
        "text": "x\nx: https://velo.example",
    }
    full = "x" * 1020
    item = {"type": "photo", "media": "a", "caption": full, "caption_entities": [LINK]}
    _, body = after(call("sendMediaGroup", media=[item, {"type": "photo", "media": "b"}]), words)
    assert body["media"][0] == {"type": "photo", "media": "a", "caption": full}


@pytest.mark.parametrize(
    ("method", "given", "field"),
    [("sendMessage", {"text": "?"}, "text"), ("sendPhoto", {"photo": "a"}, "caption")],
)
def test_buttons_that_open_something_become_lines(method: str, given: dict[str, Any], field: str) -> None:
    choice = {"text": "Yes", "callback_data": "q:1"}
    app = {"text": "App", "web_app": {"url": "https://velo.example/app"}}
    markup = {"inline_keyboard": [[choice, app], [{"text": "Site", "url": "https://velo.example"}]]}
    _, body = after(call(method, reply_markup=markup, **given), "BUTTON_TYPE_INVALID")
    assert body["reply_markup"] == {"inline_keyboard": [[choice]]}
    assert body[field].endswith("App: https://velo.example/app\nSite: https://velo.example")


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (
            call("sendVideo", video="https://velo.example/a.mp4", supports_streaming=True, caption="Ride",
                 caption_entities=[BOLD], disable_notification=True),
            {"text": "Ride\nhttps://velo.example/a.mp4", "entities": [BOLD], "disable_notification": True},
        ),
        (
            call("sendMediaGroup", media=[
                {"type": "photo", "media": "https://velo.example/a.jpg"},
                {"type": "photo", "media": "https://velo.example/b.jpg"},
            ]),
            {"text": "https://velo.example/a.jpg\nhttps://velo.example/b.jpg"},
        ),
        (
            call("editMessageMedia", message_id=9, media={"type": "photo", "media": "https://velo.example/a.jpg"}),
            {"text": "https://velo.example/a.jpg"},
        ),
    ],
)  # fmt: skip
def test_a_channel_that_uploads_nothing_says_the_address(refused: Call, said: dict[str, Any]) -> None:
    unfetched = Refused("Telegram: Bad Request: failed to get HTTP URL content")
    found = mended(refused, unfetched, uploads=False)
    assert isinstance(found, Call) and not found.uploads
    assert (found.method, json.loads(found.body)) == ("sendMessage", {"chat_id": 42, **said})
    uploading = mended(refused, unfetched)
    assert isinstance(uploading, Call) and uploading.uploads


def test_an_edit_that_changes_nothing_has_the_messages_receipt() -> None:
    edit = call("editMessageText", message_id=9, text="x")
    assert mended(edit, Refused("Telegram: Bad Request: message is not modified: …")) == Receipt(message="9")
