"""Whatever happens, in any order and from any state: the step answers, repeats itself exactly, and can be stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.effects import Send
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    ConversationOpened,
    EventBody,
    LocationReceived,
    MediaReceived,
    MessageDeleted,
    MessageEdited,
    ReactionReceived,
    TextReceived,
    TimerFired,
)
from engine.state import ConversationState, Customer, Outcome, Waiting
from engine.step import step
from tests.conversations.chat import WORKING_HOURS, demo_bot, event_of, load_flow

BOT = demo_bot()
NODES = [node["id"] for node in load_flow("gateway/demo/flow.json")["nodes"]]
_WORDS = [
    "hello", "what do you sell", "something is broken", "payment problem", "ai tools", "menu", "offer", "1", "2", "3",
    "4", "yes", "no", "Ana", "ana@example.com", "human", "restart", "there is an emergency", "👋 that is all", "",
    "my agent number is 5", "{{user_email}}",
]  # fmt: skip

texts = st.sampled_from(_WORDS) | st.text(st.characters(codec=None), max_size=30)
bodies: st.SearchStrategy[EventBody] = st.one_of(
    texts.map(lambda text: TextReceived(text=text)),
    st.builds(ChoiceMade, choice=st.sampled_from(sorted(BOT.choices)) | st.text(max_size=12), title=texts),
    st.builds(CommandReceived, command=st.sampled_from(["start", "human", "x", ""]), argument=texts),
    st.builds(MediaReceived, kind=st.just("image"), file=st.just("f"), caption=texts),
    st.just(LocationReceived(latitude=1.0, longitude=2.0)),
    st.builds(ContactReceived, phone=texts),
    st.just(ReactionReceived(emoji=("👍",), message="1")),
    st.builds(MessageEdited, message=st.just("1"), text=texts),
    st.just(MessageDeleted(message="1")),
    st.builds(ContactabilityChanged, reachable=st.booleans()),
    st.just(ConversationOpened()),
    st.builds(TimerFired, timer=st.sampled_from(["product_flow#1", "product_flow#2", "x"])),
)
events = st.tuples(bodies | st.just(None), st.sampled_from([0, 1, 70, 400, 90_000]))
"""What happens (None: the running timer fires), and the seconds before it."""

json_values = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.just([1, {"a": None}])
names = st.sampled_from(["user_name", "wants_newsletter", "selected_product", "other"])
states = st.builds(
    ConversationState,
    flow=st.sampled_from(["", "demo", "older"]),
    control=st.sampled_from(["bot", "waiting", "human"]),
    node=st.sampled_from([*NODES, "", "gone"]),
    waiting=st.none()
    | st.builds(
        Waiting,
        node=st.sampled_from([*NODES, "gone"]),
        timer=st.sampled_from(["", "product_flow#1"]),
        attempts=st.integers(0, 5),
    ),
    variables=st.dictionaries(names, json_values, max_size=4),
    turns=st.integers(0, 60),
    timers=st.integers(0, 3),
    history=st.integers(0, 100),
    silent=st.integers(0, 7),
    last_event_at=st.none() | st.just(WORKING_HOURS) | st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)
customers = st.builds(
    Customer,
    first_name=st.text(max_size=10),
    timezone=st.sampled_from(["", "Europe/Berlin", "No/Where", "../x"]) | st.text(max_size=8),
    attributes=st.dictionaries(st.sampled_from(["subscription_tier", "id"]), json_values, max_size=2),
)


def run(state: ConversationState, body: EventBody, customer: Customer, now: datetime) -> Outcome:
    """A step, checked for what must hold of every one."""
    event = event_of(body, now)
    before = msgspec.json.encode(state)
    outcome = step(BOT, state, event, customer, now)
    assert step(BOT, state, event, customer, now) == outcome
    assert msgspec.json.encode(state) == before
    encoded = msgspec.json.encode(outcome.state)
    assert msgspec.json.decode(encoded, type=ConversationState) == outcome.state
    msgspec.json.encode((outcome.effects, outcome.trace))
    assert len(outcome.trace) < 1000
    assert outcome.state.node == "" or outcome.state.node in BOT.nodes or outcome.state.node == state.node
    delays = [effect.delay_ms for effect in outcome.effects if isinstance(effect, Send)]
    assert delays == sorted(delays)
    errors = [entry.detail for entry in outcome.trace if entry.kind == "error"]
    assert not errors
    return outcome


@settings(max_examples=150, deadline=None)
@given(st.lists(events, max_size=30), customers)
def test_a_conversation_of_any_events_goes_on(happenings: list[tuple[Any, int]], customer: Customer) -> None:
    state, now = ConversationState(), WORKING_HOURS
    for body, seconds in happenings:
        now += timedelta(seconds=seconds)
        if body is None:
            body = TimerFired(timer=state.waiting.timer if state.waiting is not None else "none")
        state = run(state, body, customer, now).state
        assert state.last_event_at == now


@settings(max_examples=300, deadline=None)
@given(states, bodies, customers)
def test_any_state_and_event_have_an_outcome(
    state: ConversationState, body: EventBody, customer: Customer
) -> None:
    run(state, body, customer, WORKING_HOURS)
