"""The working object of one turn: what the step changes on its way, frozen into an `Outcome` at the end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.bot import Bot
from engine.effects import CancelTimer, Effect, Send, StartTimer
from engine.environment import UTC, zone
from engine.errors import EngineError
from engine.folding import fold
from engine.messages import OutboundMessage
from engine.state import ConversationState, Customer, Outcome, TraceEntry, Waiting
from engine.variables import MAX_VARIABLES, VariableError, fit, storable

MAX_SILENT_TURNS = 5
"""Timer turns in a row in which new timers are started: a bot that nobody answers falls silent after them."""


class Turn:
    """One turn under way. Starts as the state is; nodes and actions change it."""

    __slots__ = (
        "_folded", "_local", "_own_variables", "_zone", "asked", "bot", "contact", "control", "customer",
        "delay_ms", "effects", "fell_back", "flow", "history", "node", "now", "opening", "silent", "spoke", "state",
        "text", "timers", "trace", "tried", "turns", "unread", "variables", "waiting",
    )  # fmt: skip

    def __init__(self, bot: Bot, state: ConversationState, customer: Customer, now: datetime) -> None:
        self.bot: Bot = bot
        self.state: ConversationState = state
        self.customer: Customer = customer
        self.now: datetime = now
        self.flow = state.flow
        self.control = state.control
        self.node = state.node
        self.waiting = state.waiting
        self.variables = state.variables
        self.turns = state.turns
        self.timers = state.timers
        self.history = state.history
        self.silent = state.silent
        self.asked: Waiting | None = None
        """What the conversation waited for when this turn began to answer."""
        self.text = ""
        """What the customer wrote, or a caption, or the title of a choice; empty for what carries no text."""
        self.contact = ""
        """The phone number of a contact card."""
        self.unread = False
        """The customer said something that no node has taken for itself yet."""
        self.opening = False
        """The unread text is the one that started the flow, in this very turn."""
        self.spoke = False
        self.fell_back = False
        self.tried: tuple[str, ...] = ()
        """The ai_intent nodes that have already read this turn's text and not understood it."""
        self.effects: list[Effect] = []
        self.trace: list[TraceEntry] = []
        self.delay_ms = 0
        self._own_variables = False
        self._folded: str | None = None
        self._local: datetime | None = None
        self._zone: ZoneInfo | None = None

    @property
    def folded(self) -> str:
        """The customer's words, folded; made once."""
        if self._folded is None:
            self._folded = fold(self.text)
        return self._folded

    def local_time(self, preferred: ZoneInfo | None = None) -> datetime:
        """Now in the preferred zone, else the customer's, else the flow's, else UTC."""
        wanted = preferred or zone(self.customer.timezone) or zone(self.bot.timezone) or UTC
        if self._local is None or self._zone is not wanted:
            self._local, self._zone = self.now.astimezone(wanted), wanted
        return self._local

    def note(self, kind: str, at: str = "", detail: str = "", value: Any = None) -> None:
        """Add to the account of the turn."""
        self.trace.append(TraceEntry(kind=kind, at=at, detail=detail, value=value))

    def say(self, message: OutboundMessage, delay_ms: int = 0, typing: bool = False) -> None:
        """Send a message after what was sent before, `delay_ms` later. A message of nothing is not sent."""
        self.delay_ms += delay_ms
        if message.choices or message.text.strip():
            self.spoke = True
            self.effects.append(Send(message=message, delay_ms=self.delay_ms, typing=typing))

    def wait(self, node: str, *, attempts: int = 0, timeout: int = 0) -> None:
        """Wait at `node`; a `timeout` in seconds starts a timer, counted from when the last message is out."""
        timer = ""
        if timeout and self.silent < MAX_SILENT_TURNS:
            self.timers += 1
            timer = f"{node}#{self.timers}"
            due_at = self.now + timedelta(milliseconds=self.delay_ms + timeout * 1000)
            self.effects.append(StartTimer(timer=timer, due_at=due_at))
            self.note("timer", node, "started", timeout)
        elif timeout:
            self.note("limit", node, f"no timer: the customer said nothing for {self.silent} timers")
        self.waiting = Waiting(node=node, timer=timer, attempts=attempts)

    def begin_answer(self) -> None:
        """From here on the turn acts: it answers what was asked, and its timer is not needed any more."""
        self.flow = self.bot.flow_id
        self.asked, self.waiting = self.waiting, None
        if self.asked is not None and self.asked.timer:
            self.effects.append(CancelTimer(timer=self.asked.timer))

    def renew(self, why: str) -> None:
        """Start the session afresh: variables at their defaults, turns counted from this one.

        What the very first turn finds in the variables stays: a channel may have put it there.
        """
        if self.state.flow:
            self.variables = {}
            self._own_variables = True
        self.turns = 1
        self.node = ""
        self.asked = None
        self.note("start", detail=why)

    def start(self) -> str:
        """The start node's id; the text that is still unread opens the flow."""
        self.opening = self.unread
        return self.bot.start

    def set(self, name: str, value: Any) -> None:
        """Keep a variable. Raises VariableError when the value does not fit its declared type."""
        declared = self.bot.variables.get(name)
        value = fit(value, declared.type) if declared is not None else storable(value)
        if not self._own_variables:
            self.variables = dict(self.variables)
            self._own_variables = True
        if name not in self.variables and len(self.variables) >= MAX_VARIABLES:
            raise VariableError(f"a conversation keeps at most {MAX_VARIABLES} variables")
        self.variables[name] = value

    def fall_back(self, why: str) -> str | None:
        """The fallback node's id, once a turn; None when there is none or it was shown already.

        What the customer said counts as read then: an ai_intent behind the fallback waits for the next message.
        """
        self.unread = False
        if self.fell_back or not self.bot.fallback:
            self.note(
                "fallback", detail=f"{why}; " + ("already shown" if self.fell_back else "the flow has none")
            )
            return None
        self.fell_back = True
        self.note("fallback", self.bot.fallback, why)
        return self.bot.fallback

    def fail(self, error: Exception) -> str | None:
        """Something could not be evaluated: account for it and fall back."""
        name = type(error).__name__
        # Only our own errors are known not to quote what the customer wrote.
        self.note("error", self.node, f"{name}: {error}" if isinstance(error, EngineError) else name)
        return self.fall_back("an error")

    def outcome(self) -> Outcome:
        """The turn's result."""
        return Outcome(
            state=ConversationState(
                flow=self.flow,
                control=self.control,
                node=self.node,
                waiting=self.waiting,
                variables=self.variables,
                turns=self.turns,
                timers=self.timers,
                history=self.history,
                silent=self.silent,
                last_event_at=self.now,
            ),
            effects=tuple(self.effects),
            trace=tuple(self.trace),
        )
