"""The vocabulary of a flow's settings: field types that say what a text is, so that one walk can check them all.

A text in a definition can be a node's id (a `node` is one that the conversation goes to, a `reference` one that is
only spoken of), a sub-flow's name, a condition, an expression, a variable's name, a
template that customers read (`text`), one that they don't (`template`), one that may name secrets (`request`), a
plain text that customers read (`label`), or words that they type (`keyword`). Texts, labels and keywords can be
translated. The type carries all that as a `Mark`; `marked` lists a model's marks with their paths, and `select`
finds them in raw data. Checking raw data, rather than validated models, lets a wrong type in one place hide no
dangling target in another.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from engine.problems import Path

MAX_TEXT = 10_000
"""Code points in any one text of a definition."""
MAX_DELAY_MS = 60_000
MAX_TIMEOUT_S = 30 * 24 * 3600

MarkKind: TypeAlias = Literal[
    "node",
    "reference",
    "flow",
    "text",
    "template",
    "request",
    "label",
    "keyword",
    "condition",
    "expression",
    "variable",
]
TRANSLATED: Final[frozenset[MarkKind]] = frozenset({"text", "label", "keyword"})
EACH = "*"
"""In a path of marks: every item of a list or every value of an object."""
KEYS = "@"
"""In a path of marks: every key of an object."""
DEEP = "**"
"""In a path of marks: every text within a value, however deep."""
_WILD = frozenset((EACH, KEYS, DEEP))


class Mark(msgspec.Struct, frozen=True):
    """What a text in a definition is; `deep` marks every text within a value of any shape."""

    kind: MarkKind
    deep: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Where the marked texts are, from the value that carries the mark."""
        return (DEEP,) if self.deep else ()


def _marked(kind: MarkKind, max_length: int = MAX_TEXT) -> Any:
    return Field(min_length=1, max_length=max_length, json_schema_extra={"x-kind": kind})


NodeId: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]
NodeRef: TypeAlias = Annotated[str, Mark("node"), _marked("node")]
MessageRef: TypeAlias = Annotated[str, Mark("reference"), _marked("reference")]
"""The id of a node whose message is meant."""
FlowRef: TypeAlias = Annotated[str, Mark("flow"), _marked("flow", 50)]
SpokenText: TypeAlias = Annotated[str, Mark("text"), _marked("text")]
"""A template that customers read."""
TemplateText: TypeAlias = Annotated[str, Mark("template"), _marked("template")]
"""A template that customers don't read."""
JsonTemplate: TypeAlias = Annotated[Any, Mark("template", deep=True)]
"""Any JSON value, in which each text is a template."""
JsonRequest: TypeAlias = Annotated[Any, Mark("request", deep=True)]
"""Any JSON value, in which each text is a template that may name secrets."""
RequestText: TypeAlias = Annotated[str, Mark("request"), _marked("request")]
"""A template of an HTTP request, which may name secrets."""
Label: TypeAlias = Annotated[str, Mark("label"), _marked("label", 200)]
"""Plain text that customers read, such as the title of a button."""
Keyword: TypeAlias = Annotated[str, Mark("keyword"), _marked("keyword", 200)]
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
    if path and path[0] not in _WILD and (type(value) is not dict or path[0] not in value):
        return []  # by far the most frequent: a setting that a node does not have
    found = [(prefix, value)]
    for step in path:
        if step == KEYS:
            found = [((*place, key), key) for place, item in found if type(item) is dict for key in item]
            continue
        if step == DEEP:
            found = [member for place, item in found for member in _texts_within(item, place)]
            continue
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


def _texts_within(value: Any, place: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts_within(member, (*place, key))
    elif isinstance(value, str):
        yield place, value


def _of_model(model: type[BaseModel]) -> Iterator[tuple[tuple[str, ...], MarkKind]]:
    for name, field in model.model_fields.items():
        key = field.alias or name
        for mark in field.metadata:
            if isinstance(mark, Mark):
                yield (key, *mark.path), mark.kind
        for path, kind in _of_type(field.annotation):
            yield (key, *path), kind


def _of_type(annotation: Any) -> Iterator[tuple[tuple[str, ...], MarkKind]]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from ((mark.path, mark.kind) for mark in arguments[1:] if isinstance(mark, Mark))
        yield from _of_type(arguments[0])
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _of_type(argument)
    elif origin in (list, dict):
        if origin is dict:
            yield from (((KEYS,), kind) for path, kind in _of_type(arguments[0]) if not path)
        for path, kind in _of_type(arguments[-1]):
            yield (EACH, *path), kind
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _of_model(annotation)
