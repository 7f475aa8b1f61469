"""Replays without a database: timelines, order, what is kept, beginnings, what is remembered, and visits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.protocol import ProfileSource
from adapters.slack.adapter import SlackAdapter
from adapters.telegram.adapter import TelegramAdapter
from adapters.web.adapter import WebAdapter
from adapters.whatsapp.adapter import WhatsAppAdapter
from engine.bot import Bot
from engine.effects import Remember, Send, UpdateCustomer
from engine.events import (
    AnswerGenerated,
    CommandReceived,
    EventBody,
    InboundEvent,
    ReactionReceived,
    Sender,
    TextReceived,
    TimerFired,
)
from engine.messages import Choice, OutboundMessage
from engine.state import ConversationState, Customer, Outcome, TraceEntry, Waiting
from gateway.flows.drawing import NodeVisits
from gateway.replay.beginning import Beginning, beginning_of, corrected
from gateway.replay.candidate import try_out
from gateway.replay.memory import LOOKED_UP, Memory, stored_form, stored_state
from gateway.replay.past import (
    Past,
    PastConversation,
    PastEvent,
    Said,
    Timeline,
    Turned,
    conversations_of,
)
from gateway.replay.recorded import Replayed, replay
from gateway.replay.visits import visits
from gateway.turns.versions import NoPublishedFlow, run_turn
from storage.ids import derived
from storage.replays import Publication, StoredConversation, StoredEvent, StoredPast, StoredWords
from storage.turns import MAX_VARIABLES_BYTES
from tests.conversations.chat import bot_of, message, node

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BOT, CUSTOMER = UUID(int=1), UUID(int=2)
OLD, NEW = UUID(int=0xA000), UUID(int=0xB000)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def stored(number: int = 1, **changes: Any) -> StoredConversation:
    values: dict[str, Any] = {
        "id": UUID(int=number), "chatbot_id": BOT, "channel_id": UUID(int=9), "customer_id": CUSTOMER,
        "platform": "web", "status": "active", "state": "{}", "state_version": 0, "created_at": NOW,
        "last_message_at": NOW, "customer_since": NOW, "first_name": "Ada", "last_name": None, "email": None,
        "phone": None, "language": "fr", "timezone": None, "metadata": "{}", "variables": '{"now": 1}',
        "opted_out": True, "opt_out_words": None,
    }  # fmt: skip
    return StoredConversation(**{**values, **changes})


def event(body: EventBody | str, after: float = 0, *, id: int = 0, said: Sequence[Said] = ()) -> PastEvent:
    inner = InboundEvent(
        external_id=str(id), conversation_key="1", sender=Sender(external_id="1", language="de"),
        body=TextReceived(text=body) if isinstance(body, str) else body, occurred_at=NOW,
    )  # fmt: skip
    return PastEvent(id=UUID(int=id << 12), at=NOW + seconds(after), event=inner, said=tuple(said))


def conversation(*events: PastEvent, **changes: Any) -> PastConversation:
    given: dict[str, Any] = {"state": ConversationState(), "gone": 0, "parked": 0, "cut": False}
    given |= {name: changes.pop(name) for name in tuple(given) if name in changes}
    return PastConversation(stored=stored(**changes), events=events, **given)


def past(*conversations: PastConversation, bots: Mapping[UUID, Bot] | None = None) -> Past:
    return Past(
        conversations={one.id: one for one in conversations},
        timelines={BOT: Timeline([], OLD)},
        bots=bots or {},
        wanted=tuple(one.id for one in conversations),
    )


def publication(flow: UUID, after: float, before: UUID | None = None) -> Publication:
    return Publication(id=flow, version="1", at=NOW + seconds(after), before=before)


# The version of then


def test_the_timeline_tells_which_version_was_published_when() -> None:
    timeline = Timeline([publication(OLD, 10), publication(NEW, 20, OLD), publication(OLD, 30, NEW)], OLD)
    moments = [5, 10, 19.9, 20, 29, 30, 99]
    assert [timeline.at(NOW + seconds(at)) for at in moments] == [None, OLD, OLD, NEW, NEW, OLD, OLD]
    assert timeline.at(NOW + seconds(21), delay=seconds(2)) == OLD
    assert timeline.between(NOW + seconds(15), NOW + seconds(25)) == {OLD, NEW}


def test_without_a_record_of_publications_the_active_version_was_always_there() -> None:
    assert Timeline([], NEW).at(NOW) == NEW
    assert Timeline([], None).at(NOW) is None
    assert Timeline([publication(NEW, 10, OLD)], NEW).at(NOW) == OLD


def test_only_what_came_soon_after_a_publication_may_have_missed_it() -> None:
    timeline = Timeline([publication(NEW, 10)], NEW)
    delays = list(timeline.delays(NOW + seconds(at) for at in (9, 12, 25)))
    assert delays == [seconds(2) + timedelta(microseconds=1)]
    assert timeline.at(NOW + seconds(12), delays[0]) is None


def versions(**settings: Any) -> dict[UUID, Bot]:
    """An older and a newer version; only the newer one knows `more`."""
    ask = node("ask", "input", "more", message="old?", variable="a")
    again = node("ask", "input", "more", message="new?", variable="a")
    old, new = bot_of(ask, message("more")), bot_of(again, message("more"), global_settings=settings)
    return {
        OLD: bot_with_id(old, OLD),
        NEW: bot_with_id(new, NEW),
    }


def bot_with_id(bot: Bot, id: UUID) -> Bot:
    return dataclasses.replace(bot, flow_id=str(id))


def turn(
    bots: Mapping[UUID, Bot], flow: UUID | None, state: ConversationState, body: EventBody | str
) -> Outcome:
    return run_turn(bots, flow, state, event(body).event, Customer(), NOW, shared={}, channel="web")


def test_a_turn_stays_on_its_version_until_it_begins_anew() -> None:
    bots = versions()
    first = turn(bots, OLD, ConversationState(), "hi")
    assert first.state.flow == str(OLD)
    assert turn(bots, NEW, first.state, "x").state.flow == str(OLD)
    assert turn(bots, NEW, first.state, CommandReceived(command="start")).state.flow == str(NEW)
    assert turn(versions(live_conversations="migrate"), NEW, first.state, "x").state.flow == str(NEW)
    assert turn({OLD: bots[OLD]}, NEW, first.state, "x").state.flow == str(OLD)
    assert turn({NEW: bots[NEW]}, NEW, first.state, "x").state.flow == str(NEW)


@pytest.mark.parametrize("flow", [None, NEW])
def test_without_a_version_there_is_no_turn(flow: UUID | None) -> None:
    with pytest.raises(NoPublishedFlow, match="no published flow"):
        turn({}, flow, ConversationState(), "hi")


# What is kept


def read(
    rows: Sequence[tuple[int, float]], words: Sequence[tuple[int, int, int]] = (), version: int | None = None,
    expires: float = 100, now: float = 0, **more: Any,
) -> PastConversation:  # fmt: skip
    """Rows are (event, seconds), words (event, ordinal, number)."""
    raw = msgspec.json.encode(event("hi").event).decode()
    whole = StoredPast(
        conversations=[stored(state_version=len(rows) if version is None else version)],
        events=[
            StoredEvent(
                conversation_id=UUID(int=1), id=UUID(int=id << 12), event=more.get("raw", raw),
                received_at=NOW + seconds(at), expires_at=NOW + seconds(at + expires),
            )
            for id, at in rows
        ],
        said=[
            StoredWords(
                conversation_id=UUID(int=1), id=derived(UUID(int=id << 12), ordinal) if ordinal else UUID(int=id << 12),
                seq=seq, by_bot=ordinal > 0, content=f"{id}.{ordinal}", payload=None,
            )
            for id, ordinal, seq in words
        ],
        parked={UUID(int=1): 2},
        truncated=False,
    )  # fmt: skip
    return conversations_of(whole, NOW + seconds(now))[UUID(int=1)]


def numbers(found: PastConversation) -> list[int]:
    return [one.id.int >> 12 for one in found.events]


def test_each_event_has_what_the_bot_said_in_its_turn() -> None:
    found = read([(1, 0), (2, 1)], [(1, 0, 1), (1, 1, 2), (1, 2, 3), (2, 1, 4)])
    assert [[said.text for said in one.said] for one in found.events] == [["1.1", "1.2"], ["2.1"]]
    assert (found.gone, found.parked, found.cut) == (0, 2, False)


def test_the_numbers_of_messages_order_what_two_clocks_did_not() -> None:
    """The second server's clock goes a little ahead; the event without words keeps its place."""
    found = read([(2, 0.0), (3, 0.1), (1, 0.2)], [(1, 0, 1), (2, 0, 2)])
    assert numbers(found) == [1, 3, 2]


