"""G1, G2, G3 and the inner half of G4: what the database says became of every event.

The bot's flow is known, so a transcript is read like a sentence: a customer's message is followed by the replies
of its turn and by nothing else; the replies of a timer, or of a call's result, stand together. What a customer says
during a call is answered right behind its result. What does not parse is a breach.
"""

from __future__ import annotations

from collections import Counter
from math import inf

from tests.chaos.findings import Fault, Findings
from tests.chaos.flow import later_replies, replies
from tests.chaos.history import Event, Message

_ANSWERS = (0, 200, 503)
"""Killed before it answered; committed; the database was away. Anything else is an answer that loses an event."""
_RANKS = ("queued", "sent", "delivered", "read", "failed")


def check_turns(findings: Findings) -> None:
    """Every event accepted, turned once, answered once, in order."""
    for chat in findings.chats:
        _conversation(findings, chat)
        transcript = findings.transcript(chat)
        said = Counter(message.text for message in transcript if message.sender == "customer")
        answered = Counter(message.text for message in transcript if message.sender != "customer")
        for event in findings.events_of[chat]:
            _accepted(findings, event, said[event.name])
            _answered(findings, event, said[event.name], answered)
        _sentence(findings, chat, transcript)
        _acceptance_order(findings, chat, transcript)
    _effects(findings)
    _statuses(findings)
    for status, times in findings.history.answers.items():
        if status not in _ANSWERS:
            findings.add(Fault.WRONG_ANSWER, "?", f"the webhook answered {status}, {times} times")


def _conversation(findings: Findings, chat: str) -> None:
    conversations = findings.conversations[chat]
    if len(conversations) > 1:
        findings.add(Fault.CONVERSATION_SPLIT, chat, f"{len(conversations)} conversations")
    for conversation in conversations:
        turns = findings.turns[conversation.id]
        if conversation.state_version != turns:
            fault = Fault.DOUBLE_TURN if conversation.state_version > turns else Fault.EVENT_LOST
            findings.add(
                fault, chat, f"{conversation.state_version} turns for {turns} accepted events and timers"
            )


def _accepted(findings: Findings, event: Event, said: int) -> None:
    row = findings.inbox.get(event.external_id)
    if event.acknowledged_at is None:
        findings.add(Fault.NOT_ACCEPTED, event.chat, f"{event.name} was offered until the end")
        return
    if row is None:
        findings.add(Fault.EVENT_LOST, event.chat, f"{event.name} was acknowledged and is in no inbox")
    elif row.status != "done":
        findings.add(Fault.EVENT_PARKED, event.chat, f"{event.name} is {row.status}")
    elif said == 0:
        findings.add(Fault.EVENT_LOST, event.chat, f"{event.name} is in the inbox and had no turn")
    if said > 1:
        findings.add(Fault.DOUBLE_TURN, event.chat, f"{event.name} is {said} times in the transcript")


def _answered(findings: Findings, event: Event, said: int, answered: Counter[str]) -> None:
    if not said:
        return
    for reply in replies(event.name, event.kind):
        if answered[reply] == 0:
            findings.add(Fault.REPLY_LOST, event.chat, f"no {reply!r} in the transcript")
        elif answered[reply] > 1:
            findings.add(Fault.DOUBLE_TURN, event.chat, f"{reply!r} was decided {answered[reply]} times")
    if later := later_replies(event.name, event.kind):
        _answered_later(findings, event, answered[later[0]])


def _answered_later(findings: Findings, event: Event, times: int) -> None:
    """The timer of an event fires once, the result of its call is taken once."""
    match event.kind:
        case "call" if times == 0:
            findings.add(Fault.RESULT_LOST, event.chat, f"the result of {event.name} was not answered")
        case "call" if times > 1:
            findings.add(Fault.RESULT_TWICE, event.chat, f"that of {event.name} was answered {times} times")
        case "timer" if times == 0:
            findings.add(Fault.TIMER_NEVER, event.chat, f"the timer of {event.name}")
        case "timer" | "doubtful" if times > 1:
            findings.add(Fault.TIMER_TWICE, event.chat, f"the timer of {event.name} fired {times} times")


def _sentence(findings: Findings, chat: str, transcript: list[Message]) -> None:
    """Numbers without gaps, and every reply right behind what it answers."""
    for number, message in enumerate(transcript, 1):
        if message.seq != number:
            findings.add(
                Fault.SEQUENCE_GAP, chat, f"message {number} of the transcript has number {message.seq}"
            )
            break
    counts = [conversation.message_count for conversation in findings.conversations[chat]]
    if counts and sum(counts) != len(transcript):
        findings.add(Fault.SEQUENCE_GAP, chat, f"{len(transcript)} messages, counted {sum(counts)}")
    expected: list[str] = []
    held: list[str] | None = None  # answers to what was said during a call; None while there is none
    for message in transcript:
        if message.sender == "customer":
            if expected:
                findings.add(Fault.ORDER_BREAK, chat, f"{message.text!r} came before {expected[0]!r}")
            event = findings.events.get(message.text)
            answers = replies(event.name, event.kind) if event else ()
            if held is not None:
                held += answers
                findings.held += 1
                continue
            expected = list(answers)
            held = [] if event and event.kind == "call" else None
            continue
        if not expected:
            expected = [*_later_of(findings, message.text), *(held or ())]
            held = None
        if not expected or message.text != expected.pop(0):
            findings.add(Fault.ORDER_BREAK, chat, f"{message.text!r} (number {message.seq}) is out of place")
            expected = []


def _later_of(findings: Findings, reply: str) -> tuple[str, ...]:
    event = findings.events.get(reply.partition(" ")[2])
    return later_replies(event.name, event.kind) if event is not None else ()


def _acceptance_order(findings: Findings, chat: str, transcript: list[Message]) -> None:
    """What was acknowledged before another event was even offered comes before it."""
    latest_offer = -inf
    latest = ""
    for message in transcript:
        event = findings.events.get(message.text) if message.sender == "customer" else None
        if event is None:
            continue
        if event.acknowledged_at is not None and event.acknowledged_at < latest_offer:
            findings.add(Fault.ORDER_BREAK, chat, f"{event.name} was accepted after {latest}")
        if event.offered_at > latest_offer:
            latest_offer, latest = event.offered_at, event.name


def _effects(findings: Findings) -> None:
    chats = {conversation.id: conversation.chat for conversation in findings.history.conversations}
    for effect in findings.history.effects:
        detail = f"{effect.lane} effect {effect.id} is {effect.status} for ever {effect.error}".rstrip()
        findings.add(Fault.EFFECT_LEFT, chats.get(effect.conversation, "?"), detail)
    for message in findings.history.messages:
        if message.sender != "customer" and message.status in ("queued", "failed"):
            chat = chats.get(message.conversation, "?")
            findings.add(Fault.EFFECT_LEFT, chat, f"{message.text!r} is {message.status} for ever")


def _statuses(findings: Findings) -> None:
    for change in findings.history.statuses:
        if _RANKS.index(change.after) < _RANKS.index(change.before):
            detail = f"message {change.message} went from {change.before} to {change.after}"
            findings.add(Fault.STATUS_FELL, "?", detail)
