"""Checks of channels: do the stored secrets decrypt, do the platforms accept them, does the webhook fare well."""

from __future__ import annotations

from adapters.errors import SendFailed
from adapters.protocol import ChannelAccess
from gateway.admin.channels import access_to, webhook_url
from gateway.doctor.finding import Report
from gateway.errors import NotFound
from gateway.settings import Settings
from storage.channels import Channel, list_channels
from storage.database import Database
from storage.errors import DecryptionFailed
from storage.keyring import Keyring
from storage.organizations import list_organizations

MAX_CHANNELS = 200
"""Channels that one examination asks the platforms about."""
MANY_PENDING = 100


async def check_channels(report: Report, settings: Settings, database: Database, keyring: Keyring) -> None:
    """Every active channel of every organization."""
    channels: list[Channel] = []
    for organization in await list_organizations(database):
        async with database.transaction([organization.id]) as connection:
            channels += [one for one in await list_channels(connection) if one.status == "active"]
    for channel in channels[:MAX_CHANNELS]:
        await check_channel(report, settings, database, keyring, channel)
    if len(channels) > MAX_CHANNELS:
        report.warn(
            "channels", f"{len(channels) - MAX_CHANNELS} more were not examined", "gateway channel verify"
        )


async def check_channel(
    report: Report, settings: Settings, database: Database, keyring: Keyring, channel: Channel
) -> None:
    """One channel."""
    check = f"{channel.type} {channel.name}"
    try:
        access = await access_to(database, keyring, settings, channel)
    except (DecryptionFailed, NotFound) as error:
        mend = f"Bring the missing key back, or connect anew (gateway channel connect {channel.type})"
        report.fail(check, str(error), mend)
        return
    if channel.type == "telegram":
        await _check_telegram(report, check, settings, channel, access)
    else:
        report.ok(check, "its secrets decrypt")


async def _check_telegram(
    report: Report, check: str, settings: Settings, channel: Channel, access: ChannelAccess
) -> None:
    from adapters.telegram import manage

    try:
        identity = await manage.get_me(access)
        info = await manage.get_webhook_info(access)
    except SendFailed as error:
        mend = (
            "Try again later"
            if error.retryable and error.code != "401"
            else "gateway channel connect telegram"
        )
        report.fail(check, str(error), mend)
        return
    reconnect = f"gateway channel connect telegram{' --polling' if channel.polled else ''}"
    if channel.polled and info.url:
        report.fail(check, "Telegram posts to a webhook, so that polling gets nothing", reconnect)
    elif not channel.polled and not info.url:
        report.fail(check, "no webhook is set at Telegram", reconnect)
    elif not channel.polled and not info.url.endswith(f"/webhook/telegram/{channel.route}"):
        report.fail(check, "Telegram posts to another address", reconnect)
    elif not channel.polled and info.url != webhook_url(settings, channel):
        report.warn(check, "the public address has changed since the webhook was set", reconnect)
    elif info.last_error and info.pending:
        when = f" ({info.last_error_at:%Y-%m-%d %H:%M} UTC)" if info.last_error_at else ""
        report.warn(check, f"{info.pending} updates wait at Telegram: {info.last_error}{when}", "See the log")
    elif info.pending > MANY_PENDING:
        report.warn(check, f"{info.pending} updates wait at Telegram", "Is the server running?")
    else:
        way = "polling" if channel.polled else "webhook"
        report.ok(check, f"@{identity.username} by {way}, {info.pending} updates wait")
