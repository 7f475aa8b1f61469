"""The document of a flow: its definition with what belongs to it, and what of that is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DEFINITION: Final = "flow_definition"
SECTIONS: Final = ("variable_definitions", "supported_languages", "default_language", "translations")
"""What is compiled together with the definition."""
BESIDE: Final = ("$schema", "test_scenarios", "flow_id", "version", "flow_metadata", "status", "name")
"""What a document may hold that is not compiled."""


def definition_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is compiled of a document: the definition and, beside its nodes, the document's sections.

    A definition without a document around it is taken as it is.
    """
    inner = document.get(DEFINITION)
    if isinstance(inner, dict):
        return {**inner, **{name: document[name] for name in SECTIONS if name in document}}
    return {name: value for name, value in document.items() if name not in BESIDE}
