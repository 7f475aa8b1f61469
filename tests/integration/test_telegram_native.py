"""Every kind of message through our client to the mock Bot API: taken, or mended until it is; and files read back."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from adapters.errors import Misconfigured, Refused, SendFailed, TryLater
from adapters.protocol import Call, ChannelAccess, Content, Receipt, Upload
from adapters.telegram import manage
from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.upload import Parcel
from engine.events import ChoiceMade, MediaReceived, QueryReceived
from engine.messages import (
    Card,
    CardButton,
    Choice,
    ContactCard,
    InlineAnswer,
    InlineResult,
    Link,
    Media,
    MediaKind,
    OutboundMessage,
    Paging,
    Place,
    Reaction,
    Request,
    Span,
)
from tests.channels import calls_for
from tests.integration.test_telegram_client import CHAT, ENVELOPE, HIDDEN, access_to
from tests.platforms.telegram import DEFAULT_TOKEN, Fault, MockTelegram, people
from tests.platforms.telegram.world import Page, Sent

JPEG = b"\xff\xd8\xff\xe0 a small picture"
WIDE_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (9000).to_bytes(4, "big") + (100).to_bytes(4, "big")
YES = Choice(id="q:1", title="Yes")
GROUP = -1002077001234
BUSINESS = "Qk1pTn0aYQ"
FORM: list[MediaKind] = ["image", "video", "audio", "voice", "document", "sticker"]


class Shelf:
    """Files by their source; each says how large it is unless told to keep quiet."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {
            "media:jpeg": JPEG,
            "media:wide": WIDE_PNG,
            "media:odd": b"no picture",
        }
        self.opened: list[str] = []
        self.tells_size = True
        self.chunk = 7
        self.breaks = False

    @asynccontextmanager
    async def open(self, source: str) -> AsyncIterator[Content]:
        """The file at `source`, in small chunks. Raises `Refused` for one that there is not."""
        self.opened.append(source)
        if source not in self.files:
            raise Refused(f"there is no file {source}")
        data = self.files[source]
        size = len(data) if self.tells_size else None
        yield Content(chunks=self._chunks(data), mime_type="image/jpeg", size=size, name="from the shelf.jpg")

    async def _chunks(self, data: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(data), self.chunk):
            yield data[start : start + self.chunk]
            if self.breaks:
                raise OSError("the disk is gone")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def mock() -> AsyncIterator[MockTelegram]:
    async with MockTelegram().running() as server:
        server.bot.chat(CHAT)
        server.bot.chat(GROUP)
        server.bot.business.add(BUSINESS)
        yield server


@pytest.fixture
async def adapter(shelf: Shelf) -> AsyncIterator[TelegramAdapter]:
    one = TelegramAdapter(files=shelf)
    yield one
    await one.close()


async def say(
    mock: MockTelegram,
    adapter: TelegramAdapter,
    message: OutboundMessage,
    to: str = str(CHAT),
    **settings: Any,
) -> list[Receipt]:
    access = access_to(mock.url)
    access = ChannelAccess(
        channel_id=access.channel_id, secrets=access.secrets, settings={**access.settings, **settings}
    )
    calls = calls_for(adapter, to, message, access)
    return [await adapter.send(call, access, ENVELOPE) for call in calls]


def methods(mock: MockTelegram) -> list[str]:
    return [entry.method for entry in mock.world.log]


def last(mock: MockTelegram) -> Sent:
    return mock.world.log[-1]


def everything() -> Iterator[OutboundMessage]:
    """One message of every kind, and of the ways in which kinds come together."""
    picture = Media(kind="image", url="https://velo.example/a.jpg")
    upload = Media(kind="image", url="media:jpeg")
    place = Place(latitude=59.3, longitude=18.0, name="Shop", address="Kungsgatan 9")
    contact = ContactCard(name="Nora", phone="+46701740605", email="n@velo.example")
    link = Link(title="App", url="https://velo.example/app", kind="web_app")
    spans = (
        Span(kind="bold", start=0, end=4),
        Span(kind="link", start=0, end=2, value="https://velo.example"),
    )
    requests: tuple[Request, ...] = ("location", "contact")
    yield OutboundMessage(text="Text 🚲", spans=spans, choices=(YES,), links=(link,))
    yield from (OutboundMessage(text="Where?", request=request) for request in requests)
    yield from (OutboundMessage(text="Text", media=(Media(kind=kind, url="media:jpeg"),)) for kind in FORM)
    yield OutboundMessage(text="Text", spans=spans, media=(picture,), choices=(YES,))
    yield OutboundMessage(text="Text", media=(picture, upload, picture), choices=(YES,))
    yield OutboundMessage(text="long " * 1000, media=(picture,) * 12)
    yield OutboundMessage(text="Text", location=place, contact=contact, choices=(YES,))
    yield OutboundMessage(location=Place(latitude=59.3, longitude=18.0))
    card = Card(
        title="City", subtitle="x " * 900, image="media:jpeg", buttons=(CardButton(title="Buy", id="b"),)
    )
    yield OutboundMessage(text="Ours", cards=(card, Card(title="Gravel", url="https://velo.example")))
    yield OutboundMessage(text="Answer", reply_to="12345")


