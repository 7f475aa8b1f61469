"""The vocabulary of a flow's settings: field types that say what a text is, so that one walk can check them all.

A text in a definition can be a node's id, a template, a condition, an expression or a variable's name. The type
carries that as a `Mark`; `marked` lists a model's marks with their paths, and `select` finds them in raw data.
Checking raw data, rather than validated models, lets a wrong type in one place hide no dangling target in another.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from engine.problems import Path

MAX_TEXT = 10_000
"""Code points in any one text of a definition."""
MAX_DELAY_MS = 60_000
MAX_TIMEOUT_S = 30 * 24 * 3600

MarkKind: TypeAlias = Literal["node", "template", "condition", "expression", "variable"]
EACH = "*"
"""In a path of marks: every item of a list or every value of an object."""


class Mark(msgspec.Struct, frozen=True):
    """What a text in a definition is."""

    kind: MarkKind


def _marked(kind: MarkKind) -> Any:
    return Field(min_length=1, max_length=MAX_TEXT, json_schema_extra={"x-kind": kind})


NodeId: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]
NodeRef: TypeAlias = Annotated[str, Mark("node"), _marked("node")]
TemplateText: TypeAlias = Annotated[str, Mark("template"), _marked("template")]
ConditionText: TypeAlias = Annotated[str, Mark("condition"), _marked("condition")]
ExpressionText: TypeAlias = Annotated[str, Mark("expression"), _marked("expression")]
VariableName: TypeAlias = Annotated[str, Mark("variable"), _marked("variable")]
DelayMs: TypeAlias = Annotated[int, Field(ge=0, le=MAX_DELAY_MS)]
Seconds: TypeAlias = Annotated[int, Field(ge=0, le=MAX_TIMEOUT_S)]
Name: TypeAlias = Annotated[str, Field(max_length=200)]


class Part(BaseModel):
    """Base of every part of a definition: right types only, and no setting that does not exist."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@cache
def marked(model: type[BaseModel]) -> tuple[tuple[tuple[str, ...], MarkKind], ...]:
    """The marked texts of a model: (path with `*` for each item, kind)."""
    return tuple(_of_model(model))


def select(value: Any, path: tuple[str, ...], prefix: Path = ()) -> list[tuple[Path, Any]]:
    """The values in raw data that `path` leads to, with their full paths; what is not there is passed over."""
    found = [(prefix, value)]
    for step in path:
        if step != EACH:
            found = [
                ((*place, step), item[step]) for place, item in found if type(item) is dict and step in item
            ]
            continue
        found = [
            ((*place, key), member)
            for place, item in found
            for key, member in (
                item.items() if type(item) is dict else enumerate(item) if type(item) is list else ()
            )
        ]
    return found


def _of_model(model: type[BaseModel]) -> Iterator[tuple[tuple[str, ...], MarkKind]]:
    for name, field in model.model_fields.items():
        key = field.alias or name
        for mark in field.metadata:
            if isinstance(mark, Mark):
                yield (key,), mark.kind
        for path, kind in _of_type(field.annotation):
            yield (key, *path), kind


def _of_type(annotation: Any) -> Iterator[tuple[tuple[str, ...], MarkKind]]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from (((), mark.kind) for mark in arguments[1:] if isinstance(mark, Mark))
        yield from _of_type(arguments[0])
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _of_type(argument)
    elif origin in (list, dict):
        for path, kind in _of_type(arguments[-1]):
            yield (EACH, *path), kind
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _of_model(annotation)
