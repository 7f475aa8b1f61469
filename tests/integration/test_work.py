"""Work from its row to its turn: at once, once, and by another worker when one is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope

from engine.effects import CallIntegration, Generate, Search, Secret, SendEmail
from gateway import metrics
from gateway.work.email import Mailer, NotSent, mail_server
from gateway.worker import utc_now
from storage import bots, channels
from storage.deliveries import DueWork
from storage.flows import add_flow_version
from storage.ids import new_id
from storage.publishing import publish
from storage.secrets import set_secret
from tests.integration.relay import Relay
from tests.integration.road import LEASE_SECONDS, Road, Running, open_road, until
from tests.integration.test_work_http import certificate
from tests.pace import slowness

QUIET_SECONDS = 1.2
"""Longer than two sweeps."""
LOOPBACK: dict[str, Any] = {"http_allowed_hosts": "127.0.0.1"}


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


class Crm:
    """The service that flows call."""

    def __init__(self) -> None:
        self.port = 0
        self.keys: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.hold: asyncio.Event | None = None
        self.status = 200
        self.at_once = 0
        self.most_at_once = 0

    def url(self, path: str = "/orders") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers["idempotency-key"])
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.hold is not None and request.path != "/fast":
                await self.hold.wait()
            return web.json_response({"order": 17}, status=self.status)
        finally:
            self.at_once -= 1


@pytest.fixture
async def crm() -> AsyncIterator[Crm]:
    crm = Crm()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", crm.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    crm.port = runner.addresses[0][1]
    yield crm
    if crm.hold is not None:
        crm.hold.set()
    await runner.cleanup()


def after_the_lease() -> datetime:
    """The clock of a worker for which every lease of now is over."""
    return utc_now() + timedelta(seconds=LEASE_SECONDS + 2)


def just_before() -> datetime:
    """The clock of a worker for which no lease of now is over."""
    return utc_now() + timedelta(seconds=LEASE_SECONDS - 3)


async def write(road: Road, effect: Any, *, chat: int = 7, payload: str | None = None) -> DueWork:
    """A row as a turn of this chat would have left it. The chat has said something before."""
    (conversation,) = await road.rows(
        "SELECT id, channel_id FROM conversations WHERE contact_key = $1", str(chat)
    )
    due = DueWork(id=new_id(), organization_id=road.ids.organization, channel_id=conversation["channel_id"])
    await road.observer.execute(
        "INSERT INTO effects (id, organization_id, conversation_id, channel_id, lane, kind, position, key, payload,"
        " due_at, created_at) VALUES ($1, $2, $3, $4, 'work', $5, 1, $6, $7, $8, $8)",
        due.id, due.organization_id, conversation["id"], due.channel_id, type(effect).__struct_config__.tag,
        getattr(effect, "call", None), payload or msgspec.json.encode(effect).decode(), utc_now(),
    )  # fmt: skip
    return due


def order(crm: Crm, path: str = "/orders", **changes: Any) -> CallIntegration:
    return CallIntegration(**{"call": "order#1", "method": "GET", "url": (crm.url(path),)} | changes)


async def met(road: Road, *chats: int) -> None:
    """These chats exist; nobody has work to do."""
    async with road.worker() as worker:
        for chat in chats or (7,):
            assert await worker.say(chat, chat, "hi") == 200
            await road.delivered(chat, "echo hi")


async def results(road: Road, id: UUID) -> list[dict[str, Any]]:
    """What entered the conversation for an effect: the bodies of its events."""
    rows = await road.rows(
        "SELECT event FROM inbox WHERE external_id LIKE '%' || $1::text AND status = 'done'", str(id)
    )
    return [msgspec.json.decode(row["event"])["body"] for row in rows]


async def answered(road: Road, id: UUID) -> dict[str, Any]:
    async def done() -> bool:
        return bool(await results(road, id))

    await until(done)
    (body,) = await results(road, id)
    return body


async def version(road: Road, chat: int = 7) -> int:
    (row,) = await road.rows("SELECT state_version FROM conversations WHERE contact_key = $1", str(chat))
    return int(row["state_version"])


async def test_a_call_is_made_and_its_result_enters_by_one_turn(road: Road, crm: Crm) -> None:
    await met(road)
    before = await version(road)
    due = await write(road, order(crm))
    async with road.worker(**LOOPBACK):
        body = await answered(road, due.id)
    assert (body["type"], body["call"], body["status"], body["body"]) == (
        "call_finished", "order#1", 200, {"order": 17},
    )  # fmt: skip
    assert await version(road) == before + 1
    assert await road.count("effects") == 0
    assert crm.keys == [str(due.id)]
    assert await road.count("inbox", f"external_id = 'call_integration:{due.id}'") == 1


async def test_what_is_offered_after_a_commit_starts_at_once(road: Road, crm: Crm) -> None:
    await met(road)
    async with road.worker(**LOOPBACK) as worker:
        waits = []
        for _ in range(6):
            due = await write(road, order(crm))
            began = time.perf_counter()
            worker.worker.work.offer([due])
            await answered(road, due.id)
            waits.append(time.perf_counter() - began)
    assert sorted(waits)[3] < 0.2 * slowness(), waits


async def test_a_closed_address_is_an_error_result(road: Road, crm: Crm) -> None:
    await met(road)
    due = await write(road, order(crm))
    async with road.worker():
        assert (await answered(road, due.id))["error"] == "refused: the address is not public"
    assert crm.keys == []


async def test_secrets_are_those_of_the_bot(road: Road, crm: Crm) -> None:
    await met(road)
    async with road.database.transaction([road.ids.organization]) as connection:
        await set_secret(
            connection,
            await road.change(),
            road.keyring,
            chatbot_id=road.ids.bot,
            name="crm_key",
            value="t0p-secret",
        )
    headers = (("X-Key", (Secret(name="crm_key"),)),)
    there = await write(road, order(crm, headers=headers))
    absent = await write(road, order(crm, headers=(("X-Key", (Secret(name="absent"),)),)))
    async with road.worker(**LOOPBACK):
        assert (await answered(road, there.id))["status"] == 200
        assert (await answered(road, absent.id))["error"] == 'refused: the secret "absent" is not set'
    assert [seen["x-key"] for seen in crm.headers] == ["t0p-secret"]
    assert "t0p-secret" not in str(await road.rows("SELECT event FROM inbox"))


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        (Search(call="s#1", query="x"), "search_finished"),
        (Generate(call="g#1", prompt="x"), "answer_generated"),
    ],
)
async def test_what_there_is_no_worker_for_is_answered_at_once(road: Road, effect: Any, kind: str) -> None:
    await met(road)
    due = await write(road, effect)
    async with road.worker():
        body = await answered(road, due.id)
    assert (body["type"], body["call"]) == (kind, effect.call)
    assert body["error"].startswith("not available: ")


async def test_a_call_that_can_not_be_read_is_an_error_result(road: Road, crm: Crm) -> None:
    await met(road)
    due = await write(road, order(crm), payload='{"type": "call_integration", "call": 7}')
    async with road.worker(**LOOPBACK):
        body = await answered(road, due.id)
    assert (body["call"], body["error"]) == ("order#1", "the stored effect can't be read")
    assert await road.count("effects") == 0


def asking(crm: Crm) -> dict[str, Any]:
    """A flow that calls, and says what came of it."""
    nodes: list[dict[str, Any]] = [
        {
            "id": "ask",
            "type": "http",
            "config": {"url": crm.url(), "save": {"number": "response.body.order"}},
            "connections": [{"target": "tell"}],
        },
        {"id": "tell", "type": "message", "config": {"message": "order {{number}}"}},
    ]
    return {"start_node": "ask", "nodes": nodes}


async def test_a_flow_calls_and_goes_on_at_once_with_the_answer(road: Road, crm: Crm) -> None:
    async with road.database.transaction([road.ids.organization]) as connection:
        change = await road.change()
        flow = await add_flow_version(
            connection, change, chatbot_id=road.ids.bot, flow_id="road", definition=asking(crm)
        )
        await publish(connection, change, flow.id)
    waits = []
    async with road.worker(**LOOPBACK) as worker:
        for chat in range(7, 12):
            began = time.perf_counter()
            assert await worker.say(chat, chat, "hi") == 200
            await road.delivered(chat, "order 17")
            waits.append(time.perf_counter() - began)
    # A sweep would take a quarter of a second more on average.
    assert sorted(waits)[2] < 0.3 * slowness(), waits
    assert await road.count("effects", "lane = 'work'") == 0


# One worker gone, another there


@asynccontextmanager
async def in_the_middle(road: Road, crm: Crm, **settings: Any) -> AsyncIterator[tuple[Running, DueWork]]:
    """A worker that is waiting for an answer."""
    await met(road)
    due = await write(road, order(crm))
    crm.hold = asyncio.Event()
    async with road.worker(**LOOPBACK, **settings) as worker:
        await until(lambda: len(crm.keys) == 1)
        yield worker, due


async def test_a_call_is_made_again_after_the_lease_and_causes_one_turn(road: Road, crm: Crm) -> None:
    async with in_the_middle(road, crm) as (still, due):
        before = await version(road)
        await still.worker.sweeper.stop()  # it renews no lease any more
        async with road.worker(clock=just_before, **LOOPBACK):  # the control: it is still leased
            await asyncio.sleep(QUIET_SECONDS)
            assert len(crm.keys) == 1
        assert crm.hold is not None
        async with road.worker(clock=after_the_lease, **LOOPBACK):
            await until(lambda: len(crm.keys) == 2)
            crm.hold.set()  # both are answered, both enter it
            await answered(road, due.id)
            await until(lambda: not still.worker.work.held)
            await asyncio.sleep(0.3)
        assert crm.keys == [str(due.id)] * 2
        assert len(await results(road, due.id)) == 1
        assert await version(road) == before + 1
        assert await road.count("effects") == 0


async def test_a_lease_is_renewed_while_the_answer_is_awaited(road: Road, crm: Crm) -> None:
    async with in_the_middle(road, crm) as (_, due):
        query = "SELECT lease_until FROM effects WHERE id = $1"
        (first,) = await road.rows(query, due.id)

        async def renewed() -> bool:
            (now,) = await road.rows(query, due.id)
            return bool(now["lease_until"] > first["lease_until"] + timedelta(seconds=1))

        await until(renewed)
        assert len(crm.keys) == 1


async def test_work_that_is_another_workers_by_now_is_dropped(road: Road, crm: Crm) -> None:
    async with in_the_middle(road, crm) as (worker, due):
        await road.observer.execute("UPDATE effects SET lease_owner = $1 WHERE id = $2", new_id(), due.id)
        await until(lambda: not worker.worker.work.held)
        assert await results(road, due.id) == []


async def test_a_worker_that_shuts_down_lets_its_calls_end(road: Road, crm: Crm) -> None:
    async with in_the_middle(road, crm) as (worker, due):
        stopping = asyncio.create_task(worker.stop())
        await asyncio.sleep(0.2)
        assert crm.hold is not None
        crm.hold.set()
        await stopping
    assert (await results(road, due.id))[0]["status"] == 200
    assert await road.count("effects") == 0


async def test_a_worker_that_shuts_down_lets_go_of_calls_that_do_not_end(road: Road, crm: Crm) -> None:
    async with in_the_middle(road, crm, drain_seconds=0.4) as (worker, due):
        await worker.stop()
        assert await road.count("effects", "lease_owner IS NOT NULL") == 0
        assert crm.hold is not None
        crm.hold.set()
        async with road.worker(**LOOPBACK):
            assert (await answered(road, due.id))["status"] == 200


async def test_a_result_outlives_a_database_that_is_away(road: Road, crm: Crm) -> None:
    await met(road)
    due = await write(road, order(crm))
    crm.hold = asyncio.Event()
    async with Relay(road.database_url) as relay, road.worker(database_url=relay.url, **LOOPBACK):
        await until(lambda: len(crm.keys) == 1)
        await relay.cut()
        crm.hold.set()
        await asyncio.sleep(0.5)
        await relay.open()
        assert (await answered(road, due.id))["status"] == 200
    assert len(crm.keys) == 1


async def test_several_workers_make_each_call_once(road: Road, crm: Crm) -> None:
    await met(road)
    async with road.worker(**LOOPBACK) as one, road.worker(**LOOPBACK) as two:
        due = [await write(road, order(crm, call=f"order#{number}")) for number in range(40)]
        one.worker.work.offer(due)
        two.worker.work.offer(due)
        for item in due:
            await answered(road, item.id)
    assert sorted(crm.keys) == sorted(str(item.id) for item in due)


async def test_a_call_that_was_taken_up_too_often_is_given_up(road: Road, crm: Crm) -> None:
    await met(road)
    due = await write(road, order(crm))
    await road.observer.execute("UPDATE effects SET attempts = 10 WHERE id = $1", due.id)
    async with road.worker(**LOOPBACK):
        assert (await answered(road, due.id))["error"] == "given up after 10 tries"
    assert crm.keys == []


async def test_the_work_of_a_disabled_channel_waits_until_it_is_back(road: Road, crm: Crm) -> None:
    await met(road)
    due = await write(road, order(crm))

    async def become(status: Any) -> None:
        async with road.database.transaction([road.ids.organization]) as connection:
            await channels.set_status(connection, await road.change(), road.ids.telegram, status)

    await become("disabled")
    async with road.worker(**LOOPBACK):
        await asyncio.sleep(QUIET_SECONDS)
        assert crm.keys == []
        assert await road.count("effects", "attempts = 0") == 1
        await become("active")
        await answered(road, due.id)


# Room


async def test_a_slow_bot_holds_up_no_other_one(road: Road, crm: Crm) -> None:
    """40 calls of the Telegram channel's bot hang; a call of another bot's channel is made meanwhile."""
    await met(road)
    async with road.database.transaction([road.ids.organization]) as connection:
        change = await road.change()
        other = await bots.save_chatbot(connection, change, slug="other", name="Other")
        channel = await channels.create_channel(
            connection, change, road.keyring, chatbot_id=other.id, type="web", name="Other", route="o" * 20,
            config={"session_secret": "s" * 40}, secret_paths=["/session_secret"],
        )  # fmt: skip
    crm.hold = asyncio.Event()
    for number in range(40):
        await write(road, order(crm, call=f"slow#{number}"))
    async with road.worker(**LOOPBACK, drain_seconds=0.2):
        await until(lambda: len(crm.keys) >= 16)
        fast = await write(road, order(crm, "/fast"))
        await road.observer.execute("UPDATE effects SET channel_id = $1 WHERE id = $2", channel.id, fast.id)
        await until(lambda: str(fast.id) in crm.keys)
        assert (len(crm.keys), crm.most_at_once) == (17, 17)


async def test_what_had_no_room_is_taken_as_soon_as_there_is(road: Road, crm: Crm) -> None:
    await met(road)
    crm.hold = asyncio.Event()
    due = [await write(road, order(crm, call=f"order#{number}")) for number in range(20)]
    async with road.worker(**LOOPBACK, work_concurrency=2):
        await until(lambda: len(crm.keys) == 2)
        crm.hold.set()
        began = time.perf_counter()
        for item in due:
            await answered(road, item.id)
        assert time.perf_counter() - began < 3.5  # nine sweeps take four seconds
    assert crm.most_at_once == 2


# E-mail


class Mailbox:
    """What an SMTP server took, and what it refuses."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], Message]] = []
        self.refuse: dict[str, str] = {}
        self.refuse_data = ""
        self.settings: dict[str, Any] = {"smtp_url": "", "smtp_from": "Bot <bot@example.org>"}

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        if answer := self.refuse.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse_data:
            return self.refuse_data
        assert isinstance(envelope.content, bytes)
        self.taken.append((list(envelope.rcpt_tos), message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox), "127.0.0.1", 0)
    mailbox.settings["smtp_url"] = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield mailbox
    server.close()
    await server.wait_closed()