@pytest.mark.parametrize("to", [str(CHAT), str(GROUP), f"business:{BUSINESS}:{CHAT}"])
async def test_every_kind_is_taken_as_it_is(mock: MockTelegram, adapter: TelegramAdapter, to: str) -> None:
    for message in everything():
        before = len(mock.world.log)
        calls = calls_for(adapter, to, message, access_to(mock.url))
        receipts = await say(mock, adapter, message, to)
        assert len(receipts) == len(calls) >= 1
        assert all(receipt.message.isdecimal() for receipt in receipts)
        taken = [entry.method for entry in mock.world.log[before:]]
        # Nothing had to be mended: the calls are what was rendered. An album logs each of its pieces.
        assert sorted(set(taken)) == sorted({call.method for call in calls})


async def test_an_upload_arrives_whole_with_its_name(
    mock: MockTelegram, adapter: TelegramAdapter, shelf: Shelf
) -> None:
    for tells in (True, False):
        shelf.tells_size = tells
        await say(
            mock, adapter, OutboundMessage(text="Hi", media=(Media(kind="document", url="media:jpeg"),))
        )
        file = mock.bot.files[last(mock).files[0]]
        assert (file.data, file.name, file.mime_type) == (JPEG, "from the shelf.jpg", "image/jpeg")
        assert last(mock).text == "Hi"
    named = Media(kind="document", url="media:jpeg", name='bill "17" ü.pdf')
    await say(mock, adapter, OutboundMessage(media=(named,)))
    assert mock.bot.files[last(mock).files[0]].name == named.name


async def test_an_album_is_uploaded_piece_by_piece(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    media = tuple(
        Media(kind="image", url=url) for url in ("media:jpeg", "https://velo.example/a.jpg", "media:jpeg")
    )
    (receipt,) = await say(mock, adapter, OutboundMessage(text="Three", media=media))
    sent = mock.sent(CHAT, "sendMediaGroup")
    assert [entry.text for entry in sent] == ["Three", "", ""]
    assert [len(mock.bot.files[entry.files[0]].data) for entry in sent] == [len(JPEG), 0, len(JPEG)]
    assert receipt.message == str(sent[0].message_id)


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://velo.example/terms.docx", None),
        ("https://velo.example/slow.pdf", Page(status=404)),
        ("http://localhost:8000/terms.pdf", None),
        ("https://velo.example/page.pdf", Page(mime_type="text/html")),
    ],
)
async def test_what_telegram_can_not_fetch_is_uploaded(
    mock: MockTelegram, adapter: TelegramAdapter, shelf: Shelf, url: str, page: Page | None
) -> None:
    shelf.files[url] = b"%PDF-1.7 terms"
    if page is not None:
        mock.world.pages[url] = page
    await say(mock, adapter, OutboundMessage(text="Terms", media=(Media(kind="document", url=url),)))
    assert mock.bot.files[last(mock).files[0]].data == b"%PDF-1.7 terms"
    assert (shelf.opened, last(mock).text) == ([url], "Terms")


async def test_an_album_with_one_lost_address_is_uploaded_whole(
    mock: MockTelegram, adapter: TelegramAdapter, shelf: Shelf
) -> None:
    urls = ["https://velo.example/a.jpg", "https://velo.example/gone.jpg"]
    shelf.files |= dict.fromkeys(urls, JPEG)
    mock.world.pages[urls[1]] = Page(status=404)
    await say(mock, adapter, OutboundMessage(media=tuple(Media(kind="image", url=url) for url in urls)))
    assert len(mock.sent(CHAT, "sendMediaGroup")) == 2
    assert shelf.opened == urls


