"""JSON Schema in rules: draft 2020-12, the documents' shorthand, and nothing that leaves, loops or explodes."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.problems import findings_of
from engine.validation import Check, Rules, compile_rules
from engine.validation.schemas import DRAFT, MAX_SCHEMA_DEPTH, checked_schema, compile_schema
from tests.pace import assert_within

CONTEXT = {
    "previous_purchases": {"type": "array"},
    "support_tickets": {"type": "array"},
    "preferences": {"type": "object"},
}


def check_with(schema: dict[str, Any]) -> Check:
    return compile_rules(Rules.model_validate({"schema": schema}))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"previous_purchases": [1], "preferences": {}}, ""),
        ({"previous_purchases": "none"}, "schema"),
        ({"other": 1}, ""),
        ([], "schema"),
        ("text", "schema"),
    ],
)
def test_the_documents_shorthand_lists_properties(value: Any, fault: str) -> None:
    assert check_with(CONTEXT)(value) == fault


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 2}, [1, 2], [1, "2"]),
        ({"type": "object", "required": ["a"]}, {"a": 1}, {}),
        ({"properties": {"a": {"type": "string"}}}, {"a": "x"}, {"a": 1}),
        ({"items": {"type": "string"}}, ["a"], [1]),
        ({"items": {"type": "array"}, "total": {"type": "number"}}, {"items": [], "total": 1}, {"items": 1}),
        ({"title": {"type": "string"}, "type": {"type": "string"}}, {"type": "x"}, {"type": 1}),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a"], ["a", 1]),
        ({"type": "object", "unevaluatedProperties": False}, {}, {"a": 1}),
        ({"$schema": DRAFT, "minProperties": 1}, {"a": 1}, {}),
        ({"$schema": f"{DRAFT}#", "minProperties": 1}, {"a": 1}, {}),
        ({"properties": {"mail": {"format": "email"}}}, {"mail": "a@example.com"}, {"mail": "a"}),
        ({"$defs": {"a b": {"type": "string"}}, "items": {"$ref": "#/$defs/a%20b"}}, ["a"], [1]),
        ({"$defs": {"a/b": {"type": "string"}}, "items": {"$ref": "#/$defs/a~1b"}}, ["a"], [1]),
        ({"anyOf": [{"type": "null"}, {"type": "array"}], "items": {"$ref": "#/anyOf/0"}}, [None], [1]),
        ({"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}}, {"$ref": "x"}, {"$ref": 1}),
        ({"patternProperties": {"^a+$": {"type": "string"}}}, {"aa": "x", "b": 1}, {"aa": 1}),
    ],
)
def test_a_schema_in_full(schema: dict[str, Any], good: Any, bad: Any) -> None:
    check = check_with(schema)
    assert (check(good), check(bad)) == ("", "schema")


def test_an_empty_schema_takes_anything() -> None:
    assert check_with({})(5) == ""


@pytest.mark.parametrize("value", [object(), {"a": object()}, {1: 2}, "\ud800", b"x", [float("nan")]])
def test_what_is_no_json_is_no_error(value: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert check_with(schema)(value) == "schema" or value == {1: 2}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


def laughs(levels: int) -> dict[str, Any]:
    """Each definition refers twice to the next."""
    definitions = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}, {"$ref": f"#/$defs/d{level + 1}"}]}
        for level in range(levels)
    }
    return {"$defs": {**definitions, f"d{levels}": {"type": "array"}}, "$ref": "#/$defs/d0"}


def chain(length: int) -> dict[str, Any]:
    definitions: dict[str, Any] = {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(length)}
    return {"$defs": {**definitions, f"d{length}": {}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(
    ("schema", "message", "mend"),
    [
        ({"type": "strin"}, 'type: "strin" is not valid', "draft 2020-12"),
        ({"properties": {"a": {"minLength": -1}}}, "properties.a.minLength", "draft 2020-12"),
        ({"type": "array", "items": {"pattern": "(?=a)"}}, "is not a", "draft 2020-12"),
        (
            {"type": "array", "items": {"pattern": "(a{1000}){1000}"}},
            "this is no JSON Schema",
            "draft 2020-12",
        ),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "draft 2020-12", DRAFT),
        ({"$schema": 5}, "draft 2020-12", DRAFT),
        ({"type": "array", "items": {"$schema": DRAFT}}, 'no "$schema" of its own', "remove it"),
        ({"$ref": "https://example.com/schema"}, "leads out of the schema", "#/$defs/"),
        ({"$ref": "file:///etc/passwd"}, "leads out of the schema", "#/$defs/"),
        ({"$ref": "other.json#/a"}, "leads out of the schema", "#/$defs/"),
        ({"$ref": "#"}, "leads out of the schema", "#/$defs/"),
        ({"type": "array", "items": {"$ref": "#name"}}, "leads out of the schema", "#/$defs/"),
        ({"$ref": "#/$defs/missing"}, 'there is no "#/$defs/missing"', "add it"),
        ({"$id": "https://example.com/", "type": "object"}, 'no "$id"', "$defs"),
        ({"$dynamicRef": "https://example.com/#x", "type": "object"}, 'no "$dynamicRef"', "$defs"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "contains itself", "write out"),
        (
            {
                "$defs": {"t": {"items": {"$ref": "#/$defs/t"}}},
                "type": "array",
                "items": {"$ref": "#/$defs/t"},
            },
            "contains itself",
            "write out",
        ),
        ({"properties": {"a": {"$ref": "#/properties"}}}, "contains itself", "write out"),
        (nested(MAX_SCHEMA_DEPTH), "deep", "flatter"),
        (chain(1000), "deep", "flatter"),
        (laughs(15), "values with its $refs", "smaller"),
        ({"type": "object", "enum": list(range(20_000))}, "values with its $refs", "smaller"),
    ],
)
def test_a_schema_that_is_none_or_reaches_too_far_is_refused(
    schema: dict[str, Any], message: str, mend: str
) -> None:
    def refuse() -> ValidationError:
        with pytest.raises(ValidationError) as refused:
            Rules.model_validate({"schema": schema})
        return refused.value

    [(path, said, mended)] = findings_of(assert_within(0.5, refuse), Rules)
    assert path == ("schema",)
    assert message in said
    assert mend in mended


def test_what_is_checked_stays_as_it_is_when_it_is_checked_again() -> None:
    once = checked_schema(CONTEXT)
    assert once == {"type": "object", "properties": CONTEXT}
    assert checked_schema(once) == once


@pytest.mark.parametrize("keyword", ["pattern", "patternProperties", "propertyNames"])
def test_a_catastrophic_pattern_in_a_schema_is_not_one(keyword: str) -> None:
    catastrophe = "^(a+)+$"
    schema = {
        "pattern": {"type": "object", "properties": {"x": {"pattern": catastrophe}}},
        "patternProperties": {"type": "object", "patternProperties": {catastrophe: False}},
        "propertyNames": {"type": "object", "propertyNames": {"pattern": catastrophe}},
    }[keyword]
    text = "a" * 16_000 + "!"
    assert_within(0.1, lambda: check_with(schema)({"x": text, text: 1}))


def test_even_an_unchecked_schema_fetches_nothing(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        for uri in (f"http://127.0.0.1:{server.getsockname()[1]}/x", (tmp_path / "schema.json").as_uri()):
            with pytest.raises(ValueError, match="this is no JSON Schema: Resource"):
                compile_schema({"$ref": uri})
        with pytest.raises(TimeoutError):
            server.accept()
