"""`gateway serve`, `gateway migrate`, `gateway doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import EXIT_FAILED, say, show_table


def register(app: typer.Typer) -> None:
    """Add the commands to the top level."""
    app.command()(serve)
    app.command()(migrate)
    app.command()(doctor)


def serve(
    workers: Annotated[int | None, typer.Option(help="Worker processes that share the port.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port to listen on.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Directory of the embedded servers.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Publish the demo bot and serve its page.")] = False,
) -> None:
    """Run the server until it is told to stop (SIGTERM or Ctrl-C)."""
    from gateway.settings import load_settings

    settings = load_settings(workers=workers, host=host, port=port, data_dir=data_dir)
    from gateway.serve import serve as run

    run(settings, demo=demo)


def migrate() -> None:
    """Bring the database to the newest schema. `serve` does so itself; several at once are safe."""
    from gateway.cli.session import migrate_only

    changed = migrate_only()
    say("The database was brought to the newest schema." if changed else "The database is up to date.")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check settings, servers, keys and channels; every finding says how to mend it."""
    from gateway.doctor import FAIL, diagnose

    findings = diagnose()
    if as_json:
        import msgspec

        say(msgspec.json.format(msgspec.json.encode(findings), indent=2).decode())
    else:
        rows = [(finding.state, finding.check, finding.message, finding.mend) for finding in findings]
        show_table(("", "check", "finding", "mend"), rows, empty="")
    if any(finding.state == FAIL for finding in findings):
        raise typer.Exit(EXIT_FAILED)
