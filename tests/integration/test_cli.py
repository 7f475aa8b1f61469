"""The command line: the real command, real PostgreSQL and Valkey, Telegram's mock."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from engine.events import InboundEvent, Sender, TextReceived
from storage.database import Database
from storage.ids import new_id
from tests.integration.command import Commander, Done
from tests.pace import slowness
from tests.platforms.telegram import DEFAULT_TOKEN, MockTelegram

HELLO = Path(__file__).parents[2] / "docs" / "examples" / "hello.json"
SECRET = DEFAULT_TOKEN.partition(":")[2]


@pytest.fixture
async def telegram() -> AsyncIterator[MockTelegram]:
    async with MockTelegram().running() as mock:
        yield mock


@pytest.fixture
def gateway(tmp_path: Path, database_url: str, redis_url: str) -> Commander:
    """The command against the session's servers and a fresh database."""
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    return Commander(folder=tmp_path, variables=servers)


@pytest.fixture
async def hello(gateway: Commander) -> Commander:
    """The same with a published bot `hello`."""
    ok(await gateway("bot", "publish", HELLO, "--bot", "hello"))
    return gateway


def ok(done: Done) -> str:
    assert done.code == 0, done
    return done.out


async def test_help_is_quick_and_lists_the_commands(tmp_path: Path) -> None:
    gateway = Commander(folder=tmp_path)
    began = time.perf_counter()
    best = None
    for _ in range(3):
        out = ok(await gateway("--help"))
        best = min(best or 99.0, time.perf_counter() - began)
        began = time.perf_counter()
    for name in ("serve", "migrate", "doctor", "keys", "channel", "bot", "inbox"):
        assert f"  {name} " in out
    assert best is not None
    assert best < 1.0 * slowness()  # 0.2 s on an idle machine


async def test_a_wrong_setting_ends_every_command_with_its_name(tmp_path: Path) -> None:
    gateway = Commander(folder=tmp_path, variables={"GATEWAY_PORT": "none", "GATEWAY_POORT": "1"})
    for command in (["serve"], ["migrate"], ["bot", "list"]):
        done = await gateway(*command)
        assert done.code == 2, done
        assert "Error: GATEWAY_PORT: " in done.err
        assert "Did you mean GATEWAY_PORT?" in done.err
        assert "Traceback" not in done.err


async def test_an_unreachable_database_is_one_clear_line(tmp_path: Path) -> None:
    url = "postgresql://bot:geheim12@127.0.0.1:9/none"
    gateway = Commander(folder=tmp_path, variables={"DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:9"})
    done = await gateway("bot", "list")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1, done
    assert "gateway doctor" in done.err
    assert "geheim12" not in done.err


async def test_checking_a_flow_lists_every_problem_with_place_and_mend(tmp_path: Path) -> None:
    gateway = Commander(folder=tmp_path)
    assert "no problem" in ok(await gateway("bot", "check", HELLO))
    wrong = tmp_path / "wrong.json"
    nodes = [{"id": "a", "type": "mesage", "config": {}, "connections": [{"target": "nowhere"}]}]
    wrong.write_text(json.dumps({"start_node": "b", "nodes": nodes}))
    done = await gateway("bot", "check", wrong)
    assert done.code == 2
    assert 'wrong.json: start_node: there is no node "b".' in done.err
    assert 'wrong.json: nodes[0].type: there is no type of node "mesage". Did you mean "message"?' in done.err
    assert not (tmp_path / ".gateway").exists()


async def test_publishing_makes_versions_and_knows_when_nothing_changed(gateway: Commander) -> None:
    assert "Published hello 1.0.0 (3 nodes)." in ok(await gateway("bot", "publish", HELLO, "--bot", "hello"))
    assert "Nothing has changed" in ok(await gateway("bot", "publish", HELLO, "--bot", "hello"))
    definition = json.loads(HELLO.read_text())
    definition["nodes"][1]["config"]["message"] = "We never close."
    wrapped = gateway.folder / "next.json"
    wrapped.write_text(json.dumps({"flow_definition": definition}))
    assert "Published hello 1.0.1" in ok(await gateway("bot", "publish", wrapped, "--bot", "hello"))
    assert "hello  Hello  1.0.1      1.0.1" in ok(await gateway("bot", "list"))


