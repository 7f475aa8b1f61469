"""JSON as text, within the bounds of the language."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from engine.expressions.errors import ExpressionError
from engine.expressions.functions.arguments import short_text
from engine.expressions.limits import MAX_DATA_DEPTH, MAX_TEXT
from engine.expressions.text import too_long, well_formed
from engine.expressions.values import UNDEFINED, kind, number_to_string, text_to_number, to_number, to_string


def to_json(value: Any) -> str:
    """The value as JSON, as JavaScript writes it: NaN, infinities and undefined are null, and an object leaves out
    what is undefined in it.
    """
    writer = _Writer()
    writer.write(value, 0)
    return "".join(writer.pieces)


class _Writer:
    """Collects the pieces of a text, and stops where it becomes longer than `MAX_TEXT`."""

    __slots__ = ("_room", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._room = MAX_TEXT

    def _add(self, piece: str) -> None:
        self._room -= len(piece)
        if self._room < 0:
            raise too_long()
        self.pieces.append(piece)

    def _text(self, text: str) -> None:
        if len(text) > self._room:
            raise too_long()
        self._add(json.dumps(well_formed(str(text)), ensure_ascii=False))

    def write(self, value: Any, depth: int) -> None:
        if depth > MAX_DATA_DEPTH:
            raise ExpressionError(f"the data is nested more than {MAX_DATA_DEPTH} deep; make it flatter")
        match kind(value):
            case "string":
                self._text(value)
            case "number":
                number = to_number(value)
                self._add(number_to_string(number) if math.isfinite(number) else "null")
            case "boolean":
                self._add("true" if value else "false")
            case "array":
                self._add("[")
                for index, item in enumerate(value):
                    self._add("," if index else "")
                    self.write(item, depth + 1)
                self._add("]")
            case "object":
                self._add("{")
                separator = ""
                for key, item in value.items():
                    if item is UNDEFINED:
                        continue
                    self._add(separator)
                    self._text(to_string(key))
                    self._add(":")
                    self.write(item, depth + 1)
                    separator = ","
                self._add("}")
            case _:
                self._add("null")


def from_json(value: Any) -> Any:
    """The value that the JSON text spells. Raises `ExpressionError` when it spells none."""
    text = short_text(value)
    try:
        found = json.loads(text, parse_int=_integer, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ExpressionError("the text is not JSON; give one such as '{\"a\": 1}'") from None
    _refuse_deep(found, 0)
    return well_formed(found)


def _integer(digits: str) -> int | float:
    return to_number(int(digits)) if len(digits) < 20 else text_to_number(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse_deep(value: Any, depth: int) -> None:
    if depth >= MAX_DATA_DEPTH:
        raise ExpressionError(f"the JSON is nested more than {MAX_DATA_DEPTH} deep; make it flatter")
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_deep(item, depth + 1)
