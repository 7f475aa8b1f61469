"""One conversation that uses every kind of message, as four platforms are told it: the exact API calls.

`tests/data/every_kind.json` is the flow, `tests/golden/every_kind/` holds the calls; REFRESH_GOLDEN=1 writes them
anew. Each call is also sent: a mock as strict as the platform has to take it.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args
from uuid import UUID, uuid5

import msgspec
import pytest

from adapters.capabilities import Outbound
from adapters.errors import Refused
from adapters.fit import fit
from adapters.protocol import Adapter, Call, ChannelAccess, Content, Envelope
from adapters.slack.adapter import SlackAdapter
from adapters.telegram.adapter import TelegramAdapter
from adapters.web.adapter import WebAdapter
from adapters.whatsapp.adapter import WhatsAppAdapter
from engine.compile import compile_flow
from engine.effects import Send
from engine.events import (
    ChoiceMade,
    ContactReceived,
    Context,
    EventBody,
    InboundEvent,
    LocationReceived,
    QueryReceived,
    Sender,
    TextReceived,
)
from engine.messages import OutboundMessage
from engine.state import ConversationState, Customer
from engine.step import step
from tests.channels import access_with
from tests.integration.four import SECRETS
from tests.kinds import TEMPLATES
from tests.platforms.slack import BOT_USER, TEAM, MockSlack
from tests.platforms.telegram import MockTelegram, people
from tests.platforms.whatsapp import NUMBER, MockWhatsApp, Template
from tests.platforms.whatsapp.people import say as say_on_whatsapp
from tests.unit.test_channel_matrix import PLATFORMS

FLOW: Final = Path("tests/data/every_kind.json")
FOLDER: Final = Path("tests/golden/every_kind")
NOW: Final = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
KEY: Final = UUID("0198f2f0-0000-7000-8000-000000000000")
PRIVATE: Final = Context()
GROUP: Final = Context(place="group", title="Bike club", mentioned=True)


def conversation(platform: str, message: str, button: str, query: str = "4242") -> Iterator[Send]:
    """What the bot says to the six things that a customer does, then in a group, then to an inline query.

    `message` is the platform's id of what the customer wrote, `button` that of the menu that is turned, `query`
    of the inline query.
    """
    bot = compile_flow(json.loads(FLOW.read_text()), flow_id="every")
    few, many = (bot.nodes[node].choices for node in ("few", "many"))
    page = f"{many[0].id.partition(':')[0]}:p1"
    events: list[tuple[EventBody, str, Context]] = [
        (TextReceived(text="Hello"), message, PRIVATE),
        (LocationReceived(latitude=52.5, longitude=13.4), message, PRIVATE),
        (ContactReceived(phone="+4915112345678", name="Ana", own=True), message, PRIVATE),
        (ChoiceMade(choice=few[0].id), button, PRIVATE),
        (ChoiceMade(choice=page), button, PRIVATE),
        (TextReceived(text="30"), message, PRIVATE),
    ]
    state = ConversationState()
    for body, id, context in events:
        state, sends = _step(bot, platform, state, body, id, context)
        yield from sends
    _, sends = _step(bot, platform, ConversationState(), TextReceived(text="Hello"), message, GROUP)
    yield from sends[:1]
    _, sends = _step(bot, platform, state, QueryReceived(query=query, text="bike"), "", PRIVATE)
    yield from sends


def _step(
    bot: Any, platform: str, state: ConversationState, body: EventBody, message: str, context: Context
) -> tuple[ConversationState, list[Send]]:
    event = InboundEvent(
        external_id="1", conversation_key="1", sender=Sender(external_id="1"), body=body, occurred_at=NOW,
        message=message, context=context,
    )  # fmt: skip
    outcome = step(bot, state, event, Customer(id="1", first_name="Ana"), NOW, channel=platform)
    assert not [entry for entry in outcome.trace if entry.kind == "error"], outcome.trace
    return outcome.state, [effect for effect in outcome.effects if isinstance(effect, Send)]


def rendered(
    adapter: Adapter, access: ChannelAccess, recipient: str, sends: list[Send], edited: str
) -> list[tuple[OutboundMessage, list[Call]]]:
    """Each message with its calls, as a delivery would make them; `edited` is the id of what is replaced."""
    told = []
    for send in sends:
        message = send.message
        if send.replaces:
            message = msgspec.structs.replace(message, edits=edited)
        fitted = fit(message, adapter.capabilities)
        told.append((message, [] if fitted is None else adapter.render(recipient, fitted, access)))
    return told


# What is exactly said


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_calls_are_the_golden_ones(platform: str) -> None:
    adapter, access, recipient = adapter_for(platform, "", None)
    sends = list(conversation(platform, "17", "20"))
    told = [
        {
            "says": (message.text or _kind(message))[:60],
            "calls": [_shown(call) for call in calls],
        }
        for message, calls in rendered(adapter, access, recipient, sends, "18")
    ]
    path = FOLDER / f"{platform}.json"
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("REFRESH_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert json.loads(path.read_text()) == told, "REFRESH_GOLDEN=1 shows the difference in git"


def _shown(call: Call) -> dict[str, Any]:
    shown: dict[str, Any] = {"method": call.method, "body": json.loads(call.body)}
    if call.uploads:
        shown["files"] = [{"field": one.field, "source": one.source} for one in call.uploads]
    return shown


def _kind(message: OutboundMessage) -> str:
    return next(iter(msgspec.to_builtins(message)), "")


def test_the_conversation_has_every_kind() -> None:
    """What the golden calls are for: nothing that can be said is missing from them."""
    seen: set[str] = set()
    for send in conversation("telegram", "17", "20"):
        seen |= set(kinds_of(send))
    assert seen == set(get_args(Outbound)) - {"mark_as_read"}, "reading is announced, not said"


def kinds_of(send: Send) -> Iterator[Outbound]:
    """What one send needs of a platform."""
    message = send.message
    parts: dict[Outbound, object] = {
        "text": message.text, "formatting": message.spans, "choices": message.choices, "card": len(message.cards) == 1,
        "carousel": len(message.cards) > 1, "album": len(message.media) > 1, "location": message.location,
        "contact": message.contact, "template": message.template, "reaction": message.reaction,
        "inline_answer": message.inline, "request_location": message.request == "location",
        "request_contact": message.request == "contact", "edit": send.replaces or message.edits,
        "reply": message.reply_to, "typing": send.typing,
    }  # fmt: skip
    yield from (kind for kind, part in parts.items() if part)
    for media in message.media:
        yield media.kind
    for link in message.links:
        yield "link" if link.kind == "url" else link.kind


# Every call is taken


class OneFile:
    """Gives the same bytes for every address."""

    @asynccontextmanager
    async def open(self, source: str) -> AsyncIterator[Content]:
        """A file of 4 bytes."""

        async def chunks() -> AsyncIterator[bytes]:
            yield b"file"

        yield Content(
            chunks=chunks(), mime_type="application/octet-stream", size=4, name=source.rpartition("/")[2]
        )


def adapter_for(platform: str, base: str, files: OneFile | None) -> tuple[Adapter, ChannelAccess, str]:
    """The adapter, a channel's access and a recipient; `base` is the mock's address."""
    settings: dict[str, Any] = {
        "authentication": {"business_phone_number_id": NUMBER},
        "message_templates": TEMPLATES,
        "workspace": {"team_id": TEAM, "bot_user_id": BOT_USER},
        "bot_configuration": {"bot_username": "velo_bot"},
    }
    if base:
        settings["api_base"] = base
    access = access_with(SECRETS[platform], settings)
    match platform:
        case "whatsapp":
            return WhatsAppAdapter(files), access, "4915112345678"
        case "telegram":
            return TelegramAdapter(files=files), access, "424242"
        case "slack":
            return SlackAdapter(files=files), access, f"{TEAM}:D0ANA"
        case _:
            return WebAdapter(lambda *_: None), access, str(KEY)


async def deliver(
    platform: str, base: str, message: str, button: str, edited: str, query: str = "4242"
) -> int:
    """Send the whole conversation; returns how many calls were taken. Raises what the platform refuses."""
    adapter, access, recipient = adapter_for(platform, base, OneFile())
    count = 0
    try:
        sends = list(conversation(platform, message, button, query))
        for number, (_, calls) in enumerate(rendered(adapter, access, recipient, sends, edited)):
            for index, call in enumerate(calls):
                key = uuid5(KEY, f"{number}")
                envelope = Envelope(key=key, conversation_id=KEY, seq=number + 1, at=NOW, call=index)
                await adapter.send(call, access, envelope)
                count += 1
    finally:
        await adapter.close()
    return count


def golden_calls(platform: str) -> int:
    """How many calls the golden file has."""
    return sum(len(one["calls"]) for one in json.loads((FOLDER / f"{platform}.json").read_text()))


async def test_telegram_takes_every_call() -> None:
    async with MockTelegram().running() as mock:
        mock.bot.chat(424242)
        people.say(mock.bot, 424242, "Hello")
        query = people.query(mock.bot, 424242, "bike")
        adapter, access, recipient = adapter_for("telegram", mock.url, None)
        (hello,) = adapter.render(recipient, OutboundMessage(text="Hello"), access)
        envelope = Envelope(key=KEY, conversation_id=KEY, seq=1, at=NOW)
        edited = (await adapter.send(hello, access, envelope)).message
        await adapter.close()
        taken = await deliver("telegram", mock.url, str(int(edited) - 1), edited, edited, query)
        assert taken == golden_calls("telegram")
        assert {sent.text for sent in mock.sent(424242)} >= {"Hello", "Thank you!", "Which one?"}


async def test_whatsapp_takes_every_call() -> None:
    async with MockWhatsApp().running() as mock:
        template = msgspec.convert({**TEMPLATES["welcome"], "id": "8"}, Template)
        mock.world.add_template(template)
        message = say_on_whatsapp(mock.number, "4915112345678", "Hello")
        taken = await deliver("whatsapp", mock.url, message, message, message)
        assert len(mock.sent()) == taken == golden_calls("whatsapp")


async def test_slack_takes_every_call() -> None:
    async with MockSlack().running() as mock:
        channel = mock.world.private("U0ANA")
        adapter, access, recipient = adapter_for("slack", mock.api, None)
        (hello,) = adapter.render(recipient, OutboundMessage(text="Hello"), access)
        envelope = Envelope(key=KEY, conversation_id=KEY, seq=1, at=NOW)
        edited = (await adapter.send(hello, access, envelope)).message
        await adapter.close()
        taken = await deliver("slack", mock.api, edited, edited, edited)
        assert taken == golden_calls("slack")
        assert len(channel.messages) > 15


async def test_a_spoilt_call_is_not_taken() -> None:
    """The mocks can refuse: what passes above passes for a reason."""
    async with MockWhatsApp(open_chats=True).running() as mock:
        adapter, access, recipient = adapter_for("whatsapp", mock.url, None)
        buttons = [{"type": "reply", "reply": {"id": "a", "title": "much longer than twenty characters"}}]
        body = {
            "messaging_product": "whatsapp", "to": recipient, "type": "interactive",
            "interactive": {"type": "button", "body": {"text": "?"}, "action": {"buttons": buttons}},
        }  # fmt: skip
        envelope = Envelope(key=KEY, conversation_id=KEY, seq=1, at=NOW)
        with pytest.raises(Refused):
            await adapter.send(Call(method="messages", body=json.dumps(body).encode()), access, envelope)
        await adapter.close()
