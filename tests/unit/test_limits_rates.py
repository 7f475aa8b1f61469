"""Which limits a channel has: the table's, and what its settings say instead."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.capabilities import Rate
from adapters.telegram.adapter import TelegramAdapter
from gateway.limits.rates import Limits, limits_of, rates_of

TABLE = (
    Rate(scope="channel", per_second=80, burst=80),
    Rate(scope="recipient", per_second=1 / 6, burst=45),
)


def test_a_channel_without_settings_has_the_limits_of_the_table() -> None:
    assert rates_of(TABLE, {}) == (TABLE, [])


def test_settings_replace_the_rate_of_the_scope_that_they_name() -> None:
    settings = {"rate_limits": {"channel": {"per_second": 1000, "burst": 500}}}
    rates, problems = rates_of(TABLE, settings)
    assert problems == []
    assert set(rates) == {Rate(scope="channel", per_second=1000.0, burst=500), TABLE[1]}


def test_a_limit_can_be_taken_away() -> None:
    settings = {"rate_limits": {"channel": "unlimited", "recipient": "unlimited"}}
    assert rates_of(TABLE, settings) == ((), [])


def test_null_is_as_good_as_not_named() -> None:
    assert rates_of(TABLE, {"rate_limits": {"channel": None, "recipient": None}}) == (TABLE, [])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "rate_limits is no object"),
        ({"chanel": 5}, "rate_limits.chanel is no scope"),
        ({"channel": 5}, "rate_limits.channel is not of the form"),
        ({"channel": {"burst": 5}}, "rate_limits.channel is not of the form"),
        ({"channel": {"per_second": 5, "per_minute": 5}}, "rate_limits.channel is not of the form"),
        ({"channel": {"per_second": 0}}, "rate_limits.channel.per_second is no number"),
        ({"channel": {"per_second": float("nan")}}, "rate_limits.channel.per_second is no number"),
        ({"channel": {"per_second": True}}, "rate_limits.channel.per_second is no number"),
        ({"channel": {"per_second": 5, "burst": 0}}, "rate_limits.channel.burst is no whole number"),
        ({"channel": {"per_second": 5, "burst": 1.5}}, "rate_limits.channel.burst is no whole number"),
    ],
)
def test_a_wrong_entry_is_told_and_leaves_the_rate_of_the_table(given: Any, told: str) -> None:
    rates, problems = rates_of(TABLE, {"rate_limits": given})
    assert rates == TABLE
    assert [problem.startswith(told) for problem in problems] == [True]


def test_a_request_names_one_bucket_for_each_rate_and_nobodys_number() -> None:
    minute = Rate(scope="recipient", per_second=1 / 3, burst=20)
    ask = Limits(UUID(int=7), (*TABLE, minute)).ask("{+49151000}")
    names = [one.name for one in (*ask.channel, *ask.recipient)]
    assert names[0] == f"ratelimit:channel:{UUID(int=7)}"
    assert names[1].startswith("ratelimit:recipient:")
    assert names[2] == names[1] + ":1"
    assert not any("49151000" in name or "{" in name for name in names)


def test_the_same_recipient_on_two_channels_has_two_buckets() -> None:
    first, second = Limits(UUID(int=1), TABLE), Limits(UUID(int=2), TABLE)
    assert first.ask("7").recipient != second.ask("7").recipient
    assert first.ask("7").recipient == Limits(UUID(int=1), TABLE).ask("7").recipient


class Grouped(TelegramAdapter):
    """Slower with groups, whose topics share what is counted."""

    capabilities = replace(TelegramAdapter.capabilities, rates=TABLE)

    def rates_for(self, recipient: str) -> tuple[Rate, ...]:
        return (TABLE[0], Rate(scope="recipient", per_second=0.1, burst=1 if recipient[0] == "-" else 9))

    def rate_key(self, recipient: str) -> str:
        return recipient.partition(":")[0]


def test_an_adapter_may_be_slower_with_some_recipients_and_count_several_as_one() -> None:
    limits, problems = limits_of(UUID(int=1), Grouped(), {})
    assert limits is not None
    assert problems == []
    assert limits.ask("7").recipient[0].tolerance > limits.ask("-7").recipient[0].tolerance == 0
    assert limits.ask("-7:1").recipient == limits.ask("-7:2").recipient != limits.ask("-8:1").recipient


def test_settings_win_over_what_an_adapter_says_of_a_recipient() -> None:
    settings = {"rate_limits": {"recipient": {"per_second": 5, "burst": 5}}}
    limits, _ = limits_of(UUID(int=1), Grouped(), settings)
    assert limits is not None
    assert limits.ask("7").recipient[0].interval == limits.ask("-7").recipient[0].interval == 200_000
