"""`gateway bot`: make, check, publish, export, import and list bots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.flow import Force, Version, publish_source, warn
from gateway.cli.options import Organization, utc_now
from gateway.cli.output import say, show_table
from gateway.cli.template import app as template

if TYPE_CHECKING:
    from gateway.admin.bots import BotLine
    from gateway.admin.flows import Published
    from gateway.cli.session import Session
    from gateway.flows.folder import BotFolder

app = typer.Typer(help="Make, check, publish, export, import and list bots.", no_args_is_help=True)
app.add_typer(template, name="template")

File = Annotated[Path, typer.Argument(help="A flow in JSON.", metavar="FILE")]
Slug = Annotated[str, typer.Argument(help="Slug of the bot.", metavar="SLUG")]
Folder = Annotated[Path, typer.Argument(help="The bot's folder.", metavar="FOLDER")]


@app.command()
def check(file: File) -> None:
    """Compile a flow and list every problem with its place and its mend. Touches no database."""
    from gateway.admin.tests_gate import check_document
    from gateway.flows.folder import read_source

    nodes = check_document(read_source(file), str(file))
    say(f"{file}: {nodes} nodes, no problem.")


@app.command()
def publish(
    file: File,
    bot: Annotated[str, typer.Option("--bot", help="Slug of the bot; made if it is new.", metavar="SLUG")],
    name: Annotated[str, typer.Option(help="What customers see, for a new bot.")] = "",
    version: Version = None,
    force: Force = False,
    organization: Organization = "default",
) -> None:
    """Publish a flow; the same as `gateway flow publish`."""
    publish_source(file, bot=bot, name=name, version=version, force=force, organization=organization)


@app.command()
def create(
    slug: Slug,
    template: Annotated[
        str, typer.Option("--template", help="See: gateway bot template list", metavar="TEMPLATE")
    ],
    name: Annotated[str, typer.Option(help="What customers see.")] = "",
    organization: Organization = "default",
) -> None:
    """Make a bot that inherits the settings and the flow of a template, and publish it."""
    from gateway.admin.templates import create_from_template
    from gateway.cli.session import run
    from storage.organizations import ensure_organization

    async def work(session: Session) -> Published:
        owner = await ensure_organization(
            session.database, slug=organization, name=organization.title(), actor="cli", now=utc_now()
        )
        return await create_from_template(
            session.database, owner, slug=slug, template=template, name=name, now=utc_now()
        )

    done = run(work)
    say(f"Published {done.bot.slug} {done.flow.version}, made from {template}.")


@app.command()
def export(
    slug: Slug,
    folder: Folder,
    version: Annotated[
        str | None, typer.Option(help="Default: the published one.", metavar="VERSION")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite and remove what is in the way.")] = False,
    organization: Organization = "default",
) -> None:
    """Write a bot into a folder: its settings, its flow, a file for each sub-flow and language, its tests."""
    from gateway.admin.bot_folders import export_bot
    from gateway.admin.bots import find_bot, require_organization
    from gateway.cli.session import run
    from gateway.flows.folder import write_folder

    async def work(session: Session) -> BotFolder:
        owner = await require_organization(session.database, organization)
        bot = await find_bot(session.database, owner, slug)
        return await export_bot(session.database, owner, bot, version)

    written = write_folder(folder, run(work), force=force)
    say(f"Wrote {len(written)} files into {folder}." if written else f"{folder} is up to date.")


@app.command("import")
def import_(
    folder: Folder,
    bot: Annotated[
        str | None, typer.Option("--bot", help="Slug of the bot. Default: the folder's own.", metavar="SLUG")
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish its flow too.")] = False,
    force: Force = False,
    organization: Organization = "default",
) -> None:
    """Bring a bot to what a folder says: its name and settings at once, its flow as a draft."""
    from gateway.admin.bot_folders import import_bot
    from gateway.admin.tests_gate import check_document, pass_gate
    from gateway.cli.session import run
    from gateway.flows.folder import read_folder
    from storage.organizations import ensure_organization

    found = read_folder(folder)
    if publish:
        warn(pass_gate(found.document, str(folder), force=force).warnings)
    else:
        check_document(found.document, str(folder))

    async def work(session: Session) -> Published:
        owner = await ensure_organization(
            session.database, slug=organization, name=organization.title(), actor="cli", now=utc_now()
        )
        return await import_bot(session.database, owner, found, slug=bot, publish=publish, now=utc_now())

    done = run(work)
    say(f"Imported {done.bot.slug} {done.flow.version}, which is {_standing(done.flow.status)}.")


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


def _standing(status: str) -> str:
    return {"active": "published", "testing": "in testing", "draft": "a draft"}.get(status, status)