def test_of_a_swept_beginning_only_what_can_not_be_swept_is_used() -> None:
    found = read([(1, 0), (2, 10), (3, 20)], version=5, expires=100, now=105)
    assert (numbers(found), found.gone) == ([2, 3], 3)
    complete = read([(1, 0), (2, 10), (3, 20)], expires=100, now=105)
    assert (numbers(complete), complete.gone) == ([1, 2, 3], 0)


def test_what_can_not_be_read_counts_as_gone() -> None:
    found = read([(1, 0), (2, 1)], raw='{"of": "another time"}')
    assert (found.events, found.gone) == ((), 2)


def test_conversations_that_were_not_read_to_their_end_are_left_out() -> None:
    row = StoredEvent(
        conversation_id=UUID(int=1), id=UUID(int=1 << 12), event="{}", received_at=NOW, expires_at=NOW
    )
    whole = StoredPast(
        conversations=[stored(1), stored(2, last_message_at=NOW - seconds(1))],
        events=[row], said=[], parked={}, truncated=True,
    )  # fmt: skip
    assert set(conversations_of(whole, NOW)) == {UUID(int=2)}


def test_conversations_are_replayed_as_they_happened_between_each_other() -> None:
    first = conversation(event("a", 0), event("b", 5), event("c", 4), number=1)  # c came after b all the same
    second = conversation(event("d", 4.5), event("e", 6), number=2)
    order = [(one.id.int, index) for one, index in past(first, second).in_order()]
    assert order == [(1, 0), (2, 0), (1, 1), (1, 2), (2, 1)]


