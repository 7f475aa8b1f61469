"""Our WhatsApp client against the mock Graph API: what each outcome is called, and where the token goes."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.errors import (
    CustomerGone,
    Misconfigured,
    Refused,
    SendFailed,
    TryLater,
    Uncertain,
    WindowClosed,
)
from adapters.protocol import Call, ChannelAccess, Content, Envelope, Receipt
from adapters.whatsapp import manage
from adapters.whatsapp.adapter import WhatsAppAdapter
from engine.messages import (
    Card,
    CardButton,
    Choice,
    ContactCard,
    Link,
    Media,
    MediaKind,
    OutboundMessage,
    Place,
    Reaction,
    Span,
    TemplateCall,
)
from tests.channels import calls_for
from tests.platforms.whatsapp import ACCOUNT, APP_SECRET, NUMBER, TOKEN, Fault, MockWhatsApp, Template, people

MAYA = "4915550100311"
KEY = UUID(int=2)
ENVELOPE = Envelope(key=KEY, conversation_id=UUID(int=3), seq=1, at=datetime(2026, 11, 1, tzinfo=UTC), call=1)
BODY = [{"type": "BODY", "text": "Hi {{name}}, see you {{day}}."}]
SETTINGS: dict[str, Any] = {
    "authentication": {"business_phone_number_id": NUMBER},
    "business_account": {"business_account_id": ACCOUNT},
    "media_settings": {"max_file_size": "16MB"},
    "message_templates": {
        "visit": {"name": "visit_v1", "language": "en_US", "status": "APPROVED", "components": BODY}
    },
}


class Shelf:
    """Files by their source: content, MIME type."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.opened = 0
        self.sizes = True

    @asynccontextmanager
    async def open(self, source: str) -> AsyncIterator[Content]:
        self.opened += 1
        if source not in self.files:
            raise Refused("this file is gone")
        content, mime_type = self.files[source]

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(content), 60_000):
                yield content[start : start + 60_000]

        yield Content(chunks=chunks(), mime_type=mime_type, size=len(content) if self.sizes else None)


@pytest.fixture
async def mock() -> AsyncIterator[MockWhatsApp]:
    async with MockWhatsApp().running() as server:
        people.say(server.number, MAYA, "hello")
        yield server


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def adapter(shelf: Shelf) -> AsyncIterator[WhatsAppAdapter]:
    one = WhatsAppAdapter(shelf)
    yield one
    await one.close()


def access_to(base: str, token: str = TOKEN, **settings: Any) -> ChannelAccess:
    return ChannelAccess(
        channel_id=UUID(int=1),
        secrets={"access_token": token, "app_secret": APP_SECRET, "verify_token": "verify-me"},
        settings={**SETTINGS, "api_base": base, **settings},
    )


async def say(
    adapter: WhatsAppAdapter, access: ChannelAccess, message: OutboundMessage, to: str = MAYA
) -> list[Receipt]:
    calls = calls_for(adapter, to, message, access)
    return [await adapter.send(call, access, ENVELOPE) for call in calls]


async def outcome(
    adapter: WhatsAppAdapter,
    access: ChannelAccess,
    message: OutboundMessage | None = None,
    to: str = MAYA,
    hidden: str = TOKEN,
) -> SendFailed:
    """The failure of a send; nothing of it may tell the token or an address."""
    with pytest.raises(SendFailed) as caught:
        await say(adapter, access, message or OutboundMessage(text="x"), to)
    failure = caught.value
    told = "".join(traceback.format_exception(failure)) + repr(failure) + failure.reason
    assert hidden not in told
    assert "127.0.0.1" not in told
    assert failure.__cause__ is None and failure.__context__ is None
    return failure


async def test_a_send_gives_whatsapps_message_id_and_carries_our_key(
    mock: MockWhatsApp, adapter: WhatsAppAdapter
) -> None:
    access = access_to(mock.url + "/")
    (receipt,) = await say(adapter, access, OutboundMessage(text="Hello", reply_to="wamid.MOCK000000000001"))
    (sent,) = mock.sent(MAYA)
    assert receipt == Receipt(message=sent.message)
    assert (sent.kind, sent.content, sent.key) == ("text", {"body": "Hello"}, f"{KEY}:1")
    assert sent.reply_to == "wamid.MOCK000000000001"
    method, path, header = mock.seen[-1]
    assert (method, path) == ("POST", f"/v26.0/{NUMBER}/messages")
    assert header == f"Bearer {TOKEN}"


