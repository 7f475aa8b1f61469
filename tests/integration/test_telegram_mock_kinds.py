"""The mock's sends, edits, files and inline answers, held against python-telegram-bot's and aiogram's clients."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

import aiogram
import aiogram.exceptions
import aiogram.types as gram_types
import aiohttp
import pytest
import telegram
import telegram.error
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from telegram.request import HTTPXRequest

from tests.platforms.telegram import MockTelegram, people
from tests.platforms.telegram.world import Page

CHAT = 71
GROUP = -1002077001234
JPEG = b"\xff\xd8\xff\xe0 a small picture"
WEB = "https://velo.example/"


@pytest.fixture
async def mock() -> AsyncIterator[MockTelegram]:
    async with MockTelegram().running() as server:
        server.bot.chat(CHAT)
        server.bot.chat(GROUP)
        yield server


@pytest.fixture(autouse=True)
def timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """python-telegram-bot's coming behaviour; without it, it warns."""
    monkeypatch.setitem(os.environ, "PTB_TIMEDELTA", "true")


@pytest.fixture
async def ptb(mock: MockTelegram) -> AsyncIterator[telegram.Bot]:
    async with telegram.Bot(
        mock.default_token,
        base_url=f"{mock.url}/bot",
        base_file_url=f"{mock.url}/file/bot",
        request=HTTPXRequest(read_timeout=3),
    ) as bot:
        yield bot


@pytest.fixture
async def gram(mock: MockTelegram) -> AsyncIterator[aiogram.Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(mock.url), timeout=3)
    async with aiogram.Bot(mock.default_token, session=session) as bot:
        yield bot


KINDS = ["photo", "video", "animation", "audio", "voice", "document", "sticker"]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_file_is_uploaded_and_sent_again_by_its_id(
    mock: MockTelegram, ptb: telegram.Bot, gram: aiogram.Bot, kind: str
) -> None:
    more: dict[str, Any] = {} if kind == "sticker" else {"caption": "Look"}
    message = await getattr(ptb, f"send_{kind}")(CHAT, JPEG, **more)
    found = getattr(message, kind)
    file_id = (found[-1] if kind == "photo" else found).file_id
    assert mock.bot.files[file_id].data == JPEG
    assert message.caption == more.get("caption")
    again = await getattr(gram, f"send_{kind}")(CHAT, file_id)
    assert getattr(again, kind)
    by_gram = gram_types.BufferedInputFile(JPEG, "a.jpg")
    assert getattr(await getattr(gram, f"send_{kind}")(CHAT, by_gram), kind)
    with pytest.raises(telegram.error.BadRequest, match=r"(?i)wrong file identifier"):
        await getattr(ptb, f"send_{kind}")(CHAT, "no-such-file")
    assert len(mock.world.log) == 3


async def test_albums_of_both_clients_are_taken(
    mock: MockTelegram, ptb: telegram.Bot, gram: aiogram.Bot
) -> None:
    sent = await ptb.send_media_group(
        CHAT, [telegram.InputMediaPhoto(JPEG, caption="one"), telegram.InputMediaVideo(b"film")]
    )
    assert [bool(message.photo) for message in sent] == [True, False]
    assert sent[0].media_group_id == sent[1].media_group_id and sent[0].caption == "one"
    by_gram = await gram.send_media_group(
        CHAT,
        [
            gram_types.InputMediaDocument(media=WEB + "a.pdf"),
            gram_types.InputMediaDocument(media=WEB + "b.pdf"),
        ],
    )
    assert all(message.document for message in by_gram)


async def test_places_contacts_and_reactions(
    mock: MockTelegram, ptb: telegram.Bot, gram: aiogram.Bot
) -> None:
    location = (await ptb.send_location(CHAT, 59.3, 18.0)).location
    assert location is not None and location.latitude == 59.3
    venue = (await gram.send_venue(CHAT, 59.3, 18.0, "Shop", "Kungsgatan 9")).venue
    assert venue is not None and venue.title == "Shop"
    contact = (await ptb.send_contact(CHAT, "+46701740605", "Nora", vcard="BEGIN:VCARD")).contact
    assert contact is not None and contact.vcard == "BEGIN:VCARD"
    assert await ptb.set_message_reaction(CHAT, 1, "👍")
    assert await gram.set_message_reaction(CHAT, 1, [])
    assert [entry.text for entry in mock.sent(CHAT, "setMessageReaction")] == ["👍", ""]
    with pytest.raises(telegram.error.BadRequest, match=r"(?i)reaction_invalid"):
        await ptb.set_message_reaction(CHAT, 1, telegram.ReactionTypeEmoji("🚲"))
    with pytest.raises(telegram.error.BadRequest, match="Message to react not found"):
        await ptb.set_message_reaction(CHAT, 99, "👍")


