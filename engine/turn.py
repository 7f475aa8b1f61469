"""The working object of one turn: what the step changes on its way, frozen into an `Outcome` at the end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from engine.bot import Bot
from engine.effects import CancelTimer, Effect
from engine.environment import UTC, zone
from engine.errors import EngineError
from engine.events import Context, EventBody
from engine.folding import fold
from engine.origins import origin_of
from engine.state import ConversationState, Customer, Frame, Outcome, TraceEntry, Waiting

MAX_STACK: Final = 20
"""Calls and loops within each other."""
MAX_HELD: Final = 4_000
"""Code points of what the customer wrote and nobody could read yet."""


class Turn:
    """One turn under way. Starts as the state is; nodes and actions change it."""

    __slots__ = (
        "_folded", "_language", "_local", "_zone", "album", "asked", "bot", "burst", "calls", "channel",
        "chosen_language", "computing", "contact", "context", "control", "customer", "customer_variables",
        "delay_ms", "echoed", "effects", "event", "fell_back", "flow", "heard_at", "held", "history",
        "message", "node", "now", "opening", "opt_out_words", "opted_out", "own_variables", "response",
        "returning", "shared", "silence_lasts", "silent", "spoke", "stack", "state", "text", "timers",
        "trace", "tried", "turns", "unread", "variables", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        bot: Bot,
        state: ConversationState,
        customer: Customer,
        now: datetime,
        shared: Mapping[str, Any],
        channel: str,
        message: str = "",
        context: Context | None = None,
        opt_out_words: frozenset[str] = frozenset(),
    ) -> None:
        self.bot: Bot = bot
        self.state: ConversationState = state
        self.customer: Customer = customer
        self.now: datetime = now
        self.channel: str = channel
        """The platform's name, such as `telegram`; empty when not known."""
        self.flow = state.flow
        self.control = state.control
        self.node = state.node
        self.waiting = state.waiting
        self.stack = state.stack
        self.variables = state.variables
        self.held = state.held
        self.burst = state.burst
        self.album = state.album
        self.echoed = state.echoed
        self.chosen_language = state.language
        self.heard_at = state.heard_at
        self.turns = state.turns
        self.timers = state.timers
        self.history = state.history
        self.silent = state.silent
        self.calls = state.calls
        self.own_variables = False
        """`variables` is this turn's own copy, and no longer the state's."""
        self.customer_variables: Mapping[str, Any] = customer.variables
        self.shared: Mapping[str, Any] = shared
        """The variables of scope `bot`."""
        self.computing: tuple[str, ...] = ()
        """The computed variables that are being computed, the outermost first."""
        self.opted_out = customer.opted_out
        self.opt_out_words = opt_out_words
        """What opts out on this channel whatever the flow says: folded, each the whole of a message."""
        self.asked: Waiting | None = None
        """What the conversation waited for when this turn began to answer."""
        self.event: EventBody | None = None
        """What the customer did, for nodes that take more than words."""
        self.message = message
        """The platform's id of the message that carries the event."""
        self.context = context
        """The circumstances of what the customer said."""
        self.text = ""
        """What the customer wrote, or a caption, or the title of a choice; empty for what carries no text."""
        self.contact = ""
        """The phone number of a contact card."""
        self.response: Any = None
        """The result of the call that ended in this turn, while its node reads it."""
        self.unread = False
        """The customer said something that no node has taken for itself yet."""
        self.opening = False
        """The unread text is the one that started the flow, in this very turn."""
        self.returning = False
        """A `return` was reached: the innermost call ends, and the loops within it."""
        self.silence_lasts = False
        """Nothing happened that ends the silence before: it counts for the session's timeout."""
        self.spoke = False
        self.fell_back = False
        self.tried: tuple[str, ...] = ()
        """The ai_intent nodes that have already read this turn's text and not understood it."""
        self.effects: list[Effect] = []
        self.trace: list[TraceEntry] = []
        self.delay_ms = 0
        self._folded: str | None = None
        self._language: str | None = None
        self._local: datetime | None = None
        self._zone: ZoneInfo | None = None

    @property
    def folded(self) -> str:
        """The customer's words, folded; made once."""
        if self._folded is None:
            self._folded = fold(self.text)
        return self._folded

    @property
    def language(self) -> str:
        """The flow's language for this customer: chosen or detected, else the profile's, else the default."""
        if self._language is None:
            languages = self.bot.languages
            self._language = languages.default
            if languages.several:
                chosen = languages.resolve(self.chosen_language) if self.chosen_language else ""
                self._language = chosen or languages.resolve(self.customer.language) or languages.default
        return self._language

    @property
    def reading_language(self) -> str:
        """How the customer writes numbers and dates: their own tag, with its country, when it is this language."""
        own = self.customer.language
        return (
            own
            if own and own.partition("-")[0].lower() == self.language.partition("-")[0].lower()
            else self.language
        )

    def speak(self, language: str, why: str) -> None:
        """From now on the conversation is in this language, one of the flow's."""
        self.chosen_language = language
        self._language = None
        self.note("language", detail=why, value=language)

    def zone(self) -> ZoneInfo:
        """The customer's time zone, else the flow's, else UTC."""
        return zone(self.customer.timezone) or zone(self.bot.timezone) or UTC

    def local_time(self, preferred: ZoneInfo | None = None) -> datetime:
        """Now in the preferred zone, else the customer's, else the flow's, else UTC."""
        wanted = preferred or self.zone()
        if self._local is None or self._zone is not wanted:
            self._local, self._zone = self.now.astimezone(wanted), wanted
        return self._local

    def note(self, kind: str, at: str = "", detail: str = "", value: Any = None) -> None:
        """Add to the account of the turn."""
        self.trace.append(TraceEntry(kind=kind, at=at, detail=detail, value=value))

    def ignore(self, why: str, at: str = "") -> None:
        """The event changes nothing; the silence before it lasts on."""
        self.note("ignored", at, why)
        self.silence_lasts = True

    def hold(self, text: str) -> None:
        """Keep what the customer wrote until it can be read."""
        self.held = f"{self.held}\n{text}"[:MAX_HELD] if self.held else text[:MAX_HELD]

    def read_held(self) -> None:
        """What was held is now what the customer said."""
        if self.held:
            self.text = f"{self.held}\n{self.text}" if self.text else self.held
            self.held = ""
            self.unread = True
            self._folded = None

    def push(self, frame: Frame) -> None:
        """Begin a call, or a round of a loop. Raises EngineError when too many are within each other."""
        if len(self.stack) >= MAX_STACK:
            raise EngineError(f"more than {MAX_STACK} calls and loops within each other")
        self.stack = (*self.stack, frame)

    def pop(self) -> Frame:
        """End the innermost call or loop; after a `return`, the innermost call, if there is one."""
        *rest, frame = self.stack
        if self.returning and any(outer.items is None for outer in rest):
            while frame.items is not None:
                *rest, frame = rest
        self.returning = False
        self.stack = tuple(rest)
        return frame

    def leave(self) -> None:
        """Leave every call and loop: the conversation goes on elsewhere in the flow."""
        if self.stack:
            self.note("left", detail="every call and loop")
            self.stack = ()

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
            kept = self.bot.persistent
            self.variables = {name: value for name, value in self.variables.items() if name in kept}
            self.own_variables = True
        self.turns = 1
        self.node = ""
        self.asked = None
        self.stack = ()
        self.note("start", detail=why)

    def start(self) -> str:
        """The start node's id; the text that is still unread opens the flow."""
        self.opening = self.unread
        return self.bot.start

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
        self.leave()
        return self.bot.fallback

    def fail(self, error: Exception) -> str | None:
        """Something could not be evaluated: account for it and take the node's way for errors, or fall back."""
        return self.fail_with(error_words(error))

    def fail_with(self, detail: str) -> str | None:
        """The node where the conversation is could not do its work: its way for errors, or the fallback."""
        self.note("error", self.node, detail)
        node = self.bot.nodes.get(self.node)
        if node is not None and node.error is not None:
            self.trace.append(node.error.taken)
            self.delay_ms += node.error.delay_ms
            return node.error.target
        return self.fall_back("an error")

    @property
    def in_group(self) -> bool:
        """Whether others read along."""
        return self.context is not None and self.context.place != "private"

    def outcome(self) -> Outcome:
        """The turn's result."""
        return Outcome(
            state=ConversationState(
                flow=self.flow,
                control=self.control,
                node=self.node,
                waiting=self.waiting,
                stack=self.stack,
                variables=self.variables,
                held=self.held,
                burst=self.burst,
                album=self.album,
                origin=origin_of(self) if self.held or self.album or self.context else None,
                echoed=self.echoed and self.control == "human",
                language=self.chosen_language,
                turns=self.turns,
                timers=self.timers,
                history=self.history,
                silent=self.silent,
                calls=self.calls,
                last_event_at=self.state.last_event_at if self.silence_lasts else self.now,
                heard_at=self.heard_at,
            ),
            effects=tuple(self.effects),
            trace=tuple(self.trace),
        )


def error_words(error: Exception) -> str:
    """What a trace says of an error: only our own errors are known not to quote what the customer wrote."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, EngineError) else name