async def test_reading_and_typing_carry_no_key(mock: MockWhatsApp, adapter: WhatsAppAdapter) -> None:
    access = access_to(mock.url)
    heard = people.say(mock.number, MAYA, "are you there?")
    for typing in (True, False):
        call = adapter.announce(MAYA, heard, access, typing=typing)
        assert call is not None
        assert await adapter.send(call, access, ENVELOPE) == Receipt()
    assert [(one.kind, one.message) for one in mock.world.log] == [("typing", heard), ("read", heard)]


CARDS = tuple(
    Card(
        title=f"Bike {n}",
        subtitle="49 € a day",
        image="https://velo.example/b.png",
        buttons=(CardButton(title="Rent", id=f"a:{n}"),),
    )
    for n in range(3)
)
PICTURE = Media(kind="image", url="https://velo.example/a.jpg", alt="a wheel")
EVERYTHING: dict[str, OutboundMessage] = {
    "text": OutboundMessage(text="Hello *you* & `it`"),
    "spans": OutboundMessage(text="very good", spans=(Span(kind="bold", start=0, end=4),)),
    "long": OutboundMessage(text="long " * 3000, choices=(Choice(id="a", title="A"),)),
    "emoji": OutboundMessage(text="🚲" * 6000),
    "blank": OutboundMessage(text=""),
    "nul": OutboundMessage(text="\x00\x00", choices=(Choice(id="a", title="\x00"),)),
    "buttons": OutboundMessage(text="?", choices=tuple(Choice(id=f"a:{n}", title=f"N{n}") for n in range(3))),
    "alike": OutboundMessage(text="?", choices=tuple(Choice(id=f"a:{n}", title="Same") for n in range(3))),
    "same ids": OutboundMessage(text="?", choices=(Choice(id="a", title="One"), Choice(id="a", title="Two"))),
    "list": OutboundMessage(
        text="?" * 4000,
        choices=tuple(Choice(id=f"a:{n}", title="日本語" * 9 + str(n), description="d" * 90) for n in range(10)),
        language="ja",
    ),
    "thirty": OutboundMessage(text="?", choices=tuple(Choice(id=f"a:{n}", title=f"N{n}") for n in range(30))),
    "empty title": OutboundMessage(text="?", choices=(Choice(id="a", title=" "), Choice(id="b", title=""))),
    "odd id": OutboundMessage(text="?", choices=(Choice(id="ü" * 300, title="long id"),)),
    **{
        kind: OutboundMessage(text="Look", media=(Media(kind=kind, url="https://velo.example/x", name="x.y"),))
        for kind in ("image", "video", "audio", "voice", "document", "sticker")
    },
    "caption": OutboundMessage(text="*" * 1024, media=(PICTURE,)),
    "album": OutboundMessage(text="Both", media=(PICTURE, PICTURE)),
    "header": OutboundMessage(text="?", media=(PICTURE,), choices=(Choice(id="a", title="A"),)),
    "header of a list": OutboundMessage(text="?", media=(PICTURE,), choices=(Choice(id="a", title="A" * 30),)),
    "card": OutboundMessage(text="", cards=CARDS[:1]),
    "carousel": OutboundMessage(text="Our bikes", cards=CARDS),
    "uneven cards": OutboundMessage(text="Our bikes", cards=(*CARDS, Card(title="No button"))),
    "cards and choices": OutboundMessage(text="?", cards=CARDS, choices=(Choice(id="b", title="None"),)),
    "location": OutboundMessage(text="Here", location=Place(latitude=1, longitude=-2.5, name="N", address="A")),
    "contact": OutboundMessage(contact=ContactCard(name="Jo", phone="+49 155 50100400", email="j@v.example")),
    "nameless contact": OutboundMessage(contact=ContactCard(name="", phone="+4915550100400")),
    "link": OutboundMessage(text="See", links=(Link(title="A shop with a long name", url="https://v.example"),)),
    "links": OutboundMessage(text="See", links=tuple(Link(title=f"L{n}", url="https://v.example") for n in (1, 2))),
    "web app": OutboundMessage(text="Open", links=(Link(title="App", url="https://v.example", kind="web_app"),)),
    "form": OutboundMessage(text="Book", links=(Link(title="Book", kind="form", form="77001"),)),
    "form and choices": OutboundMessage(
        text="Book", links=(Link(title="Book", kind="form", form="77001"),), choices=(Choice(id="a", title="No"),)
    ),
    "ask location": OutboundMessage(text="Where?", request="location"),
    "ask contact": OutboundMessage(text="", request="contact", choices=(Choice(id="a", title="No"),)),
    "template": OutboundMessage(
        template=TemplateCall(key="visit", parameters=(("name", "Ana\nMaria"), ("day", "on   *Monday*")))
    ),
    "reaction": OutboundMessage(reaction=Reaction(message="wamid.MOCK000000000001", emoji="👍🏽")),
    "reaction back": OutboundMessage(reaction=Reaction(message="wamid.MOCK000000000001", emoji="")),
    "edit": OutboundMessage(text="now so", edits="wamid.MOCK000000000009"),
}  # fmt: skip


