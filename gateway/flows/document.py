"""The document of a flow: what one JSON file says and one row of `conversation_flows` keeps.

`{"flow_id": "main", "version": "1.2.0", "flow_definition": {…}, "flow_metadata": {…}, "variable_definitions": {…},
"supported_languages": ["en", "de"], "default_language": "en", "translations": {"de": {"Hello": "Hallo"}},
"test_scenarios": {…}}`; everything but `flow_definition` may be left out, and a bare `flow_definition` is a
document too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from engine.document import DEFINITION
from engine.problems import shortened, suggestion
from gateway.errors import ConfigurationError, Problem
from gateway.flows.files import parse_json, read_json, unreadable
from storage.versions import FlowParts, FlowVersion

Document: TypeAlias = dict[str, Any]
"""A document in the order of its author; `flow_definition` is always there."""

FLOW_ID: Final = "main"
"""The flow that a bot speaks when its document names none."""

_SHAPES: Final[Mapping[str, tuple[type[Any], str]]] = {
    "$schema": (str, "a text such as ./flow.schema.json"),
    "flow_id": (str, "a text"),
    "version": (str, "a text such as 1.0.0"),
    DEFINITION: (dict, "an object"),
    "flow_metadata": (dict, "an object"),
    "variable_definitions": (dict, "an object"),
    "supported_languages": (list, "a list of languages"),
    "default_language": (str, "a language such as en"),
    "translations": (dict, "an object"),
    "test_scenarios": (dict, "an object"),
}
_PATTERNS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "flow_id": (re.compile(r"[\w.-]{1,50}"), "use letters, digits, ., _ and -, 50 at most"),
    "version": (
        re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,19}"),
        "write it like 1.0.0, 20 characters at most",
    ),
}


def read_document(path: Path) -> Document:
    """The document in a JSON file. Raises ConfigurationError."""
    return as_document(read_json(path), str(path))


def as_document(value: Any, place: str) -> Document:
    """A document from plain JSON data, a bare definition included. Raises ConfigurationError.

    Sections that stand beside the nodes of a bare definition become the document's own.
    """
    if not isinstance(value, dict):
        raise unreadable(place, "holds no JSON object", "Write the flow as { … }")
    document = value if DEFINITION in value else _wrapped(value)
    problems = [
        Problem(place=f"{place}: {key}", message=message, mend=mend)
        for key, message, mend in _misshapen(document)
    ]
    if problems:
        raise ConfigurationError(problems)
    return document


def nodes_of(definition: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a definition, those of its sub-flows included; what is no node is passed over."""
    flows = definition.get("flows")
    inner = [flow for flow in flows.values() if isinstance(flow, dict)] if isinstance(flows, dict) else []
    for flow in (definition, *inner):
        nodes = flow.get("nodes")
        if isinstance(nodes, list):
            yield from (node for node in nodes if isinstance(node, dict))


def understands_intents(definition: Mapping[str, Any]) -> bool:
    """Whether some node needs sentence vectors."""
    return any(node.get("type") == "ai_intent" for node in nodes_of(definition))


def speaks_several(document: Mapping[str, Any]) -> bool:
    """Whether the language of what customers write has to be told."""
    return len(document.get("supported_languages") or document.get("translations") or ()) > 0


def with_version(document: Document, version: str | None) -> Document:
    """The document under another version, where it says one."""
    return {**document, "version": version} if version is not None and "version" in document else document


def parts_of(document: Mapping[str, Any]) -> FlowParts:
    """What is stored of a document beside its definition."""
    default = document.get("default_language", "en")
    return FlowParts(
        flow_metadata=document.get("flow_metadata", {}),
        variable_definitions=document.get("variable_definitions", {}),
        translations=document.get("translations", {}),
        supported_languages=document.get("supported_languages", [default]),
        default_language=default,
        test_scenarios=document.get("test_scenarios", {}),
        source=json.dumps(document, ensure_ascii=False, separators=(",", ":")),
    )


def document_of(definition: Mapping[str, Any], parts: FlowParts, flow: FlowVersion | None = None) -> Document:
    """The document that a stored version says.

    It is the author's own where that agrees with what is stored (jsonb keeps no order of keys, and that of
    global actions means something); otherwise it is put together anew, with the number of `flow`.
    """
    stored = _columns(parts)
    if parts.source is not None:
        with suppress(ConfigurationError):
            document = as_document(parse_json(parts.source, "source"), "source")
            if document[DEFINITION] == definition and _columns(parts_of(document)) == stored:
                return document
    usual = _columns(FlowParts())
    sections = {name: value for name, value in stored.items() if value != usual[name]}
    numbers = {} if flow is None else {"flow_id": flow.flow_id, "version": flow.version}
    return {**numbers, DEFINITION: dict(definition), **sections}


def _wrapped(bare: Mapping[str, Any]) -> Document:
    lifted = {name: bare[name] for name in _SHAPES if name in bare}
    definition = {name: value for name, value in bare.items() if name not in lifted}
    numbers: Document = {name: lifted.pop(name) for name in _PATTERNS if name in lifted}
    return {**numbers, DEFINITION: definition, **lifted}


def _misshapen(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(section, what is wrong, mend) of everything that can't be stored as it should."""
    for key, value in document.items():
        if key not in _SHAPES:
            yield key, "there is no such section", suggestion(key, _SHAPES, f"use {', '.join(_SHAPES)}")
            continue
        shape, words = _SHAPES[key]
        if not isinstance(value, shape):
            yield key, f"this is not {words}", f"write {words}"
        elif key in _PATTERNS:
            pattern, mend = _PATTERNS[key]
            if not pattern.fullmatch(value):
                yield key, f'"{shortened(value)}" does not do', mend
        elif key == "supported_languages" and not all(isinstance(tag, str) for tag in value):
            yield key, "a language is a text", 'write it like "en"'
    translations = document.get("translations")
    for language, texts in translations.items() if isinstance(translations, dict) else ():
        if not isinstance(texts, dict):
            yield f"translations.{language}", "this is not an object", "write { text: translation }"


def _columns(parts: FlowParts) -> dict[str, Any]:
    """The sections as they are stored, without the author's own order."""
    sections = msgspec.structs.asdict(parts)
    del sections["source"]
    return {**sections, "supported_languages": list(parts.supported_languages)}
