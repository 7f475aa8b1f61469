"""What the doctor says of the mail server and of the hosts that flows may call."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from pydantic import SecretStr

from gateway.doctor.finding import Finding, Report
from gateway.doctor.outgoing import check_allowed_hosts, check_email
from gateway.settings import Settings
from tests.integration.test_work_http import certificate

SENDER = "Bot <bot@example.org>"


class Mailbox:
    """An SMTP server that takes no mail in these tests; notes who wanted to send one."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.senders: list[str] = []
        self._answer = answer

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        envelope.mail_from = address
        self.senders.append(address)
        return self._answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        raise AssertionError("the doctor sends no mail")


@asynccontextmanager
async def serving(make: Callable[[], SMTP], **tls: Any) -> AsyncIterator[int]:
    """A mail server on a port of its own."""
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, **tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def examine(url: str) -> Finding:
    """The one finding about a mail server."""
    report = Report()
    await check_email(report, Settings(smtp_url=SecretStr(url), smtp_from=SENDER))
    (finding,) = report.findings
    return finding


async def test_without_a_mail_server_nothing_is_amiss() -> None:
    report = Report()
    await check_email(report, Settings())
    assert [(finding.check, finding.state) for finding in report.findings] == [("e-mail", "ok")]


async def test_a_mail_server_that_would_take_a_mail() -> None:
    mailbox = Mailbox()
    async with serving(lambda: SMTP(mailbox)) as port:
        finding = await examine(f"smtp://127.0.0.1:{port}")
    assert (finding.state, finding.message) == ("ok", f"127.0.0.1:{port}, without TLS, as {SENDER}")
    assert mailbox.senders == ["bot@example.org"]


async def test_a_mail_server_that_is_away() -> None:
    finding = await examine("smtp://127.0.0.1:1")
    assert finding.state == "fail"
    assert finding.message.startswith("127.0.0.1:1: ")
    assert finding.mend == "Start the mail server, or mend GATEWAY_SMTP_URL"


async def test_a_mail_server_that_refuses_the_sign_in() -> None:
    def refuse(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    def make() -> SMTP:
        return SMTP(Mailbox(), authenticator=refuse, auth_require_tls=False)

    async with serving(make) as port:
        finding = await examine(f"smtp://me:s3cret-pass@127.0.0.1:{port}")
    assert (finding.state, finding.message) == ("fail", f"127.0.0.1:{port} refuses the sign-in (535)")
    assert "GATEWAY_SMTP_URL" in finding.mend
    assert "s3cret-pass" not in str(finding)


async def test_a_mail_server_that_refuses_the_sender() -> None:
    async with serving(lambda: SMTP(Mailbox("550 not yours"))) as port:
        finding = await examine(f"smtp://127.0.0.1:{port}")
    assert (finding.state, finding.message) == ("fail", f"127.0.0.1:{port} refuses bot@example.org (550)")
    assert finding.mend == "Mend GATEWAY_SMTP_FROM"


async def test_a_mail_server_elsewhere_that_offers_no_tls() -> None:
    async with serving(lambda: SMTP(Mailbox())) as port:
        finding = await examine(f"smtp://0.0.0.0:{port}")  # reaches this machine, and is no name for it
    assert (finding.state, finding.message) == (
        "warn",
        f"0.0.0.0:{port} offers no TLS: mails can be read on their way",
    )


@asynccontextmanager
async def serving_tls(scheme: str, context: ssl.SSLContext, mailbox: Mailbox) -> AsyncIterator[str]:
    """Its URL; with TLS from the beginning (`smtps`) or upgraded."""
    if scheme == "smtps":
        async with serving(lambda: SMTP(mailbox), ssl=context) as port:
            yield f"smtps://127.0.0.1:{port}"
    else:
        async with serving(lambda: SMTP(mailbox, tls_context=context)) as port:
            yield f"smtp://127.0.0.1:{port}"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_mail_server_with_tls(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, mailbox = certificate(tmp_path, "localhost"), Mailbox()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    async with serving_tls(scheme, context, mailbox) as url:
        finding = await examine(url)
    assert finding.state == "ok"
    assert ", with TLS, " in finding.message
    assert mailbox.senders == ["bot@example.org"]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_mail_server_whose_certificate_nobody_vouches_for(scheme: str, tmp_path: Path) -> None:
    mailbox = Mailbox()
    async with serving_tls(scheme, certificate(tmp_path, "localhost"), mailbox) as url:
        finding = await examine(url)
    assert finding.state == "fail"
    assert "its certificate is not valid" in finding.message
    assert mailbox.senders == []


def hosts(text: str) -> list[Finding]:
    """The findings about GATEWAY_HTTP_ALLOWED_HOSTS."""
    report = Report()
    check_allowed_hosts(report, Settings(http_allowed_hosts=text))
    return report.findings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "none are set: flows call public addresses only"),
        ("localhost, 10.1.2.0/24,fd00::1", "localhost, 10.1.2.0/24, fd00::1"),
    ],
)
def test_hosts_that_may_be_called(text: str, message: str) -> None:
    (finding,) = hosts(text)
    assert (finding.check, finding.state, finding.message) == ("allowed hosts", "ok", message)


def test_a_host_that_nobody_knows_is_named() -> None:
    (finding,) = hosts("localhost, crm.invalid")
    assert (finding.state, finding.message) == ("warn", "not known here: crm.invalid")
    assert "GATEWAY_HTTP_ALLOWED_HOSTS" in finding.mend


@pytest.mark.parametrize("network", ["0.0.0.0/0", "169.254.0.0/16", "169.254.169.254"])
def test_a_network_that_holds_the_credentials_of_clouds_is_named(network: str) -> None:
    (finding,) = hosts(network)
    assert finding.state == "warn"
    assert "169.254.169.254" in finding.message
