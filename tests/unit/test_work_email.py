"""An e-mail: what comes from a flow can become no header, and the same effect makes the same mail."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.effects import SendEmail
from gateway.work.email import check_sender, compose, is_address, mail_server
from gateway.work.errors import Refused

ID = UUID("0198c0de-0000-7000-8000-000000000001")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADERS = ["Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted"]


def mail(sender: str = "Bot <bot@example.org>", **changes: Any) -> EmailMessage:
    """The mail as its reader's program parses it."""
    effect = SendEmail(**{"to": ("a@example.com",), "subject": "Hi", "body": "Hello"} | changes)
    raw = compose(effect, ID, AT, sender).as_bytes()
    return message_from_bytes(raw, policy=default)


def test_a_plain_mail() -> None:
    sent = mail(
        to=("a@example.com", "b@example.com"), reply_to="c@example.com", subject="Grüße", body="Zeile\n€"
    )
    assert sent["from"] == "Bot <bot@example.org>"
    assert sent["to"] == "a@example.com, b@example.com"
    assert sent["reply-to"] == "c@example.com"
    assert sent["subject"] == "Grüße"
    assert sent.get_content().splitlines() == ["Zeile", "€"]


def test_the_same_effect_makes_the_same_mail() -> None:
    assert mail().as_bytes() == mail().as_bytes()
    assert mail()["message-id"] == f"<{ID}@example.org>"


@given(subject=st.text(max_size=600), body=st.text(max_size=300))
def test_no_text_becomes_a_header(subject: str, body: str) -> None:
    sent = mail(subject=subject, body=body)
    known = {"content-type", "content-transfer-encoding", "mime-version", *(name.lower() for name in HEADERS)}
    assert {name.lower() for name in sent} <= known
    assert sent["to"] == "a@example.com"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\u2028", "\x85", "\x0b", "\x00"])
def test_a_subject_stays_one_line(line_end: str) -> None:
    sent = mail(subject=f"Hi{line_end}Bcc: victim@example.com{line_end}{line_end}body")
    assert sent["bcc"] is None
    assert sent["subject"] == "Hi Bcc: victim@example.com body"
    assert sent.get_content().strip() == "Hello"


BAD = [
    "",
    "a",
    "a@",
    "@b.org",
    "a@b@c.org",
    "a b@example.org",
    "a@example.org\nBcc: x@example.org",
    "a@example.org,b@example.org",
    "a@example.org>",
    "Name <a@example.org>",
    '"a b"@example.org',
    "a..b@example.org",
    ".a@example.org",
    "a@-example.org",
    "a@exa_mple.org",
    "a@[127.0.0.1]",
    "ü@example.org",
    "a@example.org\x00",
    "a" * 250 + "@example.org",
]


@pytest.mark.parametrize("address", BAD)
def test_what_is_no_address_is_refused(address: str) -> None:
    assert not is_address(address)
    with pytest.raises(Refused, match="recipient 2 is no e-mail address"):
        mail(to=("a@example.org", address))
    if address:
        with pytest.raises(Refused, match="reply address"):
            mail(reply_to=address)


@pytest.mark.parametrize("to", [(), ("a@example.org",) * 51])
def test_the_number_of_recipients_is_bounded(to: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        mail(to=to)


@pytest.mark.parametrize(
    "sender", ["bot", "bot@", "Bot <bot>", "a@example.org\nBcc: b@example.org", "a b@c.org <"]
)
def test_a_wrong_sender_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        check_sender(sender)


@pytest.mark.parametrize(
    ("url", "port", "tls", "upgrade"),
    [
        ("smtp://mail.example.org", 587, False, None),
        ("smtp://u:p%40ss@mail.example.org:25", 25, False, True),
        ("smtp://u:p%40ss@127.0.0.1:25", 25, False, None),
        ("smtps://u:p%40ss@mail.example.org", 465, True, False),
    ],
)
def test_a_server_by_its_address(url: str, port: int, tls: bool, upgrade: bool | None) -> None:
    server = mail_server(url, "bot@example.org")
    assert (server.port, server.tls, server.upgrade) == (port, tls, upgrade)
    assert server.password in ("", "p@ss")
    assert "p@ss" not in repr(server)