@pytest.mark.parametrize("name", EVERYTHING)
async def test_whatever_is_rendered_is_accepted(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, name: str
) -> None:
    mock.world.add_template(Template(name="visit_v1", components=BODY))
    receipts = await say(adapter, access_to(mock.url), EVERYTHING[name])
    assert receipts and all(receipt.message for receipt in receipts)
    assert len(mock.sent(MAYA)) == len(receipts)


async def test_a_business_scoped_customer_is_written_to(mock: MockWhatsApp, adapter: WhatsAppAdapter) -> None:
    people.say(mock.number, "JP.5588001122", "こんにちは")
    (receipt,) = await say(adapter, access_to(mock.url), OutboundMessage(text="はい"), to="JP.5588001122")
    assert mock.sent("JP.5588001122")[0].message == receipt.message


@pytest.mark.parametrize(
    ("fault", "kind", "accepted"),
    [
        (Fault(kind="error", code=130429, status=429), TryLater, 0),
        (Fault(kind="error", code=131056, status=400), TryLater, 0),
        (Fault(kind="error", code=131000, status=500), TryLater, 0),
        (Fault(kind="error", code=190, status=401), Misconfigured, 0),
        (Fault(kind="error", code=131047), WindowClosed, 0),
        (Fault(kind="error", code=131026), CustomerGone, 0),
        (Fault(kind="error", code=131051), Refused, 0),
        (Fault(kind="error", status=502, html=True), Uncertain, 0),
        (Fault(kind="error", status=503, html=True), TryLater, 0),
        (Fault(kind="error", status=200, html=True), Uncertain, 0),
        (Fault(kind="refuse"), Uncertain, 0),
        (Fault(kind="cut"), Uncertain, 1),
        (Fault(kind="cut_body"), Uncertain, 1),
    ],
)
async def test_faults_have_their_names(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, fault: Fault, kind: type[SendFailed], accepted: int
) -> None:
    mock.faults.add(fault)
    failure = await outcome(adapter, access_to(mock.url))
    assert type(failure) is kind
    assert len(mock.sent()) == accepted
    mock.faults.clear()
    await say(adapter, access_to(mock.url), OutboundMessage(text="after it"))
    assert mock.sent()[-1].content == {"body": "after it"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_takes_the_token_nowhere(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, status: int
) -> None:
    async with MockWhatsApp(open_chats=True).running() as elsewhere:
        target = f"{elsewhere.url}/v26.0/{NUMBER}/messages"
        mock.faults.add(Fault(kind="error", status=status, html=True, location=target))
        assert type(await outcome(adapter, access_to(mock.url))) is Misconfigured
        assert elsewhere.seen == []


async def test_pair_rate_says_how_long_to_wait(mock: MockWhatsApp, adapter: WhatsAppAdapter) -> None:
    mock.world.rate_limits = True
    for number in range(45):
        await say(adapter, access_to(mock.url), OutboundMessage(text=str(number)))
    failure = await outcome(adapter, access_to(mock.url))
    assert isinstance(failure, TryLater)
    assert (failure.code, failure.retry_after, failure.whole_channel) == ("131056", 4.0, False)


async def test_a_closed_window_is_told_and_a_template_passes(
    mock: MockWhatsApp, adapter: WhatsAppAdapter
) -> None:
    mock.world.add_template(Template(name="visit_v1", components=BODY))
    mock.world.shift = 24 * 3600.0 + 1
    assert type(await outcome(adapter, access_to(mock.url))) is WindowClosed
    await say(adapter, access_to(mock.url), EVERYTHING["template"])
    people.say(mock.number, MAYA, "I am back")
    await say(adapter, access_to(mock.url), OutboundMessage(text="welcome"))
    assert [one.kind for one in mock.sent()] == ["template", "text"]


async def test_who_has_no_whatsapp_is_gone(mock: MockWhatsApp, adapter: WhatsAppAdapter) -> None:
    assert type(await outcome(adapter, access_to(mock.url), to="4915550999999")) is CustomerGone
    mock.number.allowed = set()
    assert type(await outcome(adapter, access_to(mock.url))) is Misconfigured


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"authentication": {}}, "authentication.business_phone_number_id"),
        (
            {"authentication": {"business_phone_number_id": "../me"}},
            "authentication.business_phone_number_id",
        ),
        ({"authentication": {"business_phone_number_id": "5100"}}, "phone number's id"),
        ({"api_version": "26"}, "api_version"),
        ({"api_base": "ftp://x"}, "api_base"),
    ],
)
async def test_wrong_settings_are_named(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, settings: dict[str, Any], words: str
) -> None:
    failure = await outcome(adapter, access_to(mock.url, **settings))
    assert isinstance(failure, Misconfigured)
    assert words in failure.reason


