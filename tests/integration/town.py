"""Customers who talk with a bot at random, under a clock of their own: real turns on a real database, no server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from adapters.protocol import Adapter
from adapters.telegram.adapter import TelegramAdapter
from adapters.web.adapter import WebAdapter
from engine.events import (
    AlbumReceived,
    AnswerGenerated,
    CallFinished,
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    ConversationOpened,
    EventBody,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    OrderItem,
    OrderPlaced,
    Passage,
    PollAnswered,
    QueryReceived,
    ReactionReceived,
    SearchFinished,
    Sender,
    TextReceived,
    TimerFired,
)
from gateway.bots import BotRegistry
from gateway.channel import Channel
from gateway.directory import Directory
from gateway.embedding import shared_embedder
from gateway.turns.arrival import Arrival
from gateway.turns.batch import BatchRunner
from storage.audit import Change
from storage.database import Database
from storage.flows import add_flow_version
from storage.keyring import Keyring
from storage.publishing import publish
from tests.integration.road import Provisioned, observe, provision

WORDS: Final = (
    "hello", "menu", "help", "I want to buy something", "tell me about products", "talk to a human", "emergency",
    "1", "2", "🚀 AI Tools", "business", "yes", "no", "goodbye", "ana@example.org", "Ana", "my invoice is wrong",
    "something is broken", "asdf", "stop", "start over", "?", "  ", "thanks", "order 17", "Köln 🚀",
)  # fmt: skip
PAUSES: Final = (0.2, 2, 9, 45, 70, 400, 4_000)
"""Seconds between one thing and the next; a session of the demo times out after 300."""


class Town:
    """A provisioned database and the customers of its two channels."""

    def __init__(
        self, database: Database, keyring: Keyring, ids: Provisioned, observer: asyncpg.Connection, seed: int
    ) -> None:
        self.database = database
        self.ids = ids
        self.observer = observer
        self.now = datetime.now(UTC) + timedelta(hours=1)
        self.random = Random(seed)
        self._keyring = keyring
        self._registry = BotRegistry(database, shared_embedder)
        self._runner = BatchRunner(self._registry, uuid4(), timedelta(seconds=30), lambda: self.now)
        self._numbers = iter(range(1, 1_000_000))
        self._channels: dict[UUID, Channel] = {}

    async def publish(self, definition: Mapping[str, Any]) -> UUID:
        """Make this the published flow; servers know of it at once. Returns the version's id."""
        change = Change(organization_id=self.ids.organization, actor="test", now=self.now)
        async with self.database.transaction([self.ids.organization]) as connection:
            flow = await add_flow_version(
                connection, change, chatbot_id=self.ids.bot, flow_id="road", definition=definition
            )
            await publish(connection, change, flow.id)
        await self.hear()
        return flow.id

    async def hear(self) -> None:
        """Servers hear of what was published."""
        adapters: dict[str, Adapter] = {
            "telegram": TelegramAdapter(),
            "web": WebAdapter(lambda conversation, seq, frame: None),
        }
        directory = Directory(self.database, self._keyring, adapters, {}, lambda: self.now)
        for id in (self.ids.telegram, self.ids.web):
            channel = await directory.by_id(id, self.ids.organization)
            assert channel is not None
            self._channels[id] = channel

    def event(self, chat: str, body: EventBody | str) -> InboundEvent:
        """Something happens in a chat."""
        return InboundEvent(
            external_id=str(next(self._numbers)),
            conversation_key=chat,
            sender=Sender(external_id=chat, first_name="Ada", language="en" if len(chat) % 2 else "de"),
            body=TextReceived(text=body) if isinstance(body, str) else body,
            occurred_at=self.now,
        )

    async def turn(self, *events: InboundEvent, finishes: UUID | None = None) -> None:
        """These events, as one batch."""
        loop = asyncio.get_running_loop()
        arrivals = [
            Arrival(
                self._channels[self.ids.web if event.conversation_key.startswith("w") else self.ids.telegram],
                (event,),
                finishes=finishes,
                outcome=loop.create_future(),
                queued_at=0.0,
            )
            for event in events
        ]
        async with self.database.raw() as connection:
            await self._runner.run(connection, arrivals)

    async def say(self, chat: str, *bodies: EventBody | str, seconds: float = 5) -> None:
        """One thing after the other, with a pause before each; timers that become due fire."""
        for body in bodies:
            await self.wait(seconds)
            await self.turn(self.event(chat, body))

    async def wait(self, seconds: float) -> None:
        """Time passes; timers that become due in it fire, and calls that are open come to something."""
        until = self.now + timedelta(seconds=seconds)
        for _ in range(50):
            due = await self.observer.fetchrow(
                "SELECT e.id, e.lane, e.kind, e.key, e.due_at, c.contact_key FROM effects e "
                "JOIN conversations c ON c.id = e.conversation_id "
                "WHERE e.lane <> 'delivery' AND e.status = 'pending' AND e.due_at <= $1 "
                "ORDER BY e.due_at, e.id LIMIT 1",
                until,
            )
            if due is None:
                break
            self.now = max(self.now, due["due_at"]) + timedelta(milliseconds=self.random.randint(1, 60))
            body = (
                TimerFired(timer=due["key"])
                if due["lane"] == "timer"
                else self._result(due["kind"], due["key"])
            )
            await self.turn(self.event(due["contact_key"], body), finishes=due["id"])
        self.now = max(self.now, until)

    async def live(self, chats: Sequence[str], things: int) -> None:
        """Everybody does `things` at random, all at once."""
        doings = [chat for chat in chats for _ in range(things)]
        self.random.shuffle(doings)
        while doings:
            await self.wait(self.random.choice(PAUSES) / len(chats) ** 0.5)
            number = self.random.choice((1, 1, 1, 2, 3))
            batch, doings = doings[:number], doings[number:]
            await self.turn(*[self.event(chat, await self._whim(chat)) for chat in batch])

    async def conversation(self, chat: str) -> UUID:
        """The id of a chat's conversation."""
        found: UUID = await self.observer.fetchval(
            "SELECT id FROM conversations WHERE contact_key = $1", chat
        )
        return found

    async def conversations(self) -> list[UUID]:
        """All of them."""
        return [
            record["id"] for record in await self.observer.fetch("SELECT id FROM conversations ORDER BY id")
        ]

    async def _whim(self, chat: str) -> EventBody:
        random = self.random
        if random.random() < 0.35:
            offered = await self._offered(chat)
            if offered:
                choice = random.choice(offered)
                return ChoiceMade(choice=choice["id"], title=choice["title"])
        return random.choice(
            (
                *[TextReceived(text=word) for word in WORDS],
                CommandReceived(command=random.choice(("start", "help", "nothing")), argument="ref42"),
                MediaReceived(kind="image", file="f", caption=random.choice(("", "look", "menu")), size=3),
                LocationReceived(latitude=52.5163, longitude=13.3777, name="Tor"),
                ContactReceived(phone="+4930123456", name="Ana"),
                ReactionReceived(emoji=("👍",), message="7"),
                MessageEdited(message="7", text="other words"),
                MessageDeleted(message="7"),
                AlbumReceived(
                    items=(MediaReceived(kind="image", file="a"), MediaReceived(kind="video", file="b")),
                    caption=random.choice(("", "menu")),
                ),
                MediaReceived(kind="image", file="g", album="7", caption=random.choice(("", "menu"))),
                PollAnswered(poll="7", options=(0,)),
                FormSubmitted(form="7", values={"name": "Ana"}),
                OrderPlaced(items=(OrderItem(product="7", price="9.50", currency="EUR"),)),
                QueryReceived(query="7", text="menu"),
                MembersChanged(joined=("Ana",)),
                HumanReplied(text="I am on it")
                if random.random() < 0.2
                else ReactionReceived(emoji=(), message="7"),
                IdentityChanged(old=f"{chat}-before", new=chat),
                ContactabilityChanged(reachable=random.random() < 0.5),
                ConversationOpened(),
                TimerFired(timer="nothing#99"),
                self._result("call_integration", "nothing#98"),
                self._result("search", "nothing#97"),
                self._result("generate", "nothing#96"),
            )
        )

    async def _offered(self, chat: str) -> list[dict[str, str]]:
        payloads = await self.observer.fetch(
            "SELECT m.payload FROM messages m JOIN conversations c ON c.id = m.conversation_id "
            "WHERE c.contact_key = $1 AND m.payload ? 'choices' ORDER BY m.seq DESC LIMIT 2",
            chat,
        )
        return [choice for row in payloads for choice in msgspec.json.decode(row["payload"])["choices"]]

    def _result(self, kind: str, call: str) -> EventBody:
        good = self.random.random() < 0.7
        match kind:
            case "call_integration" if good:
                return CallFinished(
                    call=call, status=200, body={"id": 17, "longer": {"a": [1.5, None], "b": 1}}
                )
            case "call_integration":
                return CallFinished(call=call, status=503, error="status 503")
            case "search":
                return SearchFinished(call=call, passages=(Passage(text="Open at nine.", score=0.8),))
            case _:
                return (
                    AnswerGenerated(call=call, text="At nine.")
                    if good
                    else AnswerGenerated(call=call, error="busy")
                )


