"""A flow offers the way to another channel: the code is in what the customer gets, and in nothing that is kept."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from engine.environment import LINK_CODE
from gateway.identity.codes import CHARACTERS, LinkCodes
from gateway.identity.filling import CodeFiller, without_mark
from gateway.transcript import StoredTranscript
from storage.database import Database
from storage.flows import add_flow_version
from storage.publishing import publish
from tests.integration.identity_scene import Scene, open_scene
from tests.integration.road import Road, open_road, until

WAY: Final = "Go on here: https://t.me/cycles_bot?start=link_{{user.link_code}}"
_CODE: Final = re.compile(rf"start=link_([A-Za-z0-9_-]{{{CHARACTERS}}})")


def flow(text: str) -> dict[str, Any]:
    node = {"id": "way", "type": "message", "config": {"message": text}}
    return {"start_node": "way", "nodes": [node]}


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


async def republish(road: Road | Scene, text: str) -> None:
    change = await road.change() if isinstance(road, Road) else road.change()
    async with road.database.transaction([road.ids.organization]) as connection:
        made = await add_flow_version(
            connection, change, chatbot_id=road.ids.bot, flow_id="road", definition=flow(text)
        )
        await publish(connection, change, made.id)


async def test_a_code_from_a_flow_joins_two_chats_and_nothing_keeps_it(road: Road) -> None:
    await republish(road, WAY)
    async with road.worker() as worker:
        assert await worker.say(1, 7, "hi") == 200
        await road.mock.wait(lambda: bool(road.mock.sent(7)), 10)
        found = _CODE.search(road.mock.sent(7)[0].text)
        assert found is not None
        assert await worker.say(2, 8, f"link {found[1]}") == 200

        async def merged() -> bool:
            return await road.count("customers", "merged_into IS NOT NULL") == 1

        await until(merged)
        await road.settled()
    ids = await road.rows("SELECT DISTINCT customer_id FROM customer_identities")
    assert len(ids) == 1
    for table in ("messages", "inbox", "effects", "conversations"):
        kept = await road.rows(f"SELECT count(*) AS n FROM {table} t WHERE t::text LIKE $1", f"%{found[1]}%")
        assert kept[0]["n"] == 0, table


@pytest.fixture
async def scene(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(database, database_url, tmp_path) as scene:
        yield scene


async def test_a_visitor_reads_the_code_in_the_transcript_as_often_as_wanted(scene: Scene) -> None:
    await republish(scene, WAY)
    await scene.hear("web", scene.event("visitor", "hi"))
    await scene.observer.execute("UPDATE messages SET status = 'sent' WHERE sender_type = 'bot'")
    talk = await scene.row("SELECT id, customer_id FROM conversations")
    codes = LinkCodes(scene.keyring)
    filler = CodeFiller(scene.database, codes, lambda: scene.now)
    for transcript, shown in (
        (StoredTranscript(scene.database, filler), True),
        (StoredTranscript(scene.database), False),
    ):
        entries = await transcript.after(scene.ids.organization, talk["id"], 0, 10)
        text = entries[-1].content
        assert LINK_CODE not in text
        found = _CODE.search(text)
        assert (found is not None) == shown
        if found is not None:
            assert codes.read(scene.ids.organization, found[1], scene.now) == talk["customer_id"]


async def test_a_group_is_given_no_code(scene: Scene) -> None:
    await republish(scene, WAY)
    mentioned: dict[str, Any] = {
        "text": "/start",
        "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
    }
    await scene.hear("telegram", scene.telegram(7, group=-55, **mentioned))
    said = await scene.row("SELECT content FROM messages WHERE sender_type = 'bot'")
    assert said["content"] == "Go on here: https://t.me/cycles_bot?start=link_"


@pytest.mark.parametrize(
    "written", [LINK_CODE, f"{LINK_CODE[:24]}{LINK_CODE}{LINK_CODE[24:]}", f"{LINK_CODE}CODE-"]
)
async def test_who_writes_the_mark_gets_no_code_for_it(scene: Scene, written: str) -> None:
    await scene.hear("telegram", scene.telegram(7, text=written))
    await scene.hear("whatsapp", scene.whatsapp(written, number="4915550100311", context={"forwarded": True}))
    stored = await scene.rows("SELECT content FROM messages")
    assert len(stored) == 4
    assert not [row["content"] for row in stored if LINK_CODE in row["content"]]


async def test_an_ordinary_event_stays_the_object_that_it_is(scene: Scene) -> None:
    (event,) = scene.event("7", "hello").events
    assert without_mark(event) is event