# Where it begins


def beginning(*events: PastEvent, gone: int = 1) -> Beginning | None:
    bot = bot_of(message("hello"), global_settings={"timeout": 60})
    return beginning_of(
        past(conversation(*events, gone=gone), bots={OLD: bot}), conversation(*events, gone=gone)
    )


def test_a_replay_begins_at_the_beginning_when_all_is_kept() -> None:
    assert beginning(event("x"), gone=0) == Beginning(index=0)


@pytest.mark.parametrize(
    ("events", "index"),
    [
        ([event("x"), event(CommandReceived(command="START"), 1)], 1),
        ([event(CommandReceived(command="start"))], 0),
        ([event("x"), event("y", 61)], 1),
        ([event("x"), event("y", 59)], None),
        ([event("x"), event(TimerFired(timer="a#1"), 100), event("y", 101)], None),
        ([event("x"), event(ReactionReceived(emoji=(), message="1"), 100)], None),
        ([event(CommandReceived(command="help"))], None),
        ([], None),
    ],
)
def test_without_its_beginning_it_begins_with_a_session(events: list[PastEvent], index: int | None) -> None:
    found = beginning(*events)
    assert (found.index if found is not None else None) == index
    assert found is None or not found.whole


def turned(
    body: EventBody | str, *trace: TraceEntry, after: float = 0, state: ConversationState | None = None
) -> Turned:
    outcome = Outcome(state=state or ConversationState(), effects=(), trace=trace)
    return Turned.of(event(body, after), outcome)


def test_counters_whose_past_is_gone_are_found_by_the_first_timer_that_was_not_heard() -> None:
    waiting = ConversationState(waiting=Waiting(node="ask", timer="ask#2"), timers=2, history=1)
    ignored = TraceEntry(kind="ignored", detail="a timer that nothing waits for")
    turns = [
        turned("hi", TraceEntry(kind="node", at="ask"), state=waiting),
        turned(TimerFired(timer="other#7"), ignored, state=waiting),
        turned(TimerFired(timer="ask#12"), ignored, state=waiting),
    ]
    one = conversation(state=ConversationState(timers=99, history=5))
    found = corrected(Beginning(index=0, whole=False), one, turns)
    assert (found.state.timers, found.state.history) == (10, 4)
    by_end = corrected(Beginning(index=0, whole=False), one, turns[:2])
    assert by_end.state.timers == 97
    called = ConversationState(waiting=Waiting(node="ask", timer="ask#2", call="ask#2"), timers=2)
    answered = [turned("hi", state=called), turned(AnswerGenerated(call="ask#3"), ignored, state=called)]
    assert corrected(Beginning(index=0, whole=False), one, answered).state.timers == 1


# What is remembered


def test_customers_begin_as_they_first_came_when_all_is_kept() -> None:
    one = conversation(event("x"))
    customer = Memory(past(one)).customer(one)
    assert (customer.language, customer.opted_out, customer.variables) == ("de", False, {})
    assert customer.first_name == "Ada"


