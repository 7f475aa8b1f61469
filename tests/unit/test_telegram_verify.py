"""Only the channel's own secret opens the door, and nothing closed it by accident."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from multidict import CIMultiDict

from adapters.errors import Unverified
from adapters.protocol import ChannelAccess
from adapters.telegram.adapter import TelegramAdapter

SECRET = "sEcret_of-the-channel-42"
NAME = "X-Telegram-Bot-Api-Secret-Token"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def verify(headers: dict[str, str], secrets: dict[str, str]) -> None:
    access = ChannelAccess(channel_id=UUID(int=7), secrets=secrets, settings={})
    TelegramAdapter().verify(b"{}", CIMultiDict(headers), access, NOW)


@pytest.mark.parametrize("name", [NAME, NAME.lower(), NAME.upper()])
def test_the_right_secret_is_accepted(name: str) -> None:
    verify({name: SECRET}, {"secret_token": SECRET})


@pytest.mark.parametrize(
    "presented",
    [
        "",
        SECRET[:-1],
        SECRET + " ",
        SECRET.swapcase(),
        "пароль",
        "\udcff\udcfe",  # how aiohttp hands on bytes that are no UTF-8
        "\x00",
        "x" * 100_000,
    ],
)
def test_any_other_secret_is_refused(presented: str) -> None:
    with pytest.raises(Unverified) as caught:
        verify({NAME: presented}, {"secret_token": SECRET})
    assert SECRET not in str(caught.value)


def test_a_missing_header_is_refused() -> None:
    with pytest.raises(Unverified, match="missing"):
        verify({}, {"secret_token": SECRET})


@pytest.mark.parametrize("headers", [{}, {NAME: ""}, {NAME: "x"}])
@pytest.mark.parametrize("secrets", [{}, {"secret_token": ""}])
def test_a_channel_without_a_secret_accepts_nothing(headers: dict[str, str], secrets: dict[str, str]) -> None:
    with pytest.raises(Unverified, match="no webhook secret"):
        verify(headers, secrets)