MAIL = SendEmail(to=("a@example.com",), subject="Hi", body="Hello")


async def the_row(road: Road) -> Any:
    (row,) = await road.rows("SELECT status, last_error, due_at, attempts, payload, lease_owner FROM effects")
    return row


async def test_a_mail_is_handed_in_once(road: Road, mailbox: Mailbox) -> None:
    await met(road)
    due = await write(road, MAIL)
    async with road.worker(**mailbox.settings):
        await until(lambda: mailbox.taken)
        await road.settled()
        await asyncio.sleep(QUIET_SECONDS)
    ((to, message),) = mailbox.taken
    assert (to, message["subject"]) == (["a@example.com"], "Hi")
    assert message["message-id"] == f"<{due.id}@example.org>"
    assert await road.count("effects") == 0


async def test_without_a_server_a_mail_is_a_dead_letter_at_once(road: Road) -> None:
    await met(road)
    failed = metrics.effects("send_email", "failed")
    before = failed._value.get()
    await write(road, MAIL)
    async with road.worker():
        await road.settled()
    row = await the_row(road)
    assert row["status"] == "dead"
    assert row["last_error"] == "refused: e-mail is not configured (GATEWAY_SMTP_URL)"
    assert failed._value.get() == before + 1


async def test_a_mail_that_the_server_never_takes_is_a_dead_letter(road: Road, mailbox: Mailbox) -> None:
    await met(road)
    mailbox.refuse_data = "554 no spam here"
    await write(road, MAIL)
    async with road.worker(**mailbox.settings):
        await road.settled()
    row = await the_row(road)
    assert (row["status"], row["last_error"]) == ("dead", "554 no spam here")


