"""Checks of a Slack channel: its tokens, its scopes, Socket Mode."""

from __future__ import annotations

from adapters.errors import SendFailed
from adapters.protocol import ChannelAccess
from gateway.doctor.finding import Report
from storage.channels import Channel


async def check_slack(report: Report, check: str, channel: Channel, access: ChannelAccess) -> None:
    """Ask Slack. Where events are posted to is kept by the app's own settings, which no token can read."""
    from adapters.slack import manage

    try:
        workspace = await manage.identify(access)
        if channel.polled:
            await manage.check_socket(access)
    except SendFailed as error:
        report.fail(check, error.reason, "gateway channel connect slack")
        return
    if workspace.missing_scopes:
        report.warn(
            check,
            f"the app lacks the scopes {', '.join(workspace.missing_scopes)}",
            "Put a new manifest in (gateway channel manifest), then reinstall the app",
        )
        return
    way = "Socket Mode" if channel.polled else "webhook"
    report.ok(check, f"the app in {workspace.team} by {way}")
