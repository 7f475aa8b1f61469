"""How values print: nothing for what is missing, numbers as in JavaScript, structures as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from engine.expressions.errors import ExpressionError
from engine.expressions.values import UNDEFINED, kind, number_to_string, to_string
from engine.templates.errors import TemplateError
from engine.templates.limits import MAX_DATA_DEPTH, MAX_OUTPUT


def to_text(value: Any) -> str:
    """How a value prints. Raises `TemplateError` for what is no value of the language."""
    if type(value) is str:
        return value
    if value is None or value is UNDEFINED:
        return ""
    try:
        return to_json(value) if kind(value) in ("array", "object") else to_string(value)
    except ExpressionError as error:
        raise TemplateError(str(error)) from None


def to_json(value: Any, depth: int = 0) -> str:
    """Compact JSON, as `JSON.stringify` writes it: NaN is null, undefined is left out or null.

    Raises `TemplateError` when it is nested too deep, `ExpressionError` for what is no value.
    """
    if depth > MAX_DATA_DEPTH:
        raise TemplateError(f"the data is nested more than {MAX_DATA_DEPTH} deep")
    match kind(value):
        case "array":
            return f"[{','.join(to_json(item, depth + 1) for item in value)}]"
        case "object":
            members = ((key, item) for key, item in value.items() if item is not UNDEFINED)
            return (
                f"{{{','.join(f'{_quoted(str(key))}:{to_json(item, depth + 1)}' for key, item in members)}}}"
            )
        case "string":
            return _quoted(value)
        case "number":
            return number_to_string(value) if abs(value) < float("inf") else "null"
        case "boolean":
            return "true" if value else "false"
        case _:
            return "null"


def to_texts(items: Iterable[Any], gap: int = 1) -> list[str]:
    """How each of `items` prints. Raises `TemplateError` when they, with `gap` between them, are too long."""
    texts: list[str] = []
    length = 0
    for item in items:
        texts.append(to_text(item))
        length += len(texts[-1]) + gap
        if length - gap > MAX_OUTPUT:
            raise too_long()
    return texts


def too_long() -> TemplateError:
    """The error of a text beyond `MAX_OUTPUT`."""
    return TemplateError(f"the text would be longer than {MAX_OUTPUT} characters")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
