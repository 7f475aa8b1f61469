"""What the platforms' documents have in common: strict parts, secrets, sizes."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

SECRET_MARK: Final = "secret"  # noqa: S105 - the name of a mark
"""In a field's `json_schema_extra`: the value is encrypted before it is stored."""
_SIZE: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(B|KB|MB|GB)", re.IGNORECASE)
_UNITS: Final = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}

MAX_TEXT = 4_096


class Section(BaseModel):
    """A part of a document. Unknown keys are refused: a misspelt setting that is ignored helps nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Document(Section):
    """A whole platform document."""

    platform: ClassVar[str]
    required_secrets: ClassVar[tuple[str, ...]] = ()
    """Secrets without which the channel can't work, by their last key."""


def size_in_bytes(text: str) -> int:
    """`16MB` → 16,777,216. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("is no size; write it as 16MB or 512KB")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def _size(text: str) -> str:
    size_in_bytes(text)
    return text


def _address(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", text):
        raise ValueError("is no address; write https://…")
    return text


Secret: TypeAlias = Annotated[str, Field(max_length=4_096, json_schema_extra={SECRET_MARK: True})]
Size: TypeAlias = Annotated[str, AfterValidator(_size)]
Address: TypeAlias = Annotated[str, Field(max_length=2_048), AfterValidator(_address)]
Text: TypeAlias = Annotated[str, Field(max_length=MAX_TEXT)]
Digits: TypeAlias = Annotated[str, Field(pattern=r"^\d{0,32}$")]


class Command(Section):
    """A line of the platform's menu of commands."""

    command: Annotated[str, Field(pattern=r"^/?[a-z0-9_-]{1,32}$")]
    description: Annotated[str, Field(min_length=1, max_length=256)]


class RateLimit(Section):
    """How fast the platform lets a channel send, where it has granted another rate than usual."""

    per_second: Annotated[float, Field(gt=0, le=10_000)]
    burst: Annotated[int, Field(ge=1, le=100_000)]


class RateLimits(Section):
    """Rates of one channel in all, and to one recipient."""

    channel: RateLimit | Literal["unlimited"] | None = None
    recipient: RateLimit | Literal["unlimited"] | None = None


def secret_paths(model: type[BaseModel], prefix: str = "") -> tuple[str, ...]:
    """JSON pointers to every secret of a document."""
    paths: list[str] = []
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get(SECRET_MARK):
            paths.append(f"{prefix}/{name}")
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            paths += secret_paths(field.annotation, f"{prefix}/{name}")
    return tuple(paths)


def without(document: dict[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """The document with what lies at these pointers left out where it is empty."""
    for path in paths:
        *parents, last = path.strip("/").split("/")
        where: Any = document
        for key in parents:
            where = where.get(key) if isinstance(where, dict) else None
        if isinstance(where, dict) and not where.get(last):
            where.pop(last, None)
    return document
