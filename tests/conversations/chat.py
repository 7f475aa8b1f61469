"""A conversation under a virtual clock: tests say and click, and read what came back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from engine.bot import Bot
from engine.compile import compile_flow
from engine.effects import (
    Call,
    CallIntegration,
    CancelTimer,
    Effect,
    Generate,
    Remember,
    Search,
    Send,
    StartTimer,
    UpdateCustomer,
)
from engine.events import (
    AnswerGenerated,
    CallFinished,
    ChoiceMade,
    CommandReceived,
    Context,
    EventBody,
    InboundEvent,
    SearchFinished,
    Sender,
    TextReceived,
    TimerFired,
)
from engine.nodes.base import choice_id
from engine.state import ConversationState, Customer, Outcome, TraceEntry
from engine.step import step

E = TypeVar("E")
CALLS = CallIntegration | Search | Generate
ROOT = Path(__file__).parents[2]
WORKING_HOURS = datetime(2026, 1, 14, 15, 0, tzinfo=UTC)
"""A Wednesday, 10:00 in New York."""
NIGHT = datetime(2026, 1, 14, 3, 0, tzinfo=UTC)
"""22:00 in New York."""


def load_flow(path: str) -> dict[str, Any]:
    """A flow definition in the repository."""
    flow: dict[str, Any] = json.loads((ROOT / path).read_text())
    return flow


def demo_bot() -> Bot:
    """The demo bot, without sentence vectors."""
    return compile_flow(load_flow("gateway/demo/flow.json"), flow_id="demo")


def bot_of(*nodes: Mapping[str, Any], **sections: Any) -> Bot:
    """A bot of these nodes, which starts at the first."""
    return compile_flow({"start_node": nodes[0]["id"], "nodes": list(nodes), **sections}, flow_id="test")


def node(id: str, type: str, /, *targets: str | dict[str, Any], **config: Any) -> dict[str, Any]:
    """A node with its connections: `always` to an id, or as they are written."""
    ways = [{"target": target} if isinstance(target, str) else target for target in targets]
    return {"id": id, "type": type, "config": config, "connections": ways}


def message(id: str, /, *targets: str | dict[str, Any], **config: Any) -> dict[str, Any]:
    """A message that says its own id."""
    return node(id, "message", *targets, **{"message": id, **config})


def event_of(
    body: EventBody, at: datetime = WORKING_HOURS, *, message: str = "", context: Context | None = None
) -> InboundEvent:
    """An event with that body."""
    return InboundEvent(
        external_id="1", conversation_key="1", sender=Sender(external_id="1"), occurred_at=at, body=body,
        message=message, context=context,
    )  # fmt: skip


def result_of(call: Call, **result: Any) -> EventBody:
    """The event with which a call ends."""
    match call:
        case CallIntegration():
            return CallFinished(call=call.call, **result)
        case Search():
            return SearchFinished(call=call.call, **result)
        case Generate():
            return AnswerGenerated(call=call.call, **result)


class Chat:
    """One conversation with a bot."""

    def __init__(
        self, bot: Bot, *, now: datetime = WORKING_HOURS, customer: Customer | None = None,
        state: ConversationState | None = None, shared: Mapping[str, Any] | None = None, channel: str = "",
        opt_out_words: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.bot = bot
        self.now = now
        self.customer = customer or Customer(id="1")
        self.state = state or ConversationState()
        self.shared: dict[str, Any] = dict(shared or {})
        self.channel = channel
        self.opt_out_words = opt_out_words
        self._calls: dict[str, Call] = {}
        self.outcome: Outcome | None = None

    def happen(self, body: EventBody, *, message: str = "", context: Context | None = None) -> list[str]:
        """Let an event happen, carried by the platform's `message`; returns what the bot said."""
        event = event_of(body, self.now, message=message, context=context)
        self.outcome = step(
            self.bot, self.state, event, self.customer, self.now,
            shared=self.shared, channel=self.channel, opt_out_words=self.opt_out_words,
        )  # fmt: skip
        encoded = msgspec.json.encode(self.outcome.state)
        self.state = msgspec.json.decode(encoded, type=ConversationState)
        assert self.state == self.outcome.state
        self._calls.update({e.call: e for e in self.outcome.effects if isinstance(e, CALLS)})
        encoded = msgspec.json.encode(self.outcome.effects)
        assert msgspec.json.decode(encoded, type=tuple[Effect, ...]) == self.outcome.effects
        self._keep()
        return self.said

    def _keep(self) -> None:
        """Carry out what changes the customer and the variables that outlive the session."""
        for effect in self.effects:
            match effect:
                case Remember(scope="customer"):
                    variables = {**self.customer.variables, **effect.values}
                    self.customer = structs.replace(self.customer, variables=variables)
                case Remember():
                    self.shared = {**self.shared, **effect.values}
                case UpdateCustomer():
                    changed = {"language": effect.language, "opted_out": effect.opted_out}
                    known = {name: value for name, value in changed.items() if value is not None}
                    self.customer = structs.replace(self.customer, **known)

    def say(self, *texts: str) -> list[str]:
        """Say these, one after the other; returns what the bot said to the last."""
        for text in texts:
            self.happen(TextReceived(text=text))
        return self.said

    def click(self, node: str, index: int) -> list[str]:
        """Press the choice of a node."""
        return self.happen(ChoiceMade(choice=choice_id(node, index)))

    def command(self, command: str, argument: str = "") -> list[str]:
        """Send a command."""
        return self.happen(CommandReceived(command=command, argument=argument))

    def time_out(self) -> list[str]:
        """Let the running timer fire when it is due."""
        assert self.state.waiting is not None
        assert self.state.waiting.timer
        return self.happen(TimerFired(timer=self.state.waiting.timer))

    def finish(self, **result: Any) -> list[str]:
        """Let the running call end: the fields of its event but for `call`."""
        return self.happen(result_of(self.call, **result))

    def burst_over(self) -> list[str]:
        """Let the burst window close."""
        assert self.state.burst
        return self.happen(TimerFired(timer=self.state.burst))

    def album_over(self) -> list[str]:
        """Let the time pass in which more pieces of an album may come."""
        assert self.state.album is not None
        return self.happen(TimerFired(timer=self.state.album.timer))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    @property
    def effects(self) -> tuple[Effect, ...]:
        assert self.outcome is not None
        return self.outcome.effects

    def effects_of(self, kind: type[E]) -> list[E]:
        """The turn's effects of a type."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def call(self) -> Call:
        """The call whose result is awaited."""
        assert self.state.waiting is not None
        return self._calls[self.state.waiting.call]

    @property
    def due_in(self) -> float:
        """Seconds until the timer that this turn started is due."""
        (started,) = self.effects_of(StartTimer)
        return (started.due_at - self.now).total_seconds()

    @property
    def sends(self) -> list[Send]:
        return [effect for effect in self.effects if isinstance(effect, Send)]

    @property
    def said(self) -> list[str]:
        return [send.message.text for send in self.sends]

    @property
    def timers(self) -> list[str]:
        """Timers of this turn: `+name` started, `-name` cancelled."""
        return [
            f"+{effect.timer}" if isinstance(effect, StartTimer) else f"-{effect.timer}"
            for effect in self.effects
            if isinstance(effect, StartTimer | CancelTimer)
        ]

    @property
    def trace(self) -> tuple[TraceEntry, ...]:
        assert self.outcome is not None
        return self.outcome.trace

    @property
    def entered(self) -> list[str]:
        """The nodes that the turn entered."""
        return [entry.at for entry in self.trace if entry.kind == "node"]

    def traced(self, kind: str) -> list[str]:
        """The details of the trace entries of that kind."""
        return [entry.detail for entry in self.trace if entry.kind == kind]

    @property
    def choices(self) -> list[str]:
        """The titles of the choices of the last message."""
        return [choice.title for choice in self.sends[-1].message.choices]