async def test_a_mail_that_the_server_may_take_later_is_tried_again(road: Road, mailbox: Mailbox) -> None:
    await met(road)
    mailbox.refuse_data = "451 come again"
    due = await write(road, MAIL)
    async with road.worker(**mailbox.settings):

        async def postponed() -> bool:
            return bool(await road.count("effects", "last_error IS NOT NULL"))

        await until(postponed)
        row = await the_row(road)
        assert (row["status"], row["last_error"], row["lease_owner"]) == ("pending", "451 come again", None)
        assert 5 < (row["due_at"] - utc_now()).total_seconds() < 13
        mailbox.refuse_data = ""
        await road.observer.execute("UPDATE effects SET due_at = now()")
        await until(lambda: mailbox.taken)
        await road.settled()
    assert mailbox.taken[0][1]["message-id"] == f"<{due.id}@example.org>"


async def test_a_mail_is_given_up_after_a_day(road: Road, mailbox: Mailbox) -> None:
    await met(road)
    mailbox.refuse_data = "451 come again"
    await write(road, MAIL)
    await road.observer.execute("UPDATE effects SET created_at = now() - interval '25 hours', attempts = 30")
    async with road.worker(**mailbox.settings):
        await road.settled()
    assert (await the_row(road))["status"] == "dead"


