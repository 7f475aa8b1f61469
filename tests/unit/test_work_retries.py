"""When a call is made again, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.effects import CallIntegration
from gateway.work import retries
from gateway.work.addresses import AddressPolicy
from gateway.work.request import Request, prepare
from gateway.work.slots import Slots
from storage.ids import new_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def request(method: str) -> Request:
    effect = CallIntegration(call="c", method=method, url=("https://example.org",))
    return prepare(effect, "k", {}, AddressPolicy())


def middle(low: float, high: float) -> float:
    return (low + high) / 2


@pytest.mark.parametrize(
    ("method", "again"),
    [
        ("GET", {429, 502, 503, 504}),
        ("PUT", {429, 502, 503, 504}),
        ("POST", {429, 503}),
        ("PATCH", {429, 503}),
    ],
)
def test_which_statuses_are_tried_again(method: str, again: set[int]) -> None:
    assert {status for status in range(200, 600) if retries.after_status(request(method), status)} == again


@pytest.mark.parametrize(
    ("method", "sent", "again"),
    [("GET", True, True), ("GET", False, True), ("POST", True, False), ("POST", False, True)],
)
def test_a_post_that_may_have_been_heard_is_not_made_again(method: str, sent: bool, again: bool) -> None:
    assert retries.after_failure(request(method), sent=sent) is again


def test_waits_grow_to_a_bound() -> None:
    waits = [retries.backoff(attempt, "", NOW, middle) for attempt in range(1, 9)]
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.1),
        (" 0 ", 0.1),
        ("Sun, 01 Mar 2026 12:00:20 GMT", 20.1),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.1),
        ("soon", 0.25),
        ("-5", 0.25),
        ("²", 0.25),
        ("9" * 400, 0.25),
        ("Sun, 99 Mar 2026 12:00:20 GMT", 0.25),
    ],
)
def test_a_server_may_say_how_long(header: str, seconds: float) -> None:
    assert retries.backoff(1, header, NOW, middle) == pytest.approx(seconds)


def test_slots_leave_room_for_other_bots() -> None:
    slots, greedy, other = Slots(5, 3), new_id(), new_id()
    assert [slots.take(greedy) for _ in range(4)] == [True, True, True, False]
    assert [slots.take(other) for _ in range(3)] == [True, True, False]
    slots.give(greedy)
    assert slots.free == 1
    assert slots.take(other)
    assert not slots.take(new_id())