async def found_town(database: Database, database_url: str, keyring: Keyring, seed: int = 1) -> Town:
    """A town whose bot has no flow of interest yet; `observer` is to be closed."""
    ids = await provision(database_url, keyring)
    return Town(database, keyring, ids, await observe(database_url, ids.organization), seed)


REMEMBERING: Final[dict[str, Any]] = {
    "start_node": "count",
    "global_settings": {"timeout": 300, "fallback_node": "sorry", "burst_window": 1500},
    "variables": {
        "visits": {"type": "number", "scope": "bot", "default": 0},
        "mine": {"type": "number", "scope": "customer", "default": 0},
        "order": {"type": "object", "default": {}},
        "name": {"type": "string", "persistence": True},
    },
    "supported_languages": ["en", "de"],
    "translations": {"de": {"Which one?": "Welche?"}},
    "nodes": [
        {"id": "count", "type": "set_variable", "config": {"variable": "visits", "expression": "visits + 1"},
         "connections": [{"target": "mine"}]},
        {"id": "mine", "type": "set_variable", "config": {"variable": "mine", "expression": "mine + 1"},
         "connections": [{"target": "call"}]},
        {"id": "call", "type": "http", "config": {
            "url": "https://shop.example/orders", "timeout": 5, "save": {"order": "response.body.longer"}},
         "connections": [{"target": "failed", "condition": "error"}, {"target": "told"}]},
        {"id": "failed", "type": "message", "config": {"message": "No order for {{user.first_name}}."},
         "connections": [{"target": "ask"}]},
        {"id": "told", "type": "message", "config": {"message": "{{order}} {{mine}} of {{visits}}"},
         "connections": [{"target": "ask"}]},
        {"id": "ask", "type": "quick_reply", "config": {
            "message": "Which one?", "timeout": 60, "fallback_target": "late",
            "options": [{"text": "one", "target": "name"}, {"text": "two", "target": "bye"}]}},
        {"id": "name", "type": "input", "config": {"message": "Your name?", "variable": "name", "validation": {
            "max_length": 20}}, "connections": [{"target": "bye"}]},
        {"id": "late", "type": "message", "config": {"message": "Are you there?"}, "connections": [{"target": "ask2"}]},
        {"id": "ask2", "type": "input", "config": {"message": "?", "variable": "more"},
         "connections": [{"target": "bye"}]},
        {"id": "bye", "type": "end", "config": {"message": "Bye {{name}}"}},
        {"id": "sorry", "type": "message", "config": {"message": "Sorry?"}, "connections": [{"target": "ask"}]},
    ],
}  # fmt: skip
"""Remembers for the customer and for all, calls out, waits, gathers bursts, and speaks two languages."""


def reworded(definition: Mapping[str, Any], old: str, new: str, **global_settings: Any) -> dict[str, Any]:
    """The same flow with other words."""
    changed: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(definition).decode().replace(old, new))
    changed["global_settings"] |= global_settings
    return changed
