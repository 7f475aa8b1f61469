"""Reading and checking flow files: whatever is wrong is said by place, with its mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.admin.bots import check_flow, read_flow
from gateway.admin.inbox import preview
from gateway.errors import ConfigurationError

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_flow(path, read_flow(path))
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.name)
def test_the_examples_of_the_documentation_compile(path: Path) -> None:
    assert check_flow(path, read_flow(path)) > 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"start_node": "a",}', "line 1, column 20: is no JSON"),
        (b"", "line 1, column 1: is no JSON"),
        (b"[1]", "holds no JSON object"),
        (b"\xff\xfe", "is not UTF-8"),
        (b'{"nodes": NaN}', "is no JSON: there is no NaN"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"{}", "start_node"),
    ],
)
def test_a_file_that_is_no_flow_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "flow.json"
    path.write_bytes(content)
    assert complaint in refusal(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "can't be read: No such file" in refusal(tmp_path / "none.json")


def test_a_flow_may_stand_alone_or_under_flow_definition(tmp_path: Path) -> None:
    bare = read_flow(EXAMPLES / "hello.json")
    path = tmp_path / "wrapped.json"
    path.write_text("\ufeff" + json.dumps({"flow_definition": bare, "version": "1"}), encoding="utf-8")
    assert read_flow(path) == bare


def test_every_problem_has_a_place_and_a_mend(tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    nodes = [{"id": "a", "type": "mesage", "config": {}}, {"id": "b", "type": "message", "config": {}}]
    path.write_text(json.dumps({"start_node": "c", "nodes": nodes}))
    lines = refusal(path).splitlines()
    assert any('start_node: there is no node "c".' in line for line in lines)
    assert any(
        'nodes[0].type: there is no type of node "mesage". Did you mean "message"?' in line for line in lines
    )
    assert any("nodes[1].config.message: " in line for line in lines)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b'{"external_id": "1", "body": {"type": "text_received", "text": "private"}}', "text_received"),
        (b'{"update_id": 1, "poll_answer": {"user": "private"}}', "poll_answer"),
        (b"private", "7 bytes, no JSON"),
        (b"[1]", "list"),
    ],
)
def test_a_preview_shows_the_kind_and_not_the_words(raw: bytes, shown: str) -> None:
    assert preview(raw) == shown
