"""A stored conversation as a test of its flow: an `integration_tests` entry that `gateway flow test` runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from engine.bot import Bot
from engine.events import (
    AlbumReceived,
    AnswerGenerated,
    CallFinished,
    ChoiceMade,
    CommandReceived,
    ContactReceived,
    ConversationOpened,
    EventBody,
    FormSubmitted,
    LocationReceived,
    MediaReceived,
    OrderPlaced,
    ReactionReceived,
    SearchFinished,
    TextReceived,
    TimerFired,
)
from engine.scenarios.beginning import begin
from engine.scenarios.model import MAX_STEPS, IntegrationTest, Step
from engine.scenarios.reading import option_values
from engine.scenarios.runner import play
from engine.scenarios.world import Impossible, Moment, World
from engine.state import Customer
from gateway.errors import GatewayError
from gateway.replay.past import PastConversation, PastEvent, Said, said_in

SHORT: Final = timedelta(minutes=1)
"""Shorter pauses are left out of a test where they change nothing."""
_CUSTOMER: Final = ("id", "first_name", "last_name", "email", "phone", "language", "attributes")


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A test, and what it does not show as it was."""

    test: dict[str, Any]
    """Plain JSON data."""
    remarks: tuple[str, ...]


def as_scenario(
    conversation: PastConversation,
    first: int,
    bot: Bot,
    definition: Mapping[str, Any],
    customer: Customer,
) -> Scenario:
    """The events of a conversation from the `first` on as a test that passes on `bot`.

    `definition` is what `bot` is compiled of. Raises GatewayError when nothing in it makes a step.
    """
    for pause in (SHORT, timedelta(0)):  # as few pauses as possible; all of them where they matter
        writer = _Writer(conversation, first, bot, definition, customer, pause)
        scenario = writer.write()
        if not writer.strayed:
            break
    if not scenario.test["steps"]:
        raise GatewayError("nothing that the customer did makes a step of a test")
    return scenario


class _Writer:
    """Writes a test by running it: each step, and where the conversation then stands."""

    def __init__(
        self,
        conversation: PastConversation,
        first: int,
        bot: Bot,
        definition: Mapping[str, Any],
        customer: Customer,
        pause: timedelta,
    ) -> None:
        self._events = conversation.events[first:]
        self._bot = bot
        self._pause = pause
        self._steps: list[dict[str, Any]] = []
        self._remarks: list[str] = []
        self.strayed = False
        """The test leads elsewhere than the conversation did."""
        self._head = _head(conversation, self._events, customer)
        settings = IntegrationTest.model_validate({**self._head, "steps": [{"open": True}]})
        self._world = begin(settings, bot, definition, option_values(definition))

    def write(self) -> Scenario:
        """The whole test."""
        for index, event in enumerate(self._events):
            if len(self._steps) + 2 > MAX_STEPS:
                self._remarks.append(f"A test has {MAX_STEPS} steps at most: it ends with event {index}.")
                break
            try:
                self._take(index, event)
            except (Impossible, ValidationError) as error:
                why = str(error) if isinstance(error, Impossible) else "a test can't say it"
                self._remarks.append(f"The test ends before event {index + 1}: {why}.")
                break
        self._end_call()
        if self.strayed:
            self._remarks.append("The test leads elsewhere than the conversation did; look it over.")
        return Scenario(test={**self._head, "steps": self._steps}, remarks=tuple(self._remarks))

    def _end_call(self) -> None:
        """A test leaves no call open: what was still open in the end comes to nothing in it."""
        before = self.strayed
        while self._world.call is not None and len(self._steps) < MAX_STEPS:
            self._remarks.append(
                f"The call of {self._world.call_node} was open in the end; here it times out."
            )
            self._play({"timeout": True}, ())
        self.strayed = before

    def _take(self, index: int, event: PastEvent) -> None:
        step = self._step(event.body)
        if step is None:
            return
        if event.event.context is not None and "timeout" not in step and "result" not in step:
            step["context"] = _plain(event.event.context)
        if "timeout" not in step:
            self._catch_up(event)
        said = event.said
        if self._gathers(event.body):
            following = self._events[index + 1 : index + 2]
            if following and _closes_window(following[0]):
                said += following[0].said  # the test closes the window by itself
            elif following:
                step["more"] = True
        self._play(step, said)

    def _gathers(self, body: EventBody) -> bool:
        """Whether more may follow before it is read."""
        if isinstance(body, MediaReceived):
            return bool(body.album and self._bot.album_ms)
        return isinstance(body, TextReceived) and bool(self._bot.burst_ms)

    def _catch_up(self, event: PastEvent) -> None:
        behind = event.at - self._world.now
        if behind > self._pause:
            written = _duration(behind)
            if written:
                self._play({"wait": written}, ())

    def _play(self, step: dict[str, Any], said: Sequence[Said]) -> None:
        model = Step.model_validate(step)
        moments = play(self._world, model, leave_open=True)
        node = _node(self._world, moments)
        self._steps.append({**step, "expected_node": node} if node else step)
        now = [found.line() for moment in moments for found in said_in(moment.outcome)]
        if now != [found.line() for found in said]:
            self.strayed = True

    def _step(self, body: EventBody) -> dict[str, Any] | None:
        """The event as a step; None for what changes nothing, or happens by itself."""
        match body:
            case TextReceived():
                return {"input": body.text}
            case ChoiceMade():
                return {"click": self._choice(body)}
            case CommandReceived():
                return {"command": f"{body.command} {body.argument}".rstrip()}
            case LocationReceived():
                place = {"latitude": body.latitude, "longitude": body.longitude, "name": body.name}
                return {"location": place}
            case ContactReceived():
                return {"contact": {"phone": body.phone, "name": body.name}}
            case MediaReceived():
                return {"media": _fields(body)}
            case AlbumReceived():
                return {"album": [_fields(item) for item in body.items]}
            case FormSubmitted():
                return {"form": _fields(body)}
            case OrderPlaced():
                return {"order": _fields(body)}
            case ReactionReceived():
                return {"reaction": list(body.emoji)}
            case ConversationOpened():
                return {"open": True}
            case TimerFired():
                waiting = self._world.state.waiting
                return {"timeout": True} if waiting is not None and waiting.timer == body.timer else None
            case CallFinished() | SearchFinished() | AnswerGenerated():
                call = self._world.call
                return {"result": _stub(body)} if call is not None and call.call == body.call else None
            case _:
                return {"event": _plain(body)}

    def _choice(self, body: ChoiceMade) -> str:
        """How the test calls a choice: by its title where that means this one, else by its node and number."""
        found = self._bot.choices.get(body.choice)
        if found is None:
            raise Impossible("it is a choice that this version does not have")
        node, index = found
        offered = [id for id, title in self._world.on_offer if title == body.title]
        return body.title if offered == [body.choice] else f"{node.id}:{index}"