@pytest.mark.parametrize(
    "token", ["", "two words here", "EAAGunknown000000000", "Grüße0000000", "a\r\nX-Evil: 1"]
)
async def test_wrong_tokens_are_named(mock: MockWhatsApp, adapter: WhatsAppAdapter, token: str) -> None:
    failure = await outcome(adapter, access_to(mock.url, token), hidden=token or TOKEN)
    assert isinstance(failure, Misconfigured)
    assert "token" in failure.reason


async def test_an_expired_token_is_named(mock: MockWhatsApp, adapter: WhatsAppAdapter) -> None:
    mock.world.tokens[TOKEN] = "expired"
    failure = await outcome(adapter, access_to(mock.url))
    assert isinstance(failure, Misconfigured)
    assert failure.code == "190" and "expired" in failure.reason


async def test_a_template_that_can_not_be_sent_is_refused_with_words(
    mock: MockWhatsApp, adapter: WhatsAppAdapter
) -> None:
    asked = len(mock.seen)
    message = OutboundMessage(template=TemplateCall(key="visit", parameters=(("name", "Ana"),)))
    failure = await outcome(adapter, access_to(mock.url), message)
    assert isinstance(failure, Refused)
    assert failure.reason == "the template 'visit_v1' (visit) needs the parameter 'day'"
    assert len(mock.seen) == asked
    failure = await outcome(adapter, access_to(mock.url), EVERYTHING["template"])
    assert (type(failure), failure.code) == (Refused, "132001")


async def test_nobody_listens(adapter: WhatsAppAdapter, unused_tcp_port: int) -> None:
    failure = await outcome(adapter, access_to(f"http://127.0.0.1:{unused_tcp_port}"))
    assert type(failure) is TryLater


async def test_a_closed_client_sends_nothing(mock: MockWhatsApp) -> None:
    adapter = WhatsAppAdapter()
    await adapter.close()
    assert type(await outcome(adapter, access_to(mock.url))) is TryLater


# Files to WhatsApp


def picture(kind: MediaKind = "image", source: str = "media:1", name: str = "") -> OutboundMessage:
    return OutboundMessage(text="", media=(Media(kind=kind, url=source, name=name),))


@pytest.mark.parametrize(
    ("kind", "mime_type", "stored"),
    [
        ("image", "image/jpeg", "image/jpeg"),
        ("video", "video/mp4", "video/mp4"),
        ("audio", "audio/mpeg", "audio/mpeg"),
        ("voice", "audio/ogg", "audio/ogg"),
        ("document", "application/pdf", "application/pdf"),
        ("sticker", "image/webp", "image/webp"),
    ],
)
async def test_a_file_is_uploaded_then_named_by_its_id(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, shelf: Shelf, kind: MediaKind, mime_type: str, stored: str
) -> None:
    content = bytes(range(256)) * 700
    shelf.files["media:1"] = (content, mime_type)
    await say(adapter, access_to(mock.url), picture(kind, name="größe 1.bin"))
    (media,) = mock.world.media.values()
    assert (media.content, media.mime_type) == (content, stored)
    sent = mock.sent()[-1].content
    assert sent["id"] == media.id
    assert sent.get("filename") == ("größe 1.bin" if kind == "document" else None)


