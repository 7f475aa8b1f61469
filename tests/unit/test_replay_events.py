"""Replays of every kind of event: as a test of the flow, and in words."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from engine.effects import Send
from engine.events import (
    AlbumReceived,
    ConversationOpened,
    EventBody,
    FormSubmitted,
    HumanReplied,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MembersChanged,
    MessageEdited,
    OrderPlaced,
    QueryReceived,
    ReactionReceived,
    Sender,
    TextReceived,
    TimerFired,
)
from engine.messages import (
    ContactCard,
    InlineAnswer,
    InlineResult,
    Link,
    OutboundMessage,
    Place,
    Reaction,
    TemplateCall,
)
from engine.scenarios import run_scenarios
from engine.state import ConversationState, Customer
from gateway.replay.past import PastEvent, Said, said_in
from gateway.replay.scenario import as_scenario
from gateway.replay.words import did
from gateway.turns.transcript import describe
from tests.conversations.chat import ROOT, Chat
from tests.conversations.golden import Play, files
from tests.unit.test_replay import NOW, conversation

BAKERY: dict[str, Any] = json.loads((ROOT / "tests/conversations/flows/bakery.json").read_text())
EVENTS: list[EventBody] = [
    ConversationOpened(),
    TextReceived(text="1"),
    MediaReceived(kind="image", file="f1", album="a"),
    MediaReceived(kind="image", file="f2", album="a"),
    TimerFired(timer="album#2"),
    ReactionReceived(emoji=("👍",), message="1"),
    TextReceived(text="menu"),
    TextReceived(text="3"),
    FormSubmitted(form="f", values={"guests": 3, "day": "2026-02-01"}),
    OrderPlaced(text="x"),
    MessageEdited(message="1", text="x"),
    LocationReceived(latitude=1, longitude=2),
    AlbumReceived(items=(MediaReceived(kind="image", file="f"),)),
    QueryReceived(query="q", text="bread"),
    MembersChanged(joined=("Ana",)),
    HumanReplied(text="I am here"),
]


def test_a_conversation_of_every_kind_becomes_a_test_that_passes() -> None:
    play = Play({"flow": BAKERY, "start": NOW.isoformat(), "channel": "web", "customer": {"id": "1"}})
    past = []
    chat: Chat = play._chat
    for number, body in enumerate(EVENTS):
        chat.happen(body, message=str(number + 1))
        assert chat.outcome is not None
        inner = InboundEvent(
            external_id=str(number),
            conversation_key="1",
            sender=Sender(external_id="1"),
            body=body,
            occurred_at=NOW,
        )
        past.append(PastEvent(id=conversation().id, at=NOW, event=inner, said=said_in(chat.outcome)))
    scenario = as_scenario(conversation(*past), 0, play.bot, BAKERY, Customer(id="1"))
    steps = scenario.test["steps"]
    assert [next(iter(step)) for step in steps] == [
        "open", "input", "media", "media", "reaction", "input", "input", "form", "order", "event", "location", "album",
        "event", "event", "event",
    ]  # fmt: skip
    assert (steps[2].get("more"), steps[3].get("more")) == (True, None)
    assert scenario.remarks == ()
    report = run_scenarios(
        {"flow_definition": BAKERY, "test_scenarios": {"integration_tests": [scenario.test]}}
    )
    assert report.passed, report.lines()


@pytest.fixture(scope="module")
def bodies() -> list[EventBody]:
    """An event of every kind, out of the golden conversations."""
    found: dict[type[Any], EventBody] = {}
    for path in files():
        told = json.loads(path.read_text())
        play = Play(told)
        for turn in told["turns"]:
            play.turn(turn)
        found |= {type(body): body for body in play.bodies}
    assert set(found) == set(get_args(EventBody))
    return list(found.values())


def test_every_event_is_told_in_words(bodies: list[EventBody]) -> None:
    words = [did(body) for body in bodies]
    assert all(words)
    assert len(set(words)) == len(words)
    assert did(ReactionReceived(emoji=(), message="1")) == "takes a reaction back"


def test_every_event_is_described_for_the_transcript_or_is_no_message(bodies: list[EventBody]) -> None:
    described = {type(body).__name__: describe(body) for body in bodies}
    kinds = {name: said[0] for name, said in described.items() if said is not None}
    assert kinds["FormSubmitted"] == "form"
    assert kinds["AlbumReceived"] == "album"
    assert "ReactionReceived" not in kinds
    for said in described.values():
        assert said is None or isinstance(json.loads(said[2]), dict)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            OutboundMessage(text="x", links=(Link(title="Way", url="https://e.example"),)),
            "x (Way → https://e.example)",
        ),
        (OutboundMessage(text="x", links=(Link(title="F", kind="form", form="7"),)), "x (F → 7)"),
        (OutboundMessage(location=Place(latitude=1, longitude=2, name="Desk")), "(location: Desk)"),
        (OutboundMessage(location=Place(latitude=1, longitude=2)), "(location: –)"),
        (OutboundMessage(contact=ContactCard(name="Ana", phone="+49")), "(contact: Ana)"),
        (OutboundMessage(template=TemplateCall(key="hi")), "(template: hi)"),
        (OutboundMessage(reaction=Reaction(message="1", emoji="👍")), "(reaction: 👍)"),
        (
            OutboundMessage(
                inline=InlineAnswer(query="q", results=(InlineResult(id="0", title="A", text="a"),))
            ),
            "(offers: A)",
        ),
        (OutboundMessage(inline=InlineAnswer(query="q")), "(offers: nothing)"),
    ],
)
def test_what_was_said_is_told_in_one_line(message: OutboundMessage, line: str) -> None:
    assert Said.of(Send(message=message)).line() == line


def test_a_state_reads_back_as_it_was() -> None:
    play = Play({"flow": BAKERY, "start": NOW.isoformat()})
    chat: Chat = play._chat
    chat.say("1", "1")
    chat.happen(MediaReceived(kind="image", file="f", album="a"), message="7")
    encoded = msgspec.json.encode(chat.state)
    assert msgspec.json.decode(encoded, type=ConversationState) == chat.state
