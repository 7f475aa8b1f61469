"""The mock Graph API held against a client that was written for the real one: pywa's.

If a stranger's client can work with the mock, the mock speaks Meta's protocol and not only ours.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pywa import errors
from pywa.types.callback import (
    BaseCarouselCard,
    Button,
    FlowButton,
    ImageCarouselCard,
    Section,
    SectionList,
    SectionRow,
    URLButton,
    VideoCarouselCard,
)
from pywa.types.flows import FlowActionType
from pywa.types.others import Contact
from pywa.types.templates import BodyText, TemplateLanguage
from pywa_async.client import WhatsApp

from tests.platforms.whatsapp import (
    ACCOUNT,
    APP_SECRET,
    NUMBER,
    TOKEN,
    Customer,
    Fault,
    MockWhatsApp,
    Template,
    people,
    templates,
)
from tests.platforms.whatsapp.delivery import SIGNATURE_HEADER, signature
from tests.platforms.whatsapp.messages import status_body

MAYA = "4915550100311"
BODY = [{"type": "BODY", "text": "Hi {{name}}, see you {{day}}."}]


@pytest.fixture
async def mock() -> AsyncIterator[MockWhatsApp]:
    async with MockWhatsApp().running() as server:
        people.say(server.number, MAYA, "hello")
        yield server


def client(mock: MockWhatsApp, token: str = TOKEN) -> WhatsApp:
    wa = WhatsApp(phone_id=NUMBER, token=token, waba_id=ACCOUNT)
    wa.api._session.base_url = f"{mock.url}/v26.0"
    return wa


@pytest.fixture
async def wa(mock: MockWhatsApp) -> AsyncIterator[WhatsApp]:
    one = client(mock)
    yield one
    await one.api._session.aclose()


async def test_pywa_gets_acquainted(wa: WhatsApp) -> None:
    phone = await wa.get_business_phone_number()
    assert (phone.id, phone.display_phone_number, phone.verified_name) == (
        NUMBER,
        "+15550100200",
        "Mock Bikes",
    )
    assert phone.quality_rating == "GREEN"


async def test_a_sent_message_is_logged_with_its_tracker(mock: MockWhatsApp, wa: WhatsApp) -> None:
    sent = await wa.send_message(MAYA, "Hello 🚲", tracker="our key", reply_to_message_id="wamid.X")
    (logged,) = mock.sent(MAYA)
    assert (logged.message, logged.key, logged.reply_to) == (sent.id, "our key", "wamid.X")
    assert logged.content["body"] == "Hello 🚲"
    await wa.send_reaction(MAYA, "👍", "wamid.X")
    await wa.send_location(MAYA, 52.5, 13.4, name="Velo")
    await wa.send_contact(
        MAYA,
        Contact(name=Contact.Name(formatted_name="Jo", first_name="Jo"), phones=[Contact.Phone("+49155")]),
    )
    await wa.request_location(MAYA, "Where?")
    await wa.request_contact_info(MAYA, "Who?")
    await wa.send_image(MAYA, "https://velo.example/a.png", caption="Look")
    await wa.send_voice(MAYA, "https://velo.example/a.ogg")
    kinds = [one.kind for one in mock.sent(MAYA)]
    assert kinds == [
        "text",
        "reaction",
        "location",
        "contacts",
        "interactive",
        "interactive",
        "image",
        "audio",
    ]


async def test_pywas_interactive_messages_are_accepted(mock: MockWhatsApp, wa: WhatsApp) -> None:
    rows = [SectionRow(title=f"Row {n}", callback_data=f"r:{n}", description="d") for n in range(10)]
    await wa.send_message(MAYA, "?", buttons=[Button(title="One", callback_data="a:0")])
    await wa.send_message(
        MAYA, "?", buttons=SectionList(button_title="Choose", sections=[Section(title="All", rows=rows)])
    )
    await wa.send_message(MAYA, "?", buttons=URLButton(title="Shop", url="https://velo.example"))
    flow = FlowButton(
        title="Book", flow_id="77001", flow_token="t", flow_message_version="3",
        flow_action_type=FlowActionType.NAVIGATE, flow_action_screen="FIRST", flow_action_payload={"a": 1},
    )  # fmt: skip
    await wa.send_message(MAYA, "?", buttons=flow)
    cards: list[ImageCarouselCard | VideoCarouselCard | BaseCarouselCard] = [
        ImageCarouselCard(image="https://velo.example/a.png", body="b", buttons=[Button("Go", f"c:{n}")])
        for n in range(2)
    ]
    await wa.send_carousel(MAYA, body="Ours", cards=cards)
    assert [one.content["type"] for one in mock.sent(MAYA)] == [
        "button",
        "list",
        "cta_url",
        "flow",
        "carousel",
    ]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"text": "x" * 4097}, errors.WhatsAppError),
        ({"text": ""}, errors.WhatsAppError),
        ({"text": "x" * 1025, "buttons": [Button("A", "a")]}, errors.InvalidParameter),
        ({"text": "?", "buttons": [Button("A" * 21, "a")]}, errors.InvalidParameter),
        ({"text": "?", "buttons": [Button("A", "a" * 257)]}, errors.InvalidParameter),
        ({"text": "?", "buttons": [Button("A", "a"), Button("A", "b")]}, errors.InvalidParameter),
        ({"text": "?", "buttons": [Button("A", "a"), Button("B", "a")]}, errors.InvalidParameter),
        ({"text": "?", "buttons": [Button(str(n), str(n)) for n in range(4)]}, errors.InvalidParameter),
        ({"text": "?", "header": "x" * 61, "buttons": [Button("A", "a")]}, errors.InvalidParameter),
        ({"text": "?", "footer": "x" * 61, "buttons": [Button("A", "a")]}, errors.InvalidParameter),
        ({"text": "?", "buttons": URLButton("A" * 21, "https://velo.example")}, errors.InvalidParameter),
        ({"text": "?", "buttons": URLButton("A", "no address")}, errors.WhatsAppError),
    ],
)
async def test_wrong_sizes_are_refused_as_whatsapp_refuses_them(
    mock: MockWhatsApp, wa: WhatsApp, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await wa.send_message(MAYA, **arguments)
    assert mock.sent() == []


@pytest.mark.parametrize(
    "rows",
    [
        [SectionRow("T" * 25, "a")],
        [SectionRow("T", "a", "d" * 73)],
        [SectionRow("T", "a" * 201)],
        [SectionRow("T", "a"), SectionRow("U", "a")],
        [SectionRow("T", str(n)) for n in range(11)],
    ],
)
async def test_wrong_rows_are_refused(mock: MockWhatsApp, wa: WhatsApp, rows: list[SectionRow]) -> None:
    with pytest.raises(errors.InvalidParameter):
        await wa.send_message(MAYA, "?", buttons=SectionList("Go", [Section("All", rows)]))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (130429, errors.RateLimitHit),
        (131056, errors.TooManyMessages),
        (131047, errors.ReEngagementMessage),
        (131026, errors.MessageUndeliverable),
        (131053, errors.MediaUploadError),
        (132000, errors.TemplateParamCountMismatch),
        (190, errors.ExpiredAccessToken),
    ],
)
async def test_ordered_errors_have_pywas_names(
    mock: MockWhatsApp, wa: WhatsApp, code: int, error: type[Exception]
) -> None:
    mock.faults.add(Fault(kind="error", code=code, times=1))
    with pytest.raises(error):
        await wa.send_message(MAYA, "x")


async def test_windows_unknown_customers_and_limits_have_pywas_names(
    mock: MockWhatsApp, wa: WhatsApp
) -> None:
    with pytest.raises(errors.MessageUndeliverable):
        await wa.send_message("4915550999999", "x")
    mock.world.rate_limits = True
    with pytest.raises(errors.TooManyMessages):
        for _ in range(46):
            await wa.send_message(MAYA, "x")
    mock.world.rate_limits = False
    mock.world.shift = 25 * 3600.0
    with pytest.raises(errors.ReEngagementMessage):
        await wa.send_message(MAYA, "x")
    mock.number.allowed = set()
    with pytest.raises(errors.RecipientNotInAllowedList):
        await wa.send_message(MAYA, "x")


async def test_tokens_and_numbers_are_checked(mock: MockWhatsApp, wa: WhatsApp) -> None:
    stranger = client(mock, "EAAGsomebodyElse0000")
    with pytest.raises(errors.ExpiredAccessToken):
        await stranger.send_message(MAYA, "x")
    await stranger.api._session.aclose()
    mock.world.tokens[TOKEN] = "expired"
    with pytest.raises(errors.ExpiredAccessToken) as caught:
        await wa.send_message(MAYA, "x")
    assert caught.value.subcode == 463
    mock.world.tokens[TOKEN] = "valid"
    with pytest.raises(errors.WhatsAppError) as unknown:
        await wa.send_message(MAYA, "x", sender="5100")
    assert (unknown.value.code, unknown.value.subcode) == (100, 33)


async def test_media_go_up_are_looked_up_and_come_down(mock: MockWhatsApp, wa: WhatsApp) -> None:
    media = await wa.upload_media(b"%PDF-1.7" * 100, mime_type="application/pdf", filename="bill.pdf")
    assert media is not None
    found = await wa.get_media_url(media.id)
    assert (found.mime_type, found.file_size) == ("application/pdf", 800)
    assert await wa.get_media_bytes(url=found.url) == b"%PDF-1.7" * 100
    await wa.send_document(MAYA, media.id, filename="bill.pdf")
    assert mock.sent(MAYA)[0].content == {"id": media.id, "filename": "bill.pdf"}
    mock.world.shift = 301.0
    with pytest.raises(Exception, match="404"):
        await wa.get_media_bytes(url=found.url)
    assert await wa.delete_media(media.id)
    with pytest.raises(errors.MediaUploadError):
        await wa.send_document(MAYA, media.id, filename="bill.pdf")


async def test_media_urls_want_the_token(mock: MockWhatsApp, wa: WhatsApp) -> None:
    media = mock.world.add_media(b"x", "image/png")
    found = await wa.get_media_url(media.id)
    async with aiohttp.ClientSession() as session:
        for headers, status in (({}, 401), ({"Authorization": f"Bearer {TOKEN}"}, 200)):
            async with session.get(found.url, headers=headers) as response:
                assert response.status == status


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [(b"x", "image/gif"), (b"x", "image/svg+xml"), (b"x" * (5 << 20) + b"x", "image/png")],
)
async def test_wrong_media_are_refused(
    mock: MockWhatsApp, wa: WhatsApp, content: bytes, mime_type: str
) -> None:
    with pytest.raises(errors.WhatsAppError):
        await wa.upload_media(content, mime_type=mime_type, filename="x")
    assert mock.world.media == {}


async def test_templates_are_sent_listed_and_refused(mock: MockWhatsApp, wa: WhatsApp) -> None:
    mock.world.add_template(Template(name="visit", components=BODY))
    mock.world.add_template(Template(name="later", status="PENDING"))
    mock.world.add_template(Template(name="sale", status="PAUSED"))
    english = TemplateLanguage.ENGLISH_US
    await wa.send_template(MAYA, "visit", english, params=[BodyText.params(name="Ana", day="Monday")])
    assert mock.sent(MAYA)[0].content["name"] == "visit"
    with pytest.raises(errors.TemplateParamCountMismatch):
        await wa.send_template(MAYA, "visit", english, params=[BodyText.params(name="Ana")])
    for name, error in (
        ("nothing", errors.TemplateNotExists),
        ("later", errors.TemplateNotExists),
        ("sale", errors.TemplatePaused),
    ):
        with pytest.raises(error):
            await wa.send_template(MAYA, name, english, params=[])
    found = await wa.get_templates()
    assert [(one.name, one.status) for one in found] == [
        ("visit", "APPROVED"),
        ("later", "PENDING"),
        ("sale", "PAUSED"),
    ]


@pytest.mark.parametrize("kind", ["refuse", "cut", "cut_body"])
async def test_broken_connections_break(mock: MockWhatsApp, wa: WhatsApp, kind: Any) -> None:
    mock.faults.add(Fault(kind=kind, times=1))
    with pytest.raises(Exception, match=r"disconnected|without|closed|incomplete|Server"):
        await wa.send_message(MAYA, "x")
    assert len(mock.sent()) == (kind != "refuse")


class Hook:
    """A webhook that keeps what is posted to it and answers what it is told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.signatures: list[str] = []
        self.statuses: list[int] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(text=request.query["hub.challenge"])
        self.bodies.append(await request.read())
        self.signatures.append(request.headers[SIGNATURE_HEADER])
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def values(self) -> list[dict[str, Any]]:
        return [json.loads(body)["entry"][0]["changes"][0]["value"] for body in self.bodies]


