"""Pages that are made from the code; used by `make docs`."""

from __future__ import annotations

import typer

app = typer.Typer(help="Print the pages that come from the code.", no_args_is_help=True)


@app.callback()
def _docs() -> None:
    """Print the pages that come from the code."""


@app.command()
def settings() -> None:
    """Print docs/settings.md."""
    from gateway.settings_docs import settings_markdown

    typer.echo(settings_markdown(), nl=False)
