"""`gateway channel templates`: WhatsApp's message templates, as Meta has approved them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Organization, utc_now
from gateway.cli.output import say, show_table

if TYPE_CHECKING:
    from gateway.cli.session import Session
    from storage.message_templates import StoredTemplate

templates = typer.Typer(help="WhatsApp's message templates.", no_args_is_help=True)

ChannelArgument = Annotated[str, typer.Argument(help="Id, name or type of the channel.")]


@templates.command()
def sync(channel: ChannelArgument = "whatsapp", organization: Organization = "default") -> None:
    """Fetch the templates and their approval from Meta."""
    found = _run(channel, organization, fetch=True)
    approved = sum(template.status == "APPROVED" for template in found)
    say(f"{len(found)} templates, {approved} of them approved.")


@templates.command("list")
def list_(channel: ChannelArgument = "whatsapp", organization: Organization = "default") -> None:
    """List the templates as they were last fetched, with what Meta has reported since."""
    rows = [
        (template.name, template.language, template.category, template.status, template.reason)
        for template in _run(channel, organization, fetch=False)
    ]
    columns = ("name", "language", "category", "status", "reason")
    show_table(columns, rows, empty="No template is known; fetch them: gateway channel templates sync")


def _run(wanted: str, slug: str, *, fetch: bool) -> Sequence[StoredTemplate]:
    from gateway.admin.bots import require_organization
    from gateway.admin.channels import access_to, channels_of, select_channel
    from gateway.admin.message_templates import sync_templates, templates_of
    from gateway.cli.session import run
    from gateway.errors import NotFound

    async def work(session: Session) -> Sequence[StoredTemplate]:
        owner = await require_organization(session.database, slug)
        channel = select_channel(await channels_of(session.database, owner), wanted)
        if channel.type != "whatsapp":
            raise NotFound(f"only WhatsApp has message templates; {channel.name} is a {channel.type} channel")
        if not fetch:
            return await templates_of(session.database, owner, channel)
        access = await access_to(session.database, session.keyring, session.settings, channel)
        return await sync_templates(session.database, owner, channel, access, utc_now())

    return run(work)
