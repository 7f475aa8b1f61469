"""Whatever the flow, whatever happens, and from any state: the step answers, repeats itself, and can be stored.

`python -m tests.conversations.machine` is the long form.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bot import Bot
from engine.effects import Effect, Send
from engine.events import Context, MediaReceived
from engine.messages import OutboundMessage
from engine.nodes import KINDS
from engine.state import Album, ConversationState, Customer, Origin, TraceEntry, Waiting
from engine.turn import MAX_STACK
from tests.conversations.chat import WORKING_HOURS, Chat, bot_of, demo_bot, event_of, load_flow, message, node
from tests.conversations.invariants import Broken, check_effects, check_trace, checked_step
from tests.conversations.machine import Figures, run
from tests.conversations.random_events import MARK, EventMaker
from tests.conversations.stateful import Conversation, stateful_settings

BOT = demo_bot()
NODES = [node["id"] for node in load_flow("gateway/demo/flow.json")["nodes"]]

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
        stage=st.sampled_from(["", "comment 4"]),
        call=st.sampled_from(["", "product_flow#1"]),
    ),
    variables=st.dictionaries(names, json_values, max_size=4),
    held=st.text(max_size=5),
    album=st.none()
    | st.builds(
        Album,
        timer=st.just("album#2"),
        began_at=st.just(WORKING_HOURS),
        items=st.just((MediaReceived(kind="image", file="f", album="a"),)),
    ),
    origin=st.none() | st.just(Origin(message="17", context=Context(place="group", mentioned=True))),
    echoed=st.booleans(),
    burst=st.sampled_from(["", "burst#1"]),
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
randoms = st.randoms(use_true_random=False)


@pytest.fixture(scope="module")
def figures() -> Figures:
    """What all the runs of this module come to."""
    return Figures()


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_any_flow_goes_on_whatever_happens(first: int, figures: Figures) -> None:
    for seed in range(first, first + 50):
        run(seed, 50, figures)


def test_the_runs_reach_everything(figures: Figures) -> None:
    if not figures.steps:
        pytest.skip("the runs are deselected")
    assert set(figures.nodes) >= set(KINDS)
    assert {effect.__name__ for effect in get_args(Effect)} == set(figures.effects)
    assert figures.deepest_stack > 1


def test_a_run_comes_out_the_same_again() -> None:
    first, second = Figures(), Figures()
    run(7, 30, first)
    run(7, 30, second)
    assert first.kinds == second.kinds


@settings(max_examples=300, deadline=None)
@given(states, randoms, customers)
def test_any_state_and_event_have_an_outcome(
    state: ConversationState, random: Random, customer: Customer
) -> None:
    body = EventMaker(random).event(BOT, state, ["product_flow#1", "burst#1", "album#2"], ["product_flow#1"])
    event = event_of(body, message="18", context=EventMaker(random).context())
    outcome = checked_step(BOT, state, event, customer, WORKING_HOURS)
    assert outcome.state.node in {"", state.node, *BOT.nodes}


def test_a_flow_that_calls_itself_after_each_answer_is_bounded() -> None:
    asks = {"start_node": "ask", "nodes": [node("ask", "input", "again", message="?", variable="x"),
                                           node("again", "call", flow="deeper")]}  # fmt: skip
    chat = Chat(bot_of(node("call", "call", flow="deeper"), flows={"deeper": asks}))
    deepest = 0
    for _ in range(3 * MAX_STACK):
        chat.say("on")
        deepest = max(deepest, len(chat.state.stack))
    assert deepest == MAX_STACK


@pytest.mark.parametrize(
    "entry",
    [
        TraceEntry(kind="error", detail="KeyError"),
        TraceEntry(kind="error", detail="TypeError: x"),
        TraceEntry(kind="ignored", value=[f"{MARK} hello"]),
    ],
)
def test_a_trace_that_tells_too_much_is_noticed(entry: TraceEntry) -> None:
    with pytest.raises(Broken):
        check_trace(BOT, (entry,))


def test_an_overtaken_message_is_noticed() -> None:
    sends = tuple(Send(message=OutboundMessage(text="x"), delay_ms=delay) for delay in (5, 1))
    with pytest.raises(Broken):
        check_effects(BOT, sends)


def test_a_second_fallback_is_noticed() -> None:
    bot: Bot = bot_of(message("hi"), message("sorry"), global_settings={"fallback_node": "sorry"})
    entry = TraceEntry(kind="fallback", at="sorry")
    check_trace(bot, (entry,))
    with pytest.raises(Broken):
        check_trace(bot, (entry, entry))


TestConversation = Conversation.TestCase
TestConversation.settings = stateful_settings(60, 40, same=True)  # new ones are for the long form
