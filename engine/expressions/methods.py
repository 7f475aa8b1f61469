"""The methods that a value has: a whitelist, with JavaScript's behaviour (ECMAScript 22.1.3, 23.1.3, 21.1.3).

Positions and lengths of texts are in UTF-16 units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from engine.expressions.errors import ExpressionError
from engine.expressions.limits import MAX_ITEMS, MAX_TEXT
from engine.expressions.text import WHITESPACE, bounded, fold, too_long, units
from engine.expressions.values import (
    UNDEFINED,
    Kind,
    double,
    join,
    kind,
    number_to_string,
    same_value_zero,
    strict_equals,
    to_integer,
    to_string,
)


class Method(NamedTuple):
    """A method: how many arguments it takes, and what it does on each kind of value that has it."""

    least: int
    most: int
    by_kind: Mapping[Kind, Callable[..., Any]]


def invoke(name: str, method: Method, owner: Any, arguments: Iterable[Any]) -> Any:
    """`owner.name(…arguments)`"""
    found = kind(owner)
    call = method.by_kind.get(found)
    if call is not None:
        return call(owner, *arguments)
    if found in ("undefined", "null"):
        raise ExpressionError(f"cannot call {name} of {found}; write ?.{name}(…) where it can be missing")
    raise ExpressionError(f"{name} is not a method of a value of type {found}")


def _clamp(position: Any, length: int) -> int:
    """An absolute position, held within 0 and `length`."""
    return int(min(max(to_integer(position), 0), length))


def _relative(position: Any, length: int, default: int) -> int:
    """A position that counts from the end when it is negative."""
    if position is UNDEFINED:
        return default
    integer = to_integer(position)
    return int(max(length + integer, 0) if integer < 0 else min(integer, length))


def bounded_items(values: Sequence[Any]) -> list[Any]:
    """`values` as an array, unless it is too long to be built."""
    if len(values) > MAX_ITEMS:
        raise ExpressionError(f"an array would have more than {MAX_ITEMS} elements; build a shorter one")
    return list(values)


# Searching


def _text_includes(text: str, searched: Any, start: Any = UNDEFINED) -> bool:
    return _text_index_of(text, searched, start) >= 0


def _text_index_of(text: str, searched: Any, start: Any = UNDEFINED) -> int:
    spread = units(text)
    return spread.find(units(to_string(searched)), _clamp(start, len(spread)))


def _text_last_index_of(text: str, searched: Any) -> int:
    return units(text).rfind(units(to_string(searched)))


def _starts_with(text: str, searched: Any, start: Any = UNDEFINED) -> bool:
    spread = units(text)
    return spread.startswith(units(to_string(searched)), _clamp(start, len(spread)))


def _ends_with(text: str, searched: Any, end: Any = UNDEFINED) -> bool:
    spread = units(text)
    stop = len(spread) if end is UNDEFINED else _clamp(end, len(spread))
    return spread[:stop].endswith(units(to_string(searched)))


def _array_includes(items: Sequence[Any], searched: Any, start: Any = UNDEFINED) -> bool:
    items = items if start is UNDEFINED else items[_relative(start, len(items), 0) :]
    if type(searched) is str:
        return searched in items
    for item in items:  # noqa: SIM110 - any() with a generator costs more than a short array
        if same_value_zero(item, searched):
            return True
    return False


def _array_index_of(items: Sequence[Any], searched: Any, start: Any = UNDEFINED) -> int:
    first = _relative(start, len(items), 0)
    found = (index for index in range(first, len(items)) if strict_equals(items[index], searched))
    return next(found, -1)


def _array_last_index_of(items: Sequence[Any], searched: Any) -> int:
    found = (index for index in reversed(range(len(items))) if strict_equals(items[index], searched))
    return next(found, -1)


# Cutting


def _text_slice(text: str, start: Any, end: Any = UNDEFINED) -> str:
    spread = units(text)
    length = len(spread)
    return fold(spread[_relative(start, length, 0) : _relative(end, length, length)])


def _array_slice(items: Sequence[Any], start: Any = UNDEFINED, end: Any = UNDEFINED) -> list[Any]:
    length = len(items)
    return bounded_items(items[_relative(start, length, 0) : _relative(end, length, length)])


def _substring(text: str, start: Any, end: Any = UNDEFINED) -> str:
    spread = units(text)
    first = _clamp(start, len(spread))
    last = len(spread) if end is UNDEFINED else _clamp(end, len(spread))
    return fold(spread[min(first, last) : max(first, last)])


def _text_at(text: str, position: Any) -> Any:
    return _array_at(units(text), position)


def _array_at(items: Sequence[Any], position: Any) -> Any:
    index = to_integer(position)
    index = index + len(items) if index < 0 else index
    return items[int(index)] if 0 <= index < len(items) else UNDEFINED


def _char_at(text: str, position: Any = UNDEFINED) -> str:
    spread = units(text)
    index = to_integer(position)
    return spread[int(index)] if 0 <= index < len(spread) else ""


def _split(text: str, separator: Any = UNDEFINED) -> list[str]:
    if separator is UNDEFINED:
        return [text]
    spread, cut = units(text), units(to_string(separator))
    pieces = bounded_items(spread.split(cut) if cut else spread)
    return pieces if text.isascii() else [fold(piece) for piece in pieces]


def _trim(text: str) -> str:
    return text.strip(WHITESPACE)


def _trim_start(text: str) -> str:
    return text.lstrip(WHITESPACE)


def _trim_end(text: str) -> str:
    return text.rstrip(WHITESPACE)


# Building


def _repeat(text: str, count: Any) -> str:
    times = to_integer(count)
    if times < 0 or times == float("inf"):
        raise ExpressionError("repeat takes a finite count of 0 or more")
    if len(text) * times > MAX_TEXT:
        raise too_long()
    return fold(text * int(times)) if text else ""


def _padding(text: str, length: Any, filler: Any) -> str:
    wanted = to_integer(length)
    missing = wanted - len(units(text))
    fill = " " if filler is UNDEFINED else units(to_string(filler))
    if missing <= 0 or not fill:
        return ""
    if wanted > MAX_TEXT:
        raise too_long()
    return (fill * (int(missing) // len(fill) + 1))[: int(missing)]


def _pad_start(text: str, length: Any, filler: Any = UNDEFINED) -> str:
    return fold(_padding(text, length, filler) + units(text))


def _pad_end(text: str, length: Any, filler: Any = UNDEFINED) -> str:
    return fold(units(text) + _padding(text, length, filler))


def _replace(text: str, searched: Any, replacement: Any) -> str:
    return _replaced(text, searched, replacement, 1)


def _replace_all(text: str, searched: Any, replacement: Any) -> str:
    return _replaced(text, searched, replacement, len(text) * 2 + 1)


def _replaced(text: str, searched: Any, replacement: Any, most: int) -> str:
    spread, wanted, pattern = units(text), units(to_string(searched)), units(to_string(replacement))
    matches = min(spread.count(wanted), most)
    if "$" in pattern:
        return _replaced_by_pattern(spread, wanted, pattern, matches)
    if len(spread) + matches * (len(pattern) - len(wanted)) > max(MAX_TEXT, len(spread)):
        raise too_long()
    return fold(spread.replace(wanted, pattern, matches))


def _replaced_by_pattern(text: str, wanted: str, pattern: str, matches: int) -> str:
    pieces: list[str] = []
    length = done = start = 0
    for _ in range(matches):
        position = text.find(wanted, start)
        pieces += (text[done:position], _substituted(pattern, text, position, len(wanted)))
        length += len(pieces[-1])
        if length > MAX_TEXT:
            raise too_long()
        done = position + len(wanted)
        start = max(done, position + 1)
    return fold(bounded("".join((*pieces, text[done:]))))


def _substituted(pattern: str, text: str, position: int, length: int) -> str:
    """ECMAScript GetSubstitution without captures: `$$`, `$&`, `` $` `` and `$'`."""
    if "$" not in pattern:
        return pattern
    end = position + length
    meanings = {"$": "$", "&": text[position:end], "`": text[:position], "'": text[end:]}
    pieces: list[str] = []
    rest = pattern
    while rest:  # each round consumes at least one character of the pattern
        before, dollar, after = rest.partition("$")
        meaning = meanings.get(after[:1]) if dollar else None
        pieces += (before, dollar if meaning is None else meaning)
        rest = after if meaning is None else after[1:]
    return "".join(pieces)


