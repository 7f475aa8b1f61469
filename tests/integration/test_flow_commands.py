"""`gateway flow` and the folders and templates of `gateway bot`: the real command on real PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.admin.templates import BUILT_IN
from gateway.flows.files import format_json
from gateway.flows.folder import split
from tests.integration.command import Commander, Done


def document(text: str = "Hello", **sections: Any) -> dict[str, Any]:
    definition = {
        "start_node": "welcome",
        "nodes": [
            {"id": "welcome", "type": "end", "config": {"message": text}, "position": {"x": 0, "y": 0}}
        ],
        "global_actions": {
            "omega": {"keywords": ["last"], "target": "welcome"},
            "alpha": {"keywords": ["first"], "target": "welcome"},
        },
    }
    return {"flow_definition": definition, **sections}


def greeting(expected: str) -> dict[str, Any]:
    """A test that the bot's first words contain `expected`."""
    test = {"name": "greets", "input": "hi", "expected_response_contains": [expected]}
    return {"unit_tests": [test]}


@pytest.fixture
def gateway(tmp_path: Path, database_url: str, redis_url: str) -> Commander:
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    return Commander(folder=tmp_path, variables=servers)


def ok(done: Done) -> str:
    assert done.code == 0, done
    return done.out


def write(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(value))
    return path


