"""The world around one conversation: a clock of its own, the timers that run, and what calls come to.

Everything is deterministic: the clock moves only when a step says so, ids count up, and a call's result is what
the test says it is. What customers and the bot's variables become is kept as the server keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct, structs

from engine.bot import Bot
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
from engine.errors import EngineError
from engine.events import (
    AnswerGenerated,
    CallFinished,
    ChoiceMade,
    Context,
    EventBody,
    InboundEvent,
    Passage,
    SearchFinished,
    Sender,
    TimerFired,
)
from engine.expressions import UNDEFINED
from engine.messages import OutboundMessage
from engine.nodes.base import choice_id, page_key
from engine.scenarios.model import Stub
from engine.scopes import declared
from engine.state import ConversationState, Customer, Outcome
from engine.step import step
from engine.turn import Turn

START: Final = datetime(2026, 1, 14, 10, 0, tzinfo=UTC)
"""A Wednesday morning: when a test begins that does not say when."""
MAX_EVENTS: Final = 1_000
"""Events that may follow from one step: timers and results of calls."""
_FITS: Final[Mapping[type[Call], frozenset[str]]] = {
    CallIntegration: frozenset({"status", "body", "headers"}),
    Search: frozenset({"passages"}),
    Generate: frozenset({"text", "passages"}),
}
_ALWAYS_FIT: Final = frozenset({"error", "timeout"})
_NAMES: Final[Mapping[type[Call], str]] = {
    CallIntegration: "an integration",
    Search: "a search",
    Generate: "a language model",
}


class Impossible(EngineError):
    """What a step asks for cannot happen in this conversation."""


class Moment(Struct, frozen=True):
    """One event of the conversation and what came of it."""

    at: datetime
    body: EventBody
    outcome: Outcome

    @property
    def messages(self) -> tuple[OutboundMessage, ...]:
        """What the bot said."""
        return tuple(effect.message for effect in self.outcome.effects if isinstance(effect, Send))


class World:
    """One conversation. `now` is its clock, `moments` its past."""

    def __init__(
        self,
        bot: Bot,
        *,
        now: datetime = START,
        customer: Customer,
        channel: str = "",
        session: Mapping[str, Any] | None = None,
        shared: Mapping[str, Any] | None = None,
        stubs: Mapping[str, Sequence[Stub]] | None = None,
        names: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`stubs` are used up one call after the other, one alone never; `names` are what choices are also called."""
        self.bot = bot
        self.now = now
        self.customer = customer
        self.channel = channel
        self.shared: Mapping[str, Any] = dict(shared or {})
        self.state = ConversationState(variables=dict(session or {}))
        self.moments: list[Moment] = []
        self.stubs = {node: list(given) for node, given in (stubs or {}).items()}
        self.call: Call | None = None
        """The call whose result the conversation waits for."""
        self._names = names or {}
        self._used: dict[str, int] = {}
        self._timers: list[StartTimer] = []
        self._offered: list[tuple[str, str]] = []
        """Every choice that was ever on offer: (id, title), the newest last."""

    # What happens

    def happen(self, body: EventBody, context: Context | None = None) -> Moment:
        """Let one event happen now, in these circumstances."""
        number = str(len(self.moments) + 1)
        event = InboundEvent(
            external_id=number,
            conversation_key="test",
            sender=Sender(external_id=self.customer.id),
            body=body,
            occurred_at=self.now,
            message=number,
            context=context,
        )
        outcome = step(
            self.bot, self.state, event, self.customer, self.now, shared=self.shared, channel=self.channel
        )
        moment = Moment(self.now, body, outcome)
        self.moments.append(moment)
        self.state = outcome.state
        for effect in outcome.effects:
            self._carry_out(effect)
        waiting = self.state.waiting
        if self.call is not None and (waiting is None or waiting.call != self.call.call):
            self.call = None
        return moment

    def settle(self, *, gather: bool = True) -> None:
        """Give open calls their stubs and, with `gather`, let the windows of a burst and an album close.

        Raises Impossible for stubs that don't fit or are used up; a call without any stub stays open.
        """
        for _ in range(MAX_EVENTS):
            stub = self._next_stub()
            if self.call is not None and stub is not None:
                self.finish(stub)
            elif gather and (timer := self._gathering()) is not None:
                self._advance(timer.due_at)
            else:
                return
        raise Impossible(f"more than {MAX_EVENTS} calls follow from each other")

    def finish(self, stub: Stub) -> None:
        """The open call ends so. Raises Impossible when there is none, or when it can't end so."""
        call = self.call
        if call is None:
            raise Impossible("no call is open")
        _require_fit(call, stub)
        if stub.timeout:
            self.time_out()
            return
        self.call = None
        self.happen(_result(call, stub))

    def wait(self, span: timedelta) -> None:
        """Time passes; what becomes due fires in order. Raises Impossible for too many timers."""
        self._advance(self.now + span)

    def time_out(self) -> None:
        """Time passes until the timer of the node that waits is due. Raises Impossible when none runs."""
        waiting = self.state.waiting
        timer = self._timer(waiting.timer) if waiting is not None else None
        if timer is None:
            raise Impossible("no timer is running")
        self._advance(timer.due_at)

    def click(self, what: str, context: Context | None = None) -> Moment:
        """Press a choice by its title or value, on offer now or earlier, by `node:index`, or leaf to a page of a menu
        by `node:p` and its number, from 0. Raises Impossible."""
        return self.happen(ChoiceMade(choice=self._choice(what)), context)

    # What there is

    @property
    def on_offer(self) -> tuple[tuple[str, str], ...]:
        """The choices of the newest message that had some: (id, title)."""
        for moment in reversed(self.moments):
            for message in reversed(moment.messages):
                if offered := offered_by(message):
                    return offered
        return ()

    @property
    def place(self) -> str:
        """The id of the node where the conversation waits, or else stands; empty when it has ended."""
        return self.state.waiting.node if self.state.waiting is not None else self.state.node

    @property
    def timers(self) -> tuple[StartTimer, ...]:
        """The timers that run, the next to fire first."""
        return tuple(sorted(self._timers, key=lambda timer: timer.due_at))

    @property
    def used(self) -> frozenset[str]:
        """The nodes whose stubs were used."""
        return frozenset(self._used)

    @property
    def call_node(self) -> str:
        """The node that made the open call; empty when there is none."""
        return self.call.call.rpartition("#")[0] if self.call is not None else ""

    @property
    def language(self) -> str:
        """The conversation's language."""
        return self._turn().language

    def variable(self, name: str) -> Any:
        """The value of a variable, wherever it is kept; None for none. A computed one may raise EngineError."""
        value = self.state.variables.get(name, UNDEFINED)
        value = declared(self._turn(), name) if value is UNDEFINED else value
        return None if value is UNDEFINED else value

    def _turn(self) -> Turn:
        return Turn(self.bot, self.state, self.customer, self.now, self.shared, self.channel)

    def _choice(self, what: str) -> str:
        for id, title in reversed(self._offered):
            if what == title or what in self._names.get(id, ()):
                return id
        node, _, index = what.rpartition(":")
        if node in self.bot.nodes and index.isdecimal():
            id = choice_id(node, int(index))
            if id in self.bot.choices:
                return id
        if page_key(node) in self.bot.pages and index[:1] == "p" and index[1:].isdecimal():
            return f"{page_key(node)}{index[1:]}"
        titles = ", ".join(f'"{title}"' for _, title in self.on_offer)
        raise Impossible(f'there is no choice "{what}"; on offer: {titles or "nothing"}')

    # Consequences

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send():
                self._offered = [*self._offered, *offered_by(effect.message)][-MAX_EVENTS:]
            case StartTimer():
                self._timers.append(effect)
            case CancelTimer():
                self._timers = [timer for timer in self._timers if timer.timer != effect.timer]
            case CallIntegration() | Search() | Generate():
                self.call = effect
            case Remember(scope="customer"):
                self.customer = structs.replace(
                    self.customer, variables=_merged(self.customer.variables, effect.values)
                )
            case Remember():
                self.shared = _merged(self.shared, effect.values)
            case UpdateCustomer():
                changes = {"language": effect.language, "opted_out": effect.opted_out}
                known = {name: value for name, value in changes.items() if value is not None}
                self.customer = structs.replace(self.customer, **known)
            case _:  # an e-mail or a record: nothing in the conversation depends on it
                pass

    def _advance(self, until: datetime) -> None:
        for _ in range(MAX_EVENTS):
            due = [timer for timer in self._timers if timer.due_at <= until]
            if not due:
                self.now = max(self.now, until)
                return
            timer = min(due, key=lambda timer: timer.due_at)  # of equals the first that was started
            self._timers.remove(timer)
            self.now = max(self.now, timer.due_at)
            self.happen(TimerFired(timer=timer.timer))
            self.settle(gather=False)
        raise Impossible(f"more than {MAX_EVENTS} timers fire in this time")

    def _gathering(self) -> StartTimer | None:
        """What ends the wait for more of a burst or an album."""
        album = self.state.album
        return self._timer(album.timer if album is not None else self.state.burst)

    def _timer(self, name: str) -> StartTimer | None:
        return next((timer for timer in self._timers if timer.timer == name), None) if name else None

    def _next_stub(self) -> Stub | None:
        node = self.call_node
        stubs = self.stubs.get(node)
        if not stubs:
            return None
        used = self._used.get(node, 0)
        if len(stubs) > 1 and used >= len(stubs):
            raise Impossible(f"{node} makes call number {used + 1}, and there are {len(stubs)} stubs for it")
        self._used[node] = used + 1
        return stubs[min(used, len(stubs) - 1)]