def _head(conversation: PastConversation, events: Sequence[PastEvent], customer: Customer) -> dict[str, Any]:
    """Under which circumstances the conversation began."""
    known = {name: getattr(customer, name) for name in _CUSTOMER}
    head: dict[str, Any] = {"name": f"conversation {conversation.id}"}
    if events:
        head["start"] = events[0].at.isoformat()
    head["channel"] = conversation.stored.platform
    head["customer"] = {name: value for name, value in known.items() if value}
    if customer.timezone:
        head["customer"]["timezone"] = customer.timezone
    if customer.opted_out:
        head["customer"]["opted_out"] = True
    if customer.variables:
        head["variables"] = customer.variables
    return head


def _closes_window(event: PastEvent) -> bool:
    """Whether it ends the window of a burst or an album (`engine.gathering` names the timers so)."""
    return isinstance(event.body, TimerFired) and event.body.timer.startswith(("burst#", "album#"))


def _fields(body: Any) -> dict[str, Any]:
    """What it holds, without its type."""
    return {name: value for name, value in _plain(body).items() if name != "type"}


def _plain(value: msgspec.Struct) -> dict[str, Any]:
    """As JSON data: lists, and no tuples."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return plain


def _node(world: World, moments: Sequence[Moment]) -> str:
    """The node that the step led to; empty when it led to none."""
    entered = [entry.at for moment in moments for entry in moment.outcome.trace if entry.kind == "node"]
    return world.place or (entered[-1] if entered else "")


def _stub(body: CallFinished | SearchFinished | AnswerGenerated) -> dict[str, Any]:
    """What the call came to, without what is empty."""
    given = msgspec.to_builtins(body)
    stub = {name: value for name, value in given.items() if name not in ("type", "call") and value}
    return stub or {"status": 200}


def _duration(span: timedelta) -> str:
    """As a test writes it, such as `1h30m`; empty for less than a millisecond."""
    seconds, micros = span.days * 86_400 + span.seconds, span.microseconds
    written = ""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        written += f"{number}{unit}" if number else ""
    return written + (f"{micros // 1000}ms" if micros >= 1000 else "")
