"""`gateway flow graph`: the picture of a file, of a stored version, and of what conversations did in it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.demo import FLOW_FILE, demo_definition
from storage.database import Database
from storage.keyring import Keyring
from tests.integration.command import Commander, Done
from tests.integration.town import Town, found_town, reworded

NOWHERE = {"DATABASE_URL": "postgresql://x:y@127.0.0.1:9/none"}


@pytest.fixture
async def town(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    town = await found_town(database, database_url, Keyring.open(tmp_path / "keys"))
    yield town
    await town.observer.close()


@pytest.fixture
def gateway(tmp_path: Path, database_url: str, redis_url: str) -> Commander:
    return Commander(folder=tmp_path, variables={"DATABASE_URL": database_url, "REDIS_URL": redis_url})


def ok(done: Done) -> str:
    assert done.code == 0, done
    return done.out


def drawn(path: Path) -> str:
    """The text of a picture, which is well-formed."""
    text = path.read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    return text


async def test_a_file_is_drawn_without_a_database(gateway: Commander) -> None:
    out = gateway.folder / "out.svg"
    assert f"Wrote {out}." in ok(await gateway("flow", "graph", FLOW_FILE, "-o", out, **NOWHERE))
    assert "Product Categories" in drawn(out)
    ok(await gateway("flow", "graph", FLOW_FILE, "--open-in", "no", **NOWHERE))
    assert drawn(gateway.folder / "flow.svg") != ""


async def test_a_version_is_drawn_with_its_visits(town: Town, gateway: Commander) -> None:
    town.now = datetime.now(UTC)
    await town.publish(demo_definition())
    for chat in ("t2", "w1", "w3"):
        await town.say(chat, "hello", "tell me about products", seconds=0.1)
    await town.publish(reworded(demo_definition(), "Product Categories", "Kinds"))
    here = ("--bot", "road", "--organization", "road")
    out = gateway.folder / "out.svg"
    ok(await gateway("flow", "graph", *here, "-o", out))
    assert "Kinds" in drawn(out)
    assert 'class="visits' not in drawn(out)
    told = ok(await gateway("flow", "graph", *here, "-o", out, "--visits", "--version", "1.0.1"))
    assert "Visits of 3 conversations." in told
    assert "Product Categories" in drawn(out)
    assert drawn(out).count(">3 · 0% left<") >= 2  # the welcome and the menu
    told = ok(await gateway("flow", "graph", *here, "-o", out, "--visits", "--last", "2"))
    assert "Visits of 2 conversations." in told
    assert ">2 · 0% left<" in drawn(out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a file or folder, or a bot"),
        ((FLOW_FILE, "--bot", "x"), "name a file or folder, or a bot"),
        ((FLOW_FILE, "--visits"), "--visits and --version are about a stored flow"),
        ((FLOW_FILE, "--open-in", "mars"), "--open-in is browser or no"),
        ((FLOW_FILE, "-o", "no/such/folder.svg"), "can't be written"),
    ],
)
async def test_what_can_not_be_drawn_is_refused(
    gateway: Commander, arguments: tuple[str | Path, ...], said: str
) -> None:
    done = await gateway("flow", "graph", *arguments, **NOWHERE)
    assert (done.code, said in done.err) == (1, True), done


async def test_a_draft_with_mistakes_is_drawn(gateway: Commander) -> None:
    draft = gateway.folder / "draft.json"
    draft.write_text(json.dumps({"start_node": "a", "nodes": [{"id": "a", "type": "unheard", "config": {}}]}))
    ok(await gateway("flow", "graph", draft, "-o", gateway.folder / "draft.svg", **NOWHERE))
    assert "unheard" in drawn(gateway.folder / "draft.svg")
