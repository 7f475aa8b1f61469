"""Places in a flow's file: every value's and key's line and column, and a mend for every mistake."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.problems import Path, place_of
from gateway.flows.source import SourceError, parse, path_of
from tests.pace import assert_within

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | KEYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
SPACE = st.text(" \t\r\n", max_size=4)


@st.composite
def written(draw: st.DrawFn) -> tuple[Any, str]:
    """A value, and a way to write it with spaces and line ends anywhere."""
    value = draw(VALUES)
    return value, draw(SPACE) + _write(draw, value) + draw(SPACE)


def _write(draw: st.DrawFn, value: Any) -> str:
    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    if isinstance(value, dict):
        members = (
            f"{draw(SPACE)}{text(key)}{draw(SPACE)}:{draw(SPACE)}{_write(draw, item)}{draw(SPACE)}"
            for key, item in value.items()
        )
        return "{" + (",".join(members) or draw(SPACE)) + "}"
    if isinstance(value, list):
        items = (f"{draw(SPACE)}{_write(draw, item)}{draw(SPACE)}" for item in value)
        return "[" + (",".join(items) or draw(SPACE)) + "]"
    return text(value)


def paths(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    found = [(path, value)]
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        found += paths(member, (*path, key))
    return found


def after(text: str, line: int, column: int) -> str:
    """The text from a position on."""
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = normal.split("\n")
    return "\n".join([lines[line - 1][column - 1 :], *lines[line:]])


@given(written())
def test_a_position_is_where_the_text_of_its_value_begins(case: tuple[Any, str]) -> None:
    value, text = case
    source = parse(text)
    assert source.data == value
    for path, member in paths(value):
        found, _ = json.JSONDecoder().raw_decode(after(text, *source.position(path)))
        assert found == member
        assert type(found) is type(member)
        if path and isinstance(path[-1], str):
            key, _ = json.JSONDecoder().raw_decode(after(text, *source.key_position(path)))
            assert key == path[-1]


TEXT = '{\n  "nodes": [\n    {"id": "a", "config": {}},\r\n    {"id": "b"}\n  ]\n}\n'


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ((), (1, 1)),
        (("nodes",), (2, 12)),
        (("nodes", 0), (3, 5)),
        (("nodes", 0, "id"), (3, 12)),
        (("nodes", 0, "config"), (3, 27)),
        (("nodes", 1, "id"), (4, 12)),
        (("nodes", 1, "type"), (4, 5)),
        (("nodes", 0, "config", "message", "x", 3), (3, 27)),
        (("nodes", 2), (2, 12)),
        (("start_node",), (1, 1)),
        (("nodes", "id"), (2, 12)),
    ],
)
def test_what_is_missing_is_where_it_should_be_held(path: Path, position: tuple[int, int]) -> None:
    assert parse(TEXT).position(path) == position


def test_the_key_of_a_value() -> None:
    source = parse(TEXT)
    assert source.key_position(("nodes", 0, "config")) == (3, 17)
    assert source.key_position(("nodes", 0)) == (3, 5)
    assert source.key_position(("nodes", 1, "type")) == (4, 5)


def test_a_byte_order_mark_takes_no_room() -> None:
    assert parse("\ufeff" + TEXT).position(("nodes", 0)) == (3, 5)
    assert parse('\ufeff{"a": 1}').position(("a",)) == (1, 7)


@pytest.mark.parametrize(
    ("text", "place", "mend"),
    [
        ("", "1:1", "write the flow as { … }"),
        ('{"a": 1,}', "1:8", "remove the comma"),
        ('{"a": [1,\n  2,\n]}', "2:4", "remove the comma"),
        ("{'a': 1}", "1:2", 'write " around texts and keys'),
        ("{“a”: 1}", "1:2", 'write " around texts and keys'),
        ('{"a": 1, // no\n"b": 2}', "1:10", "remove it"),
        ('{"a": /* no */ 1}', "1:7", "remove it"),
        ('# no\n{"a": 1}', "1:1", "remove it"),
        ('{"a": {\n"b": [1, 2}', "2:11", "close it with ]"),
        ('{"a": {\n  "b": 1', "2:9", "write } here"),
        ('{"a": "b', "1:7", 'close it with "'),
        ('{"a": "b\nc"}', "1:9", r'close it with ", or write \n for the end of a line'),
        ('{"a": "b\tc"}', "1:9", r"write \t for it"),
        (r'{"a": "C:\dir"}', "1:10", r"write \\ for a backslash"),
        ('{"a": NaN}', "1:7", "write a number, or null"),
        ('{"NaN": -Infinity}', "1:9", "write a number, or null"),
        ('{"a": True}', "1:7", "write true"),
        ('{"a": None}', "1:7", "write null"),
        ('{"a": hello}', "1:7", 'write " around it'),
        ("{a: 1}", "1:2", 'write "a"'),
        ('{"a" 1}', "1:6", "write a : before the value"),
        ('{"a": 1 "b": 2}', "1:9", "write a , after the value before it"),
        ('{"a": 1;}', "1:8", "remove it"),
        ('{"a": 007}', "1:8", "remove the 0, or write a text in quotes"),
        ('{"a": .5}', "1:7", "write 0.5 for .5, and no +"),
        ('{"a": }', "1:7", "write a value, such as null"),
        ("[1,, 2]", "1:4", "remove it"),
        ("{}\n}", "2:1", "remove it, or open it before"),
        ('{}\n{"a": 1}', "2:1", "remove what follows, or a bracket too many before it"),
        ('{"a": {"b": 1,\n  "c": 2, "b": 3}}', "2:11", "keep one of them"),
        ('{"a": ' + "9" * 5000 + "}", "1:7", "write fewer digits, or a text in quotes"),
        ("[" * 100_000, "1:1", "make it flatter"),
    ],
)
def test_every_mistake_has_a_place_and_a_mend(text: str, place: str, mend: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(text)
    assert (f"{caught.value.line}:{caught.value.column}", caught.value.mend) == (place, mend)
    assert str(caught.value).startswith(f"line {caught.value.line}, column {caught.value.column}: ")


def test_a_key_that_occurs_twice_is_told_with_both_places() -> None:
    with pytest.raises(
        SourceError, match=r'^line 3, column 3: the key "id" is here and in line 2, column 3;'
    ):
        parse('{\n  "id": "a",\n  "i\\u0064": "b"\n}')


@given(st.text(st.sampled_from("{}[]\",:\\/'#0123.-+eE \n\ttrufalsn“x"), max_size=30))
def test_a_text_is_json_or_the_mistake_has_a_place_in_it(text: str) -> None:
    try:
        source = parse(text)
    except SourceError as error:
        lines = text.splitlines() or [""]
        assert 1 <= error.line <= len(lines) + 1
        assert 1 <= error.column <= len((lines + [""])[error.line - 1]) + 1
        assert error.message
        assert error.mend
    else:
        assert source.data == json.loads(text)


@given(st.recursive(VALUES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=5))
def test_json_is_never_refused(value: Any) -> None:
    assert parse(json.dumps(value)).data == value


STEPS = st.integers(0, 10_000) | st.text(
    st.characters(exclude_categories=["Cs", "Zs", "Cc", "Zl", "Zp"]), max_size=20
)


@given(st.lists(STEPS.filter(lambda step: '"]' not in str(step)), max_size=6).map(tuple))
def test_a_path_is_read_back_from_its_place(path: Path) -> None:
    assert path_of(place_of(path)) == path


@pytest.mark.parametrize("place", ["nodes[", "a..b", ".a", "[x]", "nodes[1]config", "a b"])
def test_what_is_no_place_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="is no place"):
        path_of(place)


def test_a_large_file_is_searched_in_under_a_second() -> None:
    options = [{"text": "An option", "value": number, "target": "a"} for number in range(8)]
    nodes = [
        {"id": f"n{number}", "config": {"message": "Hello " * 9, "options": options}}
        for number in range(2_700)
    ]
    text = json.dumps({"nodes": nodes}, indent=1)
    assert len(text) > 1_900_000
    source = parse(text)
    # A copy each time, for a source keeps the places that it has found.
    position = assert_within(1.0, lambda: replace(source).position(("nodes", 2_699, "id")))
    assert after(text, *position).startswith('"n2699"')
