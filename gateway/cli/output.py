"""What a command says: results on standard output, errors on standard error, secrets on neither."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

import typer

from gateway.redaction import redact_text

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2

_STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


def say(text: str = "") -> None:
    """One line of the result."""
    typer.echo(redact_text(text))


def complain(text: str) -> None:
    """One line on standard error."""
    typer.echo(redact_text(text), err=True)


def fail(text: str, code: int = EXIT_FAILED) -> NoReturn:
    """Say what went wrong and end the command."""
    complain(f"Error: {text}")
    raise typer.Exit(code)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Rows of plain text as a table; `empty` when there are none. `ok`, `warn` and `fail` are coloured."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found = list(rows)
    if not found:
        say(empty)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in found:
        # Text, not str: what a customer wrote must not be read as markup.
        table.add_row(*(Text(redact_text(cell), style=_STYLES.get(cell, "")) for cell in row))
    console = Console(soft_wrap=False)
    console.width = console.width if console.is_terminal else max(console.width, 200)
    console.print(table)
