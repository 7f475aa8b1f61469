"""What turns leave behind besides words: variables, records, consents, work; whole with the turn, or not at all."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from adapters.protocol import Adapter
from adapters.telegram.adapter import TelegramAdapter
from adapters.web.adapter import WebAdapter
from engine.bot import Bot
from engine.compile import compile_flow
from engine.effects import (
    CallIntegration,
    CancelTimer,
    Effect,
    Generate,
    Record,
    Remember,
    Search,
    Secret,
    Send,
    SendEmail,
    StartTimer,
    UpdateCustomer,
)
from engine.events import (
    AnswerGenerated,
    CallFinished,
    ContactabilityChanged,
    EventBody,
    InboundEvent,
    SearchFinished,
    Sender,
    TextReceived,
)
from engine.messages import Card, CardButton, Choice, Media, OutboundMessage
from engine.nodes.base import Next, Node
from engine.scopes import declared
from engine.turn import Turn
from gateway.channel import Channel
from gateway.directory import Directory
from gateway.turns.arrival import Arrival
from gateway.turns.batch import Batch, BatchRunner
from storage import turns
from storage.database import Database
from storage.keyring import Keyring
from storage.turns import MAX_VARIABLES_BYTES, CustomerChange
from tests.integration.road import Provisioned, provision

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


class Script(Node):
    """Has the effects that are written down for what the customer said, and notes what it knew then."""

    __slots__ = ("_lines", "seen")

    def __init__(self, lines: Mapping[str, tuple[Effect, ...]]) -> None:
        super().__init__("script", ())
        self._lines = lines
        self.seen: list[tuple[str, Any, Any, str, bool]] = []
        """The customer's words, `tier` (the customer's), `visits` (the bot's), the language, opted out."""

    def enter(self, turn: Turn) -> Next:
        customer = turn.customer
        known = (declared(turn, "tier"), declared(turn, "visits"))
        self.seen.append((turn.text, *known, customer.language, customer.opted_out))
        turn.effects.extend(self._lines.get(turn.text, ()))
        return None


def scripted(lines: Mapping[str, tuple[Effect, ...]]) -> tuple[Bot, Script]:
    flow = {
        "start_node": "script",
        "nodes": [{"id": "script", "type": "message", "config": {"message": "-"}}],
        "variables": {
            "tier": {"type": "string", "scope": "customer"},
            "visits": {"type": "number", "scope": "bot", "default": 0},
        },
    }
    script = Script(lines)
    return dataclasses.replace(compile_flow(flow, flow_id=str(uuid4())), nodes={"script": script}), script


class Only:
    """One bot for every flow version."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def load(self, flows: Mapping[UUID, UUID]) -> Mapping[UUID, Bot]:
        return dict.fromkeys(flows, self._bot)


def clock() -> datetime:
    return NOW


class Stage:
    """A provisioned database, its directory, and turns over it without a server."""

    def __init__(
        self, database: Database, keyring: Keyring, ids: Provisioned, asked_by: asyncpg.Connection
    ) -> None:
        self.database = database
        self.ids = ids
        self._keyring = keyring
        self._observer = asked_by
        self._numbers = iter(range(1, 1_000_000))
        self.directory = self.open_directory()

    def open_directory(self) -> Directory:
        """As another worker has one."""
        adapters: dict[str, Adapter] = {
            "telegram": TelegramAdapter(),
            "web": WebAdapter(lambda conversation, seq, frame: None),
        }
        return Directory(self.database, self._keyring, adapters, {}, clock)

    async def channel(self, directory: Directory | None = None, *, web: bool = False) -> Channel:
        wanted = self.ids.web if web else self.ids.telegram
        found = await (directory or self.directory).by_id(wanted, self.ids.organization)
        assert found is not None
        return found

    def event(self, body: EventBody | str, chat: str = "1", sender: str = "") -> InboundEvent:
        return InboundEvent(
            external_id=str(next(self._numbers)),
            conversation_key=chat,
            sender=Sender(external_id=sender or chat, language="en"),
            body=TextReceived(text=body) if isinstance(body, str) else body,
            occurred_at=NOW,
        )

    async def run(self, bot: Bot, *events: InboundEvent, channel: Channel | None = None) -> Batch:
        """The events as one batch, each a body of its own."""
        by = channel or await self.channel()
        loop = asyncio.get_running_loop()
        arrivals = [Arrival(by, (event,), outcome=loop.create_future(), queued_at=0.0) for event in events]
        runner = BatchRunner(Only(bot), uuid4(), LEASE, clock)
        async with self.database.raw() as connection:
            try:
                return await runner.run(connection, arrivals)
            except BaseException:
                await connection.execute("ROLLBACK")
                raise

    async def say(self, bot: Bot, *texts: str, chat: str = "1") -> Batch:
        """One customer says this, in one batch."""
        return await self.run(bot, *(self.event(text, chat) for text in texts))

    async def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._observer.fetch(query, *arguments)]

    async def row(self, query: str, *arguments: Any) -> dict[str, Any]:
        (row,) = await self.rows(query, *arguments)
        return row

    async def json(self, query: str) -> Any:
        return msgspec.json.decode(await self._observer.fetchval(query))


@pytest.fixture
async def stage(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    keyring = Keyring.open(tmp_path / "keys")
    ids = await provision(database_url, keyring)
    observer = await asyncpg.connect(database_url, server_settings={"role": "gateway_app"})
    await observer.execute("SELECT set_config('app.organization_ids', $1, false)", f"{{{ids.organization}}}")
    yield Stage(database, keyring, ids, observer)
    await observer.close()


# Work


CALLS: dict[str, Effect] = {
    "call_integration": CallIntegration(
        call="order#1", method="GET", url=("https://example.org/",), headers=(("Authorization", (Secret(name="KEY"),)),)
    ),
    "search": Search(call="order#2", query="opening hours"),
    "generate": Generate(call="order#3", prompt="When are you open?"),
    "send_email": SendEmail(to=("a@example.org",), subject="Hi", body="Hello"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CALLS)
async def test_a_call_waits_in_the_outbox_for_whoever_does_the_work(stage: Stage, kind: str) -> None:
    effect = CALLS[kind]
    bot, _ = scripted({"go": (Send(message=OutboundMessage(text="one moment")), effect)})
    await stage.say(bot, "go")
    row = await stage.row("SELECT * FROM effects WHERE lane = 'work'")
    said = await stage.row("SELECT * FROM effects WHERE lane = 'delivery'")
    assert (row["kind"], row["status"], row["due_at"]) == (kind, "pending", NOW)
    assert (row["lease_owner"], row["attempts"]) == (None, 0)
    assert row["key"] == getattr(effect, "call", None)
    assert row["position"] == said["position"] + 1
    assert msgspec.json.decode(row["payload"], type=type(effect)) == effect
    assert (row["organization_id"], row["channel_id"]) == (stage.ids.organization, stage.ids.telegram)
    assert row["conversation_id"] == said["conversation_id"]


async def test_a_cancelled_timer_leaves_the_call_of_its_name(stage: Stage) -> None:
    """A call and the timer that bounds it go by one name. A result that comes late is the engine's to ignore."""
    timer = StartTimer(timer="order#1", due_at=NOW + timedelta(seconds=10))
    bot, _ = scripted({"go": (timer, CALLS["call_integration"]), "stop": (CancelTimer(timer="order#1"),)})
    await stage.say(bot, "go")
    assert len(await stage.rows("SELECT id FROM effects WHERE key = 'order#1'")) == 2
    await stage.say(bot, "stop")
    assert [row["lane"] for row in await stage.rows("SELECT lane FROM effects WHERE key = 'order#1'")] == [
        "work"
    ]


@pytest.mark.parametrize(
    "body",
    [CallFinished(call="a#1", status=200), SearchFinished(call="a#1"), AnswerGenerated(call="a#1", text="x")],
    ids=lambda body: type(body).__name__,
)
async def test_a_result_is_an_event_and_no_message(stage: Stage, body: EventBody) -> None:
    bot, _ = scripted({})
    batch = await stage.run(bot, stage.event(body))
    assert batch.accepted[0][0].seq is None
    assert await stage.rows("SELECT id FROM messages") == []
    assert (await stage.row("SELECT status FROM inbox"))["status"] == "done"


# Records


async def test_what_is_recorded_can_be_counted_by_bot_and_time(stage: Stage) -> None:
    bot, _ = scripted({
        "go": (
            Record(kind="track", name="cart", properties={"items": 3}),
            Record(kind="feedback", name="support", properties={"rating": 5, "comment": "fine"}),
            Record(kind="priority", name="emergency"),
        )
    })  # fmt: skip
    await stage.say(bot, "go")
    rows = await stage.rows(
        "SELECT * FROM user_interactions WHERE chatbot_id = $1 ORDER BY id", stage.ids.bot
    )
    assert [(row["interaction_type"], row["name"]) for row in rows] == [
        ("track", "cart"), ("feedback", "support"), ("priority", "emergency"),
    ]  # fmt: skip
    assert [msgspec.json.decode(row["interaction_data"]) for row in rows] == [
        {"items": 3}, {"rating": 5, "comment": "fine"}, {},
    ]  # fmt: skip
    conversation = await stage.row("SELECT id, customer_id FROM conversations")
    for row in rows:
        assert row["conversation_id"] == conversation["id"]
        assert row["customer_id"] == conversation["customer_id"]
        assert (row["channel_id"], row["created_at"]) == (stage.ids.telegram, NOW)
    assert await stage.rows("SELECT id FROM consents") == []


@pytest.mark.parametrize(
    ("properties", "granted", "text"),
    [
        ({"granted": True, "text": "Send me news"}, True, "Send me news"),
        ({"granted": False, "text": "Send me news"}, False, "Send me news"),
        ({"granted": "yes", "text": "x"}, False, "x"),
        ({"granted": None}, False, ""),
        ({}, False, ""),
    ],
)
async def test_a_consent_is_proof_besides(
    stage: Stage, properties: dict[str, Any], granted: bool, text: str
) -> None:
    bot, _ = scripted({"go": (Record(kind="consent", name="newsletter", properties=properties),)})
    await stage.say(bot, "go")
    interaction = await stage.row("SELECT * FROM user_interactions")
    consent = await stage.row("SELECT * FROM consents")
    assert interaction["interaction_type"] == "consent"
    assert (consent["purpose"], consent["granted"], consent["text"]) == ("newsletter", granted, text)
    assert consent["recorded_at"] == NOW
    for name in ("id", "organization_id", "customer_id", "conversation_id", "channel_id", "chatbot_id"):
        assert consent[name] == interaction[name]


# Customers


async def test_a_customer_keeps_what_the_bot_remembers(stage: Stage) -> None:
    bot, script = scripted({
        "gold": (Remember(scope="customer", values={"tier": "gold", "since": 2026}),),
        "forget": (Remember(scope="customer", values={"tier": None}),),
    })  # fmt: skip
    await stage.say(bot, "gold")
    assert await stage.json("SELECT variables FROM customers") == {"tier": "gold", "since": 2026}
    await stage.say(bot, "look")
    await stage.say(bot, "forget")
    assert await stage.json("SELECT variables FROM customers") == {"since": 2026}
    await stage.say(bot, "look")
    assert [seen[1] for seen in script.seen] == [None, "gold", "gold", None]


async def test_a_null_within_a_remembered_value_stays(stage: Stage) -> None:
    bot, _ = scripted({"go": (Remember(scope="customer", values={"address": {"street": None}}),)})
    await stage.say(bot, "go")
    assert await stage.json("SELECT variables FROM customers") == {"address": {"street": None}}


async def test_events_of_one_batch_know_what_the_earlier_ones_did(stage: Stage) -> None:
    """Also in another conversation of the same customer."""
    bot, script = scripted({
        "gold": (Remember(scope="customer", values={"tier": "gold"}), UpdateCustomer(language="de", opted_out=True)),
        "silver": (Remember(scope="customer", values={"tier": "silver"}),),
        "back": (UpdateCustomer(opted_out=False),),
    })  # fmt: skip
    first, second = ("7", "ada"), ("8", "ada")
    said = [("look", *first), ("gold", *first), ("look", *second), ("silver", *second), ("back", *first),
            ("look", *first), ("look", "9", "bob")]  # fmt: skip
    await stage.run(bot, *(stage.event(text, chat, sender) for text, chat, sender in said))
    assert [(text, tier, language, out) for text, tier, _, language, out in script.seen] == [
        ("look", None, "en", False),
        ("gold", None, "en", False),
        ("look", "gold", "de", True),
        ("silver", "gold", "de", True),
        ("back", "silver", "de", True),
        ("look", "silver", "de", False),
        ("look", None, "en", False),
    ]
    ada, bob = await stage.rows("SELECT * FROM customers ORDER BY variables = '{}'")
    assert (msgspec.json.decode(ada["variables"]), ada["language"], ada["opted_out_at"]) == (
        {"tier": "silver"}, "de", None,
    )  # fmt: skip
    assert (bob["variables"], bob["language"], bob["opted_out_at"]) == ("{}", "en", None)


async def test_who_opts_out_again_opted_out_the_first_time(stage: Stage) -> None:
    bot, script = scripted(
        {"stop": (UpdateCustomer(opted_out=True),), "start": (UpdateCustomer(opted_out=False),)}
    )
    await stage.say(bot, "stop")
    assert (await stage.row("SELECT opted_out_at FROM customers"))["opted_out_at"] == NOW
    async with stage.database.owner() as owner:
        await owner.execute("ALTER TABLE customers NO FORCE ROW LEVEL SECURITY")
        await owner.execute("UPDATE customers SET opted_out_at = $1", NOW - timedelta(days=3))
        await owner.execute("ALTER TABLE customers FORCE ROW LEVEL SECURITY")
    await stage.say(bot, "stop")
    kept = await stage.row("SELECT opted_out_at, language, reachable FROM customers")
    assert kept == {"opted_out_at": NOW - timedelta(days=3), "language": "en", "reachable": True}
    await stage.say(bot, "start")
    assert (await stage.row("SELECT opted_out_at FROM customers"))["opted_out_at"] is None
    assert [seen[4] for seen in script.seen] == [False, True, True]


async def test_a_customer_who_blocks_the_bot_keeps_everything_else(stage: Stage) -> None:
    bot, _ = scripted(
        {"go": (Remember(scope="customer", values={"tier": "gold"}), UpdateCustomer(opted_out=True))}
    )
    await stage.run(bot, stage.event("go"), stage.event(ContactabilityChanged(reachable=False)))
    row = await stage.row("SELECT reachable, variables, opted_out_at, language FROM customers")
    assert row == {"reachable": False, "variables": '{"tier": "gold"}', "opted_out_at": NOW, "language": "en"}
    await stage.run(bot, stage.event(ContactabilityChanged(reachable=True)))
    assert (await stage.row("SELECT reachable, variables FROM customers"))["reachable"] is True


# Bots


async def test_what_a_bot_remembers_is_known_in_all_its_conversations_at_once(stage: Stage) -> None:
    bot, script = scripted({
        "one": (Remember(scope="bot", values={"visits": 1, "open": True}),),
        "two": (Remember(scope="bot", values={"visits": 2, "open": None}),),
    })  # fmt: skip
    telegram, page = await stage.channel(), await stage.channel(web=True)
    await stage.run(bot, stage.event("one", "1"), stage.event("look", "2"), channel=telegram)
    await stage.run(bot, stage.event("two", "1"), channel=page)
    await stage.run(bot, stage.event("look", "3"), channel=telegram)
    assert [seen[2] for seen in script.seen] == [0, 1, 1, 2]
    assert await stage.json("SELECT variables FROM chatbots") == {"visits": 2}
    assert telegram.variables == page.variables == {"visits": 2}


async def test_other_workers_learn_a_bots_variables_at_their_next_look(stage: Stage) -> None:
    other = stage.open_directory()
    there = await stage.channel(other)
    bot, _ = scripted({"one": (Remember(scope="bot", values={"visits": 1}),)})
    await stage.say(bot, "one")
    assert there.variables == {}
    await other.refresh()
    assert there.variables == (await stage.channel(other)).variables == {"visits": 1}


async def test_an_answer_that_is_older_than_our_own_commit_does_not_undo_it(stage: Stage) -> None:
    bot, _ = scripted({"one": (Remember(scope="bot", values={"visits": 1}),)})
    channel = await stage.channel()
    asked_at = asyncio.get_running_loop().time()  # monotonic seconds, as the directory's
    await stage.say(bot, "one")
    channel.shared.refresh({}, asked_at)
    assert channel.variables == {"visits": 1}
    channel.shared.refresh({"visits": 5}, asyncio.get_running_loop().time() + 1)
    assert channel.variables == {"visits": 5}


async def test_what_changes_nothing_wakes_no_directory(stage: Stage) -> None:
    bot, _ = scripted({"one": (Remember(scope="bot", values={"visits": 1}),)})
    await stage.say(bot, "one")
    assert (await stage.row("SELECT updated_at FROM chatbots"))["updated_at"] == NOW
    async with stage.database.owner() as owner:
        await owner.execute("ALTER TABLE chatbots NO FORCE ROW LEVEL SECURITY")
        await owner.execute("UPDATE chatbots SET updated_at = $1", NOW - timedelta(days=1))
        await owner.execute("ALTER TABLE chatbots FORCE ROW LEVEL SECURITY")
    await stage.say(bot, "one")
    assert (await stage.row("SELECT updated_at FROM chatbots"))["updated_at"] == NOW - timedelta(days=1)


# Too large


@pytest.mark.parametrize("scope", ["customer", "bot"])
async def test_variables_that_would_become_too_large_stay_as_they_were_and_it_is_told(
    stage: Stage, scope: Any
) -> None:
    almost = "x" * (MAX_VARIABLES_BYTES - 100)
    bot, _ = scripted({
        "fits": (Remember(scope=scope, values={"a": almost}),),
        "too much": (Remember(scope=scope, values={"b": "y" * 200}), Send(message=OutboundMessage(text="done"))),
        "instead": (Remember(scope=scope, values={"a": None, "b": "y" * 200}),),
    })  # fmt: skip
    table = "customers" if scope == "customer" else "chatbots"
    batch = await stage.say(bot, "fits", "too much")
    assert await stage.json(f"SELECT variables FROM {table}") == {"a": almost}
    ((conversation, outcome),) = batch.decider.troubles
    (error,) = [entry for entry in outcome.trace if entry.kind == "error"]
    assert str(MAX_VARIABLES_BYTES) in error.detail and "y" * 200 not in error.detail
    assert conversation == (await stage.row("SELECT id FROM conversations"))["id"]
    assert [send.send.message.text for send in batch.outgoing] == ["done"], "the turn itself went on"
    batch = await stage.say(bot, "instead")
    assert batch.decider.troubles == []
    assert await stage.json(f"SELECT variables FROM {table}") == {"b": "y" * 200}


async def test_the_database_has_the_last_word_on_the_size(stage: Stage) -> None:
    """Two workers that each stay within the bound may together pass it."""
    bot, _ = scripted({})
    await stage.say(bot, "hello")
    customer = (await stage.row("SELECT id FROM customers"))["id"]
    half = "x" * (MAX_VARIABLES_BYTES - 100)
    for name, refused in (("a", False), ("b", False), ("c", True)):
        async with stage.database.raw() as connection:
            await turns.begin(connection, [stage.ids.organization])
            change = CustomerChange(variables={name: half}, language=name)
            assert await turns.change_customers(connection, {customer: change}, NOW) == (
                {customer} if refused else frozenset()
            )
            shared = await turns.change_bots(connection, {stage.ids.bot: {name: half}}, NOW)
            assert shared[stage.ids.bot].refused is refused
            await connection.execute("COMMIT")
        assert (await stage.row("SELECT language FROM customers"))["language"] == name, "the rest is written"
    for table in ("customers", "chatbots"):
        assert set(await stage.json(f"SELECT variables FROM {table}")) == {"a", "b"}


# Together with the turn


async def test_a_batch_that_the_database_refuses_leaves_nothing(stage: Stage) -> None:
    """PostgreSQL takes no null character into jsonb; here the very last of the batch's statements meets one."""
    bot, _ = scripted({
        "go": (
            Send(message=OutboundMessage(text="hi")),
            *CALLS.values(),
            Record(kind="consent", name="news", properties={"granted": True}),
            UpdateCustomer(opted_out=True),
            Remember(scope="customer", values={"tier": "gold"}),
            Remember(scope="bot", values={"visits": 1}),
        ),
        "bad": (Remember(scope="bot", values={"x": "\0"}),),
    })  # fmt: skip
    channel = await stage.channel()
    with pytest.raises(asyncpg.UntranslatableCharacterError):
        await stage.say(bot, "go", "bad")
    for table in (
        "conversations",
        "customers",
        "inbox",
        "messages",
        "effects",
        "user_interactions",
        "consents",
    ):
        assert await stage.rows(f"SELECT id FROM {table}") == [], table
    assert await stage.json("SELECT variables FROM chatbots") == {}
    assert channel.variables == {}
    await stage.say(bot, "go")
    assert len(await stage.rows("SELECT id FROM effects")) == 5
    assert len(await stage.rows("SELECT id FROM consents")) == 1
    assert channel.variables == {"visits": 1}


async def test_an_event_that_comes_twice_is_recorded_once(stage: Stage) -> None:
    bot, _ = scripted({"go": (Record(kind="consent", name="news"), *CALLS.values())})
    event = stage.event("go")
    await stage.run(bot, event, event)
    await stage.run(bot, event)
    for table, count in (("user_interactions", 1), ("consents", 1), ("effects", 4)):
        assert len(await stage.rows(f"SELECT id FROM {table}")) == count, table


@pytest.mark.parametrize("whose", ["customer", "bot"])
async def test_two_workers_that_remember_at_the_same_moment_both_do(stage: Stage, whose: str) -> None:
    bot, _ = scripted({})
    await stage.say(bot, "hello")
    customer = (await stage.row("SELECT id FROM customers"))["id"]

    async def change(connection: Any, values: dict[str, Any]) -> Any:
        if whose == "bot":
            return await turns.change_bots(connection, {stage.ids.bot: values}, NOW)
        return await turns.change_customers(connection, {customer: CustomerChange(variables=values)}, NOW)

    async with stage.database.raw() as first, stage.database.raw() as second:
        for connection in (first, second):
            await turns.begin(connection, [stage.ids.organization])
        await change(first, {"a": 1, "both": 1})
        waiting = asyncio.create_task(change(second, {"b": 2, "both": 2}))
        await asyncio.sleep(0.1)
        assert not waiting.done(), "the row is the first one's until it commits"
        await first.execute("COMMIT")
        found = await waiting
        await second.execute("COMMIT")
    together = {"a": 1, "b": 2, "both": 2}
    assert (
        await stage.json(f"SELECT variables FROM {'chatbots' if whose == 'bot' else 'customers'}") == together
    )
    if whose == "bot":
        assert msgspec.json.decode(found[stage.ids.bot].variables) == together


async def test_workers_that_change_the_same_rows_in_other_orders_do_not_meet_deadly(stage: Stage) -> None:
    bot, _ = scripted({})
    await stage.run(bot, *(stage.event("hello", str(chat)) for chat in range(20)))
    customers = [row["id"] for row in await stage.rows("SELECT id FROM customers")]

    async def change(order: list[UUID], name: str) -> None:
        for number in range(25):
            async with stage.database.raw() as connection:
                await turns.begin(connection, [stage.ids.organization])
                changes = {id: CustomerChange(variables={name: number}) for id in order}
                await turns.change_customers(connection, changes, NOW)
                await connection.execute("COMMIT")

    await asyncio.gather(change(customers, "a"), change(customers[::-1], "b"), change(sorted(customers), "c"))
    assert {row["variables"] for row in await stage.rows("SELECT variables FROM customers")} == {
        '{"a": 24, "b": 24, "c": 24}'
    }


# The transcript


async def test_the_transcript_keeps_what_a_message_shows_besides_its_text(stage: Stage) -> None:
    message = OutboundMessage(
        text="Look",
        choices=(Choice(id="a", title="A"),),
        media=(Media(kind="image", url="https://example.org/a.png", alt="a"),),
        cards=(Card(title="C", buttons=(CardButton(title="B", id="b"),)),),
        request="location",
    )
    bot, _ = scripted({
        "all": (Send(message=message),),
        "some": (Send(message=OutboundMessage(media=message.media, language="de")),),
        "none": (Send(message=OutboundMessage(text="plain", language="de")),),
    })  # fmt: skip
    await stage.say(bot, "all", "some", "none")
    rows = await stage.rows("SELECT content, payload FROM messages WHERE sender_type = 'bot' ORDER BY seq")
    assert [row["content"] for row in rows] == ["Look", "", "plain"]
    whole, some, none = (msgspec.json.decode(row["payload"]) for row in rows)
    assert whole == {
        "choices": [{"id": "a", "title": "A"}],
        "media": [{"kind": "image", "url": "https://example.org/a.png", "alt": "a"}],
        "cards": [{"title": "C", "buttons": [{"title": "B", "id": "b"}]}],
        "request": "location",
    }
    assert (set(some), none) == ({"media"}, {})
