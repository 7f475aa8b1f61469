"""The settings of work: what is refused, and with which mend."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.redaction import redact_text
from gateway.settings import host_list, load_settings


@pytest.fixture(autouse=True)
def clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_by_default_nothing_private_is_called_and_no_mail_is_sent() -> None:
    settings = load_settings()
    assert (settings.http_allowed_hosts, settings.smtp_url, settings.work_concurrency) == ("", None, 64)


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"GATEWAY_HTTP_ALLOWED_HOSTS": "crm.internal, 10.0.0.0/33"}, "GATEWAY_HTTP_ALLOWED_HOSTS"),
        ({"GATEWAY_HTTP_ALLOWED_HOSTS": "http://crm.internal/"}, "GATEWAY_HTTP_ALLOWED_HOSTS"),
        ({"GATEWAY_SMTP_URL": "http://mail.example.org"}, "GATEWAY_SMTP_URL"),
        ({"GATEWAY_SMTP_URL": "smtp://", "GATEWAY_SMTP_FROM": "a@example.org"}, "GATEWAY_SMTP_URL"),
        ({"GATEWAY_SMTP_URL": "smtp://mail.example.org"}, "GATEWAY_SMTP_FROM"),
        ({"GATEWAY_SMTP_FROM": "nobody"}, "GATEWAY_SMTP_FROM"),
        ({"GATEWAY_WORK_CONCURRENCY": "0"}, "GATEWAY_WORK_CONCURRENCY"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    variables: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert [problem.place for problem in caught.value.problems] == [place]
    assert caught.value.problems[0].mend


def test_the_mail_servers_password_is_masked_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_SMTP_URL", "smtp://me:pass-w0rd%21@mail.example.org")
    monkeypatch.setenv("GATEWAY_SMTP_FROM", "Example <bot@example.org>")
    assert "w0rd" not in repr(load_settings())
    assert "w0rd" not in redact_text("535 pass-w0rd! and pass-w0rd%21")


def test_hosts_are_separated_by_commas() -> None:
    assert host_list(" a.internal ,10.0.0.0/8,, ") == ("a.internal", "10.0.0.0/8")