def offered_by(message: OutboundMessage) -> tuple[tuple[str, str], ...]:
    """The choices of a message, those on its cards included: (id, title)."""
    on_cards = ((button.id, button.title) for card in message.cards for button in card.buttons if button.id)
    return (*((choice.id, choice.title) for choice in message.choices), *on_cards)


def _merged(variables: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**variables, **values}.items() if value is not None}


def _require_fit(call: Call, stub: Stub) -> None:
    given = {name for name in stub.model_fields_set if getattr(stub, name)}
    foreign = given - _FITS[type(call)] - _ALWAYS_FIT
    if foreign:
        node = call.call.rpartition("#")[0]
        fits = ", ".join(sorted(_FITS[type(call)] | _ALWAYS_FIT))
        raise Impossible(
            f"the call of {node} goes to {_NAMES[type(call)]}, whose stub has {fits}, and no {min(foreign)}"
        )


def _result(call: Call, stub: Stub) -> EventBody:
    passages = tuple(Passage(**passage.model_dump()) for passage in stub.passages)
    match call:
        case CallIntegration():
            status = 0 if stub.error and stub.status is None else stub.status or 200
            error = stub.error or ("" if 200 <= status <= 299 else f"status {status}")
            return CallFinished(
                call=call.call, status=status, body=stub.body, headers=stub.headers, error=error
            )
        case Search():
            return SearchFinished(call=call.call, passages=passages, error=stub.error)
        case Generate():
            return AnswerGenerated(call=call.call, text=stub.text or "", passages=passages, error=stub.error)
