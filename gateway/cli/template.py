"""`gateway bot template`: save and list templates of bots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Bot, Organization, utc_now
from gateway.cli.output import say, show_table

if TYPE_CHECKING:
    from gateway.admin.templates import TemplateLine
    from gateway.cli.session import Session
    from storage.templates import Template

app = typer.Typer(help="Save and list templates of bots.", no_args_is_help=True)


@app.command()
def save(
    slug: Annotated[str, typer.Argument(help="Slug of the template.", metavar="SLUG")],
    bot: Bot = None,
    name: Annotated[str, typer.Option(help="What operators see.")] = "",
    description: Annotated[str, typer.Option(help="What it is for. Default: the bot's description.")] = "",
    category: Annotated[str, typer.Option(help="What it is listed under.")] = "",
    organization: Organization = "default",
) -> None:
    """Save a bot's settings and its published flow as a template; saving it anew counts its version up."""
    from gateway.admin.bots import find_bot, require_organization
    from gateway.admin.templates import save_as_template
    from gateway.cli.session import run

    async def work(session: Session) -> Template:
        owner = await require_organization(session.database, organization)
        return await save_as_template(
            session.database,
            owner,
            await find_bot(session.database, owner, bot),
            slug=slug,
            name=name,
            description=description,
            category=category,
            now=utc_now(),
        )

    saved = run(work)
    say(f"The template {saved.slug} is at version {saved.version}.")


@app.command("list")
def list_(organization: Organization = "default") -> None:
    """List the organization's templates and those that ship with the gateway."""
    from gateway.admin.templates import available_templates
    from gateway.cli.session import run
    from storage.organizations import find_organization

    async def work(session: Session) -> list[TemplateLine]:
        owner = await find_organization(session.database, organization)
        return await available_templates(session.database, owner)

    rows = [
        (line.slug, line.name, line.category, str(line.version or ""), line.description) for line in run(work)
    ]
    columns = ("template", "name", "category", "version", "description")
    show_table(columns, rows, empty="There is no template.")
