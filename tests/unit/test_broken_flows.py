"""Flows as builders break them: each file in tests/data/broken has the problems that expected.json says, where it says.

To add a case, write the file and what is to be said of it; a message and a mend may be the beginning of what is said.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.flows.checking import Located, check_file
from tests.conversations.chat import ROOT

FOLDER = ROOT / "tests/data/broken"
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())


def files_of(folder: Path, files: dict[str, Any]) -> Path:
    for name, value in {"bot.json": {"slug": "shop"}, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value, indent=2))
    return folder


def told(found: list[Located], folder: Path) -> list[tuple[str, int, str, str]]:
    return [
        (Path(each.file).relative_to(folder).as_posix(), each.line, each.place, each.message)
        for each in found
    ]


def test_every_file_says_what_is_expected_of_it() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {*EXPECTED, "expected"}
    assert len(EXPECTED) >= 200


@pytest.mark.parametrize("name", EXPECTED)
def test_a_mistake_is_told_where_it_stands(name: str) -> None:
    found = check_file(FOLDER / f"{name}.json", channels=EXPECTED[name].get("channels", ()))
    expected = EXPECTED[name]["problems"]
    assert [(each.line, each.column, each.severity, each.place) for each in found] == [
        (each["line"], each["column"], each["severity"], each["place"]) for each in expected
    ]
    for problem, wanted in zip(found, expected, strict=True):
        assert problem.message.startswith(wanted["message"])
        assert problem.mend.startswith(wanted["mend"])
        assert problem.file == str(FOLDER / f"{name}.json")
        assert "hunter22" not in str(problem)


def test_a_problem_reads_as_compilers_write_them() -> None:
    error, *_ = check_file('{\n  "start_node": "a",\n  "nodes": []\n}')
    assert str(error) == (
        'flow.json:2:17: error: start_node: there is no node "a"; add a node with this id, or go to another one'
    )
    (mistake,) = check_file("{'a': 1}")
    assert str(mistake) == (
        "flow.json:1:2: error: ' is no quotation mark of JSON; write \" around texts and keys"
    )


SUB = {
    "start_node": "ask",
    "nodes": [{"id": "ask", "type": "input", "config": {"message": "?", "variable": "v"}}],
}
MAIN = {
    "start_node": "go",
    "nodes": [
        {"id": "go", "type": "call", "config": {"flow": "pay"}, "connections": [{"target": "bye"}]},
        {"id": "bye", "type": "end", "config": {"message": "Goodbye {{v}}!"}},
    ],
}


@pytest.mark.parametrize("main", [{"flow_definition": MAIN}, MAIN], ids=["document", "bare"])
def test_in_a_folder_the_right_file_is_named(tmp_path: Path, main: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(SUB).replace('"id": "ask"', '"id": "aks"'))
    german = {"Goodbye {{v}}!": "Tschüs {{v!", "?": "?"}
    tests = {"integration_tests": [{"name": "t", "steps": [{"input": "hi", "expected_node": "nowhere"}]}]}
    folder = files_of(
        tmp_path,
        {
            "flows/main.json": main,
            "flows/pay.json": broken,
            "translations/de.json": german,
            "tests/main.json": tests,
        },
    )
    assert told(check_file(folder), folder) == [
        ("flows/pay.json", 2, "flows.pay.start_node", 'there is no node "ask" in the sub-flow "pay"'),
        (
            "translations/de.json",
            2,
            'translations.de["Goodbye {{v}}!"]',
            "the template is wrong: a placeholder is not closed at position 7",
        ),
    ]
    files_of(folder, {"flows/pay.json": SUB, "translations/de.json": {"Goodbye {{v}}!": "Tschüs {{v}}!"}})
    place = "test_scenarios.integration_tests[0].steps[0].expected_node"
    assert told(check_file(folder), folder) == [("tests/main.json", 8, place, 'there is no node "nowhere"')]


def test_in_a_folder_what_is_said_twice_or_unreadable_is_told(tmp_path: Path) -> None:
    doubled = {"flow_definition": {**MAIN, "flows": {"pay": SUB}}}
    folder = files_of(tmp_path, {"flows/main.json": doubled, "flows/pay.json": SUB})
    assert told(check_file(folder), folder)[0] == (
        "flows/pay.json", 1, "", '"pay" is in flows/main.json too',
    )  # fmt: skip
    files_of(folder, {"flows/main.json": MAIN, "flows/pay.json": "{"})
    assert [each[:2] for each in told(check_file(folder), folder)] == [("flows/pay.json", 1)]
    files_of(folder, {"flows/pay.json": SUB, "bot.json": '{\n "slug": "Shop!"}'})
    assert told(check_file(folder), folder) == [("bot.json", 2, "slug", '"Shop!" is no slug')]


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    (missing,) = check_file(tmp_path / "flow.json")
    assert missing.message == "the file can't be read: No such file or directory"
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xe9"}')
    (latin,) = check_file(tmp_path / "latin.json")
    assert latin.message == "the file is not UTF-8"


def test_an_unknown_channel_is_refused() -> None:
    with pytest.raises(KeyError):
        check_file("{}", channels=["fax"])


@pytest.mark.parametrize("path", ["gateway/demo/flow.json", "gateway/templates/*"])
def test_what_we_ship_has_no_errors_and_only_known_warnings(path: str) -> None:
    for source in ROOT.glob(path):
        if source.suffix not in ("", ".json") or not (source.suffix or (source / "bot.json").exists()):
            continue
        # Both are in the document's own example, which the demo keeps as it is.
        known = {"conditions.has_previous_conversation", "variables.conversation_context"}
        found = check_file(source, channels=["telegram", "web"])
        assert [str(each) for each in found if each.place not in known or each.severity == "error"] == []
