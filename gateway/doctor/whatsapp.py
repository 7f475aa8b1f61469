"""Checks of a WhatsApp channel: its number, its token, its webhook, its templates."""

from __future__ import annotations

from adapters.errors import SendFailed
from adapters.protocol import ChannelAccess
from gateway.admin.channels import webhook_url
from gateway.doctor.finding import Report
from gateway.settings import Settings
from storage.channels import Channel

RECONNECT = "gateway channel connect whatsapp"
_SETTLED = frozenset({"APPROVED"})


async def check_whatsapp(
    report: Report, check: str, settings: Settings, channel: Channel, access: ChannelAccess
) -> None:
    """Ask Meta."""
    from adapters.whatsapp import manage

    try:
        number = await manage.identify(access)
        posted_to = await manage.webhook_of(access)
    except SendFailed as error:
        report.fail(check, error.reason, "Try again later" if error.code in _PASSING else RECONNECT)
        return
    if not settings.public_url:
        report.fail(check, "Meta can't reach this server", f"Set GATEWAY_PUBLIC_URL, then {RECONNECT}")
    elif not posted_to:
        report.fail(check, "no webhook is set at Meta for this number", RECONNECT)
    elif not posted_to.endswith(f"/webhook/whatsapp/{channel.route}"):
        report.fail(check, "Meta posts to another address", RECONNECT)
    elif posted_to != webhook_url(settings, channel):
        report.warn(check, "the public address has changed since the webhook was set", RECONNECT)
    elif number.quality_rating in ("YELLOW", "RED"):
        report.warn(
            check,
            f"Meta rates the number {number.quality_rating}: customers block it or report it",
            "Send less that nobody asked for",
        )
    else:
        report.ok(check, f"{number.display_phone_number} ({number.verified_name}) by webhook")
    _check_templates(report, f"{check} templates", access)


def _check_templates(report: Report, check: str, access: ChannelAccess) -> None:
    """Templates that the channel's document names and Meta has not approved (or not been asked about)."""
    waiting = sorted(
        f"{key} ({template.get('status', 'unknown').lower()})"
        for key, template in access.settings.get("message_templates", {}).items()
        if template.get("status") not in _SETTLED and key != template.get("name") and "/" not in key
    )
    if waiting:
        mend = "gateway channel templates sync; Meta's WhatsApp Manager says why one was refused"
        report.warn(check, f"not approved: {', '.join(waiting)}", mend)


_PASSING = frozenset({"dns", "connect", "connect_timeout", "timeout", "closed", "broken", "cut", "tls"})
