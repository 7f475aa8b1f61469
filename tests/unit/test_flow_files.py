"""Reading and checking flow files: whatever is wrong is said by place, with its mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.admin.inbox import preview
from gateway.admin.tests_gate import check_document
from gateway.errors import ConfigurationError
from gateway.flows.document import read_document

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_document(read_document(path), str(path))
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.name)
def test_the_examples_of_the_documentation_compile(path: Path) -> None:
    assert check_document(read_document(path), str(path)) > 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"start_node": "a",}', "flow.json, line 1, column 19: "),
        (b"", "flow.json, line 1, column 1: "),
        (b"[1]", "holds no JSON object"),
        (b"\xff\xfe", "is not UTF-8"),
        (b'{"nodes": NaN}', "flow.json, line 1, column 11: "),
        (b'{"nodes": [], "nodes": []}', "flow.json, line 1, column "),
        (b'{"nodes": 1e999}', "too large to be stored"),
        (b'{"nodes": 9223372036854775808}', "too large to be stored"),
        (b'{"nodes": "\\u0000"}', "can't be stored"),
        (b'{"\\ud800": 1}', "can't be stored"),
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
    bare = json.loads((EXAMPLES / "hello.json").read_text())
    assert read_document(EXAMPLES / "hello.json") == {"flow_definition": bare}
    path = tmp_path / "wrapped.json"
    path.write_text("\ufeff" + json.dumps({"flow_definition": bare, "version": "1"}), encoding="utf-8")
    assert read_document(path) == {"flow_definition": bare, "version": "1"}


def test_every_problem_has_a_place_and_a_mend(tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    nodes = [{"id": "a", "type": "mesage", "config": {}}, {"id": "b", "type": "jump", "config": {}}]
    path.write_text(json.dumps({"start_node": "c", "nodes": nodes}))
    lines = refusal(path).splitlines()
    assert any('start_node: there is no node "c".' in line for line in lines)
    assert any(
        'nodes[0].type: there is no type of node "mesage". Did you mean "message"?' in line for line in lines
    )
    assert any("nodes[1].config.target: " in line for line in lines)


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
