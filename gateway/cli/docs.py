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


@app.command("flow-reference")
def flow_reference() -> None:
    """Print docs/flow-reference.md."""
    from gateway.flows.reference import flow_reference_markdown

    typer.echo(flow_reference_markdown(), nl=False)


@app.command("flow-schema")
def flow_schema() -> None:
    """Print the JSON Schema of a flow's file, for editors."""
    import json

    from gateway.flows.schema import flow_schema as schema

    typer.echo(json.dumps(schema(), ensure_ascii=False, indent=1))
