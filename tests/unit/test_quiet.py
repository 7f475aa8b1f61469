"""Quiet hours: when they hold, when they end, and what waits for their end."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bot import QuietHours
from engine.clocks import clock_time
from engine.events import TimerFired
from engine.quiet import end_of_quiet
from engine.state import Customer
from tests.conversations.chat import Chat, bot_of, message, node

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def hours(start: str, end: str) -> QuietHours:
    return QuietHours(start=time.fromisoformat(start), end=time.fromisoformat(end), zone=None)


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("21:00", "08:00", "20:59", None),
        ("21:00", "08:00", "21:00", "2026-01-15T08:00"),
        ("21:00", "08:00", "23:59", "2026-01-15T08:00"),
        ("21:00", "08:00", "00:00", "2026-01-14T08:00"),
        ("21:00", "08:00", "07:59", "2026-01-14T08:00"),
        ("21:00", "08:00", "08:00", None),
        ("12:00", "14:00", "11:59", None),
        ("12:00", "14:00", "12:00", "2026-01-14T14:00"),
        ("12:00", "14:00", "14:00", None),
        ("09:00", "09:00", "09:00", None),
    ],
)
def test_quiet_hours_end_at_their_end_also_after_midnight(
    start: str, end: str, now: str, until: str | None
) -> None:
    local = datetime.combine(date(2026, 1, 14), time.fromisoformat(now), tzinfo=BERLIN)
    found = end_of_quiet(hours(start, end), local)
    assert (None if found is None else f"{found:%Y-%m-%dT%H:%M}") == until


@given(
    st.floats(0, 364 * 24 * 3600).map(
        lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
    st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
    st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")]),
)
def test_the_end_is_ahead_within_a_day_and_then_it_is_over(
    now: datetime, start: time, end: time, zone: ZoneInfo
) -> None:
    quiet = QuietHours(start=start, end=end, zone=None)
    until = end_of_quiet(quiet, now.astimezone(zone))
    if until is not None:
        ahead = until.astimezone(UTC) - now
        assert timedelta() < ahead <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("now", "zone", "until"),
    [
        # The hour from two to three comes twice: 02:10 is heard again, and 02:30 too.
        ("2026-10-25T00:10Z", BERLIN, "2026-10-25T00:30Z"),
        ("2026-10-25T01:10Z", BERLIN, "2026-10-25T01:30Z"),
        ("2026-11-01T06:10Z", NEW_YORK, "2026-11-01T07:30Z"),
        # It does not come at all: 02:30 is 03:30 then.
        ("2026-03-29T00:50Z", BERLIN, "2026-03-29T01:30Z"),
        ("2026-03-08T06:50Z", NEW_YORK, "2026-03-08T07:30Z"),
    ],
)
def test_quiet_hours_end_on_the_days_when_the_clocks_are_changed(
    now: str, zone: ZoneInfo, until: str
) -> None:
    found = end_of_quiet(hours("22:00", "02:30"), datetime.fromisoformat(now).astimezone(zone))
    assert found is not None
    assert found.astimezone(UTC) == datetime.fromisoformat(until)


def test_a_time_of_day_that_comes_twice_is_the_one_that_is_not_over() -> None:
    day, clock = date(2026, 10, 25), time(2, 30)
    for at, expected in (("00:00", "00:30"), ("00:45", "01:30"), ("01:45", "01:30")):
        now = datetime.fromisoformat(f"2026-10-25T{at}Z").astimezone(BERLIN)
        assert clock_time(day, clock, now) == datetime.fromisoformat(f"2026-10-25T{expected}Z")


def waiting_chat(customer: Customer | None = None, **quiet: Any) -> Chat:
    """A bot that speaks an hour after the customer at 19:30 UTC; it is quiet from 20:00."""
    settings = {"quiet_hours": {"start": "20:00", "end": "07:00", **quiet}}
    bot = bot_of(node("pause", "wait", "later", seconds=3600), message("later"), global_settings=settings)
    chat = Chat(bot, now=datetime(2026, 1, 14, 19, 30, tzinfo=UTC), customer=customer)
    chat.say("hi")
    return chat


def test_what_answers_nothing_waits_for_the_end_of_the_quiet_hours() -> None:
    chat = waiting_chat()
    chat.wait(3600)
    assert chat.time_out() == []
    assert chat.traced("postponed") == ["quiet hours"]
    assert chat.due_in == timedelta(hours=10, minutes=30).total_seconds()
    chat.wait(chat.due_in)
    assert chat.time_out() == ["later"]


@pytest.mark.parametrize(
    ("customer", "quiet", "said"),
    [
        (Customer(timezone="America/New_York"), {}, ["later"]),
        (Customer(timezone="America/New_York"), {"timezone": "Europe/Berlin"}, []),
        (Customer(), {"timezone": "America/New_York"}, ["later"]),
    ],
)
def test_quiet_hours_are_the_customers_unless_the_flow_names_a_zone(
    customer: Customer, quiet: dict[str, str], said: list[str]
) -> None:
    chat = waiting_chat(customer, **quiet)
    chat.wait(3600)
    assert chat.time_out() == said


def test_who_has_just_spoken_is_answered_at_any_hour() -> None:
    menu = node("ask", "input", "x", message="?", variable="v", timeout=60, timeout_target="late")
    settings = {"quiet_hours": {"start": "20:00", "end": "07:00"}}
    chat = Chat(
        bot_of(menu, message("x"), message("late"), global_settings=settings),
        now=datetime(2026, 1, 14, 23, 0, tzinfo=UTC),
    )
    chat.say("hi")
    chat.wait(60)
    assert chat.time_out() == ["late"]


def test_a_timer_put_off_is_stale_under_its_old_name() -> None:
    chat = waiting_chat()
    chat.wait(3600)
    assert chat.state.waiting is not None
    old = chat.state.waiting.timer
    chat.time_out()
    assert chat.happen(TimerFired(timer=old)) == []
    assert chat.traced("ignored") == ["a timer that nothing waits for"]


def test_a_call_that_nothing_came_of_is_not_put_off() -> None:
    call = node(
        "call", "http", {"target": "sorry", "condition": "error"}, url="https://example.com", timeout=60
    )
    settings = {"quiet_hours": {"start": "20:00", "end": "07:00"}}
    chat = Chat(
        bot_of(call, message("sorry"), global_settings=settings),
        now=datetime(2026, 1, 14, 23, 0, tzinfo=UTC),
    )
    chat.say("hi")
    chat.wait(400)
    assert chat.time_out() == ["sorry"]