@pytest.mark.parametrize(
    "changes", [{"gone": 1}, {"customer_since": NOW - seconds(1)}], ids=["swept", "known before"]
)
def test_customers_whose_past_is_not_kept_are_taken_as_they_are_now(changes: dict[str, Any]) -> None:
    one = conversation(event("x"), **changes)
    memory = Memory(past(one))
    customer = memory.customer(one)
    assert (customer.language, customer.opted_out, customer.variables) == ("fr", True, {"now": 1})
    assert memory.guessed == {CUSTOMER}


def test_a_language_that_was_looked_up_after_the_first_turn_is_taken_as_it_is_now() -> None:
    unsaid = event("x")
    silent = msgspec.structs.replace(unsaid.event, sender=Sender(external_id="1"))
    first = msgspec.structs.replace(unsaid, event=silent)
    for platform, language, guessed in (("slack", "fr", {CUSTOMER}), ("web", "", set())):
        one = conversation(first, platform=platform)
        memory = Memory(past(one))
        customer = memory.customer(one)
        assert (customer.language, customer.opted_out, customer.variables) == (language, False, {})
        assert memory.guessed == guessed


def test_the_platforms_whose_customers_are_looked_up_are_those_that_offer_it() -> None:
    adapters = (SlackAdapter(), TelegramAdapter(), WhatsAppAdapter(), WebAdapter(lambda *about: None))
    assert {one.platform for one in adapters if isinstance(one, ProfileSource)} == LOOKED_UP


def test_effects_change_what_the_next_turn_knows() -> None:
    one, other = conversation(event("x"), number=1), conversation(event("y"), number=2)
    memory = Memory(past(one, other))
    memory.carry_out(
        one,
        (
            Remember(scope="customer", values={"a": 1, "b": {"long": 1, "b": 2}}),
            Remember(scope="customer", values={"a": None}),
            Remember(scope="bot", values={"n": 1}),
            Remember(scope="bot", values={"big": "x" * MAX_VARIABLES_BYTES}),
            UpdateCustomer(language="es"),
            UpdateCustomer(opted_out=True),
        ),
    )
    customer = memory.customer(other)
    assert customer.variables == {"b": {"b": 2, "long": 1}}
    assert list(customer.variables["b"]) == ["b", "long"]
    assert (customer.language, customer.opted_out) == ("es", True)
    assert memory.shared(other) == {"n": 1}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_the_stored_form_is_the_same_value_and_settled(value: Any) -> None:
    assert stored_form(value) == value
    assert msgspec.json.encode(stored_form(stored_form(value))) == msgspec.json.encode(stored_form(value))


@given(st.dictionaries(st.text(max_size=5), _JSON, max_size=4))
def test_a_stored_state_is_an_equal_state(variables: dict[str, Any]) -> None:
    state = ConversationState(node="a", variables=variables, last_event_at=NOW)
    assert stored_state(state) == state


# Whole replays


def lived(bot: Bot, *bodies: EventBody | str, gap: float = 10) -> PastConversation:
    """A conversation as the server would have kept it."""
    state, customer, events = (
        ConversationState(),
        Customer(id=str(CUSTOMER), first_name="Ada", language="de"),
        [],
    )
    for index, body in enumerate(bodies, 1):
        one = event(body, index * gap, id=index)
        outcome = run_turn({OLD: bot}, OLD, state, one.event, customer, one.at, shared={}, channel="web")
        state = outcome.state
        events.append(msgspec.structs.replace(one, said=Turned.of(one, outcome).now))
    return conversation(*events, state=state)


ASKING = bot_with_id(
    bot_of(
        node(
            "ask",
            "quick_reply",
            message="Which, {{user.first_name}}?",
            options=[{"text": "One", "target": "one"}],
        ),
        message("one"),
        global_settings={"timeout": 300},
    ),
    OLD,
)

BODIES = st.lists(
    st.sampled_from(
        ["hi", "One", "1", "?", CommandReceived(command="start"), TimerFired(timer="ask#1"),
         ReactionReceived(emoji=("👍",), message="1")]
    ),
    max_size=12,
)  # fmt: skip


@given(BODIES, st.sampled_from([1.0, 100.0, 400.0]))
def test_what_was_lived_replays_equal_and_always_the_same(bodies: list[EventBody | str], gap: float) -> None:
    one = lived(ASKING, *bodies, gap=gap)
    whole = past(one, bots={OLD: ASKING})
    found = replay(whole)
    assert found[one.id].difference is None
    assert len(found[one.id].turns) == len(bodies)
    assert replay(whole) == found
    assert try_out(whole, ASKING, NOW)[one.id].same


