"""A bot on Telegram, WhatsApp and the web; turns over what these post, and the work that turns leave behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from adapters.protocol import Adapter, Parsed
from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.parse import parse_update
from adapters.web.adapter import WebAdapter
from adapters.whatsapp.adapter import WhatsAppAdapter
from adapters.whatsapp.parse import parse_body
from engine.events import EventBody, InboundEvent, Sender, TextReceived
from gateway.bots import BotRegistry
from gateway.directory import Directory
from gateway.embedding import shared_embedder
from gateway.identity.codes import LinkCodes
from gateway.identity.effect import UnifyCustomer
from gateway.identity.unifying import Unifying
from gateway.turns.arrival import Accepted, Arrival
from gateway.turns.batch import BatchRunner
from gateway.turns.notices import Notices
from gateway.work.book import Book
from storage import channels
from storage.audit import Change
from storage.database import Database
from storage.keyring import Keyring
from tests.integration.road import Provisioned, observe, provision

NOW: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)
LEASE: Final = timedelta(seconds=30)
NUMBER_ID: Final = "510000000000001"


class Scene:
    """Turns without a server: whatever they write is looked at in the database."""

    def __init__(
        self, database: Database, keyring: Keyring, ids: Provisioned, observer: asyncpg.Connection
    ) -> None:
        self.database = database
        self.keyring = keyring
        self.ids = ids
        self.observer = observer
        self.now = NOW
        self.codes = LinkCodes(keyring)
        self.merges = True
        self.channels: dict[str, UUID] = {"telegram": ids.telegram, "web": ids.web}
        self._numbers = count(1)
        self._directory: Directory

    def runner(self) -> BatchRunner:
        """Another worker."""
        notices = Notices(self.codes, merges=self.merges)
        bots = BotRegistry(self.database, shared_embedder)
        return BatchRunner(bots, uuid4(), LEASE, lambda: self.now, None, notices)

    def whatsapp(
        self, text: str | None = "hi", *, number: str = "", user: str = "", **message: Any
    ) -> Parsed:
        """What the adapter makes of a message as Meta posts it."""
        contact = {"profile": {"name": "Maya"}, "wa_id": number, "user_id": user}
        piece = {
            "from": number, "from_user_id": user, "id": f"wamid.{next(self._numbers)}",
            "timestamp": str(int(self.now.timestamp())), "type": "text", "text": text and {"body": text},
        }  # fmt: skip
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550100200", "phone_number_id": NUMBER_ID},
            "contacts": [{key: part for key, part in contact.items() if part}],
            "messages": [{key: part for key, part in (piece | message).items() if part}],
        }
        change = {"field": "messages", "value": value}
        body = {"object": "whatsapp_business_account", "entry": [{"id": "41", "changes": [change]}]}
        return parse_body(msgspec.json.encode(body), NUMBER_ID, self.now)

    def telegram(self, chat: int, *, language: str = "de", group: int = 0, **message: Any) -> Parsed:
        """What the adapter makes of an update as Telegram posts it."""
        number = next(self._numbers)
        person = {"id": chat, "is_bot": False, "first_name": "Maya", "language_code": language}
        where: dict[str, Any] = {"id": chat, "type": "private", "first_name": "Maya"}
        if group:
            where = {"id": group, "type": "group", "title": "Cyclists"}
        piece = {
            "message_id": number,
            "date": int(self.now.timestamp()),
            "from": person,
            "chat": where,
        } | message
        return parse_update(msgspec.json.encode({"update_id": number, "message": piece}), self.now)

    def own_contact(self, chat: int, phone: str, **more: Any) -> Parsed:
        """A customer shares their own number on Telegram."""
        contact = {"phone_number": phone, "first_name": "Maya", "user_id": chat}
        return self.telegram(chat, contact=contact, **more)

    def event(self, key: str, body: EventBody | str, **sender: Any) -> Parsed:
        """An event of no platform in particular."""
        event = InboundEvent(
            external_id=f"event {next(self._numbers)}",
            conversation_key=key,
            sender=Sender(external_id=sender.pop("external_id", key), **sender),
            body=TextReceived(text=body) if isinstance(body, str) else body,
            occurred_at=self.now,
        )
        return Parsed(events=(event,))

    async def hear(
        self, platform: str, *bodies: Parsed, runner: BatchRunner | None = None
    ) -> list[list[Accepted]]:
        """Bodies of one channel, as one batch; time passes."""
        channel = await self._directory.by_id(self.channels[platform], self.ids.organization)
        assert channel is not None
        loop = asyncio.get_running_loop()
        arrivals = []
        for body in bodies:
            assert not body.parked, body.parked
            arrivals.append(Arrival(channel, body.events, outcome=loop.create_future(), queued_at=0.0))
        self.now += timedelta(seconds=1)
        async with self.database.raw() as connection:
            batch = await (runner or self.runner()).run(connection, arrivals)
        accepted = [list(one) for one in batch.accepted]
        assert not any(item.parked for one in accepted for item in one), accepted
        return accepted

    async def work(self) -> int:
        """Carry out the merges that turns left behind, as a worker does. Returns how many pieces there were."""
        book = Book(self.database, uuid4(), LEASE, lambda: self.now)
        unifying = Unifying(self.database, lambda: self.now, merges=self.merges)
        done = 0
        for _ in range(20):
            self.now += timedelta(seconds=3)
            due = await book.find(100, 100)
            if not due:
                return done
            for work in await book.claim(due):
                effect = msgspec.json.decode(work.payload, type=UnifyCustomer)
                await book.write(work, await unifying.perform(effect, work))
                done += 1
        raise AssertionError("the work does not end")

    async def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        """Rows of the organization."""
        return [dict(row) for row in await self.observer.fetch(query, *arguments)]

    async def row(self, query: str, *arguments: Any) -> dict[str, Any]:
        """The only row."""
        (row,) = await self.rows(query, *arguments)
        return row

    async def customers(self) -> list[dict[str, Any]]:
        """Those that are nobody else's part, oldest first."""
        return await self.rows("SELECT * FROM customers WHERE merged_into IS NULL ORDER BY created_at, id")

    async def known_as(self, customer_id: UUID) -> dict[str, bool]:
        """A customer's ids, and which of them only stand beside another."""
        found = await self.rows(
            "SELECT external_id, is_alias FROM customer_identities WHERE customer_id = $1", customer_id
        )
        return {row["external_id"]: row["is_alias"] for row in found}

    async def talks(self) -> dict[str, UUID]:
        """The open conversations by their key, with their customer."""
        found = await self.rows(
            "SELECT contact_key, customer_id FROM conversations WHERE status <> 'archived'"
        )
        return {row["contact_key"]: row["customer_id"] for row in found}

    def change(self) -> Change:
        """Who changes things, and when: now."""
        return Change(organization_id=self.ids.organization, actor="test", now=self.now)


@asynccontextmanager
async def open_scene(database: Database, database_url: str, folder: Path) -> AsyncIterator[Scene]:
    """A provisioned database, with a WhatsApp channel besides."""
    keyring = Keyring.open(folder / "encryption.keys")
    ids = await provision(database_url, keyring)
    observer = await observe(database_url, ids.organization)
    scene = Scene(database, keyring, ids, observer)
    config = {"authentication": {"access_token": "t", "business_phone_number_id": NUMBER_ID}}
    async with database.transaction([ids.organization]) as connection:
        made = await channels.create_channel(
            connection, scene.change(), keyring, chatbot_id=ids.bot, type="whatsapp", name="WhatsApp",
            route="whatsappwhatsapp", config=config, secret_paths=["/authentication/access_token"],
        )  # fmt: skip
    scene.channels["whatsapp"] = made.id
    adapters: Mapping[str, Adapter] = {
        "telegram": TelegramAdapter(),
        "web": WebAdapter(lambda conversation, seq, frame: None),
        "whatsapp": WhatsAppAdapter(),
    }
    scene._directory = Directory(database, keyring, dict(adapters), {}, lambda: scene.now)
    try:
        yield scene
    finally:
        await observer.close()
