"""Small types that the flow and its nodes share."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

ClockTime: TypeAlias = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of day, such as 09:00 or 21:30."""
Format: TypeAlias = Literal["plain", "markdown"]
"""How a text is written: as it is read, or with the markup of `engine.markup`."""
EventName: TypeAlias = Literal[
    "reaction", "edit", "deletion", "poll_answer", "form", "order", "members", "identity", "contactability",
]  # fmt: skip
"""What can happen besides messages."""
LanguageTag: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
"""An IETF tag, such as en or pt-BR."""