async def test_organizations_do_not_see_each_other(hello: Commander) -> None:
    ok(await hello("bot", "publish", HELLO, "--bot", "other", "--organization", "acme"))
    assert "other" not in ok(await hello("bot", "list"))
    assert "hello" not in ok(await hello("bot", "list", "--organization", "acme"))
    done = await hello("bot", "list", "--organization", "nobody")
    assert (done.code, "there is no organization 'nobody'" in done.err) == (1, True)


async def test_connecting_telegram_sets_the_webhook_and_stores_no_plain_secret(
    hello: Commander, telegram: MockTelegram, database: Database
) -> None:
    variables = {
        "GATEWAY_TELEGRAM_API_BASE": telegram.url,
        "GATEWAY_PUBLIC_URL": "https://bot.example.org",
    }
    out = ok(await hello("channel", "connect", "telegram", typed=f"{DEFAULT_TOKEN}\n", **variables))
    webhook = telegram.bot.webhook
    assert webhook is not None
    assert webhook.url.startswith("https://bot.example.org/webhook/telegram/")
    assert len(webhook.url.rpartition("/")[2]) >= 32
    assert len(webhook.secret) >= 32
    assert webhook.url in out
    assert webhook.secret not in out
    async with database.owner() as connection:
        stored = await connection.fetchval("SELECT platform_config::text FROM deployment_configs")
    assert stored.count("encrypted:AES256:") == 2
    assert SECRET not in stored
    assert webhook.secret not in stored
    findings = json.loads(ok(await hello("doctor", "--json", GATEWAY_PORT="18077", **variables)))
    by_check = {finding["check"]: finding for finding in findings}
    assert by_check["telegram @mock_bot"]["message"] == "@mock_bot by webhook, 0 updates wait"
    assert SECRET not in str(findings)


async def test_the_widget_is_connected_with_its_domains(hello: Commander) -> None:
    connect = ("channel", "connect", "web", "--domain", "*.example.org")
    out = ok(await hello(*connect, GATEWAY_PUBLIC_URL="https://bot.example.org"))
    assert '<script src="https://bot.example.org/widget.js" data-bot-id="' in out
    done = await hello("channel", "connect", "web", "--domain", "https://nonsense/")
    assert (done.code, "is no domain" in done.err) == (1, True)
    listed = ok(await hello("channel", "list"))
    assert listed.count("Website") == 1


async def test_keys_rotate_and_the_secrets_follow(hello: Commander) -> None:
    ok(await hello("channel", "connect", "web"))
    assert "Made the key k2; 1 secrets were put under it." in ok(await hello("keys", "rotate"))
    listed = ok(await hello("keys", "list")).splitlines()
    assert [line.split() for line in listed[1:]] == [["k2", "active", "1"], ["k1", "known", "0"]]
    file = hello.folder / ".gateway" / "encryption.keys"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "its secrets decrypt" in ok(await hello("channel", "verify"))


async def test_keys_from_the_environment_are_rotated_by_putting_a_new_one_in_front(hello: Commander) -> None:
    first = ok(await hello("keys", "generate")).strip()
    ok(await hello("channel", "connect", "web", GATEWAY_ENCRYPTION_KEYS=first))
    both = ok(await hello("keys", "generate", "--id", "k2")).strip() + "," + first
    done = await hello("keys", "rotate", GATEWAY_ENCRYPTION_KEYS=both)
    assert "The active key is k2; 1 secrets were put under it." in ok(done)
    assert "its secrets decrypt" in ok(await hello("channel", "verify", GATEWAY_ENCRYPTION_KEYS=both))
    lost = await hello("channel", "verify", GATEWAY_ENCRYPTION_KEYS=first)
    assert (lost.code, "under a key that is not known" in lost.out) == (1, True)


async def park(database: Database, text: str) -> UUID:
    """A parked event as the turn leaves one behind whose step failed."""
    event = InboundEvent(
        external_id=f"client-{text}",
        conversation_key="visitor-1",
        sender=Sender(external_id="visitor-1"),
        body=TextReceived(text=text),
        occurred_at=datetime.now(UTC),
    )
    identifier = new_id()
    async with database.owner() as connection:
        await connection.execute(
            "INSERT INTO inbox (id, organization_id, channel_id, external_id, status, raw, error, expires_at)"
            " SELECT $1, organization_id, id, $2, 'parked', $3, 'NoPublishedFlow: none', now() + interval '8 days'"
            " FROM channels",
            identifier,
            event.external_id,
            msgspec.json.encode(event),
        )
    return identifier


