"""Checks of channels: do the stored secrets decrypt, do the platforms accept them, does the webhook fare well."""

from __future__ import annotations

from gateway.admin.channels import access_to
from gateway.doctor.finding import Report
from gateway.doctor.slack import check_slack
from gateway.doctor.telegram import check_telegram
from gateway.doctor.whatsapp import check_whatsapp
from gateway.errors import NotFound
from gateway.settings import Settings
from storage.channels import Channel, list_channels
from storage.database import Database
from storage.errors import DecryptionFailed
from storage.keyring import Keyring
from storage.organizations import list_organizations

MAX_CHANNELS = 200
"""Channels that one examination asks the platforms about."""


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
    match channel.type:
        case "telegram":
            await check_telegram(report, check, settings, channel, access)
        case "whatsapp":
            await check_whatsapp(report, check, settings, channel, access)
        case "slack":
            await check_slack(report, check, channel, access)
        case "web":
            report.ok(check, "its secrets decrypt")
