"""`gateway channel`: connect, list, verify and disconnect channels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.channel_connect import connect
from gateway.cli.channel_templates import templates
from gateway.cli.options import Organization, utc_now
from gateway.cli.output import EXIT_FAILED, complain, say, show_table

if TYPE_CHECKING:
    from gateway.cli.session import Session
    from gateway.doctor import Finding
    from storage.channels import Channel

app = typer.Typer(help="Connect, list, verify and disconnect channels.", no_args_is_help=True)
app.add_typer(connect, name="connect")
app.add_typer(templates, name="templates")


@app.command("list")
def list_(organization: Organization = "default") -> None:
    """List the channels."""
    from gateway.admin.bots import list_bots, require_organization
    from gateway.admin.channels import channels_of
    from gateway.cli.session import run

    async def work(session: Session) -> list[tuple[str, ...]]:
        owner = await require_organization(session.database, organization)
        bots = {line.bot.id: line.bot.slug for line in await list_bots(session.database, owner)}
        return [
            _row(channel, bots[channel.chatbot_id]) for channel in await channels_of(session.database, owner)
        ]

    columns = ("channel", "type", "name", "bot", "status", "receives by")
    show_table(columns, run(work), empty="There is no channel yet.")


def _row(channel: Channel, bot: str) -> tuple[str, ...]:
    polled = "Socket Mode" if channel.type == "slack" else "polling"
    way = "socket" if channel.type == "web" else polled if channel.polled else "webhook"
    return str(channel.id), channel.type, channel.name, bot, channel.status, way


@app.command()
def verify(
    channel: Annotated[str | None, typer.Argument(help="Id, name or type. Default: all.")] = None,
    organization: Organization = "default",
) -> None:
    """Ask the platforms about the channels' credentials and webhooks."""
    from gateway.admin.bots import require_organization
    from gateway.admin.channels import channels_of, select_channel
    from gateway.cli.session import run
    from gateway.doctor import FAIL
    from gateway.doctor.channels import check_channel
    from gateway.doctor.finding import Report

    async def work(session: Session) -> list[Finding]:
        owner = await require_organization(session.database, organization)
        found = await channels_of(session.database, owner)
        chosen = (
            [select_channel(found, channel)] if channel else [one for one in found if one.status == "active"]
        )
        report = Report()
        for one in chosen:
            await check_channel(report, session.settings, session.database, session.keyring, one)
        return report.findings

    findings = run(work)
    rows = [(finding.state, finding.check, finding.message, finding.mend) for finding in findings]
    show_table(("", "channel", "finding", "mend"), rows, empty="There is no channel yet.")
    if any(finding.state == FAIL for finding in findings):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def disconnect(
    channel: Annotated[str, typer.Argument(help="Id, name or type.")],
    organization: Organization = "default",
) -> None:
    """Close a channel and remove its webhook. Its conversations stay."""
    from gateway.admin.bots import require_organization
    from gateway.admin.channels import channels_of, select_channel
    from gateway.admin.connecting import Connections
    from gateway.cli.session import run

    async def work(session: Session) -> tuple[Channel, str]:
        owner = await require_organization(session.database, organization)
        chosen = select_channel(await channels_of(session.database, owner), channel)
        parts = (session.settings, session.database, session.keyring, owner)
        if chosen.type == "telegram":
            from gateway.admin.telegram import TelegramConnector

            return chosen, await TelegramConnector(*parts).disconnect(chosen, utc_now())
        if chosen.type == "whatsapp":
            from gateway.admin.whatsapp import WhatsAppConnector

            return chosen, await WhatsAppConnector(*parts).disconnect(chosen, utc_now())
        await Connections(session.database, session.keyring, owner).close(chosen, utc_now())
        return chosen, ""

    closed, trouble = run(work)
    say(f"Disconnected the {closed.type} channel {closed.id} ({closed.name}).")
    if trouble:
        complain(f"The webhook could not be removed at the platform: {trouble}")


@app.command()
def capabilities(
    platform: Annotated[
        str | None, typer.Argument(help="web, telegram, whatsapp or slack. Default: all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every limit and its unit.")] = False,
) -> None:
    """What each platform can do: in its own form, in another, or not at all, and its limits with their units."""
    from gateway.capabilities import TABLES, feature_rows, limit_rows, to_json
    from gateway.errors import NotFound

    if platform is not None and platform not in TABLES:
        raise NotFound(f"there is no platform {platform!r}; there are {', '.join(TABLES)}")
    chosen = [table for name, table in TABLES.items() if platform in (None, name)]
    if as_json:
        say(to_json(chosen))
        return
    show_table(("", *(table.platform for table in chosen)), feature_rows(chosen), empty="")
    say()
    show_table(("limit", *(table.platform for table in chosen)), limit_rows(chosen), empty="")


@app.command()
def manifest(
    bot: Annotated[str, typer.Option("--name", help="What the app is called in Slack.")] = "Bot",
    socket_mode: Annotated[
        bool, typer.Option("--socket-mode", help="For a server without a public address.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="The channel's document: its slash commands are in it.")
    ] = None,
    url: Annotated[str, typer.Option(help="The webhook's address, as connecting told it.")] = "",
) -> None:
    """Print the manifest of a Slack app: paste it at api.slack.com/apps > Create New App > From a manifest."""
    import json

    from adapters.slack.manage import manifest as make_manifest
    from gateway.cli.documents import read_document

    document, _ = read_document(config)
    made = make_manifest(bot, url, document.get("commands", ()), socket_mode)
    say(json.dumps(made, indent=2, ensure_ascii=False))
