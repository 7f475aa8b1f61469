"""Where the benchmarks run: real servers in a folder of their own, a published echo bot, free ports."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from storage import bots, channels
from storage.audit import Change
from storage.database import Database
from storage.embedded import EmbeddedPostgres, EmbeddedValkey
from storage.flows import add_flow_version
from storage.keyring import Keyring
from storage.migrate import migrate
from storage.organizations import ensure_organization
from storage.publishing import publish

TOKEN = "123456789:AAtesttokentesttokentesttokentest1234"
SECRET = "s3cret-s3cret"
ROUTE = "benchmarkbenchmarkbenchmark"

FAST = {
    "rate_limits": {
        "channel": {"per_second": 100_000, "burst": 100_000},
        "recipient": {"per_second": 10_000, "burst": 10_000},
    }
}
"""The rate limits are asked, and hold nobody up: their cost is measured, their waits are not."""

ECHO: dict[str, Any] = {
    "start_node": "echo",
    "nodes": [
        {
            "id": "echo",
            "type": "message",
            "config": {"message": "echo {{message}}"},
        }
    ],
}
"""Every message is answered by one; the flow ends there and begins anew with the next."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Addresses and ids."""

    folder: Path
    database_url: str
    redis_url: str
    postgres_pid: int
    organization: UUID
    channel: UUID
    web_route: str


@contextmanager
def place() -> Iterator[Place]:
    """Embedded servers with their durable defaults, a migrated database, an echo bot on Telegram and the web."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    try:
        with EmbeddedPostgres(folder) as postgres, EmbeddedValkey(folder) as valkey:
            assert postgres.pid is not None
            keyring = Keyring.open(folder / "encryption.keys")
            ids = asyncio.run(provision(postgres.url, keyring))
            yield Place(
                folder=folder,
                database_url=postgres.url,
                redis_url=valkey.url,
                postgres_pid=postgres.pid,
                organization=ids[0],
                channel=ids[1],
                web_route="benchweb",
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def provision(database_url: str, keyring: Keyring) -> tuple[UUID, UUID]:
    """Publish the echo bot; (organization id, Telegram channel id)."""
    await migrate(database_url)
    database = Database(database_url)
    now = datetime.now(UTC)
    organization = await ensure_organization(database, slug="bench", name="Bench", actor="bench", now=now)
    change = Change(organization_id=organization.id, actor="bench", now=now)
    async with database.transaction([organization.id]) as connection:
        bot = await bots.save_chatbot(connection, change, slug="echo", name="Echo")
        flow = await add_flow_version(connection, change, chatbot_id=bot.id, flow_id="echo", definition=ECHO)
        await publish(connection, change, flow.id)
        telegram = await channels.create_channel(
            connection,
            change,
            keyring,
            chatbot_id=bot.id,
            type="telegram",
            name="Telegram",
            route=ROUTE,
            config={"bot_configuration": {"bot_token": TOKEN}, "webhook_setup": {"secret_token": SECRET}},
            secret_paths=["/bot_configuration/bot_token", "/webhook_setup/secret_token"],
            settings=FAST,
        )
        await channels.create_channel(
            connection,
            change,
            keyring,
            chatbot_id=bot.id,
            type="web",
            name="Web",
            route="benchweb",
            config={"security": {"session_secret": "s" * 40}},
            secret_paths=["/security/session_secret"],
        )
    await database.dispose()
    return organization.id, telegram.id


def empty(place: Place) -> None:
    """Forget every conversation, so that each server begins with the same tables."""

    async def truncate() -> None:
        connection = await asyncpg.connect(place.database_url)
        await connection.execute(
            "TRUNCATE inbox, effects, messages, conversations, customer_identities, customers"
        )
        await connection.execute("CHECKPOINT")
        await connection.close()

    asyncio.run(truncate())


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    *arguments: str, port: int, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process that listens on `port`; killed at the end."""
    child = subprocess.Popen([sys.executable, "-m", *arguments], env={**os.environ, **(env or {})})
    try:
        wait_for(port, child)
        yield child
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(port: int, child: subprocess.Popen[bytes], seconds: float = 30.0) -> None:
    """Until something listens there. Raises when the process ends first, or takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with {child.returncode}")
        time.sleep(0.05)
    raise RuntimeError("the server did not start")


@contextmanager
def gateway(place: Place, api: str, workers: int = 1) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The gateway as an operator starts it."""
    port = free_port()
    env = {
        "DATABASE_URL": place.database_url,
        "REDIS_URL": place.redis_url,
        "GATEWAY_DATA_DIR": str(place.folder),
        "GATEWAY_PORT": str(port),
        "GATEWAY_WORKERS": str(workers),
        "GATEWAY_TELEGRAM_API_BASE": api,
        "GATEWAY_LOG_LEVEL": "warning",
    }
    with process("gateway", "serve", port=port, env=env) as child:
        time.sleep(0.5)
        yield child, port


def fetch(url: str) -> bytes:
    """GET."""
    with urllib.request.urlopen(url) as answer:
        body: bytes = answer.read()
        return body