async def test_parked_events_are_listed_and_get_their_turn(hello: Commander, database: Database) -> None:
    ok(await hello("channel", "connect", "web"))
    identifier = await park(database, "a private word")
    listed = ok(await hello("inbox", "parked"))
    assert str(identifier) in listed
    assert "text_received" in listed
    assert "a private word" not in listed
    assert "1 of 1 done." in ok(await hello("inbox", "retry"))
    assert "Nothing is parked." in ok(await hello("inbox", "parked"))
    async with database.owner() as connection:
        said = await connection.fetch("SELECT sender_type, content FROM messages ORDER BY seq")
        free = await connection.fetchval(
            "SELECT count(*) FROM effects WHERE status = 'pending' AND lane = 'delivery' AND lease_until <= now()"
        )
    assert tuple(said[0]) == ("customer", "a private word")
    assert free == len(said) - 1 > 0, "the sends are free for a running server to take"


async def test_an_event_whose_retry_was_interrupted_is_not_turned_twice(
    hello: Commander, database: Database
) -> None:
    ok(await hello("channel", "connect", "web"))
    identifier = await park(database, "once")
    ok(await hello("inbox", "retry"))
    again = await park(database, "twice")
    async with database.owner() as connection:  # as if the process had died before it removed the parked row
        await connection.execute("UPDATE inbox SET id = $1 WHERE id = $2", identifier, again)
    assert "1 of 1 done." in ok(await hello("inbox", "retry"))
    async with database.owner() as connection:
        heard = await connection.fetch("SELECT content FROM messages WHERE sender_type = 'customer'")
    assert [row["content"] for row in heard] == ["once"]


async def test_the_doctor_finds_nothing_amiss(hello: Commander) -> None:
    ok(await hello("channel", "connect", "web"))
    findings = json.loads(ok(await hello("doctor", "--json", GATEWAY_PORT="18077")))
    by_check = {finding["check"]: finding for finding in findings}
    assert {finding["state"] for finding in findings} <= {"ok", "warn"}
    assert by_check["row-level security"]["message"] == "forced on every tenant table"
    assert by_check["web Website"]["message"] == "its secrets decrypt"
    assert {"python", "packages", "settings", "database", "pgvector", "roles", "valkey"} <= set(by_check)


async def test_the_doctor_names_what_fails_and_how_to_mend_it(hello: Commander, database: Database) -> None:
    async with database.owner() as connection:
        await connection.execute("ALTER TABLE customers NO FORCE ROW LEVEL SECURITY")
    done = await hello("doctor", GATEWAY_PORT="18078", REDIS_URL="redis://127.0.0.1:9/0")
    assert done.code == 1
    assert "not forced on customers" in done.out
    assert "FORCE ROW LEVEL SECURITY" in done.out
    assert "mend REDIS_URL" in done.out


async def test_the_doctor_examines_wrong_settings_too(tmp_path: Path) -> None:
    done = await Commander(folder=tmp_path, variables={"GATEWAY_PORT": "0"})("doctor", "--json")
    assert done.code == 1
    failed = [finding for finding in json.loads(done.out) if finding["state"] == "fail"]
    assert failed[0]["message"].startswith("GATEWAY_PORT: ")
    assert failed[0]["mend"] == "Set it to a whole number from 1 to 65535"


async def test_migrate_does_its_work_once(tmp_path: Path, empty_database_url: str, redis_url: str) -> None:
    servers = {"DATABASE_URL": empty_database_url, "REDIS_URL": redis_url}
    gateway = Commander(folder=tmp_path, variables=servers)
    assert "was brought to the newest schema" in ok(await gateway("migrate"))
    assert "is up to date" in ok(await gateway("migrate"))


async def test_without_servers_of_its_own_it_starts_embedded_ones_and_stops_them(servers_dir: Path) -> None:
    gateway = Commander(folder=servers_dir, variables={"GATEWAY_DATA_DIR": str(servers_dir / "own")})
    ok(await gateway("bot", "publish", HELLO, "--bot", "hello"))
    assert not (servers_dir / "own" / "postgres" / "postmaster.pid").exists()
    assert "hello" in ok(await gateway("bot", "list"))


async def test_python_dash_m_is_the_same_command(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--version", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.startswith(b"channel-gateway ")
