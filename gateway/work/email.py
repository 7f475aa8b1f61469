"""Sends e-mails through the deployment's own server. What comes from a flow can become no header of its own."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
import msgspec

from engine.effects import SendEmail
from gateway.redaction import redact_text
from gateway.work.errors import Refused

TIMEOUT_SECONDS: Final = 60.0
MAX_RECIPIENTS: Final = 50
MAX_SUBJECT: Final = 500
MAX_REASON: Final = 300

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(
    rf"(?=.{{3,254}}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@{_LABEL}(?:\.{_LABEL})*\Z"
)
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_NO_BODY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class NotSent(Exception):
    """The server did not take it. `left` are the recipients that it may take it for later; empty: none."""

    def __init__(self, reason: str, left: tuple[str, ...] = ()) -> None:
        super().__init__(redact_text(reason)[:MAX_REASON])
        self.left = left


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed in, and as whom. The repr shows no password."""

    host: str
    port: int
    sender: str
    """`Name <address>`, or an address."""
    user: str = ""
    password: str = ""
    tls: bool = False
    """Whether the connection begins with TLS (`smtps`); else it is upgraded (STARTTLS) where the server can."""

    @property
    def upgrade(self) -> bool | None:
        """Whether STARTTLS must be had (True), may (None), or is not asked for (False).

        A password does not leave the machine in the clear.
        """
        if self.tls:
            return False
        return True if self.password and not _is_loopback(self.host) else None

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port})"


def mail_server(url: str, sender: str) -> MailServer:
    """From `smtp://user:password@host:587` or `smtps://…`, checked by the settings."""
    parts = urlsplit(url)
    tls = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or (465 if tls else 587),
        sender=sender,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
    )


class Mailer:
    """Hands mails to a server, or to none."""

    def __init__(self, server: MailServer | None, *, timeout_s: float = TIMEOUT_SECONDS) -> None:
        self._server = server
        self._timeout_s = timeout_s

    async def send(self, effect: SendEmail, id: UUID, created_at: datetime) -> str:
        """Hand it in. Returns who was refused for good, in words, empty when nobody was.

        Raises `Refused` when it can't be sent at all, and `NotSent`.
        """
        if self._server is None:
            raise Refused("e-mail is not configured (GATEWAY_SMTP_URL)")
        message = compose(effect, id, created_at, self._server.sender)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._hand_in(self._server, message, effect.to)
        except aiosmtplib.SMTPRecipientsRefused as error:
            left = tuple(refusal.recipient for refusal in error.recipients if _passing(refusal.code))
            raise NotSent(_refusals([(item.code, item.message) for item in error.recipients]), left) from None
        except aiosmtplib.SMTPAuthenticationError as error:  # the operator's to mend: no mail is lost for it
            raise NotSent(f"the mail server refuses the sign-in ({error.code})", effect.to) from None
        except aiosmtplib.SMTPResponseException as error:
            left = effect.to if _passing(error.code) else ()
            raise NotSent(_refusals([(error.code, error.message)]), left) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            reason = f"the mail server can't be reached ({type(error).__name__})"
            raise NotSent(reason, effect.to) from None

    async def _hand_in(self, server: MailServer, message: EmailMessage, to: tuple[str, ...]) -> str:
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            use_tls=server.tls,
            start_tls=server.upgrade,
            timeout=self._timeout_s,
        )
        async with client:
            sender = parseaddr(server.sender)[1]
            refused, _ = await client.sendmail(sender, to, message.as_bytes())
        left = tuple(address for address, answer in refused.items() if _passing(answer.code))
        reason = _refusals([(answer.code, answer.message) for answer in refused.values()])
        if left:
            raise NotSent(reason, left)
        return reason


def compose(effect: SendEmail, id: UUID, created_at: datetime, sender: str) -> EmailMessage:
    """The mail: the same bytes every time, so that one that comes twice is known by its Message-ID.

    Raises `Refused` for addresses that are none.
    """
    if not effect.to:
        raise Refused("there is no recipient")
    if len(effect.to) > MAX_RECIPIENTS:
        raise Refused(f"there are more than {MAX_RECIPIENTS} recipients")
    for place, address in enumerate(effect.to, 1):
        if not is_address(address):
            raise Refused(f"recipient {place} is no e-mail address")
    if effect.reply_to and not is_address(effect.reply_to):
        raise Refused("the reply address is no e-mail address")
    name, address = parseaddr(sender)
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{id}@{address.rpartition('@')[2]}>"
    message["Date"] = format_datetime(created_at)
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = tuple(Address(addr_spec=recipient) for recipient in effect.to)
    if effect.reply_to:
        message["Reply-To"] = Address(addr_spec=effect.reply_to)
    message["Subject"] = _text(effect.subject)[:MAX_SUBJECT]
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_NO_BODY.sub("", effect.body).encode("utf-8", "replace").decode(), cte="base64")
    return message


def is_address(text: str) -> bool:
    """Whether it is an address in its plain form, `name@host`: no quotes, no comments, ASCII."""
    return _ADDRESS.match(text) is not None


def check_sender(text: str) -> str:
    """`Name <address>` or an address. Raises `ValueError`."""
    if _text(text) != text or not is_address(parseaddr(text)[1]):
        raise ValueError("is no e-mail address; write bot@example.org or Example <bot@example.org>")
    return text


def _text(text: str) -> str:
    return _NO_TEXT.sub(" ", text).encode("utf-8", "replace").decode().strip()


def _passing(code: int) -> bool:
    return 400 <= code < 500 or code < 0


def _refusals(answers: list[tuple[int, str]]) -> str:
    return "; ".join(f"{code} {' '.join(text.split())}" for code, text in answers)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
