"""The working object of one turn: what the step changes on its way, frozen into an `Outcome` at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from msgspec import json, structs

from engine.bot import Bot
from engine.effects import Call, CancelTimer, Effect, Remember, Send, StartTimer
from engine.environment import UTC, zone
from engine.errors import EngineError
from engine.events import (
    AlbumReceived,
    CommandReceived,
    ContactReceived,
    Context,
    EventBody,
    FormSubmitted,
    LocationReceived,
    MediaReceived,
    MessageEdited,
    OrderPlaced,
    TextReceived,
)
from engine.expressions.values import UNDEFINED
from engine.folding import fold, readable
from engine.messages import OutboundMessage
from engine.state import ConversationState, Customer, Frame, Origin, Outcome, TraceEntry, Waiting
from engine.variables import MAX_VARIABLES, VariableError, fit, storable

if TYPE_CHECKING:
    from engine.nodes.texts import Text

MAX_SILENT_TURNS: Final = 5
"""Timer turns in a row in which new timers are started: a bot that nobody answers falls silent after them."""
MAX_SILENT_WAITS: Final = 100
"""Timer turns in a row after which also a `wait` starts none: what is sent by itself has an end."""
MAX_CALLS: Final = 50
"""Calls in a row without a word from the customer: a flow that calls in a circle ends."""
MAX_STACK: Final = 20
"""Calls and loops within each other."""
MAX_COMPUTED_DEPTH: Final = 10
"""Computed variables that need each other."""
MAX_SESSION_BYTES: Final = 262_144
"""Of a session's variables together, as JSON: every turn reads and writes them."""
LONG_TEXT: Final = 1_000
"""Code points; shorter values are kept without measuring the others."""
MAX_HELD: Final = 4_000
"""Code points of what the customer wrote and nobody could read yet."""

_encode = json.Encoder().encode
_MESSAGES: Final = (
    TextReceived, CommandReceived, MediaReceived, AlbumReceived, LocationReceived, ContactReceived, FormSubmitted,
    OrderPlaced, MessageEdited,
)  # fmt: skip
"""Events that are a message of the customer's."""