@asynccontextmanager
async def hooked(mock: MockWhatsApp) -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_route("*", "/hook", hook.handle)
    server = TestServer(app)
    await server.start_server()
    hook.url = mock.number.webhook_url = str(server.make_url("/hook"))
    try:
        yield hook
    finally:
        await server.close()


async def delivered(mock: MockWhatsApp) -> None:
    await mock.wait(lambda: mock.courier.pending == 0)


async def test_webhooks_are_signed_and_pywa_accepts_the_signature(mock: MockWhatsApp) -> None:
    validator = WhatsApp(phone_id=NUMBER, token=TOKEN, app_secret=APP_SECRET, validate_updates=True)
    async with hooked(mock) as hook:
        people.say(mock.number, MAYA, "Grüße 🚲")
        await delivered(mock)
        (body,), (signed,) = hook.bodies, hook.signatures
        assert await validator.webhook_update_validator(body, signed) is None
        assert await validator.webhook_update_validator(body + b" ", signed) is not None
        assert signed == signature(APP_SECRET, body)
    await validator.api._session.aclose()


async def test_a_webhook_is_tried_again_until_it_answers_2xx(mock: MockWhatsApp) -> None:
    mock.courier.retry_schedule = (0.0,)
    async with hooked(mock) as hook:
        hook.statuses = [503, 500, 404]
        people.say(mock.number, MAYA, "one")
        people.say(mock.number, MAYA, "two")
        await delivered(mock)
        texts = [value["messages"][0]["text"]["body"] for value in hook.values()]
        assert texts == ["one"] * 4 + ["two"]
        assert [attempt.status for attempt in mock.courier.attempts] == [503, 500, 404, 200, 200]
        mock.courier.repeat(0)
        await delivered(mock)
        assert hook.bodies[-1] == hook.bodies[0]