async def test_a_file_in_a_header_is_uploaded(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, shelf: Shelf
) -> None:
    shelf.files["media:1"] = (b"jpeg", "image/jpeg")
    message = OutboundMessage(
        text="?", media=(Media(kind="image", url="media:1"),), choices=(Choice(id="a", title="A"),)
    )
    await say(adapter, access_to(mock.url), message)
    (media,) = mock.world.media.values()
    assert mock.sent()[-1].content["header"] == {"type": "image", "image": {"id": media.id}}
    assert mock.sent()[-1].key == f"{KEY}:1"


async def test_a_file_is_uploaded_once_for_many_customers(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, shelf: Shelf
) -> None:
    shelf.files["media:1"] = (b"jpeg", "image/jpeg")
    for _ in range(3):
        await say(adapter, access_to(mock.url), picture())
    assert (shelf.opened, len(mock.world.media)) == (1, 1)


async def test_an_id_that_meta_has_forgotten_is_uploaded_anew_by_the_next_try(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, shelf: Shelf
) -> None:
    shelf.files["media:1"] = (b"jpeg", "image/jpeg")
    await say(adapter, access_to(mock.url), picture())
    mock.world.media.clear()
    assert type(await outcome(adapter, access_to(mock.url), picture())) is Refused
    await say(adapter, access_to(mock.url), picture())
    assert shelf.opened == 2


@pytest.mark.parametrize("sizes", [True, False])
@pytest.mark.parametrize(
    ("kind", "content", "mime_type", "words"),
    [
        ("image", b"x" * (5 * 1024 * 1024 + 1), "image/jpeg", "larger than the 5,120 KB"),
        ("sticker", b"x" * (500 * 1024 + 1), "image/webp", "larger than the 500 KB"),
        ("image", b"GIF89a", "image/gif", "image/jpeg, image/png, not image/gif"),
        ("image", b"<svg/>", "image/svg+xml", "not image/svg+xml"),
        ("audio", b"x", "", "not an unknown one"),
        ("document", b"", "application/pdf", "is empty"),
    ],
)
async def test_a_file_that_whatsapp_would_refuse_is_not_uploaded(
    mock: MockWhatsApp,
    adapter: WhatsAppAdapter,
    shelf: Shelf,
    sizes: bool,
    kind: MediaKind,
    content: bytes,
    mime_type: str,
    words: str,
) -> None:
    shelf.files["media:1"] = (content, mime_type)
    shelf.sizes = sizes
    failure = await outcome(adapter, access_to(mock.url), picture(kind))
    assert isinstance(failure, Refused)
    assert words in failure.reason
    assert mock.world.media == {}


async def test_a_file_that_is_gone_and_an_adapter_without_files(
    mock: MockWhatsApp, adapter: WhatsAppAdapter
) -> None:
    failure = await outcome(adapter, access_to(mock.url), picture())
    assert failure.reason == "this file is gone"
    alone = WhatsAppAdapter()
    assert isinstance(await outcome(alone, access_to(mock.url), picture()), Refused)
    await alone.close()


async def test_an_upload_whose_answer_is_lost_leaves_nothing_in_doubt(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, shelf: Shelf
) -> None:
    shelf.files["media:1"] = (b"jpeg", "image/jpeg")
    mock.faults.add(Fault(kind="cut", path="media", times=1))
    assert type(await outcome(adapter, access_to(mock.url), picture())) is TryLater
    await say(adapter, access_to(mock.url), picture())
    assert len(mock.sent()) == 1


# Files from customers


async def read(adapter: WhatsAppAdapter, access: ChannelAccess, file: str) -> tuple[bytes, Content]:
    async with adapter.fetch(file, access) as content:
        return b"".join([chunk async for chunk in content.chunks]), content


async def test_a_customers_file_is_read(mock: MockWhatsApp, adapter: WhatsAppAdapter) -> None:
    media = mock.world.add_media(b"%PDF" * 100_000, "application/pdf")
    got, content = await read(adapter, access_to(mock.url), media.id)
    assert got == media.content
    assert (content.mime_type, content.size) == ("application/pdf", 400_000)


