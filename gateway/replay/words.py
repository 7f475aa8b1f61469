"""Replays in words, for the terminal: what the customer did, what the bot said, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, assert_never

import msgspec

from engine.events import (
    AlbumReceived,
    AnswerGenerated,
    CallFinished,
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    ConversationOpened,
    EventBody,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    LocationReceived,
    MediaReceived,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    OrderPlaced,
    PollAnswered,
    QueryReceived,
    ReactionReceived,
    SearchFinished,
    TextReceived,
    TimerFired,
)
from engine.scenarios import narrate
from engine.state import TraceEntry
from gateway.replay.candidate import Step, Tried
from gateway.replay.past import PastConversation, PastEvent, Said, Turned
from gateway.replay.recorded import Difference, Replayed

GUESSED = (
    "The customer was known before, or not all of what is remembered of them is kept: "
    "they are taken as they are now."
)

REMEMBERED = "Not all that the bot was told is kept: what it remembers for all begins as it is now."


def counted(number: int, noun: str) -> str:
    """`1 event`, `2 events`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def did(body: EventBody) -> str:
    """What happened, in a few words; the customer's own among them."""
    match body:
        case TextReceived():
            return f"writes {_quoted(body.text)}"
        case ChoiceMade():
            return f"chooses {_quoted(body.title or body.choice)}"
        case CommandReceived():
            return f"sends {f'/{body.command} {body.argument}'.rstrip()}"
        case MediaReceived():
            return f"sends {body.kind}" + (f" {_quoted(body.caption)}" if body.caption else "")
        case AlbumReceived():
            return f"sends {counted(len(body.items), 'file')}" + (
                f" {_quoted(body.caption)}" if body.caption else ""
            )
        case PollAnswered():
            return "votes in a poll"
        case FormSubmitted():
            return "sends a form"
        case OrderPlaced():
            return "places an order"
        case QueryReceived():
            return f"types {_quoted(body.text)} in another chat"
        case MembersChanged():
            return "the group's members change"
        case HumanReplied():
            return f"somebody answers by hand {_quoted(body.text)}"
        case IdentityChanged():
            return "is known under another id"
        case LocationReceived():
            return "shares a place"
        case ContactReceived():
            return "shares a contact"
        case ReactionReceived():
            return f"reacts {' '.join(body.emoji)}" if body.emoji else "takes a reaction back"
        case MessageEdited():
            return f"edits a message: {_quoted(body.text)}"
        case MessageDeleted():
            return "deletes a message"
        case ContactabilityChanged():
            return "can be written to again" if body.reachable else "blocks the bot"
        case ConversationOpened():
            return "opens the chat"
        case TimerFired():
            return f"the timer {body.timer} fires"
        case CallFinished() | SearchFinished() | AnswerGenerated():
            return f"the call {body.call} " + (f"fails: {body.error}" if body.error else "ends")
        case _:
            assert_never(body)


def skipped_lines(conversation: PastConversation, skipped: int | None) -> Iterator[str]:
    """What of a conversation is not replayed."""
    if conversation.parked:
        verb = "was" if conversation.parked == 1 else "were"
        yield f"{counted(conversation.parked, 'parked event')} {verb} skipped; see: gateway inbox parked"
    if conversation.gone:
        verb = "is" if conversation.gone == 1 else "are"
        yield f"{counted(conversation.gone, 'event')} of its beginning {verb} not kept any more (8 days are)."
        if skipped is not None:
            yield f"It was compared from event {skipped + 1} on, where a session begins by itself."
    if conversation.cut:
        yield f"It has more than {len(conversation.events)} events: these are replayed."


def replayed_lines(one: Replayed, *, trace: bool = False) -> Iterator[str]:
    """How a conversation went on its own versions."""
    skipped = None if one.beginning is None else one.conversation.gone + one.beginning.index
    yield from skipped_lines(one.conversation, skipped)
    if one.guessed and one.beginning is not None:
        yield GUESSED
    if one.remembered and one.beginning is not None:
        yield REMEMBERED
    if skipped is None:
        yield "It can't be replayed: no event that is kept begins a session by itself."
        return
    if trace:
        for number, turned in enumerate(one.turns, skipped + 1):
            yield from _turn_lines(number, turned)
    if one.difference is None:
        yield f"Replayed {counted(len(one.turns), 'event')}: everything as it was."
    else:
        yield from _difference_lines(one, one.difference)


def tried_lines(one: Tried, *, trace: bool = False) -> Iterator[str]:
    """How a conversation goes on another version."""
    yield from skipped_lines(one.conversation, one.skipped)
    if one.skipped is None:
        yield "It can't be replayed: no event that is kept begins a session by itself."
        return
    for step in one.steps:
        if trace or not step.same:
            yield from _step_lines(step, trace=trace)
    then, now = one.control
    if then != now and not one.conversation.cut:
        yield f"In the end: then {_ANSWERS[then]}, now {_ANSWERS[now]}."
    number = sum(1 for step in one.steps if step.number)
    differences = len(one.differences)
    if one.same:
        yield f"Replayed {counted(number, 'event')}: nothing differs."
    else:
        yield f"Replayed {counted(number, 'event')}: {differences or 'none'} differ{'s' if differences == 1 else ''}."
        if differences > 1:
            yield "After the first difference the customer answers what was said then, not what is said now."


