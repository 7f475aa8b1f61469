"""Golden conversations: a file holds what the customer does, and after a refresh also what came of it.

    {"about": "…", "flow": "gateway/demo/flow.json", "start": "2026-01-14T15:00:00Z", "customer": {"first_name": "Ana"},
     "turns": [{"after_s": 20, "say": "ai tools", "bot": […], "timers": […], "state": {…}, "trace": […]}]}

`flow` is a path in the repository or a definition. `customer`, `language` (the customer's), `channel` and `shared` (the
bot's own variables) are what the conversation begins with; `detect` lets the language of texts be detected, and
`opt_out_words` are the channel's own.

A turn is one of these, `after_s` seconds after the one before; what the customer does may have the platform's id of
the `message` and its `context` beside it:

    say "text"                          click "node:index"                     command "start"
    media {"kind": "image", …}          location {"latitude": 52.5, …}         contact {"phone": "+49…"}
    open true                           event {"type": "message_edited", …}    time_out true: the timer fires now
    wait "2h": timers fire when due     result {"status": 200, "body": …}: the running call ends
    control "human": the inbox takes the conversation, or gives it back
    publish "path": a new version of the flow, which the conversation comes to if it may
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.bot import Bot
from engine.compile import compile_flow
from engine.effects import CancelTimer, StartTimer
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactReceived,
    Context,
    ConversationOpened,
    EventBody,
    LocationReceived,
    MediaReceived,
    Passage,
    TextReceived,
    TimerFired,
)
from engine.nodes.base import choice_id
from engine.state import Control, Customer, Outcome
from gateway.detection import shared_detector
from tests.conversations.chat import Chat, load_flow, result_of
from tests.conversations.shown import shown_effects, shown_messages, shown_state, shown_timers, shown_trace

FOLDER: Final = Path(__file__).parent
MAX_FIRED: Final = 20
"""Timers that may fire in one wait."""
_BESIDE: Final = ("after_s", "message", "context")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"\d+[smhd]( \d+[smhd])*")


def files() -> list[Path]:
    """The golden conversations."""
    return sorted(FOLDER.glob("*.json"))


def replay(conversation: dict[str, Any]) -> dict[str, Any]:
    """The conversation with what comes of it now."""
    play = Play(conversation)
    return {**conversation, "turns": [play.turn(turn) for turn in conversation["turns"]]}


def written(conversation: dict[str, Any]) -> str:
    """As a file: one line a value, so that a difference is easy to read."""
    return json.dumps(conversation, ensure_ascii=False, indent=1) + "\n"


class Play:
    """A conversation under way. `bodies` and `outcomes` are all that happened, and what came of each."""

    def __init__(self, conversation: Mapping[str, Any]) -> None:
        self._detect = conversation.get("detect", False)
        customer = {"language": conversation.get("language", ""), **conversation.get("customer", {})}
        self._chat = Chat(
            self._compiled(conversation["flow"]),
            now=datetime.fromisoformat(conversation["start"]),
            customer=msgspec.convert(customer, Customer),
            shared=conversation.get("shared"),
            channel=conversation.get("channel", ""),
            opt_out_words=frozenset(conversation.get("opt_out_words", ())),
        )
        self._running: dict[str, datetime] = {}
        self._fired: list[str] = []
        self.bodies: list[EventBody] = []
        self.outcomes: list[Outcome] = []

    @property
    def bot(self) -> Bot:
        """The version of the flow that the conversation has come to."""
        return self._chat.bot

    def turn(self, turn: Mapping[str, Any]) -> dict[str, Any]:
        """The turn with what comes of it now."""
        done = {key: value for key, value in turn.items() if key in (*_BESIDE, *_BODIES, *_ACTS)}
        (kind,) = done.keys() - set(_BESIDE)
        before, self._fired = len(self.outcomes), []
        self._chat.wait(turn.get("after_s", 0))
        if kind in _BODIES:
            context = msgspec.convert(turn["context"], Context) if "context" in turn else None
            self._happen(_BODIES[kind](turn[kind]), turn.get("message", ""), context)
        else:
            _ACTS[kind](self, turn[kind])
        outcomes = self.outcomes[before:]
        effects = [effect for outcome in outcomes for effect in outcome.effects]
        came = {
            "fired": self._fired,
            "bot": shown_messages(effects),
            "timers": shown_timers(effects),
            "effects": shown_effects(effects),
            "state": shown_state(self._chat.state),
            "trace": [line for outcome in outcomes for line in shown_trace(outcome.trace)],
        }
        return done | {key: value for key, value in came.items() if value or key in ("bot", "state", "trace")}

    def time_out(self, _: bool) -> None:
        """The running timer fires now."""
        waiting = self._chat.state.waiting
        assert waiting is not None
        assert waiting.timer
        self._happen(TimerFired(timer=waiting.timer))

    def wait(self, duration: str) -> None:
        """Time passes, and timers fire when they are due."""
        until = self._chat.now + timedelta(seconds=seconds_of(duration))
        for _ in range(MAX_FIRED):
            due = min(((at, timer) for timer, at in self._running.items() if at <= until), default=None)
            if due is None:
                break
            self._chat.now = max(self._chat.now, due[0])
            self._fired.append(f"{self._chat.now:%Y-%m-%d %H:%M:%S} {due[1]}")
            self._happen(TimerFired(timer=due[1]))
        self._chat.now = until

    def result(self, result: Mapping[str, Any]) -> None:
        """The running call ends."""
        fields = dict(result)
        if "passages" in fields:
            fields["passages"] = msgspec.convert(fields["passages"], tuple[Passage, ...])
        self._happen(result_of(self._chat.call, **fields))

    def control(self, control: Control) -> None:
        """The inbox takes the conversation, or gives it back."""
        self._chat.state = msgspec.structs.replace(self._chat.state, control=control)

    def publish(self, flow: str) -> None:
        """A new version of the flow; a conversation under way comes to it only if it may."""
        bot = self._compiled(flow)
        state = self._chat.state
        if not state.node or (bot.migrates and bot.can_take(state)):
            self._chat.bot = bot

    def _happen(self, body: EventBody, message: str = "", context: Context | None = None) -> None:
        self._chat.happen(body, message=message, context=context)
        assert self._chat.outcome is not None
        self.bodies.append(body)
        self.outcomes.append(self._chat.outcome)
        if isinstance(body, TimerFired):
            self._running.pop(body.timer, None)
        for effect in self._chat.effects:
            if isinstance(effect, StartTimer):
                self._running[effect.timer] = effect.due_at
            elif isinstance(effect, CancelTimer):
                self._running.pop(effect.timer, None)

    def _compiled(self, flow: str | dict[str, Any]) -> Bot:
        definition = load_flow(flow) if isinstance(flow, str) else flow
        return compile_flow(definition, flow_id="golden", detect=shared_detector() if self._detect else None)


def seconds_of(duration: str) -> int:
    """`2h 30m` in seconds. Raises ValueError when it is written otherwise."""
    if not _DURATION.fullmatch(duration):
        raise ValueError(f'"{duration}" is no duration; write it like 2h 30m')
    return sum(int(part[:-1]) * _UNITS[part[-1]] for part in duration.split())


def _clicked(choice: str) -> ChoiceMade:
    node, _, index = choice.rpartition(":")
    return ChoiceMade(choice=choice_id(node, int(index)))


_BODIES: Final[Mapping[str, Callable[[Any], EventBody]]] = {
    "say": lambda text: TextReceived(text=text),
    "click": _clicked,
    "command": lambda command: CommandReceived(command=command),
    "media": lambda fields: MediaReceived(**fields),
    "location": lambda fields: LocationReceived(**fields),
    "contact": lambda fields: ContactReceived(**fields),
    "open": lambda _: ConversationOpened(),
    "event": lambda event: msgspec.convert(event, EventBody),
}
_ACTS: Final[Mapping[str, Callable[[Play, Any], None]]] = {
    "time_out": Play.time_out,
    "wait": Play.wait,
    "result": Play.result,
    "control": Play.control,
    "publish": Play.publish,
}
