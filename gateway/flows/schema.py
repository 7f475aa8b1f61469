"""The JSON Schema of a flow's file, so that an editor offers settings and marks mistakes while one writes.

It says what one value can be. What only the whole flow can tell (ids, variables, templates, expressions) is for
`gateway flow check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from engine.document import DEFINITION, SECTIONS
from engine.flow import FlowDefinition, NodeDefinition
from engine.nodes import KINDS
from engine.scenarios import Scenarios
from engine.validation.schemas import DRAFT

DEFINITIONS: Final = "$defs"
_REFERENCE: Final = f"#/{DEFINITIONS}/"
_TITLE: Final = "title"


class _Generator(GenerateJsonSchema):
    """Knows that what is made a list of before it is checked can be written without the list."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        written = super().function_before_schema(schema)
        items = written.get("items")
        return written if items is None else {"anyOf": [items, written]}


def models() -> tuple[dict[str, str], dict[str, Any]]:
    """Every model of a flow's file: (its type of node, or its own name -> name of its schema, schema by name)."""
    wanted: dict[str, type[BaseModel]] = {"flow": FlowDefinition, "tests": Scenarios}
    wanted |= {type_: kind.config for type_, kind in KINDS.items()}
    references, found = models_json_schema(
        [(model, "validation") for model in wanted.values()], schema_generator=_Generator
    )
    names = {
        name: str(references[model, "validation"]["$ref"]).removeprefix(_REFERENCE)
        for name, model in wanted.items()
    }
    return names, found[DEFINITIONS]


def flow_schema() -> dict[str, Any]:
    """The schema, as plain JSON data. A file is a `flow_definition` alone, or a document with one in it."""
    names, definitions = models()
    for definition in definitions.values():
        _tidy(definition)
    node = definitions[NodeDefinition.__name__]
    for type_ in KINDS:
        definitions[f"node_{type_}"] = _node(node, type_, names[type_], definitions[names[type_]])
    definitions[NodeDefinition.__name__] = {"oneOf": [_ref(f"node_{type_}") for type_ in KINDS]}
    flow = definitions[names["flow"]]
    beside = _beside(flow, names)
    document = {DEFINITION: _ref(names["flow"]), **beside}
    definitions["Document"] = _closed(document, [DEFINITION], "A flow with what belongs to it.")
    definitions["Bare"] = _closed({**flow["properties"], **beside}, flow["required"], "A flow.")
    return {
        "$schema": DRAFT,
        "title": "Flow",
        "if": {"required": [DEFINITION]},
        "then": _ref("Document"),
        "else": _ref("Bare"),
        DEFINITIONS: definitions,
    }


def _node(node: dict[str, Any], type_: str, config_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """A node of one type: what every node has, with the config of this one."""
    own = {
        "type": {"const": type_, "description": config["description"]},
        "config": {**_ref(config_name), "description": config["description"]},
    }
    required = [*node["required"], "config"] if config.get("required") else node["required"]
    return _closed({**node["properties"], **own}, required, config["description"])


def _beside(flow: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The sections that a document has beside its definition."""
    sections = {name: flow["properties"][name] for name in SECTIONS}
    return {
        "$schema": {"type": "string", "description": "Where this schema is; means nothing to the flow."},
        "flow_id": {
            "type": "string",
            "maxLength": 50,
            "description": "Which of the bot's flows it is; main if absent.",
        },
        "version": {"type": "string", "maxLength": 20, "description": "Its version, such as 1.0.0."},
        "flow_metadata": {"type": "object", "description": "Notes of yours; they mean nothing to the flow."},
        **sections,
        "test_scenarios": {**_ref(names["tests"]), "description": "The flow's own tests."},
    }


def _closed(properties: dict[str, Any], required: list[str], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _REFERENCE + name}


def _tidy(definition: dict[str, Any]) -> None:
    """Without the titles that repeat the names; where keys have a pattern, no others."""
    for schema in _schemas(definition):
        schema.pop(_TITLE, None)
        if "patternProperties" in schema:
            schema["additionalProperties"] = False


def _schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and those within it; a property that is called "title" is none."""
    yield schema
    for key in ("properties", "patternProperties"):
        for inner in schema.get(key, {}).values():
            yield from _schemas(inner)
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(key), dict):
            yield from _schemas(schema[key])
    for inner in schema.get("anyOf", ()):
        yield from _schemas(inner)
