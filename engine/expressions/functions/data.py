"""Data: objects, what is missing, and JSON."""

from __future__ import annotations

from typing import Any, Final

from engine.expressions.functions.arguments import is_missing, mapping, text
from engine.expressions.functions.function import FunctionTable, described
from engine.expressions.functions.json_text import from_json, to_json
from engine.expressions.functions.paths import follow, steps
from engine.expressions.methods import bounded_items
from engine.expressions.values import UNDEFINED, kind, truthy


def keys(value: Any) -> list[Any]:
    """The keys of an object, in its order."""
    return bounded_items(tuple(mapping(value)))


def values(value: Any) -> list[Any]:
    """The values of an object, in its order."""
    return bounded_items(tuple(mapping(value).values()))


def has(value: Any, key: Any) -> bool:
    """Whether an object has the key, even with null for a value; false for what is no object."""
    return kind(value) == "object" and text(key) in value


def get(value: Any, path: Any, default: Any = UNDEFINED) -> Any:
    """What the path leads to; `default` where that is undefined. Never an error for what is missing."""
    found = follow(value, steps(path))
    return default if found is UNDEFINED else found


def is_empty(value: Any) -> bool:
    """True for undefined, null, an empty text, list or object."""
    return is_missing(value) or (kind(value) in ("string", "array", "object") and len(value) == 0)


def coalesce(*candidates: Any) -> Any:
    """The first value that is neither null nor undefined, else the last one."""
    for candidate in candidates:
        if not is_missing(candidate):
            return candidate
    return candidates[-1] if candidates else UNDEFINED


FUNCTIONS: Final[FunctionTable] = dict(
    (
        described("keys(object)", "The keys of the object, as a list.", keys),
        described("values(object)", "The values of the object, as a list.", values),
        described("has(object, key)", "Whether the object has the key, even with null for a value.", has),
        described(
            "get(object, path, default?)",
            "What a path such as 'items[0].price' leads to, or default where there is nothing.",
            get,
            {1: steps},
        ),
        described(
            "is_empty(value)", "Whether it is missing, null, or an empty text, list or object.", is_empty
        ),
        described("coalesce(...values)", "The first value that is neither null nor undefined.", coalesce),
        described("to_json(value)", "The value as JSON text.", to_json),
        described(
            "from_json(text)", "The value that the JSON text spells; an error when it spells none.", from_json
        ),
        described("Boolean(value)", "Whether the value counts as true.", truthy),
    )
)