async def test_a_channel_that_uploads_nothing_says_the_address_of_what_telegram_can_not_fetch(
    mock: MockTelegram, adapter: TelegramAdapter, shelf: Shelf
) -> None:
    url = "https://velo.example/slow.pdf"
    shelf.files[url] = b"%PDF-1.7 terms"
    mock.world.pages[url] = Page(status=404)
    message = OutboundMessage(text="Terms", media=(Media(kind="document", url=url),), choices=(YES,))
    await say(mock, adapter, message, message_formatting={"file_upload_enabled": False})
    assert (last(mock).method, last(mock).text) == ("sendMessage", f"Terms\n{url}")
    assert last(mock).reply_markup is not None
    assert shelf.opened == []


async def test_what_nobody_can_fetch_is_refused_in_words(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    url = "https://velo.example/gone.pdf"
    mock.world.pages[url] = Page(status=404)
    with pytest.raises(Refused, match="there is no file"):
        await say(mock, adapter, OutboundMessage(media=(Media(kind="document", url=url),)))
    without = TelegramAdapter()
    with pytest.raises(Refused, match="no store to take the file from"):
        await say(mock, without, OutboundMessage(media=(Media(kind="document", url="media:jpeg"),)))
    await without.close()
    assert mock.world.log == []


@pytest.mark.parametrize("source", ["media:wide", "media:odd"])
async def test_a_picture_that_is_no_photo_goes_as_a_document(
    mock: MockTelegram, adapter: TelegramAdapter, source: str
) -> None:
    await say(
        mock,
        adapter,
        OutboundMessage(text="Panorama", media=(Media(kind="image", url=source),), choices=(YES,)),
    )
    assert (last(mock).method, last(mock).text) == ("sendDocument", "Panorama")
    assert last(mock).reply_markup is not None


async def test_customers_who_take_no_voice_messages_get_a_file(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    mock.faults.add(
        Fault(
            kind="error", method="sendVoice", status=400, description="Bad Request: VOICE_MESSAGES_FORBIDDEN"
        )
    )
    await say(mock, adapter, OutboundMessage(media=(Media(kind="voice", url="media:jpeg"),)))
    assert methods(mock) == ["sendDocument"]


async def test_a_file_that_the_server_finds_too_large_is_refused(
    mock: MockTelegram, adapter: TelegramAdapter, shelf: Shelf
) -> None:
    mock.world.max_upload = 1000
    shelf.files["media:big"] = b"x" * 2000
    with pytest.raises(Refused, match="Request Entity Too Large"):
        await say(mock, adapter, OutboundMessage(media=(Media(kind="document", url="media:big"),)))
    assert mock.world.log == []


@pytest.mark.parametrize(
    ("kind", "limit", "tells"), [("photo", 10, True), ("photo", 10, False), ("document", 50, True)]
)
async def test_telegrams_own_server_is_not_sent_more_than_it_takes(
    shelf: Shelf, kind: str, limit: int, tells: bool
) -> None:
    shelf.tells_size = tells
    shelf.chunk = 1 << 20
    shelf.files["media:big"] = bytes((limit << 20) + 1)
    call = Call(method="sendX", body=b"{}", uploads=(Upload(field="f", source="media:big", kind=kind),))
    parcel = Parcel()
    async with AsyncExitStack() as opened:
        with pytest.raises(Refused, match=f"at most {limit} MB"):
            await parcel.pack(call, shelf, opened, own_server=False)
            await parcel.writer.as_bytes()


async def test_a_store_that_breaks_down_leaves_nothing_in_doubt(
    mock: MockTelegram, adapter: TelegramAdapter, shelf: Shelf
) -> None:
    shelf.breaks = True
    with pytest.raises(TryLater, match="can't be read"):
        await say(mock, adapter, OutboundMessage(media=(Media(kind="image", url="media:jpeg"),)))
    assert mock.world.log == []


async def test_entities_that_telegram_refuses_are_said_plainly(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    spans = (
        Span(kind="bold", start=0, end=3),
        Span(kind="link", start=4, end=8, value="https://localhost/x"),
    )
    await say(mock, adapter, OutboundMessage(text="🚲🚲 here", spans=spans))
    assert last(mock).text == "🚲🚲 here\nere: https://localhost/x"
    await say(
        mock,
        adapter,
        OutboundMessage(text="See here", spans=spans, media=(Media(kind="image", url="media:jpeg"),)),
    )
    assert last(mock).text == "See here\nhere: https://localhost/x"
    assert "caption_entities" not in last(mock).given


async def test_a_button_whose_address_is_refused_becomes_a_line(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    mock.faults.add(Fault(kind="error", times=1, status=400, description="Bad Request: BUTTON_URL_INVALID"))
    link = Link(title="Site", url="https://velo.example/odd")
    await say(mock, adapter, OutboundMessage(text="?", choices=(YES,), links=(link,)))
    assert last(mock).text == "?\nSite: https://velo.example/odd"
    assert last(mock).reply_markup == {"inline_keyboard": [[{"text": "Yes", "callback_data": "q:1"}]]}


async def test_an_edit_that_changes_nothing_is_done(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    (first,) = await say(mock, adapter, OutboundMessage(text="Pick", choices=(YES,)))
    edit = OutboundMessage(text="Pick", choices=(YES,), edits=first.message)
    assert await say(mock, adapter, edit) == [first]
    assert methods(mock) == ["sendMessage"]


async def test_a_menu_is_turned_in_place_and_back(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    choices = tuple(Choice(id=f"m:{n}", title=f"Option {n}") for n in range(1, 31))
    receipt = Receipt()
    shown = []
    for page in (0, 1, 2, 3, 2, 1, 0):
        paging = Paging(key="m:p", more="More", back="Back", page=page)
        menu = OutboundMessage(text="Pick", choices=choices, paging=paging, edits=receipt.message)
        (receipt,) = await say(mock, adapter, menu)
        markup = last(mock).reply_markup
        assert markup is not None
        buttons = [button["callback_data"] for row in markup["inline_keyboard"] for button in row]
        assert len(buttons) <= 10
        people.press(mock.bot, CHAT, int(receipt.message), buttons[0])
        shown.append([button for button in buttons if ":p" not in button])
    assert [one for page in shown[:4] for one in page] == [choice.id for choice in choices]
    assert shown[4:] == shown[2::-1]
    assert methods(mock) == ["sendMessage", *["editMessageText"] * 6]
    assert len(mock.bot.chats[CHAT].messages) == 1


@pytest.mark.parametrize("message", [OutboundMessage(text="New", choices=(YES,)), OutboundMessage(choices=(YES,)),
    OutboundMessage(text="New", media=(Media(kind="image", url="media:jpeg"),))])  # fmt: skip
async def test_an_edit_of_what_is_gone_is_said_anew(
    mock: MockTelegram, adapter: TelegramAdapter, message: OutboundMessage
) -> None:
    fields = {field: getattr(message, field) for field in message.__struct_fields__} | {"edits": "987"}
    (receipt,) = await say(
        mock, adapter, OutboundMessage(**fields), message_formatting={"disable_notification": True}
    )
    assert receipt.message == "1"
    assert last(mock).given["disable_notification"] in (True, "true")
    assert last(mock).method in ("sendMessage", "sendPhoto")


async def test_a_keyboard_of_a_message_that_is_gone_is_gone_too(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    assert await say(mock, adapter, OutboundMessage(edits="987")) == [Receipt()]
    assert mock.world.log == []


async def test_edits_reach_captions_and_pictures(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    picture = Media(kind="image", url="media:jpeg")
    (first,) = await say(mock, adapter, OutboundMessage(text="Old", media=(picture,), choices=(YES,)))
    assert await say(mock, adapter, OutboundMessage(text="New", edits=first.message)) == [first]
    assert await say(mock, adapter, OutboundMessage(text="Other", media=(picture,), edits=first.message)) == [
        first
    ]
    assert await say(mock, adapter, OutboundMessage(choices=(YES,), edits=first.message)) == [first]
    assert methods(mock) == ["sendPhoto", "editMessageCaption", "editMessageMedia", "editMessageReplyMarkup"]
    message = mock.bot.chats[CHAT].messages[int(first.message)]
    assert message["caption"] == "Other" and message["reply_markup"]
    (long,) = await say(mock, adapter, OutboundMessage(text="long " * 300, edits=first.message))
    assert (long.message, last(mock).method) == ("2", "sendMessage")


async def test_a_message_with_a_reply_keyboard_is_replaced_by_a_new_one(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    (first,) = await say(mock, adapter, OutboundMessage(text="Where?", request="location"))
    (second,) = await say(mock, adapter, OutboundMessage(text="Thanks", edits=first.message))
    assert (second.message, methods(mock)) == ("2", ["sendMessage", "sendMessage"])


async def test_reactions_are_put_and_taken_back(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    people.say(mock.bot, CHAT, "thanks!")
    for emoji in ("❤️", ""):
        await say(mock, adapter, OutboundMessage(reaction=Reaction(message="1", emoji=emoji)))
    assert [entry.text for entry in mock.sent(CHAT, "setMessageReaction")] == ["❤", ""]
    mock.bot.chat(CHAT).unwanted = frozenset({"🔥"})
    for emoji in ("🔥", "🚲"):
        await say(mock, adapter, OutboundMessage(reaction=Reaction(message="1", emoji=emoji)))
        assert (last(mock).method, last(mock).text) == ("sendMessage", emoji)
        assert last(mock).given["reply_parameters"]["message_id"] == 1


async def test_a_group_that_moved_is_followed(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    moved = {"migrate_to_chat_id": GROUP}
    mock.faults.add(Fault(kind="error", chat=-5, status=400, description="Bad Request: x", parameters=moved))
    await say(mock, adapter, OutboundMessage(text="Hello riders"), "-5")
    assert (last(mock).chat, last(mock).text) == (GROUP, "Hello riders")


async def test_what_nothing_mends_is_refused_in_telegrams_words(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    mock.faults.add(
        fault := Fault(kind="error", status=400, description="Bad Request: can't parse entities: oh")
    )
    with pytest.raises(Refused, match="can't parse entities: oh") as caught:
        await say(mock, adapter, OutboundMessage(text="x", spans=(Span(kind="bold", start=0, end=1),)))
    assert fault.hits == 2  # once as it was, once plain, and then no more
    assert caught.value.__context__ is None


async def test_an_inline_query_is_heard_and_answered_in_time(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    access = access_to(mock.url)
    await adapter.get_updates(access, 0, 0)  # tells Telegram what this bot wants to hear
    query = people.query(mock.bot, CHAT, "helmet")
    (body,) = await adapter.get_updates(access, 0, 0)
    (event,) = adapter.parse(body, access, datetime.now(UTC)).events
    assert (event.body, event.conversation_key) == (QueryReceived(query=query, text="helmet"), str(CHAT))
    results = tuple(InlineResult(id=f"r{n}", title=f"Helmet {n}", text="long " * 2000) for n in range(60))
    answer = OutboundMessage(inline=InlineAnswer(query=query, results=results))
    assert await say(mock, adapter, answer) == [Receipt()]
    assert len(last(mock).given["results"]) == 50
    people.expire(mock.bot)
    with pytest.raises(Refused, match="query is too old"):
        await say(mock, adapter, answer)


async def test_a_pressed_button_is_answered_in_the_webhooks_own_response(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    access = access_to(mock.url)

    async def hook(request: web.Request) -> web.Response:
        parsed = adapter.parse(await request.read(), access, datetime.now(UTC))
        assert isinstance(parsed.events[0].body, ChoiceMade)
        return web.Response(body=parsed.answer, content_type="application/json")

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    (receipt,) = await say(mock, adapter, OutboundMessage(text="?", choices=(YES,)))
    await manage.set_webhook(access, url=f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret="s")
    people.press(mock.bot, CHAT, int(receipt.message), "q:1")
    await mock.wait(lambda: bool(mock.sent(0, "answerCallbackQuery")))
    assert [entry.via for entry in mock.sent(0, "answerCallbackQuery")] == ["webhook"]
    await runner.cleanup()


async def test_an_answer_after_150_seconds_is_too_late(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    access = access_to(mock.url)
    (receipt,) = await say(mock, adapter, OutboundMessage(text="?", choices=(YES,)))
    people.press(mock.bot, CHAT, int(receipt.message), "q:1")
    (body,) = await adapter.get_updates(access, 0, 0)
    answer = adapter.parse(body, access, datetime.now(UTC)).answer
    assert answer is not None
    await adapter.send(adapter.answer_call(answer), access, ENVELOPE)
    people.expire(mock.bot)
    with pytest.raises(Refused, match="query is too old"):
        await adapter.send(adapter.answer_call(answer), access, ENVELOPE)


async def test_a_customers_file_is_read_back(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    access = access_to(mock.url)
    data = bytes(range(256)) * 1000
    people.send_file(mock.bot, CHAT, "document", data, name="bill.pdf")
    (body,) = await adapter.get_updates(access, 0, 0)
    media = adapter.parse(body, access, datetime.now(UTC)).events[0].body
    assert isinstance(media, MediaReceived)
    async with adapter.fetch(media.file, access) as content:
        read = [chunk async for chunk in content.chunks]
    assert b"".join(read) == data
    assert (content.size, content.mime_type) == (len(data), "")
    assert content.name.endswith(".pdf")


async def fetch_failure(mock: MockTelegram, adapter: TelegramAdapter, file: str) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        async with adapter.fetch(file, access_to(mock.url)) as content:
            async for _ in content.chunks:
                pass
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert HIDDEN not in told and "/file/bot" not in told
    assert caught.value.__context__ is None
    return caught.value


async def test_files_that_can_not_be_read_say_why(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    people.send_file(mock.bot, CHAT, "video", b"film", size=21 * 1024 * 1024)
    people.send_file(mock.bot, CHAT, "document", b"short")
    large, small = mock.bot.files.values()
    failure = await fetch_failure(mock, adapter, large.id)
    assert isinstance(failure, Refused) and "at most 20 MB" in failure.reason
    assert isinstance(await fetch_failure(mock, adapter, "no-such-file"), Refused)
    mock.faults.add(Fault(kind="cut", method="getFile", times=1))
    assert isinstance(await fetch_failure(mock, adapter, small.id), TryLater)
    mock.faults.add(Fault(kind="error", method="getFile", status=429, parameters={"retry_after": 3}, times=1))
    assert isinstance(await fetch_failure(mock, adapter, small.id), TryLater)


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "documents/../../x", "/var/lib/telegram-bot-api/x", "https://evil.example/x", "a//b", "a?b",
     "a%2e%2e/b", "./a", "@evil.example/a", "documents/file 1.pdf", "a" + "/b" * 9],
)  # fmt: skip
async def test_a_path_that_leads_elsewhere_is_not_followed(
    mock: MockTelegram, adapter: TelegramAdapter, path: str
) -> None:
    people.send_file(mock.bot, CHAT, "document", b"x")
    (file,) = mock.bot.files.values()
    file.path = path
    assert isinstance(await fetch_failure(mock, adapter, file.id), Refused)


async def test_a_file_that_is_gone_or_redirects_is_not_followed(adapter: TelegramAdapter) -> None:
    """A file server that answers as told, beside a getFile that works."""
    status = 404

    async def get_file(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "result": {"file_path": "documents/a.pdf"}})

    async def file(request: web.Request) -> web.StreamResponse:
        if status == 200:
            half = web.StreamResponse(headers={"Content-Length": "100"})
            await half.prepare(request)
            await half.write(b"half")
            assert request.transport is not None
            request.transport.close()
            return half
        return web.Response(status=status, headers={"Location": "https://evil.example/"})

    app = web.Application()
    app.router.add_post(f"/bot{DEFAULT_TOKEN}/getFile", get_file)
    app.router.add_get(f"/file/bot{DEFAULT_TOKEN}/documents/a.pdf", file)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = MockTelegram()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    kinds = {}
    for status in (404, 302, 500, 200):
        kinds[status] = type(await fetch_failure(server, adapter, "f"))
    assert kinds == {404: Refused, 302: Refused, 500: TryLater, 200: TryLater}
    await runner.cleanup()


async def test_a_wrong_token_reads_nothing(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    with pytest.raises(Misconfigured):
        async with adapter.fetch("f", access_to(mock.url, "4242424242:wrong-one")):
            pass


async def test_limits_of_chats_groups_and_albums_are_met(adapter: TelegramAdapter) -> None:
    """The mock's own limits, which the rates in the capabilities keep clear of."""
    async with MockTelegram(rate_limits=True, open_chats=True).running() as mock:
        album = OutboundMessage(media=(Media(kind="image", url="media:jpeg"),) * 4)
        await say(mock, adapter, album, "5")
        await say(mock, adapter, OutboundMessage(text="fifth"), "5")
        with pytest.raises(TryLater) as caught:
            await say(mock, adapter, OutboundMessage(text="sixth"), "5")
        assert caught.value.retry_after and caught.value.retry_after <= 5
        assert [entry.text for entry in mock.sent(5)] == ["fifth"]
