"""Small types that the flow and its nodes share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

ClockTime: TypeAlias = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of day, such as 09:00 or 21:30."""
LanguageTag: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
"""An IETF tag, such as en or pt-BR."""