async def test_entities_come_back_as_they_went(ptb: telegram.Bot, gram: aiogram.Bot) -> None:
    message = await ptb.send_message(
        CHAT,
        "  🚲 bold",
        entities=[telegram.MessageEntity("bold", 5, 4), telegram.MessageEntity("italic", 0, 4)],
    )
    assert list(message.parse_entities().values()) == ["bold", "🚲"]
    link = gram_types.MessageEntity(type="text_link", offset=0, length=4, url=WEB)
    answer = await gram.send_photo(CHAT, WEB + "a.jpg", caption="here", caption_entities=[link])
    assert answer.caption_entities is not None and answer.caption_entities[0].url == WEB


@pytest.mark.parametrize(
    ("method", "parameters", "complaint"),
    [
        ("sendPhoto", {}, "there is no photo in the request"),
        ("sendPhoto", {"photo": "attach://lost"}, "there is no photo in the request"),
        ("sendPhoto", {"photo": WEB + "a.jpg", "caption": "x" * 1025}, "message caption is too long"),
        ("sendPhoto", {"photo": WEB + "a.jpg", "caption": "🚲" * 513}, "message caption is too long"),
        ("sendPhoto", {"photo": WEB + "missing.jpg"}, "failed to get HTTP URL content"),
        ("sendPhoto", {"photo": WEB + "huge.jpg"}, "failed to get HTTP URL content"),
        ("sendPhoto", {"photo": "http://localhost/a.jpg"}, "wrong file identifier/HTTP URL specified"),
        ("sendDocument", {"document": WEB + "a.docx"}, "wrong type of the web page content"),
        ("sendDocument", {"document": WEB + "page.pdf"}, "wrong type of the web page content"),
        ("sendMediaGroup", {"media": []}, "there are no messages to send"),
        ("sendMediaGroup", {"media": [{"type": "photo", "media": WEB + "a.jpg"}] * 11}, "too many messages"),
        ("sendMediaGroup", {"media": [{"type": "photo", "media": WEB + "a.jpg"}, {"type": "audio", "media": WEB}]},
         "audio can't be mixed"),
        ("sendMediaGroup", {"media": [{"type": "sticker", "media": WEB}] * 2}, "invalid type specified"),
        ("sendMediaGroup", {"media": "{"}, "can't parse media JSON object"),
        ("sendLocation", {"latitude": 91, "longitude": 0}, "wrong location specified"),
        ("sendLocation", {"latitude": "x", "longitude": 0}, "there is no latitude in the request"),
        ("sendVenue", {"latitude": 1, "longitude": 1, "title": "x"}, "VENUE_ADDRESS_EMPTY"),
        ("sendContact", {"phone_number": "1"}, "first name is empty"),
        ("sendContact", {"phone_number": "1", "first_name": "x", "vcard": "x" * 2049}, "VCARD_TOO_LONG"),
        ("sendMessage", {"text": "x", "business_connection_id": "b"}, "business connection not found"),
        ("sendMessage", {"text": "x", "reply_parameters": {"message_id": 9}}, "message to be replied not found"),
        ("sendMessage", {"text": "x", "reply_parameters": {}}, "can't parse reply parameters"),
        ("sendMessage", {"text": "x", "entities": [{"type": "glitter", "offset": 0, "length": 1}]},
         "Unsupported type specified"),
        ("sendMessage", {"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 2}]},
         "ends after the end of the text"),
        ("sendMessage", {"text": "🚲", "entities": [{"type": "bold", "offset": 0, "length": 1}]},
         "in a middle of a UTF-16 symbol"),
        ("sendMessage", {"text": "x", "entities": [{"type": "text_link", "offset": 0, "length": 1, "url": "x"}]},
         "entity URL 'x' is invalid"),
        ("sendMessage", {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x", "url": "localhost"}]]}},
         "Wrong HTTP URL"),
        ("sendMessage", {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x", "web_app": {"url": "http://v.example"}}]]}},
         "Only HTTPS links are allowed"),
        ("sendMessage", {"text": "x", "reply_markup": {"keyboard": [[{"request_contact": True}]]}},
         "can't parse keyboard button"),
        ("editMessageMedia", {"message_id": 1, "media": {"type": "voice", "media": "x"}}, "invalid type specified"),
        ("editMessageCaption", {"message_id": 1, "caption": "x"}, "message to edit not found"),
        ("answerInlineQuery", {"inline_query_id": "5", "results": []}, "query is too old"),
        ("getFile", {"file_id": "x"}, "wrong file_id or the file is temporarily unavailable"),
        ("setChatMenuButton", {"menu_button": {"type": "web_app", "text": "x", "web_app": {"url": "http://v"}}},
         "Web App URL is invalid"),
        ("setMyName", {"name": "x" * 65}, "BOT_TITLE_INVALID"),
    ],
)  # fmt: skip
async def test_what_telegram_refuses_is_refused(
    mock: MockTelegram, method: str, parameters: dict[str, Any], complaint: str
) -> None:
    mock.world.pages |= {
        WEB + "missing.jpg": Page(status=404),
        WEB + "huge.jpg": Page(mime_type="image/jpeg", size=6 << 20),
        WEB + "page.pdf": Page(mime_type="text/html"),
    }
    async with aiohttp.ClientSession() as session:
        url = f"{mock.url}/bot{mock.default_token}/{method}"
        async with session.post(url, json={"chat_id": CHAT, **parameters}) as response:
            answer = await response.json()
    assert (response.status, answer["ok"]) == (400, False)
    assert complaint in answer["description"]
    assert mock.world.log == []


@pytest.mark.parametrize(
    ("button", "complaint"),
    [
        (
            telegram.KeyboardButton("x", request_contact=True),
            "phone number can be requested in private chats only",
        ),
        (
            telegram.KeyboardButton("x", request_location=True),
            "location can be requested in private chats only",
        ),
    ],
)
async def test_requests_are_for_private_chats(
    ptb: telegram.Bot, mock: MockTelegram, button: telegram.KeyboardButton, complaint: str
) -> None:
    markup = telegram.ReplyKeyboardMarkup([[button]], one_time_keyboard=True)
    await ptb.send_message(CHAT, "x", reply_markup=markup)
    assert mock.bot.chat(CHAT).keyboard is not None
    await ptb.send_message(CHAT, "x", reply_markup=telegram.ReplyKeyboardRemove())
    assert mock.bot.chat(CHAT).keyboard is None
    with pytest.raises(telegram.error.BadRequest, match=f"(?i){complaint}"):
        await ptb.send_message(GROUP, "x", reply_markup=markup)
    with pytest.raises(telegram.error.BadRequest, match=r"(?i)message can't be edited"):
        await ptb.edit_message_text("y", CHAT, 1)


async def test_apps_open_in_private_chats_only(gram: aiogram.Bot) -> None:
    button = gram_types.InlineKeyboardButton(text="App", web_app=gram_types.WebAppInfo(url=WEB))
    markup = gram_types.InlineKeyboardMarkup(inline_keyboard=[[button]])
    kept = (await gram.send_message(CHAT, "x", reply_markup=markup)).reply_markup
    assert kept is not None and kept.model_dump() == markup.model_dump()
    with pytest.raises(aiogram.exceptions.TelegramBadRequest, match="BUTTON_TYPE_INVALID"):
        await gram.send_message(GROUP, "x", reply_markup=markup)


async def test_pictures_are_looked_at_and_sizes_counted(mock: MockTelegram, ptb: telegram.Bot) -> None:
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (9000).to_bytes(4, "big") + (100).to_bytes(4, "big")
    for data, complaint in (
        (b"no picture", "image_process_failed"),
        (png, "photo_invalid_dimensions"),
        (b"", "empty"),
    ):
        with pytest.raises(telegram.error.BadRequest, match=f"(?i){complaint}"):
            await ptb.send_photo(CHAT, telegram.InputFile(data, "a.jpg"))
    with pytest.raises(telegram.error.BadRequest, match="too big for a photo"):
        await ptb.send_photo(CHAT, JPEG + bytes(10 << 20), write_timeout=20)
    mock.world.max_upload = 1000
    with pytest.raises(telegram.error.NetworkError, match=r"(?i)entity too large"):
        await ptb.send_document(CHAT, bytes(2000))
    assert mock.world.log == []


async def test_every_kind_of_edit(mock: MockTelegram, ptb: telegram.Bot, gram: aiogram.Bot) -> None:
    message = await ptb.send_photo(CHAT, JPEG, caption="old")
    edited = await gram.edit_message_caption(chat_id=CHAT, message_id=message.message_id, caption="new")
    assert isinstance(edited, gram_types.Message) and edited.caption == "new"
    with pytest.raises(aiogram.exceptions.TelegramBadRequest, match="message is not modified"):
        await gram.edit_message_caption(chat_id=CHAT, message_id=message.message_id, caption="new")
    with pytest.raises(telegram.error.BadRequest, match="There is no text in the message to edit"):
        await ptb.edit_message_text("x", CHAT, message.message_id)
    film = await ptb.edit_message_media(
        telegram.InputMediaVideo(b"film", caption="film"), CHAT, message.message_id
    )
    assert isinstance(film, telegram.Message) and film.video and not film.photo and film.caption == "film"
    keyboard = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("One", callback_data="x:1")]])
    marked = await ptb.edit_message_reply_markup(CHAT, message.message_id, reply_markup=keyboard)
    assert isinstance(marked, telegram.Message) and marked.reply_markup == keyboard
    text = await ptb.send_message(CHAT, "words")
    with pytest.raises(telegram.error.BadRequest, match="There is no caption in the message to edit"):
        await ptb.edit_message_caption(CHAT, text.message_id, caption="x")
    people.say(mock.bot, CHAT, "mine")
    with pytest.raises(telegram.error.BadRequest, match="Message can't be edited"):
        await ptb.edit_message_text("x", CHAT, text.message_id + 1)


