"""Bots as folders: nothing is lost either way, the same bot makes the same bytes, foreign files are safe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admin.templates import BUILT_IN, built_in_templates
from gateway.admin.tests_gate import pass_gate
from gateway.errors import ConfigurationError, Conflict
from gateway.flows.document import Document
from gateway.flows.folder import BotFolder, files_of, join, read_folder, read_source, split, write_folder

DOCUMENT: Document = {
    "flow_id": "main",
    "flow_definition": {
        "start_node": "a",
        "nodes": [{"id": "a", "type": "end", "config": {"message": "Grüße 🚀"}}],
        "flows": {"returns": {"start_node": "b", "nodes": [{"id": "b", "type": "end", "config": {}}]}},
    },
    "supported_languages": ["en", "de"],
    "translations": {"de": {"Hello": "Hallo"}, "pt-BR": {"Hello": "Olá"}},
    "test_scenarios": {"unit_tests": []},
}
BOT = BotFolder(
    slug="shop",
    name="Shop",
    description="Sells",
    settings={"z": 1, "a": {"y": [], "b": None}},
    document=DOCUMENT,
)
FILES = {
    "bot.json",
    "flows/main.json",
    "flows/returns.json",
    "translations/de.json",
    "translations/pt-BR.json",
    "tests/main.json",
}

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = st.sampled_from(
    [
        "returns",
        "Returns",
        "main",
        "MAIN",
        "de",
        "pt-BR",
        "con",
        "Aux",
        "../up",
        "/root",
        "a/b",
        ".",
        "",
        "ä",
        "x" * 60,
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=3)
documents = st.fixed_dictionaries(
    {
        "flow_definition": st.fixed_dictionaries(
            {"start_node": values, "nodes": values},
            optional={"flows": st.dictionaries(names, objects) | values},
        )
    },
    optional={
        "flow_id": st.just("main"),
        "version": st.just("1.0.0"),
        "flow_metadata": objects,
        "variable_definitions": objects,
        "supported_languages": st.lists(texts, max_size=3),
        "default_language": texts,
        "translations": st.dictionaries(names, objects, max_size=4),
        "test_scenarios": objects,
    },
)


@given(documents)
def test_a_document_comes_back_equal_from_its_files(document: Document) -> None:
    files = split(document)
    assert join(json.loads(json.dumps(files))) == document
    for path in files:
        assert ".." not in Path(path).parts
        assert len(Path(path).parts) == 2
    assert len({path.casefold() for path in files}) == len(files)


@given(documents)
def test_files_come_back_as_the_same_bytes(document: Document) -> None:
    written = files_of(BotFolder(slug="shop", name="Shop", document=document))
    parsed = {path: json.loads(text) for path, text in written.items()}
    again = BotFolder(slug="shop", name="Shop", document=join(parsed))
    assert files_of(again) == written


def test_a_bot_is_written_and_read_back(tmp_path: Path) -> None:
    written = write_folder(tmp_path / "shop", BOT)
    assert {path.relative_to(tmp_path / "shop").as_posix() for path in written} == FILES
    assert read_folder(tmp_path / "shop") == BOT
    assert read_source(tmp_path / "shop") == DOCUMENT
    main = (tmp_path / "shop" / "flows" / "main.json").read_bytes()
    assert main.startswith(b'{\n  "flow_id": "main",\n  "flow_definition": {\n    "start_node": "a",')
    assert "Grüße 🚀".encode() in main
    assert main.endswith(b"}\n")
    assert write_folder(tmp_path / "shop", BOT) == []


def test_names_that_are_no_files_stay_within_the_document(tmp_path: Path) -> None:
    flows = {"../../evil": {"start_node": "x", "nodes": []}, "fine": {"start_node": "x", "nodes": []}}
    document = {"flow_definition": {"start_node": "a", "nodes": [], "flows": flows}}
    folder = tmp_path / "deep" / "er" / "shop"
    bot = BotFolder(slug="shop", name="Shop", document=document)
    write_folder(folder, bot)
    assert sorted(path.name for path in tmp_path.rglob("*.json")) == ["bot.json", "main.json"]
    assert read_folder(folder) == bot


def test_files_in_the_way_are_kept_unless_forced(tmp_path: Path) -> None:
    write_folder(tmp_path, BOT)
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "flows" / "main.json").write_text("{}")
    (tmp_path / "translations" / "fr.json").write_text("{}")
    with pytest.raises(Conflict) as caught:
        write_folder(tmp_path, BOT)
    assert "main.json" in str(caught.value)
    assert "fr.json" in str(caught.value)
    assert "--force" in str(caught.value)
    assert (tmp_path / "flows" / "main.json").read_text() == "{}"
    write_folder(tmp_path, BOT, force=True)
    assert read_folder(tmp_path) == BOT
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("precious")
    folder = tmp_path / "shop"
    (folder / "flows").mkdir(parents=True)
    (folder / "flows" / "main.json").symlink_to(outside)
    with pytest.raises(Conflict):
        write_folder(folder, BOT)
    write_folder(folder, BOT, force=True)
    assert outside.read_text() == "precious"
    assert not (folder / "flows" / "main.json").is_symlink()


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("a file")
    with pytest.raises(ConfigurationError, match="can't be written"):
        write_folder(tmp_path / "shop", BOT)


def broken(folder: Path, path: str, content: Any) -> str:
    write_folder(folder, BOT)
    target = folder / path
    if content is None:
        target.unlink()
    else:
        target.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ConfigurationError) as caught:
        read_folder(folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "content", "complaint"),
    [
        ("bot.json", None, "bot.json: can't be read"),
        ("flows/main.json", None, "main.json: can't be read"),
        ("bot.json", [], "holds no JSON object"),
        ("bot.json", {"name": "Shop"}, "bot.json: slug: this is no text"),
        ("bot.json", {"slug": "../shop"}, 'bot.json: slug: "../shop" is no slug'),
        ("bot.json", {"slug": "shop", "settings": []}, "bot.json: settings: this is no object"),
        ("bot.json", {"slug": "shop", "colour": "red"}, "bot.json: colour: there is no such setting"),
        ("flows/a b.json", {}, "its name does not do"),
        ("flows/returns.json", "{", "returns.json, line 1"),
        ("translations/de.json", [], "translations.de: this is not an object"),
        ("flows/main.json", DOCUMENT, "flows/returns.json: is in flows/main.json too"),
        ("tests/main.json", [], "test_scenarios: this is not an object"),
    ],
)
def test_a_broken_folder_is_refused_by_place(tmp_path: Path, path: str, content: Any, complaint: str) -> None:
    assert complaint in broken(tmp_path, path, content)


def test_a_folder_has_a_bounded_number_of_files(tmp_path: Path) -> None:
    write_folder(tmp_path, BOT)
    for number in range(300):
        (tmp_path / "flows" / f"f{number}.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="more than 300 files"):
        read_folder(tmp_path)


def test_a_bot_without_a_name_is_called_after_its_slug(tmp_path: Path) -> None:
    write_folder(tmp_path, BOT)
    (tmp_path / "bot.json").write_text('{"slug": "shoe-shop"}')
    assert read_folder(tmp_path).name == "Shoe Shop"


def test_there_are_templates() -> None:
    assert built_in_templates() == ["faq-and-handoff", "lead-capture"]


@pytest.mark.parametrize("slug", built_in_templates())
def test_a_template_compiles_passes_its_own_tests_and_is_written_as_it_would_be_exported(slug: str) -> None:
    folder = read_folder(BUILT_IN / slug)
    assert folder.slug == slug
    assert pass_gate(folder.document, slug).warnings == ()
    for path, text in files_of(folder).items():
        assert (BUILT_IN / slug / path).read_text(encoding="utf-8") == text