class Turn:
    """One turn under way. Starts as the state is; nodes and actions change it."""

    __slots__ = (
        "_computing", "_folded", "_language", "_local", "_own_variables", "_shared", "_zone", "album", "asked", "bot",
        "burst", "calls", "channel", "chosen_language", "contact", "context", "control", "customer",
        "customer_variables", "delay_ms", "echoed", "effects", "event", "fell_back", "flow", "heard_at", "held",
        "history", "message", "node", "now", "opening", "opt_out_words", "opted_out", "response",
        "returning", "silence_lasts", "silent", "spoke", "stack", "state", "text", "timers", "trace", "tried",
        "turns", "unread", "variables", "waiting",
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
        self.customer_variables: Mapping[str, Any] = customer.variables
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
        self._shared = shared
        self._own_variables = False
        self._computing: tuple[str, ...] = ()
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

    @property
    def customers_message(self) -> str:
        """The platform's id of the message that the customer just sent; empty when they did something else."""
        return self.message if isinstance(self.event, _MESSAGES) else ""

    def say(
        self,
        message: OutboundMessage,
        delay_ms: int = 0,
        typing: bool = False,
        label: str = "",
        replaces: str = "",
    ) -> None:
        """Send a message after what was sent before, `delay_ms` later. A message of nothing is not sent.

        `label` names it within the conversation; it `replaces` the last one of that label.
        """
        self.delay_ms += delay_ms
        if not (message.choices or message.text.strip() or message.media or _shows(message)):
            return
        if message.reaction is None:
            self.spoke = True
        if self.bot.languages.several:
            message = structs.replace(message, language=self.language)
        if self.context is not None and self.in_group and not message.edits:
            # Among many people an answer says whom it answers.
            message = structs.replace(message, reply_to=self.message)
        send = Send(message=message, delay_ms=self.delay_ms, typing=typing)
        if label or replaces:
            send = structs.replace(send, label=label, replaces=replaces)
        self.effects.append(send)

    def say_text(self, text: Text) -> None:
        """Send a text and nothing else."""
        said = text.said(self)
        self.say(OutboundMessage(text=said.text, spans=said.spans))

    def wait(self, node: str, *, attempts: int = 0, timeout: float = 0, stage: str = "") -> None:
        """Wait at `node`; a `timeout` in seconds starts a timer, counted from when the last message is out."""
        timer = ""
        if timeout and self.silent < MAX_SILENT_TURNS:
            timer = self.start_timer(node, timeout, after_sends=True)
        elif timeout:
            self.note("limit", node, f"no timer: the customer said nothing for {self.silent} timers")
        self.waiting = Waiting(node=node, timer=timer, attempts=attempts, stage=stage)

    def wait_until(self, node: str, due_at: datetime, *, attempts: int = 0, stage: str = "") -> None:
        """Wait at `node`, and be woken at `due_at` (UTC), also when the customer has long been silent."""
        timer = ""
        if self.silent < MAX_SILENT_WAITS:
            timer = self.start_timer(node, (due_at - self.now).total_seconds())
        else:
            self.note("limit", node, f"no timer: the customer said nothing for {self.silent} timers")
        self.waiting = Waiting(node=node, timer=timer, attempts=attempts, stage=stage)

    def wait_for(self, node: str, make: Callable[[str], Call], timeout: float) -> None:
        """Make a call (`make` is given its name) and wait for its result, at most `timeout` seconds.

        What the customer writes meanwhile is held, and unread when the result is there. Raises EngineError after
        MAX_CALLS in a row.
        """
        if self.calls >= MAX_CALLS:
            raise EngineError(f"more than {MAX_CALLS} calls without a word from the customer")
        self.calls += 1
        timer = self.start_timer(node, timeout)
        self.effects.append(make(timer))
        self.note("call", node, "started")
        self.waiting = Waiting(node=node, timer=timer, call=timer)

    def keep_waiting(self) -> None:
        """Wait as before this turn: its timer, which `begin_answer` cancelled, runs on."""
        asked = self.asked
        if asked is not None and asked.timer:
            self.effects = [
                effect
                for effect in self.effects
                if not (isinstance(effect, CancelTimer) and effect.timer == asked.timer)
            ]
        self.waiting = asked

    def start_timer(self, name: str, seconds: float, *, after_sends: bool = False) -> str:
        """Start a timer, counted from now or from when the last message is out; returns its own name."""
        self.timers += 1
        timer = f"{name}#{self.timers}"
        due_at = self.now + timedelta(seconds=seconds, milliseconds=self.delay_ms if after_sends else 0)
        self.effects.append(StartTimer(timer=timer, due_at=due_at))
        self.note("timer", name, "started", int(seconds) if seconds == int(seconds) else round(seconds, 3))
        return timer

    def cancel_timer(self, timer: str) -> None:
        """Cancel a timer; one that this very turn started is simply not started."""
        kept = [e for e in self.effects if not (isinstance(e, StartTimer) and e.timer == timer)]
        if len(kept) < len(self.effects):
            self.effects = kept
        else:
            self.effects.append(CancelTimer(timer=timer))

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
            self._own_variables = True
        self.turns = 1
        self.node = ""
        self.asked = None
        self.stack = ()
        self.note("start", detail=why)

    def start(self) -> str:
        """The start node's id; the text that is still unread opens the flow."""
        self.opening = self.unread
        return self.bot.start

    def set(self, name: str, value: Any) -> None:
        """Keep a variable. Raises VariableError when the value does not fit its declaration."""
        declared = self.bot.variables.get(name)
        if declared is None:
            value = storable(value)
        else:
            value = fit(value, declared.type)
            if declared.compute is not None:
                raise VariableError(f'"{name}" is computed and can\'t be set')
            if declared.check is not None and value is not None:
                value = declared.check(value)
            if declared.scope != "session":
                self._remember(declared.scope, name, value)
                return
        if not self._own_variables:
            self.variables = dict(self.variables)
            self._own_variables = True
        if name not in self.variables and len(self.variables) >= MAX_VARIABLES:
            raise VariableError(f"a conversation keeps at most {MAX_VARIABLES} variables")
        if isinstance(value, list | dict) or (isinstance(value, str) and len(value) > LONG_TEXT):
            self._measure({**self.variables, name: value})
        self.variables[name] = value

    def _measure(self, variables: Mapping[str, Any]) -> None:
        """Raise VariableError when the session's variables together have become too large."""
        if len(_encode(variables)) > MAX_SESSION_BYTES:
            raise VariableError(f"the variables of a session hold at most {MAX_SESSION_BYTES // 1024} KiB")

    def declared(self, name: str) -> Any:
        """The value of a variable that the session does not have; UNDEFINED when nothing declares it."""
        variable = self.bot.variables.get(name)
        if variable is None:
            return UNDEFINED
        if variable.compute is not None:
            return self._compute(name, variable.compute)
        if variable.scope == "session":
            return variable.default
        kept = self.customer_variables if variable.scope == "customer" else self._shared
        return kept.get(name, variable.default)

    def _compute(self, name: str, compute: Callable[[Turn], Any]) -> Any:
        if name in self._computing or len(self._computing) >= MAX_COMPUTED_DEPTH:
            raise VariableError(f'"{name}" is computed from itself')
        self._computing = (*self._computing, name)
        try:
            return compute(self)
        finally:
            self._computing = self._computing[:-1]

    def _remember(self, scope: Literal["customer", "bot"], name: str, value: Any) -> None:
        kept = self.customer_variables if scope == "customer" else self._shared
        if name not in kept and len(kept) >= MAX_VARIABLES:
            raise VariableError(f"a {scope} keeps at most {MAX_VARIABLES} variables")
        changed = {**kept, name: value}
        if scope == "customer":
            self.customer_variables = changed
        else:
            self._shared = changed
        self.effects.append(Remember(scope=scope, values={name: value}))

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

    def _origin(self) -> Origin | None:
        """Where the last message came from, while that matters: it is not answered yet, or others read along."""
        if not (self.held or self.album or self.in_group):
            return None
        if not self.message:
            return self.state.origin
        return Origin(
            message=self.message, context=_bounded(self.context) if self.context is not None else None
        )

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
                origin=self._origin() if self.held or self.album or self.context else None,
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


def _bounded(context: Context) -> Context:
    """Fit for a state: readable, and not longer than that should be."""
    referral = context.referral
    return structs.replace(
        context,
        quote=readable(context.quote[:LONG_TEXT]),
        forwarded_from=readable(context.forwarded_from[:LONG_TEXT]),
        title=readable(context.title[:LONG_TEXT]),
        referral=structs.replace(
            referral,
            headline=readable(referral.headline[:LONG_TEXT]),
            text=readable(referral.text[:LONG_TEXT]),
            payload=readable(referral.payload[:LONG_TEXT]),
        )
        if referral is not None
        else None,
    )


def _shows(message: OutboundMessage) -> bool:
    """Whether a message without text, choices and media has something to it after all."""
    return bool(message.cards) or any(
        part is not None for part in (message.location, message.contact, message.template, message.reaction)
    )