def replayed_json(one: Replayed, *, trace: bool = False) -> dict[str, Any]:
    """The same as JSON data."""
    difference = one.difference
    skipped = None if one.beginning is None else one.conversation.gone + one.beginning.index
    found: dict[str, Any] = {
        "conversation": str(one.conversation.id),
        "events": len(one.turns),
        "gone": one.conversation.gone,
        "parked": one.conversation.parked,
        "begins_at": None if skipped is None else skipped + 1,
        "customer_as_now": one.guessed,
        "bot_as_now": one.remembered,
        "equal": one.beginning is not None and difference is None,
        "difference": None,
    }
    if difference is not None:
        event = difference.event
        found["difference"] = {
            "event": difference.number,
            "at": event.at.isoformat() if event else None,
            "did": did(event.body) if event else None,
            "then": msgspec.to_builtins(difference.then),
            "now": msgspec.to_builtins(difference.now),
            "state": [{"field": name, "then": then, "now": now} for name, then, now in _plain(difference)],
            "reason": difference.reason,
            "story": narrate(_trace_of(one, event)),
        }
    if trace:
        found["turns"] = [_turn_json(turned) for turned in one.turns]
    return found


def tried_json(one: Tried, *, trace: bool = False) -> dict[str, Any]:
    """The same as JSON data."""
    return {
        "conversation": str(one.conversation.id),
        "events": sum(1 for step in one.steps if step.number),
        "gone": one.conversation.gone,
        "parked": one.conversation.parked,
        "begins_at": None if one.skipped is None else one.skipped + 1,
        "equal": one.skipped is not None and one.same,
        "control": {"then": one.control[0], "now": one.control[1]},
        "differences": [_step_json(step) for step in (one.steps if trace else one.differences)],
    }


_ANSWERS = {"bot": "the bot answers", "waiting": "a human is waited for", "human": "a human answers"}


def _turn_lines(number: int, turned: Turned) -> Iterator[str]:
    yield f"{number:>4}  {turned.event.at:%Y-%m-%d %H:%M:%S}  {did(turned.event.body)}"
    yield from (f"        {line}" for line in narrate(turned.outcome.trace))
    yield from _said_lines("bot: ", turned.now)


def _step_lines(step: Step, *, trace: bool) -> Iterator[str]:
    number = step.number or "+"
    yield f"{number:>4}  {step.at:%Y-%m-%d %H:%M:%S}  {did(step.body)}"
    if step.same:
        yield from (f"        {line}" for line in narrate(step.trace) if trace)
        yield from _said_lines("bot: ", step.now)
        return
    yield from _said_lines("- ", step.then)
    yield from _said_lines("+ ", step.now)
    if not step.number:
        yield "        because: then, no such timer fired"
    elif not step.trace:
        yield "        because: nothing waits for it"
    else:
        yield from (f"        because: {line}" for line in narrate(step.trace))


def _difference_lines(one: Replayed, difference: Difference) -> Iterator[str]:
    event = difference.event
    if event is None:
        yield f"Replayed {counted(len(one.turns), 'event')}: what was said is as it was, but not where it stands:"
        for name, then, now in _plain(difference):
            yield f"      {name}: then {_json(then)}, now {_json(now)}"
        if one.turns:
            yield "      the last event:"
            yield from _turn_lines(one.conversation.gone + len(one.conversation.events), one.turns[-1])
        return
    yield f"Event {difference.number} is not as it was:"
    yield f"{difference.number:>4}  {event.at:%Y-%m-%d %H:%M:%S}  {did(event.body)}"
    yield from _said_lines("- ", difference.then)
    yield from _said_lines("+ ", difference.now)
    if difference.reason:
        yield f"        {difference.reason}"
    yield from (f"        {line}" for line in narrate(_trace_of(one, event)))


def _said_lines(mark: str, said: Sequence[Said]) -> Iterator[str]:
    for one in said:
        first, *rest = one.line().splitlines() or [""]
        yield f"        {mark}{first}"
        yield from (f"        {' ' * len(mark)}{line}" for line in rest)


def _trace_of(one: Replayed, event: PastEvent | None) -> tuple[TraceEntry, ...]:
    """The trace of an event's turn, by default of the last."""
    for turned in reversed(one.turns):
        if event is None or turned.event.id == event.id:
            return turned.outcome.trace
    return ()


def _plain(difference: Difference) -> list[tuple[str, Any, Any]]:
    return [
        (name, msgspec.to_builtins(then), msgspec.to_builtins(now)) for name, then, now in difference.fields
    ]


def _turn_json(turned: Turned) -> dict[str, Any]:
    return {
        "at": turned.event.at.isoformat(),
        "did": did(turned.event.body),
        "said": msgspec.to_builtins(turned.now),
        "flow": turned.outcome.state.flow,
        "trace": msgspec.to_builtins(turned.outcome.trace),
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "event": step.number or None,
        "at": step.at.isoformat(),
        "did": did(step.body),
        "then": msgspec.to_builtins(step.then),
        "now": msgspec.to_builtins(step.now),
        "trace": msgspec.to_builtins(step.trace),
    }


def _quoted(text: str) -> str:
    return _json(text)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