async def test_pywa_sets_a_webhook_that_is_tried_out_first(mock: MockWhatsApp, wa: WhatsApp) -> None:
    async with hooked(mock) as hook:
        mock.number.webhook_url = ""
        assert await wa.override_phone_callback_url(hook.url, "verify-me")
        assert mock.number.webhook_url == hook.url
        assert await wa.delete_phone_callback_url()
    assert mock.number.webhook_url == ""
    with pytest.raises(errors.WhatsAppError, match="2200"):
        await wa.override_phone_callback_url("http://127.0.0.1:1/hook", "verify-me")


async def test_statuses_come_shuffled_and_repeated_with_the_tracker(mock: MockWhatsApp, wa: WhatsApp) -> None:
    mock.world.statuses, mock.world.repeats = "shuffled", 3
    async with hooked(mock) as hook:
        sent = await wa.send_message(MAYA, "x", tracker="key:0")
        await delivered(mock)
        found = [value["statuses"][0] for value in hook.values()]
    assert sorted(status["status"] for status in found) == ["delivered"] * 3 + ["read"] * 3 + ["sent"] * 3
    assert [status["status"] for status in found] != ["sent"] * 3 + ["delivered"] * 3 + ["read"] * 3
    assert {(status["id"], status["biz_opaque_callback_data"]) for status in found} == {(sent.id, "key:0")}


