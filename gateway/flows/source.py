"""A flow's file as it was written: its data, and the line and column of every value and key in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

from engine.problems import Path
from gateway.flows.mistakes import explain, explain_constant
from gateway.flows.tokens import STRING, TOKEN, Lines, Position, SourceError

__all__ = ["Position", "Source", "SourceError", "parse", "path_of"]

_BOM: Final = "\ufeff"
_STEP: Final = re.compile(
    r'(?:^|(?<=.)\.)(?P<key>[A-Za-z_][A-Za-z0-9_-]*)|\[(?P<index>\d+)\]|\["(?P<quoted>.*?)"\](?=$|[.\[])',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Value:
    """Where a value and its key begin, as offsets; a value in a list has its own offset for a key."""

    key: int
    start: int
    members: Mapping[str, _Value] | list[_Value] | None = None


@dataclass(frozen=True)
class Source:
    """A JSON text that could be read."""

    text: str
    """Without a byte order mark."""
    data: Any

    def position(self, path: Path) -> Position:
        """Where the value at `path` begins; for what is not there, the innermost thing that should hold it."""
        return self._lines.position(self._find(path).start)

    def key_position(self, path: Path) -> Position:
        """Where the key of the value at `path` begins; the value itself when it is in a list or not there."""
        return self._lines.position(self._find(path).key)

    def _find(self, path: Path) -> _Value:
        value = self._root
        for step in path:
            inner = _member(value, step)
            if inner is None:
                # What is missing has no key of its own: both questions are answered by its holder.
                return _Value(value.start, value.start)
            value = inner
        return value

    @cached_property
    def _root(self) -> _Value:
        return _scan(self.text)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)


def parse(text: str) -> Source:
    """Read JSON. Raises SourceError with the place of the first mistake and its mend.

    Stricter than `json.loads`: a key that occurs twice in an object, NaN and Infinity are mistakes.
    """
    text = text.removeprefix(_BOM)
    reader = _Reader()
    try:
        data = json.loads(text, object_pairs_hook=reader.object, parse_constant=reader.constant)
    except json.JSONDecodeError as error:
        raise explain(text, error) from None
    except RecursionError:
        raise SourceError(1, 1, "the flow is nested too deeply", "make it flatter") from None
    except ValueError:
        raise _long_number(text) from None
    if reader.constants:
        raise explain_constant(text)
    if reader.repeated:
        raise _repeated(text)
    return Source(text, data)


def path_of(place: str) -> Path:
    """The path that `engine.problems.place_of` wrote as `place`. Raises ValueError for anything else.

    Two kinds of keys are lost for good when they are written: shortened ones, and those that hold `"]`.
    """
    path: list[str | int] = []
    end = 0
    while end < len(place):
        step = _STEP.match(place, end)
        if step is None:
            raise ValueError(f"{place!r} is no place")
        index = step["index"]
        path.append(int(index) if index is not None else step["key"] or step["quoted"] or "")
        end = step.end()
    return tuple(path)


class _Reader:
    """Hooks for `json.loads`, which tell no place: they note that there is something to look for."""

    def __init__(self) -> None:
        self.repeated = False
        self.constants = False

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        self.repeated = self.repeated or len(found) != len(pairs)
        return found

    def constant(self, name: str) -> None:
        self.constants = True


_Members: TypeAlias = dict[str, _Value] | list[_Value]


def _scan(text: str) -> _Value:
    """The places of everything in a text that is known to be JSON. Without recursion, however deep it is."""
    root: list[_Value] = []
    members: _Members = root
    outer: list[tuple[_Members, str, int]] = []
    name, key, awaiting_value = "", 0, False
    for token in TOKEN.finditer(text):
        start, first = token.start(), text[token.start()]
        if first == "," or first == ":":
            continue
        if first == "}" or first == "]":
            members, name, key = outer.pop()
            awaiting_value = False
            continue
        if first == '"' and not awaiting_value and type(members) is dict:
            name, key, awaiting_value = _key(token[0]), start, True
            continue
        inner: _Members | None = {} if first == "{" else [] if first == "[" else None
        if type(members) is dict:
            members[name] = _Value(key, start, inner)
        else:
            members.append(_Value(start, start, inner))  # type: ignore[union-attr]
        awaiting_value = False
        if inner is not None:
            outer.append((members, name, key))
            members = inner
    return root[0]


def _member(value: _Value, step: str | int) -> _Value | None:
    members = value.members
    if isinstance(members, dict):
        return members.get(step)
    if isinstance(members, list) and isinstance(step, int) and 0 <= step < len(members):
        return members[step]
    return None


def _key(token: str) -> str:
    return str(json.loads(token)) if "\\" in token else token[1:-1]


def _repeated(text: str) -> SourceError:
    """The first key that an object has twice."""
    lines = Lines(text)
    for keys, name, start in _keys(text):
        if name in keys:
            position, earlier = lines.position(start), lines.position(keys[name])
            message = f'the key "{name[:80]}" is here and in line {earlier.line}, column {earlier.column}'
            return SourceError(*position, message, "keep one of them")
        keys[name] = start
    return SourceError(1, 1, "a key occurs twice in an object", "keep one of them")


def _keys(text: str) -> Iterator[tuple[dict[str, int], str, int]]:
    """Every key: (the keys of its object so far with their offsets, the key, its offset)."""
    open_: list[dict[str, int] | None] = []
    is_key = False
    for token in TOKEN.finditer(text):
        first = text[token.start()]
        if first in "{[":
            open_.append({} if first == "{" else None)
            is_key = first == "{"
        elif first in "}]":
            open_.pop()
            is_key = False
        elif first == ",":
            is_key = open_[-1] is not None
        elif first == '"' and is_key and (keys := open_[-1]) is not None:
            yield keys, _key(token[0]), token.start()
            is_key = False


def _long_number(text: str) -> SourceError:
    """Python refuses to read whole numbers of thousands of digits."""
    for token in TOKEN.finditer(text):
        if len(token[0]) > 1000 and not STRING.fullmatch(token[0]):
            position = Lines(text).position(token.start())
            return SourceError(*position, "the number is too long", "write fewer digits, or a text in quotes")
    return SourceError(1, 1, "a number is too long", "write fewer digits")