async def test_only_those_who_did_not_get_it_get_it_later(road: Road, mailbox: Mailbox) -> None:
    await met(road)
    mailbox.refuse = {"b@example.com": "450 mailbox busy", "c@example.com": "550 nobody"}
    await write(
        road, SendEmail(to=("a@example.com", "b@example.com", "c@example.com"), subject="Hi", body="x")
    )
    async with road.worker(**mailbox.settings):

        async def postponed() -> bool:
            return bool(await road.count("effects", "last_error IS NOT NULL"))

        await until(postponed)
        mailbox.refuse = {}
        await road.observer.execute("UPDATE effects SET due_at = now()")
        await road.settled()
    assert [to for to, _ in mailbox.taken] == [["a@example.com"], ["b@example.com"]]


async def test_a_server_that_is_away_loses_no_mail(road: Road) -> None:
    await met(road)
    await write(road, MAIL)
    async with road.worker(smtp_url="smtp://127.0.0.1:1", smtp_from="bot@example.org"):

        async def postponed() -> bool:
            return bool(await road.count("effects", "last_error IS NOT NULL"))

        await until(postponed)
    row = await the_row(road)
    assert row["status"] == "pending"
    assert row["last_error"].startswith("the mail server can't be reached")


async def test_a_wrong_address_is_a_dead_letter(road: Road, mailbox: Mailbox) -> None:
    await met(road)
    await write(road, SendEmail(to=("a@example.com\nBcc: v@example.com",), subject="Hi", body="x"))
    async with road.worker(**mailbox.settings):
        await road.settled()
    assert (await the_row(road))["last_error"] == "refused: recipient 1 is no e-mail address"
    assert mailbox.taken == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_whose_certificate_nobody_vouches_for_gets_no_mail(
    scheme: str, tmp_path: Path
) -> None:
    mailbox, context = Mailbox(), certificate(tmp_path, "localhost")
    tls: Any = {"ssl": context} if scheme == "smtps" else {}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, tls_context=None if tls else context), "127.0.0.1", 0, **tls
    )
    url = f"{scheme}://me:pass@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        with pytest.raises(NotSent) as caught:
            await Mailer(mail_server(url, "bot@example.org")).send(MAIL, new_id(), utc_now())
    assert caught.value.left == MAIL.to
    assert mailbox.taken == []


# Short timers


async def test_a_short_timer_fires_at_its_time(road: Road) -> None:
    async with road.worker() as worker:
        lateness = []
        for chat in (7, 8, 9):
            assert await worker.say(chat, chat, "wait x") == 200
            (row,) = await road.rows("SELECT due_at FROM effects WHERE lane = 'timer'")
            await road.delivered(chat, "ask wait x", "late wait x")
            lateness.append((utc_now() - row["due_at"]).total_seconds())
    assert sorted(lateness)[1] < 0.15, lateness
