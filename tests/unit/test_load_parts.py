"""The parts of a load test: what visitors say, how answers are timed, and how the result is told."""

from __future__ import annotations

import asyncio
import json
import math
import random
from typing import Any, NamedTuple, cast

import aiohttp
import pytest

from adapters.web import frames
from engine.compile import compile_flow
from engine.nodes.base import choice_id
from engine.scenarios import read_scenarios
from gateway.flows.load_plan import Line, LoadError, Plan
from gateway.flows.load_result import Result, Times
from gateway.flows.load_widget import Refused, Widget
from tests.unit.scenario_flow import flow
from tests.unit.web_doubles import NOW

LOAD = {"concurrent_users": 10, "duration_seconds": 60, "expected_response_time_ms": 200}


def plan(*steps: dict[str, Any], users: int = 0, seconds: int = 0, **load: Any) -> Plan:
    bot = compile_flow(flow(), flow_id="load")
    tests = [{"name": "t", "steps": list(steps)}] if steps else []
    scenarios = read_scenarios({"integration_tests": tests, "load_tests": {**LOAD, **load}}, bot)
    return Plan.of(scenarios, bot, flow(), users=users, seconds=seconds)


# The plan


def test_a_plan_has_what_a_visitor_can_say_and_what_the_flow_answers() -> None:
    found = plan(
        {"input": "hello"},
        {"wait": "1s"},
        {"click": "status"},
        {"click": "menu:1"},
        {"command": "start"},
        {"contact": {"phone": "+49"}},
    )
    assert found.left_out == 2
    (script,) = found.scripts
    assert [(line.text, line.choice, line.answers) for line in script] == [
        ("hello", "", 2),
        ("", choice_id("menu", 0), 1),
        ("", choice_id("menu", 1), 1),
        ("/start", "", 2),
    ]


def test_a_delay_counts_as_the_flows_own_unless_typing_stands_for_it() -> None:
    definition = flow()
    definition["nodes"][0]["config"] |= {"delay": 700}
    definition["nodes"][1]["config"] |= {"delay": 300, "typing_indicator": True}
    bot = compile_flow(definition, flow_id="load")
    scenarios = read_scenarios(
        {"unit_tests": [{"name": "t", "input": "hi"}, {"name": "u", "open": True}], "load_tests": LOAD}, bot
    )
    (said,), (opened,) = Plan.of(scenarios, bot, definition).scripts
    assert (said.own_delay_ms, said.whole_delay_ms, said.opens) == (700, 1000, False)
    assert opened.opens


def test_the_numbers_of_a_plan_can_be_replaced() -> None:
    found = plan({"input": "hi"}, users=3, seconds=4).test
    assert (found.concurrent_users, found.duration_seconds, found.percentile) == (3, 4, 95)
    assert plan({"input": "hi"}).test.concurrent_users == 10


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(LoadError, match="at most 5000 users and 3600 seconds"):
        plan({"input": "hi"}, seconds=3601)
    with pytest.raises(LoadError, match="no test of the document says anything"):
        plan()
    with pytest.raises(LoadError, match='the test "t" fails by itself: there is no choice "nothing"'):
        plan({"click": "nothing"})


# A visitor


class Heard(NamedTuple):
    type: aiohttp.WSMsgType
    data: str


class Wire:
    """A socket that has heard everything already."""

    close_code = 1013

    def __init__(self, *answers: frames.ServerFrame) -> None:
        self.said: list[dict[str, Any]] = []
        self._answers = list(answers)

    @property
    def left(self) -> int:
        return len(self._answers)

    async def send_str(self, text: str) -> None:
        self.said.append(json.loads(text))

    async def receive(self) -> Heard:
        if not self._answers:
            return Heard(aiohttp.WSMsgType.CLOSED, "")
        frame = self._answers.pop(0)
        if isinstance(frame, frames.Ack):
            frame = frames.Ack(id=self.said[-1]["id"], seq=frame.seq)
        await asyncio.sleep(0.005)
        return Heard(aiohttp.WSMsgType.TEXT, frames.encode(frame).decode())


