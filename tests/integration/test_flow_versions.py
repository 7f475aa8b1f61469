"""Versions of flows on a real database: what never changes, which one is spoken, who did what; templates."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.understanding.intents import Embed
from gateway.admin.bot_folders import export_bot, import_bot
from gateway.admin.bots import find_bot
from gateway.admin.flows import document_of_version, publish_document, revert_flow, versions_of
from gateway.admin.templates import available_templates, create_from_template, save_as_template
from gateway.bots import BotRegistry
from gateway.errors import Conflict as GatewayConflict
from gateway.errors import GatewayError
from gateway.errors import NotFound as GatewayNotFound
from gateway.flows.folder import BotFolder
from storage.audit import Change
from storage.bots import save_chatbot
from storage.database import Database
from storage.errors import Conflict, NotFound
from storage.flows import add_flow_version, list_flows, list_versions, load_document
from storage.ids import new_id
from storage.migrate import migrate
from storage.organizations import Organization, ensure_organization
from storage.publishing import mark_testing, publish, revert
from storage.routing import load_flow, understands_intents
from storage.tables import audit_log, chatbots, conversation_flows
from storage.templates import find_template, list_templates, save_template
from storage.versions import FlowParts, FlowVersion

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DEFINITION: dict[str, Any] = {
    "start_node": "welcome",
    "nodes": [{"id": "welcome", "type": "message", "config": {"message": "Hello"}}],
    "global_actions": {
        "omega": {"keywords": ["last"], "target": "welcome"},
        "alpha": {"keywords": ["first"], "target": "welcome"},
    },
}
DOCUMENT: dict[str, Any] = {
    "flow_id": "main",
    "flow_definition": DEFINITION,
    "flow_metadata": {"team": "sales"},
    "variable_definitions": {"session_variables": {"mood": {"type": "string"}}},
    "supported_languages": ["en", "de"],
    "default_language": "en",
    "translations": {"de": {"Hello": "Hallo"}},
    "test_scenarios": {"unit_tests": [{"name": "greets", "input": "hi", "expected_node": "welcome"}]},
}


def saying(text: str) -> dict[str, Any]:
    """The document with another greeting."""
    node = {"id": "welcome", "type": "message", "config": {"message": text}}
    return {**DOCUMENT, "flow_definition": {**DEFINITION, "nodes": [node]}}


def change(organization: UUID, minutes: int = 0, actor: str = "cli") -> Change:
    return Change(organization_id=organization, actor=actor, now=NOW + timedelta(minutes=minutes))


async def make_bot(connection: AsyncConnection, organization: UUID) -> UUID:
    return (await save_chatbot(connection, change(organization), slug="demo", name="Demo")).id


async def add(
    connection: AsyncConnection, organization: UUID, bot: UUID, text: str, version: str | None = None
) -> FlowVersion:
    return await add_flow_version(
        connection,
        change(organization),
        chatbot_id=bot,
        flow_id="main",
        definition=saying(text)["flow_definition"],
        version=version,
    )


@pytest.fixture
async def owner(database: Database) -> Organization:
    return await ensure_organization(database, slug="acme", name="Acme", actor="test", now=NOW)


PROTECTED: dict[str, Any] = {
    "flow_definition": {},
    "variable_definitions": {"x": 1},
    "translations": {"fr": {}},
    "supported_languages": ["fr"],
    "default_language": "fr",
    "test_scenarios": {"x": 1},
    "flow_id": "other",
    "version": "9.9.9",
    "source": "{}",
    "status": "draft",
    "published_at": None,
}


@pytest.mark.parametrize("column", PROTECTED)
async def test_what_a_published_version_says_never_changes(
    database: Database, organization: UUID, column: str
) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        first = await add(connection, organization, bot, "one")
        await publish(connection, change(organization), first.id)
    for _ in ("active", "archived"):
        with pytest.raises(DBAPIError, match="published flow version never"):
            async with database.transaction([organization]) as connection:
                await connection.execute(
                    update(conversation_flows)
                    .where(conversation_flows.c.id == first.id)
                    .values({column: PROTECTED[column]})
                )
        async with database.transaction([organization]) as connection:
            second = await add(connection, organization, bot, "two")
            await publish(connection, change(organization, 1), second.id)
    async with database.transaction([organization]) as connection:
        await connection.execute(
            update(conversation_flows).values(flow_metadata={"seen": 1}, is_active=False)
        )


@pytest.mark.parametrize("status", ["draft", "testing"])
async def test_a_version_that_was_never_published_takes_new_content(
    database: Database, organization: UUID, status: str
) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        flow = await add(connection, organization, bot, "one")
        if status == "testing":
            flow = await mark_testing(connection, change(organization), flow.id)
        assert flow.status == status
        again = await add(connection, organization, bot, "two", flow.version)
        assert again.id == flow.id
        stored = await load_document(connection, flow.id)
        assert stored.definition == saying("two")["flow_definition"]
        await connection.execute(update(conversation_flows).values(translations={"fr": {}}))


async def test_any_part_that_differs_makes_a_new_version(database: Database, organization: UUID) -> None:
    parts: list[FlowParts] = [
        FlowParts(),
        FlowParts(flow_metadata={"a": 1}),
        FlowParts(variable_definitions={"session_variables": {}}),
        FlowParts(translations={"de": {}}),
        FlowParts(supported_languages=["en", "de"]),
        FlowParts(default_language="de"),
        FlowParts(test_scenarios={"unit_tests": []}),
        FlowParts(),
        FlowParts(source="{1}"),
        FlowParts(source="{2}"),
    ]
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        versions = []
        for part in parts:
            for _ in range(2):
                flow = await add_flow_version(
                    connection,
                    change(organization),
                    chatbot_id=bot,
                    flow_id="main",
                    definition=DEFINITION,
                    parts=part,
                )
                versions.append(flow.version)
        without_source = await add_flow_version(
            connection, change(organization), chatbot_id=bot, flow_id="main", definition=DEFINITION
        )
    assert versions[::2] == [f"1.0.{number}" for number in range(len(parts))]
    assert versions[::2] == versions[1::2]
    assert without_source.version == versions[-1]


async def test_testing_comes_before_publishing_and_not_after(database: Database, organization: UUID) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        flow = await add(connection, organization, bot, "one")
        marked = await mark_testing(connection, change(organization), flow.id)
        assert (marked.status, marked.published_at) == ("testing", None)
        assert await mark_testing(connection, change(organization), flow.id) == marked
        assert (await connection.execute(select(chatbots.c.active_flow_id))).scalar_one() is None
        published = await publish(connection, change(organization, 1), flow.id)
        assert (published.status, published.published_at) == ("active", NOW + timedelta(minutes=1))
        with pytest.raises(Conflict, match="was published"):
            await mark_testing(connection, change(organization), flow.id)
        with pytest.raises(NotFound):
            await mark_testing(connection, change(organization), new_id())


async def test_reverting_goes_back_one_version_at_a_time(database: Database, organization: UUID) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        with pytest.raises(Conflict, match="nothing is published yet"):
            await revert(connection, change(organization), bot)
        for number, text in enumerate(("one", "two", "three", "four")):
            flow = await add(connection, organization, bot, text)
            if text != "three":  # never published, so never gone back to
                await publish(connection, change(organization, number), flow.id)
        back = await revert(connection, change(organization, 10), bot)
        assert (back.version, back.status, back.published_at) == (
            "1.0.1",
            "active",
            NOW + timedelta(minutes=10),
        )
        assert (await revert(connection, change(organization, 11), bot)).version == "1.0.0"
        with pytest.raises(NotFound, match=r"no version was published before 1\.0\.0"):
            await revert(connection, change(organization, 12), bot)
        assert (await revert(connection, change(organization, 13), bot, "1.0.3")).version == "1.0.3"
        assert (await revert(connection, change(organization, 14), bot, "1.0.3")).version == "1.0.3"
        with pytest.raises(Conflict, match=r"version 1\.0\.2 is draft and was never published"):
            await revert(connection, change(organization), bot, "1.0.2")
        with pytest.raises(NotFound, match=r"there is no version '7\.0\.0'"):
            await revert(connection, change(organization), bot, "7.0.0")
        statuses = {flow.version: flow.status for flow in await list_flows(connection, bot)}
        assert statuses == {"1.0.0": "archived", "1.0.1": "archived", "1.0.2": "draft", "1.0.3": "active"}
        reverted = await connection.execute(
            select(audit_log.c.details)
            .where(audit_log.c.action == "reverted")
            .order_by(audit_log.c.created_at)
        )
        assert [details["version"] for details in reverted.scalars()] == ["1.0.1", "1.0.0", "1.0.3"]


async def test_however_many_publish_at_once_one_version_is_active(
    database: Database, organization: UUID
) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        versions = [await add(connection, organization, bot, str(number)) for number in range(6)]

    async def activate(flow: FlowVersion) -> None:
        async with database.transaction([organization]) as connection:
            await publish(connection, change(organization), flow.id)

    await asyncio.gather(*(activate(flow) for flow in versions))
    async with database.transaction([organization]) as connection:
        active = [flow.id for flow in await list_flows(connection, bot) if flow.status == "active"]
        assert active == [(await connection.execute(select(chatbots.c.active_flow_id))).scalar_one()]


async def test_the_record_says_who_made_and_who_published(database: Database, organization: UUID) -> None:
    async with database.transaction([organization]) as connection:
        bot = await make_bot(connection, organization)
        first = await add(connection, organization, bot, "one")
        await publish(connection, change(organization, 1, "user:ana"), first.id)
        second = await add(connection, organization, bot, "two")
        await publish(connection, change(organization, 2, "user:ben"), second.id)
        await revert(connection, change(organization, 3, "user:eva"), bot)
        await add(connection, organization, bot, "three")
        found = await list_versions(connection, bot)
        assert [(line.flow.version, line.created_by, line.published_by) for line in found] == [
            ("1.0.2", "cli", None),
            ("1.0.1", "cli", "user:ben"),
            ("1.0.0", "cli", "user:eva"),
        ]


async def test_a_document_is_published_staged_compared_and_reverted(
    database: Database, owner: Organization
) -> None:
    async def put(
        document: dict[str, Any], minutes: int, *, staged: bool = False, version: str | None = None
    ) -> str:
        done = await publish_document(
            database,
            owner,
            document,
            slug="shop",
            version=version,
            now=NOW + timedelta(minutes=minutes),
            staged=staged,
        )
        return f"{done.flow.version} {done.flow.status} {done.changed}"

    assert await put(DOCUMENT, 0) == "1.0.0 active True"
    assert await put(DOCUMENT, 1) == "1.0.0 active False"
    assert await put(saying("two"), 2, staged=True) == "1.0.1 testing True"
    assert await put(saying("two"), 3, staged=True) == "1.0.1 testing False"
    assert await put(saying("2"), 3, staged=True, version="1.0.1") == "1.0.1 testing True"
    assert await put(saying("two"), 4, staged=True, version="1.0.1") == "1.0.1 testing True"
    assert await put(saying("two"), 5, staged=True, version="1.0.1") == "1.0.1 testing False"
    bot = await find_bot(database, owner, "shop")
    assert bot.name == "Shop"
    assert await document_of_version(database, owner, bot) == DOCUMENT
    assert await document_of_version(database, owner, bot, "1.0.1") == saying("two")
    assert await put(saying("two"), 4) == "1.0.1 active True"
    assert await put({**saying("three"), "version": "3.0.0"}, 5) == "3.0.0 active True"
    with pytest.raises(Conflict, match=r"3\.0\.0 of main is published and differs: .* such as 3\.0\.1"):
        await put({**saying("four"), "version": "3.0.0"}, 6)
    assert await put({**saying("four"), "version": "3.0.0"}, 7, version="4.0.0") == "4.0.0 active True"
    bot = await find_bot(database, owner, "shop")
    assert (await document_of_version(database, owner, bot))["version"] == "4.0.0"
    done = await revert_flow(database, owner, bot, None, NOW + timedelta(minutes=8))
    assert (done.flow.version, done.changed) == ("3.0.0", True)
    assert [line.flow.version for line in await versions_of(database, owner, bot)] == [
        "4.0.0",
        "3.0.0",
        "1.0.1",
        "1.0.0",
    ]
    with pytest.raises(GatewayError, match="is no slug"):
        await publish_document(database, owner, DOCUMENT, slug="Shop!", now=NOW)
    with pytest.raises(GatewayError, match="20 characters at most"):
        await publish_document(database, owner, DOCUMENT, slug="shop", version="1.0 " * 9, now=NOW)


def no_vectors() -> Embed:
    raise AssertionError("nothing here needs sentence vectors")


async def test_a_server_compiles_the_whole_document_in_its_authors_order(
    database: Database, owner: Organization
) -> None:
    done = await publish_document(database, owner, DOCUMENT, slug="shop", now=NOW)
    stored = await load_flow(database, owner.id, done.flow.id)
    assert stored is not None
    assert list(stored.definition["global_actions"]) == ["alpha", "omega"], "jsonb sorts"
    bots = await BotRegistry(database, no_vectors).load({done.flow.id: owner.id, new_id(): owner.id})
    assert list(bots) == [done.flow.id]
    bot = bots[done.flow.id]
    assert list(bot.actions.by_name) == ["omega", "alpha"]
    assert "mood" in bot.variables
    assert bot.flow_id == str(done.flow.id)
    assert await BotRegistry(database, no_vectors).load({done.flow.id: new_id()}) == {}


@pytest.mark.parametrize("nested", [False, True])
async def test_sentence_vectors_are_loaded_for_intents_in_sub_flows_too(
    database: Database, owner: Organization, nested: bool
) -> None:
    intent = {
        "id": "understand",
        "type": "ai_intent",
        "config": {"intents": [{"name": "x", "target_node": "understand", "examples": ["x"]}]},
    }
    inner = {"start_node": "understand", "nodes": [intent]}
    call = {"id": "welcome", "type": "call", "config": {"flow": "inner"}}
    definition = {"start_node": "welcome", "nodes": [call], "flows": {"inner": inner}} if nested else inner
    assert not await understands_intents(database)
    done = await publish_document(database, owner, {"flow_definition": definition}, slug="shop", now=NOW)
    assert await understands_intents(database)
    with pytest.raises(AssertionError, match="sentence vectors"):
        await BotRegistry(database, no_vectors).load({done.flow.id: owner.id})


async def test_a_bot_goes_through_a_folder_and_back(database: Database, owner: Organization) -> None:
    folder = BotFolder(
        slug="shop", name="Shoe Shop", description="Sells", settings={"b": 1, "a": [2]}, document=DOCUMENT
    )
    drafted = await import_bot(database, owner, folder, now=NOW)
    assert (drafted.flow.version, drafted.flow.status) == ("1.0.0", "draft")
    bot = await find_bot(database, owner, "shop")
    with pytest.raises(GatewayNotFound, match="no flow of shop is published yet"):
        await export_bot(database, owner, bot)
    assert await export_bot(database, owner, bot, "1.0.0") == folder
    published = await import_bot(database, owner, folder, publish=True, now=NOW)
    assert (published.flow.id, published.flow.status) == (drafted.flow.id, "active")
    assert await export_bot(database, owner, await find_bot(database, owner, "shop")) == folder
    other = await import_bot(database, owner, folder, slug="other", publish=True, now=NOW)
    assert other.bot.slug == "other"
    with pytest.raises(GatewayError, match="is no slug"):
        await import_bot(database, owner, folder, slug="../x", now=NOW)


async def test_a_template_counts_its_versions(database: Database, organization: UUID) -> None:
    async def save(name: str) -> int:
        async with database.transaction([organization]) as connection:
            saved = await save_template(
                connection,
                change(organization),
                slug="base",
                name=name,
                description="",
                category="",
                bundle={"settings": {}, "documents": []},
            )
        return saved.version

    assert [await save(name) for name in ("One", "One", "Two", "One")] == [1, 1, 2, 3]
    async with database.transaction([organization]) as connection:
        assert [template.slug for template in await list_templates(connection)] == ["base"]
        found = await find_template(connection, organization, "base")
        assert found is not None
        assert (found[0].version, found[1]) == (3, {"settings": {}, "documents": []})
        actions = await connection.execute(
            select(audit_log.c.action)
            .where(audit_log.c.resource == "chatbot_template")
            .order_by(audit_log.c.id)
        )
        assert actions.scalars().all() == ["created", "updated", "updated"]


async def test_a_bot_inherits_settings_and_flow_of_a_template(
    database: Database, owner: Organization
) -> None:
    document = {"version": "5.0.0", **DOCUMENT}
    folder = BotFolder(slug="shop", name="Shop", description="Sells", settings={"a": 1}, document=document)
    await import_bot(database, owner, folder, publish=True, now=NOW)
    shop = await find_bot(database, owner, "shop")
    template = await save_as_template(database, owner, shop, slug="base", category="sales", now=NOW)
    done = await create_from_template(database, owner, slug="second", template="base", name="Two", now=NOW)
    assert (done.flow.version, done.flow.status) == ("1.0.0", "active")
    copy = await export_bot(database, owner, await find_bot(database, owner, "second"))
    assert copy == BotFolder(
        slug="second", name="Two", description="Sells", settings={"a": 1}, document=DOCUMENT
    )
    async with database.transaction([owner.id]) as connection:
        query = select(conversation_flows.c.template_id).where(conversation_flows.c.id == done.flow.id)
        assert (await connection.execute(query)).scalar_one() == template.id
        # The bots that were made from a template stay when it goes.
        await connection.exec_driver_sql("DELETE FROM chatbot_templates")
        assert (await connection.execute(query)).scalar_one() is None
    with pytest.raises(GatewayConflict, match="there is a bot 'second' already"):
        await create_from_template(database, owner, slug="second", template="faq-and-handoff", now=NOW)


async def test_templates_that_ship_with_the_gateway_need_no_database_row(
    database: Database, owner: Organization
) -> None:
    assert [line.slug for line in await available_templates(database, None)] == [
        "faq-and-handoff",
        "lead-capture",
    ]
    done = await create_from_template(database, owner, slug="help", template="faq-and-handoff", now=NOW)
    assert (done.bot.name, done.flow.version, done.flow.status) == ("Help", "1.0.0", "active")
    help_bot = await find_bot(database, owner, "help")
    saved = await save_as_template(database, owner, help_bot, slug="lead-capture", name="Ours", now=NOW)
    lines = await available_templates(database, owner)
    assert [(line.slug, line.name, line.version) for line in lines] == [
        ("lead-capture", "Ours", saved.version),
        ("faq-and-handoff", "FAQ and handoff", None),
    ]
    with pytest.raises(
        GatewayNotFound, match=r"no template 'none' \(there are: lead-capture, faq-and-handoff\)"
    ):
        await create_from_template(database, owner, slug="x", template="none", now=NOW)


async def test_a_template_needs_a_published_flow(database: Database, owner: Organization) -> None:
    async with database.transaction([owner.id]) as connection:
        await save_chatbot(connection, change(owner.id), slug="empty", name="Empty")
    empty = await find_bot(database, owner, "empty")
    with pytest.raises(GatewayNotFound, match="no flow of empty is published yet"):
        await save_as_template(database, owner, empty, slug="base", now=NOW)


async def test_versions_from_before_templates_and_translations_go_on(empty_database_url: str) -> None:
    await migrate(empty_database_url, "0002")
    connection = await asyncpg.connect(empty_database_url)
    try:
        organization = new_id()
        await connection.execute(
            "INSERT INTO organizations (id, name, slug) VALUES ($1, 'Acme', 'acme')", organization
        )
        await connection.execute(
            "INSERT INTO chatbots (id, organization_id, slug, name) VALUES ($1, $1, 'shop', 'Shop')",
            organization,
        )
        await connection.execute(
            "INSERT INTO conversation_flows (id, organization_id, chatbot_id, flow_id, status, flow_definition,"
            " published_at) VALUES ($1, $1, $1, 'main', 'active', $2, now())",
            organization,
            json.dumps(DEFINITION),
        )
        await connection.execute("UPDATE chatbots SET active_flow_id = $1", organization)
    finally:
        await connection.close()
    assert await migrate(empty_database_url)
    database = Database(empty_database_url, pool_size=2, application_name="gateway-test")
    try:
        owner = await ensure_organization(database, slug="acme", name="Acme", actor="test", now=NOW)
        shop = await find_bot(database, owner, "shop")
        assert await document_of_version(database, owner, shop) == {
            "flow_id": "main",
            "version": "1.0.0",
            "flow_definition": DEFINITION,
        }
        with pytest.raises(DBAPIError, match="published flow version never"):
            async with database.transaction([owner.id]) as transaction:
                await transaction.execute(update(conversation_flows).values(source="{}"))
    finally:
        await database.dispose()
