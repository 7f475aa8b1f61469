"""Organizations, bots, flow versions and channels: what the command line and the admin API do to them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bots, channels, flows
from storage.audit import Change
from storage.database import Database
from storage.encryption import PREFIX, Keyring
from storage.errors import Conflict, NotFound
from storage.ids import new_id
from storage.organizations import ensure_organization, find_organization, list_organizations
from storage.publishing import publish
from storage.tables import audit_log, conversation_flows, deployment_configs
from storage.tables import channels as channels_table
from storage.tables import chatbots as chatbots_table
from storage.versions import FlowVersion

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
TOKEN = "123456:AAtoken"
FLOW = {"start_node": "welcome", "nodes": [{"id": "welcome", "type": "message"}]}


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.open(tmp_path / "keys")


def change(organization: UUID, now: datetime = NOW) -> Change:
    return Change(organization_id=organization, actor="cli", now=now)


async def trail(connection: AsyncConnection) -> list[tuple[str, str]]:
    rows = await connection.execute(select(audit_log.c.resource, audit_log.c.action).order_by(audit_log.c.id))
    return [(row.resource, row.action) for row in rows]


async def make_bot(connection: AsyncConnection, organization: UUID) -> bots.Chatbot:
    return await bots.save_chatbot(connection, change(organization), slug="demo", name="Demo")


async def make_channel(connection: AsyncConnection, organization: UUID, keyring: Keyring) -> channels.Channel:
    bot = await make_bot(connection, organization)
    return await channels.create_channel(
        connection,
        change(organization),
        keyring,
        chatbot_id=bot.id,
        type="telegram",
        name="Support",
        route="unguessable",
        config={"bot_configuration": {"bot_token": TOKEN, "bot_username": "support_bot"}},
        secret_paths=["/bot_configuration/bot_token"],
        polled=True,
    )


async def test_an_organization_is_made_once_however_many_ask(database: Database) -> None:
    made = await asyncio.gather(
        *(ensure_organization(database, slug="acme", name="Acme", actor="cli", now=NOW) for _ in range(8))
    )
    assert len({organization.id for organization in made}) == 1
    assert await find_organization(database, "acme") == made[0]
    assert await find_organization(database, "other") is None
    assert await list_organizations(database) == [made[0]]
    async with database.transaction([made[0].id]) as connection:
        assert await trail(connection) == [("organization", "created")]


async def test_a_bot_is_made_and_brought_up_to_date(database: Database, organization: UUID) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        same = await bots.save_chatbot(connection, change(organization, LATER), slug="demo", name="Demo")
        assert same == bot
        renamed = await bots.save_chatbot(connection, change(organization, LATER), slug="demo", name="New")
        assert (renamed.id, renamed.name, renamed.updated_at) == (bot.id, "New", LATER)
        assert await bots.find_chatbot(connection, organization, "demo") == renamed
        assert await bots.list_chatbots(connection) == [renamed]
        assert await trail(connection) == [("chatbot", "created"), ("chatbot", "updated")]


async def test_versions_count_up_when_the_definition_changes(database: Database, organization: UUID) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)

        async def add(definition: dict[str, Any], version: str | None = None) -> FlowVersion:
            return await flows.add_flow_version(
                connection,
                change(organization),
                chatbot_id=bot.id,
                flow_id="main",
                definition=definition,
                version=version,
            )

        first = await add(FLOW)
        assert (first.version, first.status) == ("1.0.0", "draft")
        assert await add(dict(FLOW)) == first
        assert (await add({**FLOW, "n": 1})).version == "1.0.1"
        assert (await add({**FLOW, "n": 2}, "1.0.9")).version == "1.0.9"
        assert (await add({**FLOW, "n": 3})).version == "1.0.10"
        assert (await add({**FLOW, "n": 4})).version == "1.0.11"
        newest = await flows.list_flows(connection, bot.id)
        assert {flow.version for flow in newest} == {"1.0.0", "1.0.1", "1.0.9", "1.0.10", "1.0.11"}
        changed = await add({**FLOW, "n": 5}, "1.0.1")
        assert await flows.load_definition(connection, changed.id) == {**FLOW, "n": 5}


async def test_publishing_makes_a_version_active_and_can_be_taken_back(
    database: Database, organization: UUID
) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        versions = [
            await flows.add_flow_version(
                connection,
                change(organization),
                chatbot_id=bot.id,
                flow_id="main",
                definition={**FLOW, "n": number},
            )
            for number in range(2)
        ]
    for version, now in ((versions[0], NOW), (versions[1], LATER), (versions[0], LATER + timedelta(hours=1))):
        async with database.transaction([organization]) as connection:
            published = await publish(connection, change(organization, now), version.id)
            assert (published.status, published.published_at) == ("active", now)
            found = await bots.find_chatbot(connection, organization, "demo")
            assert found is not None
            assert (found.active_flow_id, found.updated_at) == (version.id, now)
            states = {flow.id: flow.status for flow in await flows.list_flows(connection, bot.id)}
            assert [status for status in states.values() if status == "active"] == ["active"]
    async with database.transaction([organization]) as connection:
        again = await publish(connection, change(organization), versions[0].id)
        assert again.published_at == LATER + timedelta(hours=1)
        assert (await trail(connection)).count(("conversation_flow", "published")) == 3


async def test_a_published_definition_never_changes(database: Database, organization: UUID) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        arguments: dict[str, Any] = {"chatbot_id": bot.id, "flow_id": "main", "version": "1.0.0"}
        flow = await flows.add_flow_version(connection, change(organization), definition=FLOW, **arguments)
        await publish(connection, change(organization), flow.id)
        same = await flows.add_flow_version(connection, change(organization), definition=FLOW, **arguments)
        assert same.id == flow.id
        with pytest.raises(Conflict, match="add a new version"):
            await flows.add_flow_version(connection, change(organization), definition={}, **arguments)
    attempts: list[dict[str, Any]] = [
        {"flow_definition": {}},
        {"status": "draft"},
        {"status": "draft", "flow_definition": {}},
    ]
    for values in attempts:
        with pytest.raises(DBAPIError, match="published flow version never"):
            async with database.transaction([organization]) as connection:
                await connection.execute(update(conversation_flows).values(**values))
    async with database.transaction([organization]) as connection:
        assert await flows.load_definition(connection, flow.id) == FLOW


async def test_only_a_flow_of_the_bot_itself_can_be_active(database: Database, organization: UUID) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        other = await bots.save_chatbot(connection, change(organization), slug="other", name="Other")
        flow = await flows.add_flow_version(
            connection, change(organization), chatbot_id=other.id, flow_id="main", definition=FLOW
        )
        with pytest.raises(NotFound):
            await publish(connection, change(organization), new_id())
        with pytest.raises(NotFound):
            await flows.add_flow_version(
                connection, change(organization), chatbot_id=new_id(), flow_id="main", definition=FLOW
            )
    with pytest.raises(DBAPIError, match="chatbots_active_flow_fkey"):
        async with database.transaction([organization]) as connection:
            table = chatbots_table
            await connection.execute(update(table).where(table.c.id == bot.id).values(active_flow_id=flow.id))


async def test_a_channel_keeps_its_secrets_encrypted(
    database: Database, organization: UUID, keyring: Keyring
) -> None:
    async with database.transaction([organization]) as connection:
        channel = await make_channel(connection, organization, keyring)
        assert (channel.type, channel.status, channel.polled) == ("telegram", "active", True)
        assert await channels.list_channels(connection) == [channel]
        stored = (await connection.execute(select(deployment_configs.c.platform_config))).scalar_one()
        token = stored["bot_configuration"]["bot_token"]
        assert token.startswith(PREFIX)
        assert TOKEN not in str(stored)
        loaded = await channels.load_channel(connection, keyring, channel.id)
        assert loaded.channel == channel
        assert loaded.config["bot_configuration"] == {"bot_token": TOKEN, "bot_username": "support_bot"}
        assert TOKEN not in repr(loaded)
        details = (await connection.execute(select(audit_log.c.details))).scalars().all()
        assert TOKEN not in str(details)


async def test_every_change_of_a_channel_touches_it_for_the_directory(
    database: Database, organization: UUID, keyring: Keyring
) -> None:
    async with database.transaction([organization]) as connection:
        channel = await make_channel(connection, organization, keyring)
    moments = [NOW + timedelta(minutes=minute) for minute in range(1, 5)]
    async with database.transaction([organization]) as connection:
        disabled = await channels.set_status(
            connection, change(organization, moments[0]), channel.id, "disabled"
        )
        assert (disabled.status, disabled.updated_at) == ("disabled", moments[0])
        enabled = await channels.set_status(
            connection, change(organization, moments[1]), channel.id, "active"
        )
        assert (enabled.status, enabled.updated_at) == ("active", moments[1])
        pushed = await channels.set_polled(connection, change(organization, moments[2]), channel.id, False)
        assert (pushed.polled, pushed.updated_at) == (False, moments[2])
        configured = await channels.replace_config(
            connection,
            change(organization, moments[3]),
            keyring,
            channel.id,
            config={"bot_configuration": {"bot_token": "new"}},
            secret_paths=["/bot_configuration/bot_token"],
        )
        assert configured.updated_at == moments[3]
        loaded = await channels.load_channel(connection, keyring, channel.id)
        assert loaded.config == {"bot_configuration": {"bot_token": "new"}}
        actions = [action for resource, action in await trail(connection) if resource == "channel"]
        assert actions == ["created", "disabled", "active", "unpolled", "configured"]


async def test_polling_that_goes_on_keeps_its_place(
    database: Database, organization: UUID, keyring: Keyring
) -> None:
    async with database.transaction([organization]) as connection:
        channel = await make_channel(connection, organization, keyring)
        await connection.execute(update(channels_table).values(polling_offset=77))
        await channels.set_polled(connection, change(organization), channel.id, True)
        offset = (await connection.execute(select(channels_table.c.polling_offset))).scalar_one()
        assert offset == 77


async def test_what_is_not_there_is_told(database: Database, organization: UUID, keyring: Keyring) -> None:
    async with database.transaction([organization]) as connection:
        with pytest.raises(NotFound):
            await channels.find_channel(connection, new_id())
        with pytest.raises(NotFound):
            await channels.set_status(connection, change(organization), new_id(), "disabled")
        with pytest.raises(NotFound):
            await channels.load_channel(connection, keyring, new_id())
        with pytest.raises(NotFound):
            await flows.load_definition(connection, new_id())


async def test_an_organization_goes_with_all_that_hangs_on_it(
    database: Database, organization: UUID, keyring: Keyring
) -> None:
    async with database.transaction([organization]) as connection:
        channel = await make_channel(connection, organization, keyring)
        flow = await flows.add_flow_version(
            connection, change(organization), chatbot_id=channel.chatbot_id, flow_id="main", definition=FLOW
        )
        await publish(connection, change(organization), flow.id)
    async with database.transaction([organization]) as connection:
        await connection.exec_driver_sql("DELETE FROM organizations")
        for table in ("chatbots", "conversation_flows", "channels", "deployment_configs", "audit_log"):
            count = await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")
            assert count.scalar_one() == 0
