"""Checks of a Telegram channel: its token, its webhook, its menu and texts."""

from __future__ import annotations

from adapters.errors import SendFailed
from adapters.protocol import ChannelAccess
from gateway.admin.channels import webhook_url
from gateway.doctor.finding import Report
from gateway.settings import Settings
from storage.channels import Channel

MANY_PENDING = 100


async def check_telegram(
    report: Report, check: str, settings: Settings, channel: Channel, access: ChannelAccess
) -> None:
    """Ask Telegram."""
    from adapters.telegram import manage, profile

    try:
        identity = await manage.get_me(access)
        info = await manage.get_webhook_info(access)
        shown = await profile.get_profile(access)
    except SendFailed as error:
        mend = (
            "Try again later"
            if error.retryable and error.code != "401"
            else "gateway channel connect telegram"
        )
        report.fail(check, str(error), mend)
        return
    for shortcoming in profile.shortcomings(access, shown, info):
        what, _, mend = shortcoming.partition(": ")
        report.warn(check, what, mend)
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
