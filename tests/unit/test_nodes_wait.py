"""`wait`: when it ends, what a message does meanwhile, and what opting out and quiet hours do to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.compile import FlowInvalid
from engine.effects import StartTimer
from engine.events import MediaReceived
from engine.nodes.wait import LONGEST
from engine.state import ConversationState, Customer
from engine.waits import MAX_SILENT_WAITS
from tests.conversations.chat import Chat, bot_of, message, node

WEDNESDAY = "2026-01-14T15:00Z"
BUSINESS = {"expression": "day_of_week <= 5 && hour >= 9 && hour < 17", "timezone": "Europe/Berlin"}
ERROR = {"target": "sorry", "condition": "error"}


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC)


def chat_of(
    now: str = WEDNESDAY, zone: str = "", variables: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None, **config: Any,
) -> Chat:  # fmt: skip
    bot = bot_of(
        node("pause", "wait", "after", ERROR, **config),
        message("after"),
        message("meanwhile"),
        message("sorry"),
        node("human", "human_handoff"),
        conditions={"business_hours": BUSINESS},
        global_settings=settings or {},
        global_actions={
            "human": {"keywords": ["agent"], "target": "human", "conditions": ["business_hours"]}
        },
    )
    chat = Chat(
        bot, now=at(now), customer=Customer(id="1", timezone=zone),
        state=ConversationState(variables=variables or {}),
    )  # fmt: skip
    chat.say("hi")
    return chat


def end_of(chat: Chat) -> datetime:
    (timer,) = chat.effects_of(StartTimer)
    return timer.due_at


def test_a_wait_of_some_seconds_ends_after_them() -> None:
    chat = chat_of(seconds=90)
    assert (chat.said, chat.due_in) == ([], 90)
    chat.wait(90)
    assert chat.time_out() == ["after"]


def test_a_wait_counts_from_when_the_last_message_is_out() -> None:
    slow = message("slow", "pause", delay=2_000)
    chat = Chat(bot_of(slow, node("pause", "wait", "after", seconds=10), message("after")))
    chat.say("hi")
    assert chat.due_in == 12


def test_a_wait_of_no_time_goes_on_at_once() -> None:
    assert chat_of(seconds=0).said == ["after"]


@pytest.mark.parametrize(
    ("now", "zone", "clock", "end"),
    [
        (WEDNESDAY, "", "15:01", "2026-01-14T15:01Z"),
        (WEDNESDAY, "", "15:00", "2026-01-15T15:00Z"),
        (WEDNESDAY, "", "09:00", "2026-01-15T09:00Z"),
        (WEDNESDAY, "Europe/Berlin", "16:30", "2026-01-14T15:30Z"),
        ("2026-12-31T23:30Z", "Europe/Berlin", "00:10", "2027-01-01T23:10Z"),
        # The night in which the clocks go forward: 02:30 does not come, an hour later it is as late.
        ("2026-03-28T22:00Z", "Europe/Berlin", "02:30", "2026-03-29T01:30Z"),
        ("2026-03-28T22:00Z", "Europe/Berlin", "09:00", "2026-03-29T07:00Z"),
        ("2026-03-08T04:00Z", "America/New_York", "02:30", "2026-03-08T07:30Z"),
        ("2026-03-08T04:00Z", "America/New_York", "09:00", "2026-03-08T13:00Z"),
        # And back: 02:30 comes twice, and the second counts when the first is over.
        ("2026-10-24T22:00Z", "Europe/Berlin", "02:30", "2026-10-25T00:30Z"),
        ("2026-10-25T01:15Z", "Europe/Berlin", "02:30", "2026-10-25T01:30Z"),
        ("2026-10-25T01:45Z", "Europe/Berlin", "02:30", "2026-10-26T01:30Z"),
        ("2026-10-24T22:00Z", "Europe/Berlin", "09:00", "2026-10-25T08:00Z"),
        ("2026-11-01T04:00Z", "America/New_York", "09:00", "2026-11-01T14:00Z"),
        ("2026-11-01T06:15Z", "America/New_York", "01:30", "2026-11-01T06:30Z"),
    ],
)
def test_a_time_of_day_is_the_next_one_in_the_customers_zone(
    now: str, zone: str, clock: str, end: str
) -> None:
    assert end_of(chat_of(now, zone, until_time=clock)) == at(end)


@pytest.mark.parametrize(
    ("value", "zone", "end"),
    [
        ("2026-01-20T18:00", "Europe/Berlin", "2026-01-20T17:00Z"),
        ("2026-01-20T18:00", "", "2026-01-20T18:00Z"),
        ("2026-01-20T18:00+05:30", "Europe/Berlin", "2026-01-20T12:30Z"),
        ("2026-01-20", "America/New_York", "2026-01-20T05:00Z"),
        (datetime(2026, 1, 20, tzinfo=UTC).timestamp() * 1000, "", "2026-01-20T00:00Z"),
    ],
)
def test_a_moment_is_the_customers_own_unless_it_has_an_offset(value: Any, zone: str, end: str) -> None:
    chat = chat_of(zone=zone, variables={"then": value}, until="then")
    assert end_of(chat) == at(end)
    chat.now = end_of(chat)
    assert chat.time_out() == ["after"]


def test_a_moment_that_is_past_goes_on_at_once() -> None:
    assert chat_of(variables={"then": "2020-01-01T00:00"}, until="then").said == ["after"]


@pytest.mark.parametrize(
    "value",
    [None, "soon", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00+23:00", 1e300, True, [], "x" * 9_999],
)
def test_what_is_no_moment_takes_the_way_for_errors(value: Any) -> None:
    assert chat_of(zone="America/New_York", variables={"then": value}, until="then").said == ["sorry"]


def test_a_moment_that_no_timer_reaches_is_waited_for_in_parts() -> None:
    chat = chat_of(variables={"then": "2026-04-01T12:00"}, until="then")
    parts = 0
    while not chat.said:
        parts += 1
        assert chat.due_in <= LONGEST.total_seconds()
        chat.wait(chat.due_in)
        chat.time_out()
    assert chat.said == ["after"]
    assert (parts, chat.now) == (3, at("2026-04-01T12:00Z"))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-01-14T06:00Z", "2026-01-14T08:00Z"),
        ("2026-01-14T06:07Z", "2026-01-14T08:00Z"),
        ("2026-01-14T16:00Z", "2026-01-15T08:00Z"),
        # Friday evening: until Monday.
        ("2026-01-16T18:20Z", "2026-01-19T08:00Z"),
        # Also over the weekends on which the clocks are changed.
        ("2026-03-27T18:20Z", "2026-03-30T07:00Z"),
        ("2026-10-23T18:20Z", "2026-10-26T08:00Z"),
    ],
)
def test_a_condition_of_the_clock_is_waited_for_until_it_holds(now: str, end: str) -> None:
    chat = chat_of(now, until_condition="business_hours")
    assert end_of(chat) == at(end)
    chat.now = end_of(chat)
    assert chat.time_out() == ["after"]


def test_a_condition_that_holds_goes_on_at_once() -> None:
    assert chat_of("2026-01-14T10:00Z", until_condition="business_hours").said == ["after"]
    assert chat_of(until_condition="always").said == ["after"]


def test_a_condition_that_never_holds_takes_the_way_for_errors() -> None:
    chat = chat_of(until_condition="hour > 24")
    assert chat.said == ["sorry"]
    assert "30 days" in chat.traced("error")[0]


def test_a_condition_is_looked_at_again_when_quiet_hours_put_the_timer_off() -> None:
    quiet = {"quiet_hours": {"start": "08:30", "end": "17:30", "timezone": "Europe/Berlin"}}
    chat = chat_of("2026-01-14T06:00Z", until_condition="business_hours", settings=quiet)
    chat.now = end_of(chat)
    assert chat.time_out() == []
    chat.now = end_of(chat)
    assert chat.now == at("2026-01-14T16:30Z")
    assert chat.time_out() == []
    assert end_of(chat) == at("2026-01-15T08:00Z")


def test_a_message_ends_the_wait_and_is_read_by_what_follows() -> None:
    intents = [{"name": "buy", "target_node": "shop", "examples": ["I want to buy"]}]
    bot = bot_of(
        node("pause", "wait", "intent", seconds=60),
        node("intent", "ai_intent", intents=intents),
        message("shop"),
    )
    chat = Chat(bot)
    chat.say("hi")
    assert chat.say("I want to buy") == ["shop"]
    assert chat.timers == ["-pause#1"]


def test_a_message_can_lead_elsewhere() -> None:
    chat = chat_of(seconds=60, on_message="target", message_target="meanwhile")
    assert chat.say("hello?") == ["meanwhile"]
    assert chat.timers == ["-pause#1"]


def test_an_ignored_message_leaves_the_very_timer_running() -> None:
    chat = chat_of(seconds=60, on_message="ignore")
    before = chat.state.waiting
    chat.wait(20)
    assert chat.say("hello?") == []
    chat.happen(MediaReceived(kind="sticker", file="x"))
    assert chat.effects == ()
    assert chat.state.waiting == before
    assert chat.traced("ignored") == ["a message during a wait"]
    chat.wait(40)
    assert chat.time_out() == ["after"]


def test_a_long_wait_in_parts_survives_an_ignored_message() -> None:
    chat = chat_of(variables={"then": "2026-04-01T12:00"}, until="then", on_message="ignore")
    chat.say("hello?")
    chat.wait(LONGEST.total_seconds())
    assert chat.time_out() == []
    assert chat.state.waiting is not None


def test_an_action_whose_conditions_do_not_hold_leaves_the_very_timer_running() -> None:
    chat = chat_of("2026-01-14T20:00Z", seconds=60)
    before = chat.state.waiting
    assert len(chat.say("agent")) == 1
    assert chat.timers == []
    assert chat.state.waiting == before


def test_who_opted_out_is_not_written_to_when_the_wait_is_over() -> None:
    chat = chat_of(seconds=60, settings={"opt_out": {}})
    chat.say("stop")
    chat.wait(60)
    assert chat.time_out() == []
    assert chat.traced("ignored") == ["a timer; the customer has opted out"]


@pytest.mark.parametrize("on_message", ["ignore", "continue"])
def test_who_opted_out_and_writes_after_the_wait_is_answered(on_message: str) -> None:
    chat = chat_of(seconds=60, on_message=on_message, settings={"opt_out": {}})
    chat.say("stop")
    chat.wait(60)
    chat.time_out()
    assert chat.say("hello?") == ["after"]


def test_a_wait_is_not_counted_as_silence_but_its_own_timers_always_start() -> None:
    bot = bot_of(node("pause", "wait", "drip", seconds=60), message("drip", "pause"))
    chat = Chat(bot)
    chat.say("hi")
    for _ in range(8):
        chat.wait(60)
        assert chat.time_out() == ["drip"]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"seconds": 5, "until_time": "09:00"},
        {"until_time": "9:00"},
        {"seconds": 5, "on_message": "target"},
        {"seconds": 5, "message_target": "pause"},
        {"seconds": -1},
    ],
)
def test_a_wait_has_one_end(config: dict[str, Any]) -> None:
    with pytest.raises(FlowInvalid):
        bot_of(node("pause", "wait", **config))


def test_the_longest_wait_is_what_a_flow_may_ask_for() -> None:
    assert chat_of(seconds=int(LONGEST.total_seconds())).due_in == LONGEST / timedelta(seconds=1)


def test_what_a_flow_sends_by_itself_has_an_end() -> None:
    chat = Chat(bot_of(node("pause", "wait", "news", seconds=60), message("news", "pause")))
    chat.say("hello")
    for _ in range(MAX_SILENT_WAITS):
        chat.wait(60)
        assert chat.time_out() == ["news"]
    assert chat.state.waiting is not None
    assert not chat.state.waiting.timer
    assert chat.say("and now?") == ["news"]
    assert chat.state.waiting is not None
    assert chat.state.waiting.timer