async def test_late_refusals_come_as_failed_statuses(mock: MockWhatsApp, wa: WhatsApp) -> None:
    mock.world.refuse_late = True
    mock.world.shift = 25 * 3600.0
    async with hooked(mock) as hook:
        await wa.send_message(MAYA, "x")
        mock.number.customer(MAYA).heard_at = mock.world.now()
        await wa.send_image(MAYA, "https://unreachable.example/a.png")
        await delivered(mock)
        failed = [value["statuses"][0] for value in hook.values()]
    assert [(one["status"], one["errors"][0]["code"]) for one in failed] == [
        ("failed", 131047),
        ("failed", 131053),
    ]


async def test_what_customers_do_can_be_read_by_pywa(mock: MockWhatsApp, wa: WhatsApp) -> None:
    heard: list[str] = []
    listening: Any = WhatsApp(phone_id=NUMBER, token=TOKEN, waba_id=ACCOUNT, validate_updates=False)
    for register in (
        listening.on_message, listening.on_callback_button, listening.on_callback_selection,
        listening.on_flow_completion, listening.on_message_status, listening.on_edited_message,
        listening.on_deleted_message, listening.on_phone_number_change, listening.on_template_status_update,
        listening.on_outgoing_message,
    ):  # fmt: skip

        async def hear(_: Any, update: Any) -> None:
            heard.append(type(update).__name__)

        register(hear)
    async with hooked(mock) as hook:
        number = mock.number
        number.customers["JP.55"] = Customer(user_id="JP.55", name="Kenji", username="kenji.rides")
        number.customer(MAYA).user_id = "DE.77"
        buttons = await wa.send_message(MAYA, "?", buttons=[Button("One", "a:0")])
        rows = SectionList("Go", [Section("All", [SectionRow("Row", "r:0")])])
        menu = await wa.send_message(MAYA, "?", buttons=rows)
        flow = FlowButton(title="Book", flow_id="77001", flow_token="t", flow_message_version="3")
        form = await wa.send_message(MAYA, "?", buttons=flow)
        people.say(number, "JP.55", "こんにちは")
        people.press(number, MAYA, buttons.id, "a:0")
        people.press(number, MAYA, menu.id, "r:0")
        people.submit(number, MAYA, form.id, {"day": "2026-11-05"})
        people.send_file(number, MAYA, "image", b"jpeg", "image/jpeg", caption="look")
        said = people.say(number, MAYA, "Monday")
        people.edit(number, MAYA, said, "Tuesday")
        people.delete(number, MAYA, said)
        people.react(number, MAYA, said, "👍")
        people.echo(number, MAYA, "I am on it")
        mock.world.add_template(Template(name="visit"))
        templates.decide(number, "visit", "en_US", "REJECTED", "INCORRECT_CATEGORY")
        mock.world.on_webhook(number, MAYA, status_body(number, said, MAYA, "read"))
        people.change_number(number, MAYA, "4915550100999")
        await delivered(mock)
        assert hook.values()[0]["contacts"][0]["profile"]["username"] == "kenji.rides"
        for body in hook.bodies:
            await listening.webhook_update_handler(body)
    await asyncio.sleep(0.05)
    await listening.api._session.aclose()
    assert sorted(heard) == sorted(
        [
            *["Message"] * 4, "CallbackButton", "CallbackSelection", "FlowCompletion", "EditedMessage",
            "DeletedMessage", "OutgoingMessage", "TemplateStatusUpdate", "MessageStatus", "PhoneNumberChange",
        ]
    )  # fmt: skip


