"""`gateway channel connect`: one command a platform."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.documents import ask_secrets, read_document
from gateway.cli.options import Bot, Name, Organization, utc_now
from gateway.cli.output import complain, say

if TYPE_CHECKING:
    from gateway.admin import slack as slack_admin
    from gateway.admin import telegram as telegram_admin
    from gateway.admin import whatsapp as whatsapp_admin
    from gateway.cli.session import Session
    from storage import organizations
    from storage.bots import Chatbot
    from storage.channels import Channel

connect = typer.Typer(help="Connect a channel to a bot.", no_args_is_help=True)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="The channel's document (deployment config) as JSON. A secret in it may read env:NAME.",
        exists=True,
        dir_okay=False,
    ),
]
_BETTER = "Better from the variable or the prompt: shells remember options."


async def _place(
    session: Session, organization: str, bot: str | None
) -> tuple[organizations.Organization, Chatbot]:
    """Where the channel goes. Raises NotFound and Conflict."""
    from gateway.admin.bots import find_bot, require_organization

    owner = await require_organization(session.database, organization)
    return owner, await find_bot(session.database, owner, bot)


@connect.command()
def telegram(
    bot: Bot = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="TELEGRAM_BOT_TOKEN", show_envvar=True, help=f"The token from @BotFather. {_BETTER}"
        ),
    ] = None,
    polling: Annotated[
        bool, typer.Option("--polling", help="Fetch updates, even though a public address is set.")
    ] = False,
    config: Config = None,
    name: Name = "",
    organization: Organization = "default",
) -> None:
    """Connect a Telegram bot: check its token, store it encrypted, set the webhook (or poll), menu and texts."""
    document, place = read_document(config)
    given = ask_secrets({"bot_token": (token, "Token from @BotFather")}, document)
    from gateway.admin.telegram import TelegramConnector
    from gateway.cli.session import run

    async def work(session: Session) -> telegram_admin.Connected:
        owner, chosen = await _place(session, organization, bot)
        connector = TelegramConnector(session.settings, session.database, session.keyring, owner)
        return await connector.connect(
            chosen,
            given.get("bot_token", ""),
            name=name,
            polling=polling,
            now=utc_now(),
            document=document,
            place=place,
        )

    _tell_telegram(run(work))


def _tell_telegram(done: telegram_admin.Connected) -> None:
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
    if done.described:
        say(f"Set:      {', '.join(done.described)}")
    say(f"Try it:   https://t.me/{done.identity.username}")


@connect.command()
def whatsapp(
    bot: Bot = None,
    phone_number_id: Annotated[
        str, typer.Option(help="The number's id, from Meta's page WhatsApp > API Setup.", metavar="ID")
    ] = "",
    business_account_id: Annotated[
        str, typer.Option(help="The business account's id, from the same page.", metavar="ID")
    ] = "",
    token: Annotated[
        str | None,
        typer.Option(
            envvar="WHATSAPP_ACCESS_TOKEN", show_envvar=True, help=f"A system user's access token. {_BETTER}"
        ),
    ] = None,
    app_secret: Annotated[
        str | None,
        typer.Option(envvar="WHATSAPP_APP_SECRET", show_envvar=True, help="From App settings > Basic."),
    ] = None,
    verify_token: Annotated[
        str | None,
        typer.Option(envvar="WHATSAPP_VERIFY_TOKEN", show_envvar=True, help="Made when it is not given."),
    ] = None,
    config: Config = None,
    name: Name = "",
    organization: Organization = "default",
) -> None:
    """Connect a WhatsApp number: check its credentials, store them encrypted, set the webhook, fetch templates."""
    document, place = read_document(config)
    if phone_number_id:
        document.setdefault("authentication", {})["business_phone_number_id"] = phone_number_id
    if business_account_id:
        document.setdefault("business_account", {})["business_account_id"] = business_account_id
    given = ask_secrets(
        {
            "access_token": (token, "Access token"),
            "app_secret": (app_secret, "App secret"),
            "verify_token": (verify_token, ""),
        },
        document,
    )
    from gateway.admin.whatsapp import WhatsAppConnector
    from gateway.cli.session import run

    async def work(session: Session) -> whatsapp_admin.Connected:
        owner, chosen = await _place(session, organization, bot)
        connector = WhatsAppConnector(session.settings, session.database, session.keyring, owner)
        return await connector.connect(
            chosen, document=document, given=given, name=name, now=utc_now(), place=place
        )

    _tell_whatsapp(run(work))


def _tell_whatsapp(done: whatsapp_admin.Connected) -> None:
    verb = "Renewed the connection of" if done.renewed else "Connected"
    number = done.number
    say(f"{verb} {number.display_phone_number} ({number.verified_name}).")
    say(f"Channel:    {done.channel.id}")
    say("Secrets:    checked with Meta, stored encrypted")
    say(f"Templates:  {done.templates} known to Meta (gateway channel templates list)")
    if not done.webhook:
        complain(
            "Meta can't reach this server yet: set GATEWAY_PUBLIC_URL to its https address, then connect again."
        )
    elif done.webhook_trouble:
        say(f"Webhook:    {done.webhook}")
        complain(f"Meta did not take the webhook: {done.webhook_trouble}")
        complain("Is the server running and reachable at that address? Then connect again.")
    else:
        say(f"Webhook:    {done.webhook}")


@connect.command()
def slack(
    bot: Bot = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="SLACK_BOT_TOKEN", show_envvar=True, help=f"The bot token (xoxb-…). {_BETTER}"),
    ] = None,
    signing_secret: Annotated[
        str | None,
        typer.Option(envvar="SLACK_SIGNING_SECRET", show_envvar=True, help="For the Events API."),
    ] = None,
    app_token: Annotated[
        str | None,
        typer.Option(
            envvar="SLACK_APP_TOKEN", show_envvar=True, help="The app-level token (xapp-…), for Socket Mode."
        ),
    ] = None,
    socket_mode: Annotated[
        bool, typer.Option("--socket-mode", help="Receive over a WebSocket: no public address is needed.")
    ] = False,
    config: Config = None,
    name: Name = "",
    organization: Organization = "default",
) -> None:
    """Connect a Slack app: check its tokens, store them encrypted; Events API, or Socket Mode."""
    document, place = read_document(config)
    if socket_mode:
        document["event_delivery"] = "socket_mode"
    by_socket = document.get("event_delivery") == "socket_mode"
    given = ask_secrets(
        {
            "bot_token": (token, "Bot token (xoxb-…)"),
            "signing_secret": (signing_secret, "" if by_socket else "Signing secret"),
            "app_token": (app_token, "App-level token (xapp-…)" if by_socket else ""),
        },
        document,
    )
    from gateway.admin.slack import SlackConnector
    from gateway.cli.session import run

    async def work(session: Session) -> slack_admin.Connected:
        owner, chosen = await _place(session, organization, bot)
        connector = SlackConnector(session.settings, session.database, session.keyring, owner)
        return await connector.connect(
            chosen, document=document, given=given, name=name, now=utc_now(), place=place
        )

    _tell_slack(run(work))


def _tell_slack(done: slack_admin.Connected) -> None:
    verb = "Renewed the connection of" if done.renewed else "Connected"
    say(f"{verb} the app in {done.workspace.team}.")
    say(f"Channel:  {done.channel.id}")
    say("Secrets:  checked with Slack, stored encrypted")
    if done.socket_mode:
        say("Events:   by Socket Mode, from a running server (gateway serve)")
    elif done.webhook:
        say(f"Events:   {done.webhook}")
        say(
            "          Paste it as the Request URL under Event Subscriptions, Interactivity and Slash Commands,"
        )
        say(f"          or use a manifest: gateway channel manifest --url {done.webhook}")
    else:
        complain(
            "Slack can't reach this server yet: set GATEWAY_PUBLIC_URL and connect again, or use --socket-mode."
        )


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
    config: Config = None,
    organization: Organization = "default",
) -> None:
    """Connect the website widget and print the line to paste into the page."""
    document, place = read_document(config)
    from gateway.admin.web import connect_web, embed_code, page_policy
    from gateway.cli.session import run

    async def work(session: Session) -> tuple[Channel, list[str], str]:
        owner, chosen = await _place(session, organization, bot)
        channel = await connect_web(
            session.database,
            session.keyring,
            owner,
            chosen,
            name=name,
            domains=domain or (),
            now=utc_now(),
            document=document,
            place=place,
        )
        lines = embed_code(session.settings, channel, document)
        return channel, lines, page_policy(session.settings, document)

    channel, lines, policy = run(work)
    say(f"Connected the widget. Channel: {channel.id}")
    say("Paste this into the page, before </body>:")
    for line in lines:
        say(f"  {line}")
    say("If the page has a content security policy, it has to allow:")
    say(f"  {policy}")