async def test_replies_carry_what_they_answer(mock: MockTelegram, ptb: telegram.Bot) -> None:
    people.say(mock.bot, CHAT, "question")
    reply = await ptb.send_message(CHAT, "answer", reply_parameters=telegram.ReplyParameters(1))
    assert reply.reply_to_message is not None and reply.reply_to_message.text == "question"
    lonely = telegram.ReplyParameters(99, allow_sending_without_reply=True)
    assert (await ptb.send_message(CHAT, "anyway", reply_parameters=lonely)).reply_to_message is None


async def test_inline_queries_are_answered_once_known_and_in_time(
    mock: MockTelegram, ptb: telegram.Bot, gram: aiogram.Bot
) -> None:
    query = people.query(mock.bot, CHAT, "helmet")
    (update,) = await gram.get_updates()
    assert update.inline_query is not None and update.inline_query.query == "helmet"
    result = telegram.InlineQueryResultArticle("a", "Helmet", telegram.InputTextMessageContent("49"))
    assert await ptb.answer_inline_query(query, [result])
    for results, complaint in (
        ([result, result], "result_id_duplicate"),
        ([result] * 51, "results_too_much"),
    ):
        with pytest.raises(telegram.error.BadRequest, match=f"(?i){complaint}"):
            await ptb.answer_inline_query(query, results, current_offset=None)
    people.expire(mock.bot)
    with pytest.raises(telegram.error.BadRequest, match="Query is too old"):
        await ptb.answer_inline_query(query, [result])