def content(folder: Path) -> dict[str, bytes]:
    """Every file in a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


async def test_versions_are_published_staged_listed_compared_and_reverted(gateway: Commander) -> None:
    first = write(gateway.folder, "first.json", document("Hello"))
    second = write(gateway.folder, "second.json", document("Good day"))
    third = write(gateway.folder, "third.json", document("Welcome", version="2.0.0"))
    assert "Published shop 1.0.0 (1 nodes)." in ok(await gateway("flow", "publish", first, "--bot", "shop"))
    assert "Nothing has changed: shop 1.0.0" in ok(await gateway("flow", "publish", first, "--bot", "shop"))
    staged = ("flow", "publish", second, "--bot", "shop", "--staged")
    assert "Stored shop 1.0.1 for testing" in ok(await gateway(*staged))
    assert "Nothing has changed: shop 1.0.1 is testing." in ok(await gateway(*staged))
    assert "1.0.0      1.0.1" in ok(await gateway("bot", "list"))
    difference = ok(await gateway("flow", "diff", "1.0.1", "--bot", "shop"))
    assert '~ node welcome, config.message: "Hello" → "Good day"' in difference
    assert "1 changed." in difference
    assert "Published shop 1.0.1" in ok(await gateway("bot", "publish", second, "--bot", "shop"))
    assert "Published shop 2.0.0" in ok(await gateway("flow", "publish", third, "--bot", "shop"))
    assert "Published shop 1.0.1 again." in ok(await gateway("flow", "revert"))
    assert "Nothing has changed: shop 1.0.1" in ok(await gateway("flow", "revert", "1.0.1"))
    listed = [line.split() for line in ok(await gateway("flow", "versions")).splitlines()[1:]]
    assert [(line[0], line[2]) for line in listed] == [
        ("2.0.0", "archived"),
        ("1.0.1", "active"),
        ("1.0.0", "archived"),
    ]
    assert {line.count("cli") for line in listed} == {2}
    done = await gateway("flow", "revert", "9.0.0")
    assert (done.code, "there is no version '9.0.0'" in done.err) == (1, True)


async def test_a_difference_is_told_between_files_and_versions(gateway: Commander) -> None:
    first = write(gateway.folder, "first.json", document("Hello"))
    moved = document("Hello")
    moved["flow_definition"]["nodes"][0]["position"] = {"x": 5, "y": 0}
    second = write(gateway.folder, "second.json", moved)
    # Two files need no database.
    nowhere = {"DATABASE_URL": "postgresql://x:y@127.0.0.1:9/none"}
    assert ok(await gateway("flow", "diff", first, second, **nowhere)).strip() == "No difference."
    assert "position.x: 0 → 5" in ok(await gateway("flow", "diff", first, second, "--positions", **nowhere))
    ok(await gateway("flow", "publish", first, "--bot", "shop"))
    third = write(gateway.folder, "third.json", document("[red]Bye[/red] Grüße"))
    against = ("flow", "diff", third, "--bot", "shop")
    assert '"Hello" → "[red]Bye[/red] Grüße"' in ok(await gateway(*against))
    assert json.loads(ok(await gateway(*against, "--json"))) == [
        {
            "kind": "changed",
            "subject": "node",
            "name": "welcome",
            "setting": "config.message",
            "old": "Hello",
            "new": "[red]Bye[/red] Grüße",
        }
    ]
    assert json.loads(ok(await gateway("flow", "diff", "1.0.0", "1.0.0", "--json"))) == []
    done = await gateway("flow", "diff", "nothing.json", "--bot", "shop")
    assert (done.code, "there is no version 'nothing.json'" in done.err) == (1, True)


async def test_a_flow_that_fails_its_own_tests_is_published_by_force_only(gateway: Commander) -> None:
    path = write(gateway.folder, "flow.json", document("Hello", test_scenarios=greeting("Goodbye")))
    for command in (("flow", "publish"), ("bot", "publish")):
        done = await gateway(*command, path, "--bot", "shop")
        assert done.code == 1, done
        assert "its own tests fail" in done.err
        assert "FAIL  greets" in done.err
        assert "add --force" in done.err
    assert not (gateway.folder / ".gateway").exists()
    assert "Published shop 1.0.0" in ok(await gateway("flow", "publish", path, "--bot", "shop", "--force"))
    path = write(gateway.folder, "flow.json", document("Hello", test_scenarios=greeting("Hello")))
    assert "Published shop 1.0.1" in ok(await gateway("flow", "publish", path, "--bot", "shop"))
    unreadable = write(gateway.folder, "flow.json", document("Hello", test_scenarios={"unit_test": []}))
    done = await gateway("flow", "publish", unreadable, "--bot", "shop")
    assert (done.code, "unit_test" in done.err) == (1, True), done


async def test_a_likely_mistake_is_published_by_force_only_and_a_warning_is_told(gateway: Commander) -> None:
    circle = document()
    circle["flow_definition"]["nodes"][0] = {
        "id": "welcome",
        "type": "message",
        "config": {"message": "Hello"},
        "connections": [{"target": "welcome"}],
    }
    path = write(gateway.folder, "flow.json", circle)
    done = await gateway("flow", "publish", path, "--bot", "shop")
    assert done.code == 1, done
    assert "the check finds mistakes" in done.err
    assert "goes round for ever" in done.err
    assert "Published shop 1.0.0" in ok(await gateway("flow", "publish", path, "--bot", "shop", "--force"))
    unused = document()
    unused["flow_definition"]["variables"] = {"colour": {"type": "string"}}
    done = await gateway("flow", "publish", write(gateway.folder, "flow.json", unused), "--bot", "shop")
    assert "Published shop 1.0.1" in ok(done)
    assert "Warning: " in done.err
    assert '"colour" is declared and never used' in done.err


async def test_what_does_not_compile_is_published_by_no_force(gateway: Commander) -> None:
    broken = document()
    broken["flow_definition"]["start_node"] = "nowhere"
    path = write(gateway.folder, "flow.json", broken)
    commands: list[list[str | Path]] = [
        ["flow", "publish", path, "--bot", "shop", "--force"],
        ["bot", "check", path],
    ]
    for command in commands:
        done = await gateway(*command)
        assert done.code == 2, done
        assert 'flow.json: start_node: there is no node "nowhere".' in done.err


async def test_a_bot_is_imported_and_exported_as_the_same_bytes(gateway: Commander) -> None:
    folder = gateway.folder / "shop"
    inner = {"start_node": "b", "nodes": [{"id": "b", "type": "end", "config": {"message": "Grüße 🚀"}}]}
    whole = document("Hello", version="1.4.0", test_scenarios=greeting("Hello"))
    whole |= {"supported_languages": ["en", "de"], "translations": {"de": {"Hello": "Hallo"}}}
    whole["flow_definition"]["flows"] = {"inner": inner}
    call = {"id": "call", "type": "call", "config": {"flow": "inner"}}
    whole["flow_definition"]["nodes"].append(call)
    bot = {"slug": "shop", "name": "Shoe Shop", "description": "", "settings": {"a": {"c": 1.5}, "b": [True]}}
    for path, value in {"bot.json": bot, **split(whole)}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(format_json(value), encoding="utf-8")
    done = await gateway("bot", "import", folder, "--publish", "--force")
    assert "Imported shop 1.4.0, which is published." in ok(done)
    assert "Wrote 5 files" in ok(await gateway("bot", "export", "shop", gateway.folder / "copy"))
    assert content(gateway.folder / "copy") == content(folder)
    assert "is up to date" in ok(await gateway("bot", "export", "shop", folder))
    main = folder / "flows" / "main.json"
    main.write_text(main.read_text().replace("1.4.0", "1.5.0").replace("Hello", "Hi"))
    ok(await gateway("bot", "import", folder, "--bot", "other"))
    listed = ok(await gateway("bot", "list"))
    assert "other  Shoe Shop             1.5.0" in listed
    done = await gateway("bot", "export", "other", folder, "--version", "1.5.0")
    assert (done.code, "--force" in done.err) == (1, True)
    ok(await gateway("bot", "export", "other", folder, "--version", "1.5.0", "--force"))
    assert json.loads((folder / "bot.json").read_text())["slug"] == "other"
    published = ("flow", "publish", folder, "--bot", "shop", "--force")
    assert "Published shop 1.5.0 (3 nodes)." in ok(await gateway(*published))


async def test_a_bot_is_made_from_a_template_and_becomes_one(gateway: Commander) -> None:
    listed = ok(await gateway("bot", "template", "list"))
    assert "faq-and-handoff" in listed
    assert "lead-capture" in listed
    made = ok(await gateway("bot", "create", "help", "--template", "faq-and-handoff", "--name", "Help desk"))
    assert "Published help 1.0.0, made from faq-and-handoff." in made
    ok(await gateway("bot", "export", "help", gateway.folder / "help"))
    exported, shipped = content(gateway.folder / "help"), content(BUILT_IN / "faq-and-handoff")
    assert exported.keys() == shipped.keys()
    assert {path for path in exported if exported[path] != shipped[path]} == {"bot.json"}
    save = ("bot", "template", "save", "ours", "--bot", "help", "--category", "service")
    assert "The template ours is at version 1." in ok(await gateway(*save))
    assert "The template ours is at version 1." in ok(await gateway(*save))
    assert "The template ours is at version 2." in ok(await gateway(*save, "--name", "Our own"))
    assert "ours" in ok(await gateway("bot", "template", "list"))
    assert "made from ours" in ok(await gateway("bot", "create", "second", "--template", "ours"))
    for arguments, complaint in (
        (("second", "--template", "ours"), "there is a bot 'second' already"),
        (("third", "--template", "none"), "there is no template 'none'"),
        (("Third!", "--template", "ours"), "'Third!' is no slug"),
    ):
        done = await gateway("bot", "create", *arguments)
        assert (done.code, complaint in done.err) == (1, True), done