async def test_a_file_that_is_gone_is_refused(mock: MockWhatsApp, adapter: WhatsAppAdapter) -> None:
    with pytest.raises(SendFailed) as caught:
        await read(adapter, access_to(mock.url), "900000042")
    assert isinstance(caught.value, Misconfigured | Refused)


@pytest.mark.parametrize("file", ["", ".", "..", "../me", "1/../../x", "a b", "x?y=1", "é", "9" * 300])
async def test_what_is_no_media_id_is_not_asked_for(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, file: str
) -> None:
    asked = len(mock.seen)
    with pytest.raises(Refused, match="no media id"):
        await read(adapter, access_to(mock.url), file)
    assert len(mock.seen) == asked


@pytest.mark.parametrize("limit", ["1KB", "2000", "1 kb"])
async def test_a_file_beyond_the_channels_limit_is_refused(
    mock: MockWhatsApp, adapter: WhatsAppAdapter, limit: str
) -> None:
    media = mock.world.add_media(b"x" * 2001, "image/jpeg")
    with pytest.raises(Refused, match="larger"):
        await read(adapter, access_to(mock.url, media_settings={"max_file_size": limit}), media.id)


@asynccontextmanager
async def liar(url_of: Any, **answer: Any) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A Graph API that names addresses of somebody else's choosing."""
    seen: list[web.Request] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        if request.path.startswith("/v26.0/"):
            return web.json_response(
                {"url": url_of(str(request.url.origin())), "mime_type": "image/png", **answer}
            )
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": request.query["to"]})
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(64):
            await response.write(b"x" * 65_536)
        return response

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/"), seen
    finally:
        await server.close()


@pytest.mark.parametrize("scheme", ["", "redirect"])
async def test_a_foreign_host_never_sees_the_token(adapter: WhatsAppAdapter, scheme: str) -> None:
    async with liar(lambda own: f"{own}/file") as (foreign, seen_by_foreign):
        address = f"{foreign}/file"

        def url_of(own: str) -> str:
            return f"{own}/moved?to={address}" if scheme else address

        async with liar(url_of) as (base, _):
            with pytest.raises(Refused, match="not Meta's"):
                await read(adapter, access_to(base), "1640000000000001")
        assert seen_by_foreign == []


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/file",  # not over TLS
        "https://lookaside.fbsbx.com.evil.example/file",
        "https://evilfbsbx.com/file",
        "https://lookaside.fbsbx.com@evil.example/file",
        "file:///etc/passwd",
        "/relative",
        "",
        "https://[broken/",
    ],
)
async def test_only_metas_own_hosts_are_asked(adapter: WhatsAppAdapter, url: str) -> None:
    async with liar(lambda own: url) as (base, _):
        with pytest.raises(Refused, match="not Meta's"):
            await read(adapter, access_to(base), "1640000000000001")


async def test_a_redirect_within_the_api_is_followed_and_not_for_ever(adapter: WhatsAppAdapter) -> None:
    async with liar(lambda own: f"{own}/moved?to={own}/file") as (base, seen):
        got, _ = await read(adapter, access_to(base), "1640000000000001")
        assert len(got) == 64 * 65_536 and len(seen) == 3
    async with liar(lambda own: f"{own}/moved?to=/moved") as (base, _):
        with pytest.raises(Refused):
            await read(adapter, access_to(base), "1640000000000001")


async def test_a_file_that_lies_about_its_size_is_cut_off(adapter: WhatsAppAdapter) -> None:
    async with liar(lambda own: f"{own}/file", file_size=10) as (base, _):
        with pytest.raises(Refused, match="larger"):
            await read(adapter, access_to(base, media_settings={"max_file_size": "1MB"}), "1640000000000001")


# Setting a number up


@asynccontextmanager
async def webhook(answer: Any) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text=answer(request))

    app = web.Application()
    app.router.add_get("/webhook", handle)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("/webhook"))
    finally:
        await server.close()


async def test_a_number_is_identified(mock: MockWhatsApp) -> None:
    assert await manage.identify(access_to(mock.url)) == manage.PhoneNumber(
        id=NUMBER,
        display_phone_number="+15550100200",
        verified_name="Mock Bikes",
        quality_rating="GREEN",
        throughput="STANDARD",
        code_verification_status="VERIFIED",
        name_status="APPROVED",
        status="CONNECTED",
    )


