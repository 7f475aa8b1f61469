"""`gateway bot`: check, publish and list bots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Organization, utc_now
from gateway.cli.output import say, show_table

if TYPE_CHECKING:
    from gateway.admin.bots import BotLine, Published
    from gateway.cli.session import Session

app = typer.Typer(help="Check, publish and list bots.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A flow in JSON.", metavar="FILE")]


@app.command()
def check(file: File) -> None:
    """Compile a flow and list every problem with its place and its mend. Touches no database."""
    from gateway.admin.bots import check_flow, read_flow

    nodes = check_flow(file, read_flow(file))
    say(f"{file}: {nodes} nodes, no problem.")


@app.command()
def publish(
    file: File,
    bot: Annotated[str, typer.Option("--bot", help="Slug of the bot; made if it is new.", metavar="SLUG")],
    name: Annotated[str, typer.Option(help="What customers see, for a new bot.")] = "",
    version: Annotated[
        str | None, typer.Option(help="Version, such as 2.0.0. Default: the next one.", metavar="VERSION")
    ] = None,
    organization: Organization = "default",
) -> None:
    """Check a flow, store it as a version and publish it. Conversations under way stay on theirs."""
    from gateway.admin.bots import check_flow, publish_flow, read_flow

    check_flow(file, read_flow(file))  # a wrong file is refused before anything is started
    from gateway.cli.session import run
    from storage.organizations import ensure_organization

    async def work(session: Session) -> Published:
        owner = await ensure_organization(
            session.database, slug=organization, name=organization.title(), actor="cli", now=utc_now()
        )
        return await publish_flow(
            session.database, owner, slug=bot, name=name, path=file, version=version, now=utc_now()
        )

    done = run(work)
    if done.changed:
        say(f"Published {done.bot.slug} {done.flow.version} ({done.nodes} nodes).")
    else:
        say(f"Nothing has changed: {done.bot.slug} {done.flow.version} is published.")


@app.command("list")
def list_(organization: Organization = "default") -> None:
    """List the bots with their published and newest versions."""
    from gateway.admin.bots import list_bots, require_organization
    from gateway.cli.session import run

    async def work(session: Session) -> list[BotLine]:
        return await list_bots(session.database, await require_organization(session.database, organization))

    rows = [
        (
            line.bot.slug,
            line.bot.name,
            line.published.version if line.published else "",
            line.newest.version if line.newest else "",
            f"{line.bot.updated_at:%Y-%m-%d %H:%M}",
        )
        for line in run(work)
    ]
    show_table(("bot", "name", "published", "newest", "changed (UTC)"), rows, empty="There is no bot yet.")