def _text_concat(text: str, *others: Any) -> str:
    return fold(bounded("".join((text, *map(to_string, others)))))


def _array_concat(items: Sequence[Any], *others: Any) -> list[Any]:
    result = list(items)
    for other in others:
        result += other if kind(other) == "array" else (other,)
    return bounded_items(result)


def _join(items: Sequence[Any], separator: Any = UNDEFINED) -> str:
    return join(items, "," if separator is UNDEFINED else to_string(separator))


def _to_fixed(value: int | float, digits: Any = UNDEFINED) -> str:
    """Exact on the double's value, ties away from zero (ECMAScript 21.1.3.3)."""
    places = to_integer(digits)
    if not 0 <= places <= 100:
        raise ExpressionError("toFixed takes 0 to 100 digits")
    number = double(value)
    if not abs(number) < 1e21:
        return number_to_string(number)
    places = int(places)
    numerator, denominator = abs(number).as_integer_ratio()
    scaled = (2 * numerator * 10**places + denominator) // (2 * denominator)
    digits_text = str(scaled).rjust(places + 1, "0")
    whole, fraction = digits_text[: len(digits_text) - places], digits_text[len(digits_text) - places :]
    return ("-" if number < 0 else "") + whole + (f".{fraction}" if fraction else "")


METHODS: Final[Mapping[str, Method]] = {
    "at": Method(1, 1, {"string": _text_at, "array": _array_at}),
    "charAt": Method(0, 1, {"string": _char_at}),
    "concat": Method(0, 32, {"string": _text_concat, "array": _array_concat}),
    "endsWith": Method(1, 2, {"string": _ends_with}),
    "includes": Method(1, 2, {"string": _text_includes, "array": _array_includes}),
    "indexOf": Method(1, 2, {"string": _text_index_of, "array": _array_index_of}),
    "join": Method(0, 1, {"array": _join}),
    "lastIndexOf": Method(1, 1, {"string": _text_last_index_of, "array": _array_last_index_of}),
    "padEnd": Method(1, 2, {"string": _pad_end}),
    "padStart": Method(1, 2, {"string": _pad_start}),
    "repeat": Method(1, 1, {"string": _repeat}),
    "replace": Method(2, 2, {"string": _replace}),
    "replaceAll": Method(2, 2, {"string": _replace_all}),
    "slice": Method(0, 2, {"string": _text_slice, "array": _array_slice}),
    "split": Method(0, 1, {"string": _split}),
    "startsWith": Method(1, 2, {"string": _starts_with}),
    "substring": Method(1, 2, {"string": _substring}),
    "toFixed": Method(0, 1, {"number": _to_fixed}),
    "toLowerCase": Method(0, 0, {"string": str.lower}),
    "toString": Method(0, 0, dict.fromkeys(("string", "number", "boolean", "array", "object"), to_string)),
    "toUpperCase": Method(0, 0, {"string": str.upper}),
    "trim": Method(0, 0, {"string": _trim}),
    "trimEnd": Method(0, 0, {"string": _trim_end}),
    "trimStart": Method(0, 0, {"string": _trim_start}),
}
BOOLEAN_METHODS: Final = frozenset({"includes", "startsWith", "endsWith"})
"""Methods that always give `true` or `false`."""
