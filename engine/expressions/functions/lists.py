"""Lists. Null and undefined count as an empty one; any other value that is no list is an error."""

from __future__ import annotations

import math
from typing import Any, Final

from engine.expressions.errors import ExpressionError
from engine.expressions.functions.arguments import array, is_missing, plain_number
from engine.expressions.functions.function import FunctionTable, described
from engine.expressions.functions.paths import follow, steps
from engine.expressions.limits import MAX_DATA_DEPTH
from engine.expressions.methods import METHODS, bounded_items
from engine.expressions.text import utf16_length, well_formed
from engine.expressions.values import UNDEFINED, kind, same_value_zero, to_number, to_string

_NOT_GIVEN: Final = object()
_SORTED_BY: Final = 1_000
"""Code points of a text by which it is sorted."""


def length(value: Any) -> int:
    """UTF-16 units of a text, elements of an array, keys of an object; 0 for everything else."""
    match kind(value):
        case "string":
            return utf16_length(value)
        case "array" | "object":
            return len(value)
        case _:
            return 0


def contains(container: Any, value: Any) -> bool:
    """Whether an array has the element or a text the part; false for everything else."""
    found = kind(container)
    return found in ("string", "array") and bool(METHODS["includes"].by_kind[found](container, value))


def count(items: Any, value: Any = _NOT_GIVEN) -> int:
    """How many elements there are, or how many of them equal `value` (as ===, but NaN equals NaN)."""
    found = array(items)
    if value is _NOT_GIVEN:
        return len(found)
    return sum(same_value_zero(item, value) for item in found)


def first(items: Any) -> Any:
    """The first element; undefined when there is none."""
    found = array(items)
    return found[0] if found else UNDEFINED


def last(items: Any) -> Any:
    """The last element; undefined when there is none."""
    found = array(items)
    return found[-1] if found else UNDEFINED


def total(items: Any) -> int | float:
    """The elements added as numbers, without an error of rounding on the way; 0 when there are none."""
    numbers = [to_number(item) for item in array(items)]
    try:
        return plain_number(math.fsum(numbers))
    except (ValueError, OverflowError):  # opposite infinities, or a sum on the way that is beyond a double
        return sum(map(float, numbers))


def average(items: Any) -> Any:
    """The mean of the elements as numbers; undefined when there are none."""
    found = array(items)
    return plain_number(total(found) / len(found)) if found else UNDEFINED


def sort(items: Any, path: Any = UNDEFINED) -> list[Any]:
    """In ascending order: numbers, then texts without regard to case, booleans, other data as it stood, null,
    undefined. Texts are compared by their first 1,000 characters. With a path, by what it leads to in each.
    """
    found = bounded_items(array(items))
    if is_missing(path):
        return sorted(found, key=_order)
    keys = steps(path)
    return sorted(found, key=lambda item: _order(follow(item, keys)))


def _order(value: Any) -> tuple[Any, ...]:
    match kind(value):
        case "number":
            number = to_number(value)
            return (0, number) if number == number else (1,)
        case "string":
            text = str(value)[:_SORTED_BY]
            return (2, text.casefold(), text)
        case "boolean":
            return (3, bool(value))
        case "null":
            return (5,)
        case "undefined":
            return (6,)
        case _:
            return (4,)


def unique(items: Any) -> list[Any]:
    """Each element once, where it first stands. Lists and objects are equal when what they hold is."""
    found: dict[tuple[Any, ...], Any] = {}
    for item in bounded_items(array(items)):
        found.setdefault(_identity(item, 0), item)
    return list(found.values())


def _identity(value: Any, depth: int) -> tuple[Any, ...]:
    """What equal values share. Made of texts, whose hashes nobody outside can make collide."""
    if depth > MAX_DATA_DEPTH:
        raise ExpressionError(f"the data is nested more than {MAX_DATA_DEPTH} deep; make it flatter")
    found = kind(value)
    match found:
        case "array":
            return (found, *(_identity(item, depth + 1) for item in value))
        case "object":
            entries = sorted((to_string(key), _identity(item, depth + 1)) for key, item in value.items())
            return (found, *entries)
        case _:
            return (found, to_string(value))


def reverse(items: Any) -> list[Any]:
    """From the last element to the first."""
    return bounded_items(array(items))[::-1]


def cut(value: Any, start: Any, end: Any = UNDEFINED) -> Any:
    """JavaScript's `slice` of a list or text: from `start` up to, not including, `end`; negative ones count from
    the end.
    """
    found = kind(value)
    if found == "string":
        return well_formed(METHODS["slice"].by_kind[found](value, start, end))
    return METHODS["slice"].by_kind["array"](array(value), start, end)


def _is_array(value: Any) -> bool:
    return kind(value) == "array"


FUNCTIONS: Final[FunctionTable] = dict(
    (
        described("length(value)", "How long a text or list is, or how many keys an object has.", length),
        described(
            "contains(container, value)", "Whether a list has the element or a text the part.", contains
        ),
        described("count(list, value?)", "How many elements there are, or how many equal value.", count),
        described("first(list)", "The first element; undefined when there is none.", first),
        described("last(list)", "The last element; undefined when there is none.", last),
        described("sum(list)", "The sum of the elements; 0 when there are none.", total),
        described("average(list)", "The mean of the elements; undefined when there are none.", average),
        described(
            "sort(list, path?)",
            "In ascending order, numbers before texts, or by what the path leads to in each element.",
            sort,
            {1: lambda path: is_missing(path) or steps(path)},
        ),
        described("unique(list)", "Each element once, where it first stands.", unique),
        described("reverse(list)", "The elements from the last to the first.", reverse),
        described(
            "slice(value, start, end?)",
            "A part of a list or text, up to and without end; negative positions count from the end.",
            cut,
        ),
        described("Array.isArray(value)", "Whether the value is a list.", _is_array),
    )
)