def visitor(*answers: frames.ServerFrame) -> tuple[Widget, Wire]:
    wire = Wire(*answers)
    return Widget(cast("aiohttp.ClientWebSocketResponse", wire)), wire


def bot_says(seq: int, *titles: str) -> frames.Message:
    choices = tuple(frames.Option(id=f"id:{title}", title=title) for title in titles)
    return frames.Message(seq=seq, id="1", sender="bot", text="hi", choices=choices, at=NOW)


ACK = frames.Ack(id="", seq=5)


async def test_the_first_sign_of_an_answer_is_timed() -> None:
    widget, wire = visitor(ACK, frames.Typing(ms=1000), bot_says(6))
    passed = await widget.exchange(Line(text="hello"))
    assert passed is not None
    assert passed > 9
    assert wire.said[0]["text"] == "hello"
    slow, _ = visitor(ACK, bot_says(6))
    timed = await slow.exchange(Line(text="hello", own_delay_ms=60_000))
    assert timed == 0


async def test_an_answer_to_an_earlier_message_does_not_count() -> None:
    widget, wire = visitor(bot_says(4), bot_says(6), ACK, bot_says(7))
    assert await widget.exchange(Line(text="hello", answers=2)) is not None
    assert wire.left == 0


async def test_a_title_is_clicked_by_the_id_that_was_offered() -> None:
    widget, wire = visitor(ACK, bot_says(6, "Yes"), ACK, bot_says(7))
    await widget.exchange(Line(text="hello"))
    await widget.exchange(Line(choice="Yes"))
    assert wire.said[1] | {"id": ""} == {"type": "choice", "id": "", "choice": "id:Yes", "title": "Yes"}


async def test_a_refusal_and_a_closed_socket_are_errors() -> None:
    widget, _ = visitor(frames.Error(code="too_fast", message="…", retry=True))
    with pytest.raises(Refused, match="the server refused: too_fast"):
        await widget.exchange(Line(text="hello"))
    widget, _ = visitor()
    with pytest.raises(Refused, match=r"the server closed the socket \(1013\)"):
        await widget.exchange(Line(text="hello"))


async def test_a_line_that_nothing_answers_ends_with_its_acknowledgement() -> None:
    widget, _ = visitor(ACK)
    assert await widget.exchange(Line(text="hello", answers=0)) is None


# The result


def test_percentiles_are_right_to_one_per_cent() -> None:
    dice = random.Random(7)
    times, sample = Times(), [dice.lognormvariate(3, 1) for _ in range(10_000)]
    for ms in sample:
        times.add(ms)
    sample.sort()
    for share in (1, 50, 95, 99, 100):
        exact = sample[math.ceil(len(sample) * share / 100) - 1]
        assert exact <= times.percentile(share) * 1.000001 <= exact * 1.011
    assert times.most == sample[-1]
    assert Times().percentile(95) == 0


def result(ms: float, *, errors: int = 0, lag: float = 1.0) -> Result:
    found = Result(plan=plan({"input": "hi"}), sent=1000, seconds=10)
    for _ in range(1000 - errors):
        found.times.add(ms)
    found.errors["the server refused: too_fast"] += errors
    found.lag.add(lag)
    return found


@pytest.mark.parametrize(
    ("ms", "errors", "passed"), [(199, 0, True), (201, 0, False), (100, 10, True), (100, 11, False)]
)
def test_it_passes_when_it_is_quick_and_hardly_anything_goes_wrong(
    ms: float, errors: int, passed: bool
) -> None:
    found = result(ms, errors=errors)
    assert found.passed is passed
    assert found.lines()[-1].startswith("Passed" if passed else "Failed")
    assert found.as_json()["passed"] is passed


def test_nothing_answered_is_no_success() -> None:
    assert not Result(plan=plan({"input": "hi"})).passed


def test_the_result_is_told_in_words() -> None:
    lines = result(100, errors=3, lag=80).lines()
    assert lines[0] == "10 visitors for 10 s: 1000 messages (100.0 a second), 997 answered, 3 errors."
    assert "  3 × the server refused: too_fast" in lines
    assert any("This machine was itself late by 80 ms" in line for line in lines)
