"""Tables of settings, from the JSON Schemas of their models."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from engine.fields import MAX_TEXT
from engine.flow_types import ClockTime, LanguageTag

SHARED: Final = ("Rules",)
"""Models that several others have: they stand in a section of their own."""
LATER: Final = ("delay", "typing_indicator")
"""What a node has because it speaks comes after what it is for."""

_KINDS: Final[Mapping[str, str]] = {
    "node": "id of a node",
    "reference": "id of a node",
    "flow": "name of a sub-flow",
    "text": "template",
    "template": "template",
    "request": "template, may name secrets",
    "label": "text",
    "keyword": "text",
    "condition": "condition",
    "expression": "expression",
    "variable": "name of a variable",
}
"""`x-kind` in a schema -> what is written there."""
_PLURALS: Final[Mapping[str, str]] = {
    "object": "objects",
    "text": "texts",
    "template": "templates",
    "condition": "conditions",
    "language tag": "language tags",
    "whole number, 100 to 599": "whole numbers, 100 to 599",
}
_PATTERNS: Final[Mapping[str, str]] = {
    TypeAdapter(ClockTime).json_schema()["pattern"]: "time of day",
    TypeAdapter(LanguageTag).json_schema()["pattern"]: "language tag",
}
_MEANINGS: Final[Mapping[str, str]] = {
    "FlowDefinition.conditions": "Conditions by name, for use wherever a condition is wanted.",
    "FlowDefinition.global_actions": "What certain words do from anywhere in the flow, by name.",
    "FlowDefinition.nodes": "The nodes.",
    "FlowDefinition.variables": "The variables by name.",
    "SubFlow.nodes": "Its nodes.",
    "NodeDefinition.connections": "The ways on, tried in order.",
    "Position.x": "From the left.",
    "Position.y": "From the top.",
    "VariableDefinition.type": "What its values are.",
    "HttpConfig.method": "What is asked of the server.",
    "IntegrationTest.steps": "What happens, one thing after the other.",
    "UnitTest.name": "Unique among the tests.",
    "LoadTest.concurrent_users": "Visitors at the same time.",
    "LoadTest.duration_seconds": "How long it lasts.",
    "LoadTest.expected_response_time_ms": "What a response may take.",
    "Scenarios.unit_tests": "Tests of one step.",
    "Scenarios.integration_tests": "Tests of several steps.",
    "Scenarios.load_tests": "What a running server must bear.",
}
"""Where a model does not say what a setting means, because its name and type do."""
_SPECIAL: Final = re.compile(r"([|<])")


def code(text: str) -> str:
    """`text` as code in a table's cell."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; cells are Markdown already."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])


class Settings:
    """The schemas of models by name."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def tables(
        self, name: str, *, only: Collection[str] | None = None, shared: Collection[str] = SHARED
    ) -> Iterator[str]:
        """What a model is, its settings (or `only` some), and those of the models within it that are not `shared`."""
        keys = [key for key in self._definitions[name]["properties"] if only is None or key in only]
        if only is None:
            yield f"{self._definitions[name]['description']}\n"
        if not keys:
            return
        yield self._table(name, keys)
        done = {name, *shared}
        waiting = list(self._within(name, keys))
        while waiting:
            place, inner = waiting.pop(0)
            if inner in done:
                continue
            done.add(inner)
            inner_keys = list(self._definitions[inner]["properties"])
            yield f"**In `{place}`.** {self._definitions[inner]['description']}\n"
            yield self._table(inner, inner_keys)
            waiting += [(f"{place}.{path}", further) for path, further in self._within(inner, inner_keys)]

    def _table(self, name: str, keys: Sequence[str]) -> str:
        model = self._definitions[name]
        properties: dict[str, Any] = model["properties"]
        order = sorted(keys, key=lambda key: key in LATER)
        rows = (
            (
                code(key),
                self._type(properties[key]),
                "**needed**" if key in model.get("required", ()) else _default(properties[key]),
                self._meaning(name, key, properties[key]),
            )
            for key in order
        )
        return table(("Setting", "Type", "Default", "Meaning"), rows)

    def _meaning(self, model: str, key: str, schema: Mapping[str, Any]) -> str:
        said = schema.get("description") or _MEANINGS.get(f"{model}.{key}", "")
        if not said:
            inner = next((inner for _, inner in _references(schema, "")), "")
            said = self._definitions[inner]["description"] if inner else ""
        return _SPECIAL.sub(r"\\\1", " ".join(said.split()))

    def _within(self, name: str, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
        for key in keys:
            yield from _references(self._definitions[name]["properties"][key], key)

    def _type(self, schema: Mapping[str, Any]) -> str:
        if "$ref" in schema:
            return "[rules](#rules)" if _named(schema) in SHARED else "object"
        if "anyOf" in schema:
            parts = (self._type(part) for part in schema["anyOf"] if part.get("type") != "null")
            return " or ".join(dict.fromkeys(parts))
        if "enum" in schema or "const" in schema:
            values = schema.get("enum", [schema.get("const")])
            return ", ".join(code(_written(value)) for value in values)
        match schema.get("type"):
            case "string":
                return _text(schema)
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return "true or false"
            case "array":
                return f"list of {self._many(schema.get('items', {}))}{_count(schema)}"
            case "object":
                return self._object(schema)
        return "any value"

    def _many(self, items: Mapping[str, Any]) -> str:
        one = self._type(items).partition(", at most ")[0]
        return _PLURALS.get(one, one)

    def _object(self, schema: Mapping[str, Any]) -> str:
        values = [*schema.get("patternProperties", {}).values()]
        if isinstance(schema.get("additionalProperties"), dict):
            values.append(schema["additionalProperties"])
        return f"object: name → {self._type(values[0])}" if values else "object"


def _references(schema: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """The models that a setting's values are, with how one gets there: `options[]`, `flows.*`."""
    if "$ref" in schema:
        yield place, _named(schema)
    for part in schema.get("anyOf", ()):
        yield from _references(part, place)
    if isinstance(schema.get("items"), dict):
        yield from _references(schema["items"], f"{place}[]")
    inner = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    for part in inner:
        if isinstance(part, dict):
            yield from _references(part, f"{place}.*")


def _named(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, "") else code(_written(default))


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(schema: Mapping[str, Any]) -> str:
    if "x-kind" in schema:
        return _KINDS[schema["x-kind"]]
    if schema.get("pattern") in _PATTERNS:
        return _PATTERNS[schema["pattern"]]
    most = schema.get("maxLength", MAX_TEXT)
    return f"text, at most {most:,} characters" if most < MAX_TEXT else "text"


def _number(schema: Mapping[str, Any]) -> str:
    words = "whole number" if schema["type"] == "integer" else "number"
    least, most = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        words += f" above {schema['exclusiveMinimum']:g}"
        return words if most is None else f"{words}, at most {most:,}"
    if least is not None and most is not None:
        return f"{words}, {least:,} to {most:,}"
    return words if least is None else f"{words}, at least {least:,}"


def _count(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if most is None:
        return ""
    return f", {least} to {most:,}" if least else f", at most {most:,}"
