"""`gateway channel`: connect, list, verify and disconnect channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Bot, Name, Organization, utc_now
from gateway.cli.output import EXIT_FAILED, complain, say, show_table

if TYPE_CHECKING:
    from gateway.admin.telegram import Connected
    from gateway.cli.session import Session
    from gateway.doctor import Finding
    from storage.channels import Channel

app = typer.Typer(help="Connect, list, verify and disconnect channels.", no_args_is_help=True)
connect = typer.Typer(help="Connect a channel to a bot.", no_args_is_help=True)
app.add_typer(connect, name="connect")

TOKEN_VARIABLE = "TELEGRAM_BOT_TOKEN"  # noqa: S105 (a variable's name)


@connect.command()
def telegram(
    bot: Bot = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar=TOKEN_VARIABLE,
            show_envvar=True,
            help="The token from @BotFather. Better from the variable or the prompt: shells remember options.",
        ),
    ] = None,
    polling: Annotated[
        bool, typer.Option("--polling", help="Fetch updates, even though a public address is set.")
    ] = False,
    name: Name = "",
    organization: Organization = "default",
) -> None:
    """Connect a Telegram bot: check its token, store it encrypted, set the webhook (or poll)."""
    entered = (token or typer.prompt("Token from @BotFather", hide_input=True, err=True)).strip()
    from gateway.redaction import redact

    redact(entered)
    from gateway.admin.bots import find_bot, require_organization
    from gateway.admin.telegram import TelegramConnector
    from gateway.cli.session import run

    async def work(session: Session) -> Connected:
        owner = await require_organization(session.database, organization)
        chosen = await find_bot(session.database, owner, bot)
        connector = TelegramConnector(session.settings, session.database, session.keyring, owner)
        return await connector.connect(chosen, entered, name=name, polling=polling, now=utc_now())

    _tell_connected(run(work))


def _tell_connected(done: Connected) -> None:
    verb = "Renewed the connection of" if done.renewed else "Connected"
    say(f"{verb} @{done.identity.username} ({done.identity.name}).")
    say(f"Channel:  {done.channel.id}")
    say("Token:    checked with Telegram, stored encrypted")
    if done.webhook:
        say(f"Updates:  by webhook, {done.webhook}")
    else:
        say("Updates:  by long polling, from a running server (gateway serve)")
    if done.replaced_webhook:
        say(f"Before:   Telegram posted to {done.replaced_webhook}; it no longer does")
    say(f"Try it:   https://t.me/{done.identity.username}")


@connect.command()
def web(
    bot: Bot = None,
    name: Name = "Website",
    domain: Annotated[
        list[str] | None,
        typer.Option(
            help="A site that may embed the widget, such as *.example.org; repeatable. Default: any."
        ),
    ] = None,
    organization: Organization = "default",
) -> None:
    """Connect the website widget and print the line to paste into the page."""
    from gateway.admin.bots import find_bot, require_organization
    from gateway.admin.web import connect_web, embed_code
    from gateway.cli.session import run

    async def work(session: Session) -> tuple[Channel, str]:
        owner = await require_organization(session.database, organization)
        chosen = await find_bot(session.database, owner, bot)
        channel = await connect_web(
            session.database,
            session.keyring,
            owner,
            chosen,
            name=name,
            domains=domain or (),
            now=utc_now(),
        )
        return channel, embed_code(session.settings, channel)

    channel, code = run(work)
    say(f"Connected the widget. Channel: {channel.id}")
    say("Paste this into the page, before </body>:")
    say(f"  {code}")


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
    way = {"web": "socket"}.get(channel.type, "polling" if channel.polled else "webhook")
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
    from gateway.admin.bots import ACTOR, require_organization
    from gateway.admin.channels import channels_of, select_channel
    from gateway.admin.telegram import TelegramConnector
    from gateway.cli.session import run
    from storage.audit import Change
    from storage.channels import set_status

    async def work(session: Session) -> tuple[Channel, str]:
        owner = await require_organization(session.database, organization)
        chosen = select_channel(await channels_of(session.database, owner), channel)
        if chosen.type == "telegram":
            connector = TelegramConnector(session.settings, session.database, session.keyring, owner)
            return chosen, await connector.disconnect(chosen, utc_now())
        change = Change(organization_id=owner.id, actor=ACTOR, now=utc_now())
        async with session.database.transaction([owner.id]) as connection:
            await set_status(connection, change, chosen.id, "disabled")
        return chosen, ""

    closed, trouble = run(work)
    say(f"Disconnected the {closed.type} channel {closed.id} ({closed.name}).")
    if trouble:
        complain(f"The webhook could not be removed at the platform: {trouble}")
