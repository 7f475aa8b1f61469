"""Where a conversation stands: everything that `step` needs to know of its past, and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from engine.effects import Effect
from engine.events import Context, MediaReceived

STATE_SCHEMA = 1

Control = Literal["bot", "waiting", "human"]


class Waiting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The node that waits for the customer, and how often it has asked."""

    node: str
    timer: str = ""
    """The running timer's name, empty when none runs. A `TimerFired` with another name is stale."""
    attempts: int = 0
    stage: str = ""
    """Which of its own questions the node has asked, when it has more than one."""
    call: str = ""
    """The running call's name; a result with another name is stale."""


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A `call` or `loop` under way: the flow comes back to `node` when what it called has ended."""

    node: str
    items: list[Any] | None = None
    """What a loop goes over; None for a call."""
    index: int = 0


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the customer's last message came from; kept while something of it is still to be answered."""

    message: str = ""
    context: Context | None = None


class Album(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The pieces of an album that have come so far; they are read when the timer fires."""

    timer: str
    began_at: datetime
    items: tuple[MediaReceived, ...] = ()


class ConversationState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation between two turns. Serialises to JSON and back to an equal value.

    `control` says who answers: the bot, nobody yet (`waiting` for a human), or a human.
    `node` is where the flow stands, empty before the first turn and after an end.
    """

    schema: int = STATE_SCHEMA
    flow: str = ""
    """Id of the flow version that the conversation is pinned to; empty before the first turn."""
    control: Control = "bot"
    node: str = ""
    waiting: Waiting | None = None
    stack: tuple[Frame, ...] = ()
    """Calls and loops under way, the outermost first."""
    variables: dict[str, Any] = {}
    held: str = ""
    """What the customer wrote while a call was running, or within the burst window: it is read afterwards."""
    burst: str = ""
    """The timer at whose end the held text is read; empty when nothing is gathered."""
    album: Album | None = None
    """What is gathered until no more pieces of it come."""
    origin: Origin | None = None
    """Of the message that is still to be answered; in a group, of the last one."""
    echoed: bool = False
    """The human who has the conversation answers in the platform's own app, where nobody gives it back."""
    language: str = ""
    """The language that was chosen or detected; empty until then."""
    turns: int = 0
    """Turns since the flow was started or restarted; `global_settings.max_turns` bounds it."""
    timers: int = 0
    """How many timers this conversation ever started; makes their names unique."""
    history: int = 0
    """How many messages the customer ever sent; expressions read it as `conversation_history.length`."""
    silent: int = 0
    """Timer turns since the customer's last word; bounds how often the bot speaks into the silence."""
    calls: int = 0
    """Calls since the customer's last word; bounds flows that call and call."""
    last_event_at: datetime | None = None
    heard_at: datetime | None = None
    """When the customer last said something; kept for flows with quiet hours."""


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a turn may know of the customer; templates and expressions read it as `user`."""

    id: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    timezone: str = ""
    opted_out: bool = False
    """Nothing may be sent that answers nothing."""
    attributes: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    """The variables of scope `customer`."""


class TraceEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a turn did and why: `{"kind": "node", "at": "welcome"}`.

    Kinds: start (the flow begins, and why), node (entered), connection (taken), condition (evaluated, with its
    value), action (global action that matched, with its keyword), choice (made, with its value), intent (with its
    confidence), input (stored, or why not), variable (set), timer (started, or fired), call (started, or ended),
    round (of a loop), return (from a call), left (calls and loops), held (until it can be read), language (chosen),
    opt_out, postponed (to the end of quiet hours), page (of a menu that is leafed through), inline (query answered),
    control (somebody else answers from here on), fallback (and why), limit (reached), error, ignored (and why).
    Nothing here quotes what the customer wrote.
    """

    kind: str
    at: str = ""
    detail: str = ""
    value: Any = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one event came to: the next state, what is to be done, and the account of it."""

    state: ConversationState
    effects: tuple[Effect, ...]
    trace: tuple[TraceEntry, ...]
