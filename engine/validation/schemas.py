"""JSON Schema, draft 2020-12, of objects and lists: bounded, self-contained, with linear-time patterns.

A schema can be written in full, or as its properties alone, as the documents do:
`{"previous_purchases": {"type": "array"}, "preferences": {"type": "object"}}`. Formats such as `email` are checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import unquote

from pydantic import AfterValidator

from engine.problems import place_of, shortened

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
MAX_SCHEMA_VALUES: Final = 10_000
"""Values in a schema, counting what a `$ref` points to each time anew: what validating once may cost."""
MAX_SCHEMA_DEPTH: Final = 64
MAX_PATTERN_BYTES: Final = 1 << 20
"""Memory of one pattern in a schema."""

# fmt: off
_WITH_OBJECTS: Final = frozenset([
    "$defs", "$vocabulary", "additionalItems", "additionalProperties", "const", "contains", "contentSchema", "default",
    "definitions", "dependentRequired", "dependentSchemas", "else", "if", "items", "not", "patternProperties",
    "properties", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
])
# fmt: on
"""The keywords whose value can be an object."""
_ELSEWHERE: Final = ("$id", "$dynamicRef", "$recursiveRef")


def compile_schema(schema: dict[str, Any]) -> Callable[[Any], bool]:
    """Whether a value fits, for a schema as `checked_schema` gives it. Raises ValueError for what is no schema."""
    import jsonschema_rs

    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            pattern_options=jsonschema_rs.RegexOptions(MAX_PATTERN_BYTES, MAX_PATTERN_BYTES),
            offline=True,
        )
    except jsonschema_rs.ValidationError as error:
        place = place_of(error.instance_path)
        reason = shortened(f"{place}: {error.message}" if place else error.message).replace(";", ",")
        raise ValueError(f"this is no JSON Schema: {reason}; write it as draft 2020-12 has it") from None

    def fits(value: Any) -> bool:
        try:
            return validator.is_valid(value)
        except (ValueError, TypeError):  # not JSON data
            return False

    return fits


def checked_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema in full. Raises ValueError, with a mend, for what is none or reaches beyond itself."""
    if _is_shorthand(schema):
        schema = {"type": "object", "properties": schema}
    if (
        schema.get("$schema", DRAFT).rstrip("#") != DRAFT
        if isinstance(schema.get("$schema", ""), str)
        else True
    ):
        raise ValueError(f'JSON Schema means draft 2020-12 here; write "$schema": "{DRAFT}" or leave it out')
    _Measure(schema).weigh(schema, 0)
    compile_schema(schema)
    return schema


def _is_shorthand(schema: dict[str, Any]) -> bool:
    """Whether these are properties and their schemas, rather than a schema."""
    schemas_only = all(isinstance(value, dict) for value in schema.values())
    return schemas_only and any(key not in _WITH_OBJECTS for key in schema)


class _Measure:
    """Weighs a schema with what its references point to."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._known: dict[str, tuple[int, int]] = {}
        self._open: set[str] = set()

    def weigh(self, value: Any, depth: int) -> tuple[int, int]:
        """(values, depth). Raises ValueError for too much of either, and for references that lead nowhere good."""
        if depth > MAX_SCHEMA_DEPTH:
            raise ValueError(f"a schema is at most {MAX_SCHEMA_DEPTH} deep; make it flatter")
        parts: list[Any] = []
        if isinstance(value, dict):
            parts = list(value.values())
            self._refuse_elsewhere(value, depth)
        elif isinstance(value, list):
            parts = value
        weights = [self.weigh(part, depth + 1) for part in parts]
        if isinstance(value, dict) and isinstance(reference := value.get("$ref"), str):
            weights.append(self._target(reference, depth + 1))
        total = 1 + sum(weight for weight, _ in weights)
        if total > MAX_SCHEMA_VALUES:
            raise ValueError(
                f"a schema has at most {MAX_SCHEMA_VALUES} values with its $refs; make it smaller"
            )
        return total, 1 + max((height for _, height in weights), default=0)

    def _refuse_elsewhere(self, schema: dict[str, Any], depth: int) -> None:
        for keyword in _ELSEWHERE:
            if isinstance(schema.get(keyword), str):
                raise ValueError(f'a schema here has no "{keyword}"; put the part in "$defs" and "$ref" it')
        if depth and isinstance(schema.get("$schema"), str):
            raise ValueError('a part of a schema has no "$schema" of its own; remove it')

    def _target(self, reference: str, depth: int) -> tuple[int, int]:
        if not reference.startswith("#/"):
            raise ValueError(
                f'"$ref": "{shortened(reference)}" leads out of the schema; '
                'copy the part to "$defs" and write "#/$defs/…"'
            )
        if reference in self._open:
            raise ValueError(
                f'"{shortened(reference)}" contains itself; write out as many levels as are needed'
            )
        if reference not in self._known:
            self._open.add(reference)
            self._known[reference] = self.weigh(self._resolve(reference), depth)
            self._open.discard(reference)
        weight, height = self._known[reference]
        if depth + height > MAX_SCHEMA_DEPTH + 1:
            raise ValueError(f"a schema is at most {MAX_SCHEMA_DEPTH} deep with its $refs; make it flatter")
        return weight, height

    def _resolve(self, reference: str) -> Any:
        """What a JSON pointer (RFC 6901) in a fragment points to."""
        value: Any = self._root
        for token in unquote(reference).removeprefix("#/").split("/"):
            key = token.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isascii() and key.isdecimal() and int(key[:6]) < len(value):
                value = value[int(key[:6])]
            else:
                raise ValueError(
                    f'there is no "{shortened(reference)}" in the schema; add it, or correct the "$ref"'
                )
        return value


JsonSchema: TypeAlias = Annotated[dict[str, Any], AfterValidator(checked_schema)]