async def test_the_remote_control_drives_it(mock: MockWhatsApp) -> None:
    async with hooked(mock) as hook, aiohttp.ClientSession(f"{mock.url}/_control/") as session:

        async def control(method: str, name: str, given: Any = None) -> tuple[int, Any]:
            async with session.request(method, name, json=given) as response:
                return response.status, await response.json()

        assert await control("GET", "health") == (200, {"ok": True})
        status, answer = await control("POST", "messages", [{"customer": MAYA, "text": "a"}] * 2)
        assert status == 200 and len(answer["messages"]) == 2
        _, batch = await control("POST", "batches", {"texts": [[MAYA, "b"], ["491555", "c"]]})
        await delivered(mock)
        assert [len(value["messages"]) for value in hook.values()] in ([1, 1, 2], [1, 2, 1], [2, 1, 1])
        assert len(batch["messages"]) == 2
        await control("POST", "faults", {"kind": "error", "code": 2})
        assert (await control("GET", "faults"))[1][0]["code"] == 2
        await control("DELETE", "faults")
        await control("POST", "settings", {"statuses": "ordered", "shift": 10.0, "retry_schedule": [0.0]})
        assert (mock.world.statuses, mock.world.shift) == ("ordered", 10.0)
        await control("POST", "customers", {"id": MAYA, "username": "maya"})
        await control("POST", "templates", {"name": "visit", "language": "de"})
        await control("POST", "decisions", {"name": "visit", "language": "de", "status": "PAUSED"})
        assert mock.world.templates[("visit", "de")].status == "PAUSED"
        assert (await control("GET", "state"))[1]["webhooks"] == 1
        assert (await control("GET", "deliveries"))[1]["next"] >= 3
        assert (await control("POST", "nothing"))[0] == 404
        assert (await control("POST", "presses", {"customer": MAYA, "message": "x", "choice": "y"}))[0] == 400
        await control("POST", "reset")
        assert mock.number.customers == {}
