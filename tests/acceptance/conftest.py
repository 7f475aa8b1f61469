"""The real processes: a gateway with its workers on a free port, and a mock Bot API. Each is ended by its id.

`start_gateway` gives as many gateways as a test wants, on one fresh database and one fresh Valkey, such as
replicas, or a new one after a kill:

    def test_something(start_gateway: StartGateway) -> None:
        gateway = start_gateway(GATEWAY_CRASH_AT="turn.locked:3")
        … gateway.url, gateway.worker_pids(), gateway.kill_worker(pid), gateway.kill(), gateway.stop()
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from storage.embedded import EmbeddedValkey
from storage.ids import new_id
from tests.chaos.processes import GatewayProcess, MockTelegramProcess
from tests.conftest import administer, in_database


class StartGateway(Protocol):
    """Starts `gateway serve`; further settings by their variables' names."""

    def __call__(self, *, workers: int = 2, port: int | None = None, **variables: str) -> GatewayProcess: ...


@pytest.fixture
def mock_telegram() -> Iterator[MockTelegramProcess]:
    """A mock Bot API in a process of its own, in which every chat exists; `.url` says where."""
    mock = MockTelegramProcess()
    try:
        yield mock.start()
    finally:
        mock.stop()


@pytest.fixture
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Valkey that the test may kill (by `.pid`) and start again."""
    with EmbeddedValkey(tmp_path_factory.mktemp("v")) as server:
        yield server


@pytest.fixture
def gateway_environment(
    postgres_url: str,
    migrated_template: str,
    own_valkey: EmbeddedValkey,
    mock_telegram: MockTelegramProcess,
    tmp_path: Path,
) -> Iterator[dict[str, str]]:
    """What a gateway needs: a fresh, migrated database, a fresh Valkey, the mock Bot API, a data directory."""
    name = f"served_{new_id().hex}"
    asyncio.run(administer(postgres_url, f"CREATE DATABASE {name} TEMPLATE {migrated_template}"))
    yield {
        "DATABASE_URL": in_database(postgres_url, name),
        "REDIS_URL": own_valkey.url,
        "GATEWAY_DATA_DIR": str(tmp_path),
        "GATEWAY_TELEGRAM_API_BASE": mock_telegram.url,
        "GATEWAY_LEASE_SECONDS": "5",
    }
    asyncio.run(administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def start_gateway(gateway_environment: dict[str, str], tmp_path: Path) -> Iterator[StartGateway]:
    """Start gateways; whatever still runs at the end of the test is killed."""
    started: list[GatewayProcess] = []

    def start(*, workers: int = 2, port: int | None = None, **variables: str) -> GatewayProcess:
        gateway = GatewayProcess({**gateway_environment, **variables}, tmp_path, workers=workers, port=port)
        started.append(gateway)
        return gateway.start()

    yield start
    for gateway in started:
        if gateway.alive:
            gateway.kill()