async def test_a_webhook_is_set_tried_out_and_removed(mock: MockWhatsApp) -> None:
    access = access_to(mock.url)
    adapter = WhatsAppAdapter()
    async with webhook(lambda request: adapter.challenge(request.query, access).decode()) as url:
        assert await manage.webhook_of(access) == ""
        await manage.set_webhook(access, url)
        assert await manage.webhook_of(access) == url
        assert await manage.subscribed_apps(access) == ["Mock App"]
        await manage.remove_webhook(access)
        assert await manage.webhook_of(access) == ""
    await adapter.close()


async def test_a_webhook_that_does_not_answer_is_told(mock: MockWhatsApp) -> None:
    async with webhook(lambda request: "something else") as url:
        with pytest.raises(Refused, match="Callback verification failed"):
            await manage.set_webhook(access_to(mock.url), url)
    assert await manage.webhook_of(access_to(mock.url)) == ""


@pytest.mark.parametrize("url", ["http://velo.example/x", "https://", "ftp://velo.example", "https://[x"])
def test_what_meta_would_not_call_is_refused_before(url: str) -> None:
    with pytest.raises(Refused, match="https"):
        manage.check_webhook_url(url, access_to(""))
    manage.check_webhook_url("https://velo.example/webhook/whatsapp/x", access_to(""))


async def test_templates_are_listed_page_by_page_and_no_foreign_link_is_followed(mock: MockWhatsApp) -> None:
    for number in range(230):
        mock.world.add_template(Template(name=f"t_{number}", components=BODY))
    found = await manage.list_templates(access_to(mock.url))
    assert [one.name for one in found] == [f"t_{number}" for number in range(230)]
    assert found[0].components == BODY and found[0].status == "APPROVED" and found[0].reason == ""
    assert len({one.id for one in found}) == 230


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("app_secret", "no app_secret"),
        ("verify_token", "no verify_token"),
        ("access_token", "no access token"),
    ],
)
def test_what_a_channel_lacks_is_named(missing: str, words: str) -> None:
    access = access_to("")
    without = ChannelAccess(
        channel_id=access.channel_id,
        secrets={name: value for name, value in access.secrets.items() if name != missing},
        settings={**access.settings, "api_base": ""},
    )
    with pytest.raises(Misconfigured, match=words):
        manage.check_access(without)


async def test_setting_up_with_a_wrong_token_says_so(mock: MockWhatsApp) -> None:
    with pytest.raises(Misconfigured, match="access token"):
        await manage.identify(access_to(mock.url, "EAAGunknown000000000"))
    mock.faults.add(Fault(kind="cut"))
    with pytest.raises(TryLater):
        await manage.identify(access_to(mock.url))


# The whole way


async def test_what_customers_do_comes_back_signed_and_read(
    mock: MockWhatsApp, adapter: WhatsAppAdapter
) -> None:
    access = access_to(mock.url)
    heard: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        adapter.verify(body, request.headers, access, datetime.now(UTC))
        parsed = adapter.parse(body, access, datetime.now(UTC))
        assert not parsed.parked
        heard.extend([event.body for event in parsed.events])
        heard.extend([(status.state, status.key, status.call) for status in parsed.statuses])
        heard.extend(parsed.templates)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handle)
    server = TestServer(app)
    await server.start_server()
    mock.number.webhook_url = str(server.make_url("/"))
    mock.world.statuses = "ordered"
    (receipt,) = await say(adapter, access, EVERYTHING["buttons"])
    people.press(mock.number, MAYA, receipt.message, "a:1")
    people.react(mock.number, MAYA, receipt.message, "👍")
    mock.world.add_template(Template(name="visit_v1"))
    await mock.wait(lambda: mock.courier.pending == 0)
    await asyncio.sleep(0)
    await server.close()
    assert {json.dumps(one, default=str) for one in heard if isinstance(one, tuple)} == {
        json.dumps((state, str(KEY), 1)) for state in ("sent", "delivered", "read")
    }
    assert [type(one).__name__ for one in heard if not isinstance(one, tuple)] == [
        "ChoiceMade",
        "ReactionReceived",
    ]


async def test_a_call_of_another_name_is_refused(mock: MockWhatsApp, adapter: WhatsAppAdapter) -> None:
    with pytest.raises(Refused, match="no call"):
        await adapter.send(Call(method="sendMessage", body=b"{}"), access_to(mock.url), ENVELOPE)
    assert await adapter.find(Call(method="messages", body=b"{}"), access_to(mock.url), ENVELOPE) is None