async def test_files_are_downloaded_by_both_clients(
    mock: MockTelegram, ptb: telegram.Bot, gram: aiogram.Bot
) -> None:
    people.send_file(mock.bot, CHAT, "document", b"the bill", name="bill.pdf")
    people.send_file(mock.bot, CHAT, "video", b"film", size=21 << 20)
    small, large = mock.bot.files
    found = await ptb.get_file(small)
    assert bytes(await found.download_as_bytearray()) == b"the bill"
    by_gram = await gram.download(small)
    assert by_gram is not None and by_gram.read() == b"the bill"
    with pytest.raises(telegram.error.BadRequest, match="File is too big"):
        await ptb.get_file(large)
    async with aiohttp.ClientSession() as session:
        for path, status in ((f"{mock.default_token}/documents/none.pdf", 404), ("4242424242:wrong/x", 401)):
            async with session.get(f"{mock.url}/file/bot{path}") as response:
                assert response.status == status


async def test_the_profile_is_kept(ptb: telegram.Bot, gram: aiogram.Bot) -> None:
    assert await ptb.set_my_name("Velo Workshop")
    assert (await gram.get_my_name()).name == "Velo Workshop" == (await gram.get_me()).first_name
    app = telegram.MenuButtonWebApp("Shop", telegram.WebAppInfo(WEB))
    assert await ptb.set_chat_menu_button(menu_button=app)
    button = await gram.get_chat_menu_button()
    assert isinstance(button, gram_types.MenuButtonWebApp) and button.text == "Shop"


async def test_groups_take_twenty_messages_a_minute(ptb: telegram.Bot) -> None:
    async with MockTelegram(rate_limits=True, open_chats=True).running() as mock:
        chat = mock.bot.chat(GROUP)
        waits = [mock.bot.limits.wait(chat.id, now) for now in range(2, 46, 2)]
        assert [wait > 0 for wait in waits] == [False] * 20 + [True] * 2
        assert mock.bot.limits.wait(CHAT, 44.0) == 0.0
