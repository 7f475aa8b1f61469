"""The rules that a definition can give for a value."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from engine.fields import Part
from engine.validation.day_bounds import Day, iso_day
from engine.validation.patterns import Pattern
from engine.validation.schemas import JsonSchema
from engine.variables import MAX_TEXT

MAX_ENUM = 1_000
"""Values of an enumeration."""
MAX_ENUM_TEXT = 200
"""Characters of one of them."""


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        raise ValueError("this can't be listed; write a text, a number, true or false")
    if isinstance(value, str) and len(value) > MAX_ENUM_TEXT:
        raise ValueError(f"this has more than {MAX_ENUM_TEXT} characters; make it shorter")
    return value


EnumValue: TypeAlias = Annotated[
    Any, AfterValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})
]


class Rules(Part):
    """What a value must be, besides being of its type. A rule for texts says nothing about numbers, and so on."""

    min_length: int = Field(0, ge=0, le=MAX_TEXT, description="Fewest characters of a text.")
    max_length: int | None = Field(None, ge=1, le=MAX_TEXT, description="Most characters of a text.")
    minimum: float | None = Field(None, allow_inf_nan=False, description="The least number.")
    maximum: float | None = Field(None, allow_inf_nan=False, description="The greatest number.")
    enum: list[EnumValue] | None = Field(
        None,
        min_length=1,
        max_length=MAX_ENUM,
        description="The only values allowed; in texts case does not matter.",
    )
    pattern: Pattern | None = Field(
        None, description="A regular expression (RE2's syntax) that the whole text matches."
    )
    schema_: JsonSchema | None = Field(
        None,
        alias="schema",
        description="JSON Schema, draft 2020-12, of an object or a list; or the schemas of an object's properties.",
    )
    earliest: Day | None = Field(
        None, description='The first day allowed: "2026-01-31", "today", "today+30d", "today-18y".'
    )
    latest: Day | None = Field(None, description="The last day allowed, written likewise.")

    @model_validator(mode="after")
    def _ordered(self) -> Rules:
        if self.max_length is not None and self.min_length > self.max_length:
            raise ValueError("no text has these lengths; let max_length be at least min_length")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("no number is in these bounds; let maximum be at least minimum")
        first, last = iso_day(self.earliest or ""), iso_day(self.latest or "")
        if first is not None and last is not None and first > last:
            raise ValueError("no day is in these bounds; let latest be no earlier than earliest")
        return self
