"""The whole examination, in the order in which one thing depends on the other."""

from __future__ import annotations

import asyncio

from gateway.doctor.finding import FAIL, Finding, Report
from gateway.doctor.machine import check_data_dir, check_port, check_public_url, check_python
from gateway.errors import ConfigurationError
from gateway.settings import Settings, load_settings


def diagnose() -> list[Finding]:
    """Examine everything; never raises."""
    report = Report()
    check_python(report)
    settings = _check_settings(report)
    if settings is None or any(
        finding.check == "packages" and finding.state == FAIL for finding in report.findings
    ):
        return report.findings
    check_data_dir(report, settings)
    with report.guard("port", "Set GATEWAY_HOST to an address of this machine"):
        check_port(report, settings)
    check_public_url(report, settings)
    _check_outgoing(report, settings)
    with report.guard("media store", "Mend GATEWAY_MEDIA_URL, or the folder's owner"):
        from gateway.doctor.media import check_media

        asyncio.run(check_media(report, settings))
    with report.guard("servers", "See the message; the log of an embedded server is in the data directory"):
        _check_servers(report, settings)
    return report.findings


def _check_settings(report: Report) -> Settings | None:
    try:
        settings = load_settings()
    except ConfigurationError as error:
        for problem in error.problems:
            report.fail("settings", f"{problem.place}: {problem.message}", problem.mend)
        return None
    given = sorted(settings.model_fields_set)
    report.ok("settings", ", ".join(given) if given else "all by default")
    return settings


def _check_outgoing(report: Report, settings: Settings) -> None:
    from gateway.doctor.outgoing import check_allowed_hosts, check_email

    with report.guard("allowed hosts", "Mend GATEWAY_HTTP_ALLOWED_HOSTS"):
        check_allowed_hosts(report, settings)
    with report.guard("e-mail", "Mend GATEWAY_SMTP_URL"):
        asyncio.run(check_email(report, settings))


def _check_servers(report: Report, settings: Settings) -> None:
    from gateway.logs import configure_logging
    from gateway.servers import open_servers

    configure_logging(level="error", form="console")
    with open_servers(settings) as servers:
        asyncio.run(_check_connected(report, settings, servers.database_url, servers.redis_url))


async def _check_connected(report: Report, settings: Settings, database_url: str, redis_url: str) -> None:
    from gateway.doctor.channels import check_channels
    from gateway.doctor.servers import check_bus, check_database
    from gateway.keyring import open_keyring
    from storage.database import Database

    usable = False
    with report.guard("database", "See the message"):
        usable = await check_database(report, settings, database_url)
    with report.guard("valkey", "Start Valkey, or mend REDIS_URL"):
        await check_bus(report, redis_url)
    keyring = None
    with report.guard("encryption keys", "Mend GATEWAY_ENCRYPTION_KEYS or the key file"):
        keyring = open_keyring(settings)
        report.ok("encryption keys", ", ".join(keyring.ids))
    if not usable or keyring is None:
        return
    database = Database(database_url, pool_size=2, application_name="gateway-doctor")
    try:
        with report.guard("channels", "See the message"):
            await check_channels(report, settings, database, keyring)
    finally:
        await database.dispose()
