"""Options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

Organization = Annotated[
    str, typer.Option("--organization", help="Slug of the organization.", metavar="SLUG")
]
Bot = Annotated[
    str | None, typer.Option("--bot", help="Slug of the bot; not needed when there is one.", metavar="SLUG")
]
Name = Annotated[str, typer.Option(help="What operators see.")]


def utc_now() -> datetime:
    """The clock of the commands."""
    return datetime.now(UTC)
