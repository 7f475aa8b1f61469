"""Checks of what flows reach: the server for their e-mails, and the hosts beyond the public ones that they may call."""

from __future__ import annotations

import asyncio
import socket
import ssl
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Final

import aiosmtplib

from gateway.doctor.finding import Report
from gateway.settings import Settings, host_list
from gateway.work.addresses import parse_allowed
from gateway.work.email import MailServer, mail_server

SMTP_SECONDS: Final = 10.0
MAX_NAMES: Final = 20
"""Host names that one examination looks up."""
METADATA: Final = ip_address("169.254.169.254")
"""Where clouds tell a machine its own credentials."""


async def check_email(report: Report, settings: Settings) -> None:
    """The mail server: reachable, with TLS, signed in to, and it takes our sender. No mail leaves."""
    if settings.smtp_url is None:
        report.ok("e-mail", "no server is set: flows send none")
        return
    server = mail_server(settings.smtp_url.get_secret_value(), settings.smtp_from)
    place = f"{server.host}:{server.port}"
    try:
        encrypted = await _greet(server)
    except aiosmtplib.SMTPAuthenticationError as error:
        mend = "Mend the user and the password in GATEWAY_SMTP_URL"
        report.fail("e-mail", f"{place} refuses the sign-in ({error.code})", mend)
    except aiosmtplib.SMTPSenderRefused as error:
        report.fail("e-mail", f"{place} refuses {error.sender} ({error.code})", "Mend GATEWAY_SMTP_FROM")
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        report.fail("e-mail", f"{place}: {_reason(error)}", "Start the mail server, or mend GATEWAY_SMTP_URL")
    else:
        if encrypted or server.host == "localhost" or _is_loopback(server.host):
            report.ok("e-mail", f"{place}, {'with' if encrypted else 'without'} TLS, as {server.sender}")
        else:
            mend = "Let the mail server offer STARTTLS, or write smtps:// in GATEWAY_SMTP_URL"
            report.warn("e-mail", f"{place} offers no TLS: mails can be read on their way", mend)


async def _greet(server: MailServer) -> bool:
    """Come as far as the sender of a mail; whether the connection is encrypted."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user or None,
        password=server.password or None,
        use_tls=server.tls,
        start_tls=server.upgrade,
        timeout=SMTP_SECONDS,
    )
    async with asyncio.timeout(SMTP_SECONDS), client:
        encrypted = client.get_transport_info("ssl_object") is not None
        await client.mail(parseaddr(server.sender)[1])
        await client.rset()
    return encrypted


def _reason(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_allowed_hosts(report: Report, settings: Settings) -> None:
    """GATEWAY_HTTP_ALLOWED_HOSTS: each entry is a name that is known here, an address or a network."""
    entries = host_list(settings.http_allowed_hosts)
    if not entries:
        report.ok("allowed hosts", "none are set: flows call public addresses only")
        return
    allowed = [parse_allowed(entry) for entry in entries]
    names = [entry for entry in allowed if isinstance(entry, str)]
    unknown = [name for name in names[:MAX_NAMES] if not _is_known(name)]
    open_networks = [str(entry) for entry in allowed if not isinstance(entry, str) and METADATA in entry]
    if unknown:
        mend = "Mend GATEWAY_HTTP_ALLOWED_HOSTS, or the name server"
        report.warn("allowed hosts", f"not known here: {', '.join(unknown)}", mend)
    if open_networks:
        message = f"{', '.join(open_networks)} holds {METADATA}, where clouds tell a machine its credentials"
        report.warn("allowed hosts", message, "Name only the hosts and networks that flows need")
    if not unknown and not open_networks:
        report.ok("allowed hosts", ", ".join(entries))


def _is_known(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except OSError:
        return False