def forged(one: PastConversation, index: int, *said: Said) -> PastConversation:
    events = list(one.events)
    events[index] = msgspec.structs.replace(events[index], said=said)
    return msgspec.structs.replace(one, events=tuple(events))


def test_the_first_difference_is_found() -> None:
    one = lived(ASKING, "hi", "One", "?")
    (first,) = one.events[1].said
    wrong = forged(forged(one, 1, msgspec.structs.replace(first, text="two")), 2)
    found = replay(past(wrong, bots={OLD: ASKING}))[one.id]
    assert found.difference is not None
    assert (found.difference.number, found.difference.then[0].text, found.difference.now[0].text) == (
        2,
        "two",
        "one",
    )


def test_a_version_that_is_not_there_is_told() -> None:
    one = lived(ASKING, "hi", "One")
    found = replay(past(one))[one.id]
    assert found.difference is not None
    assert found.difference.number == 1
    assert "not there any more" in found.difference.reason


def test_of_a_conversation_that_is_cut_the_state_is_not_compared() -> None:
    one = msgspec.structs.replace(lived(ASKING, "hi"), state=ConversationState(turns=9))
    assert replay(past(one, bots={OLD: ASKING}))[one.id].difference is not None
    cut = msgspec.structs.replace(one, cut=True)
    assert replay(past(cut, bots={OLD: ASKING}))[one.id].difference is None


def test_ids_of_choices_are_nothing_that_a_customer_sees() -> None:
    one = lived(ASKING, "hi")
    renamed = bot_of(
        node(
            "other",
            "quick_reply",
            message="Which, {{user.first_name}}?",
            options=[{"text": "One", "target": "one"}],
        ),
        message("one"),
    )
    assert try_out(past(one, bots={OLD: ASKING}), renamed, NOW)[one.id].same
    reworded = bot_of(
        node(
            "ask",
            "quick_reply",
            message="Which, {{user.first_name}}?",
            options=[{"text": "Won", "target": "one"}],
        ),
        message("one"),
    )
    assert not try_out(past(one, bots={OLD: ASKING}), reworded, NOW)[one.id].same


def test_a_message_in_one_line() -> None:
    choices = (Choice(id="a", title="One"), Choice(id="b", title="Two"))
    assert (
        Said.of(Send(message=OutboundMessage(text="Which?", choices=choices))).line() == "Which? [One | Two]"
    )
    assert (
        Said.of(Send(message=OutboundMessage(text="Where?", request="location"))).line()
        == "Where? (asks for location)"
    )


# Visits


def walked(*turns: Turned) -> Replayed:
    return Replayed(
        conversation=conversation(), beginning=Beginning(index=0), turns=turns, difference=None, guessed=False
    )


def entered(*nodes: str) -> tuple[TraceEntry, ...]:
    return tuple(TraceEntry(kind="node", at=node) for node in nodes)


def test_a_conversation_leaves_where_it_fell_silent_or_ended() -> None:
    at_menu = ConversationState(node="menu", waiting=Waiting(node="menu"))
    turns = (
        turned("a", *entered("hello", "menu"), state=at_menu),
        turned(
            ReactionReceived(emoji=(), message="1"), TraceEntry(kind="ignored"), after=1_000, state=at_menu
        ),
        turned("b", *entered("menu"), after=2_000, state=at_menu),  # after more than half an hour
        turned("c", *entered("bye"), after=2_100, state=ConversationState()),
    )
    found = visits([walked(*turns)], NOW + seconds(2_100))
    assert found == {
        "hello": NodeVisits(entered=1, left_here=0),
        "menu": NodeVisits(entered=2, left_here=1),
        "bye": NodeVisits(entered=1, left_here=1),
    }


def test_who_may_still_answer_has_not_left() -> None:
    at_menu = ConversationState(node="menu", waiting=Waiting(node="menu"))
    one = walked(turned("a", *entered("menu"), state=at_menu))
    assert visits([one], NOW + seconds(1_799))["menu"].left_here == 0
    assert visits([one], NOW + seconds(1_801))["menu"].left_here == 1


def test_nobody_leaves_a_node_more_often_than_they_came() -> None:
    at_menu = ConversationState(node="menu", waiting=Waiting(node="menu"))
    held = TraceEntry(kind="held")
    turns = [turned("a", *entered("menu"), state=at_menu)]
    turns += [turned("b", held, after=4_000 * number, state=at_menu) for number in range(1, 4)]
    assert visits([walked(*turns)], NOW + seconds(99_999))["menu"] == NodeVisits(entered=1, left_here=1)
