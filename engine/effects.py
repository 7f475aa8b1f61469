"""What is to be done: commands that a turn leaves behind, carried out with or after its commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from engine.messages import OutboundMessage


class _Effect(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """Base of every effect: immutable, serialised as JSON with its kind in `type`."""


class Send(_Effect, frozen=True, tag="send"):
    """Say something to the customer. `{"type": "send", "message": {"text": "Hello"}, "delay_ms": 1000}`

    `delay_ms` counts from the turn (not from the send before it), so a turn's sends carry rising delays.
    `typing` shows the platform's typing indicator while the delay lasts.
    """

    message: OutboundMessage
    delay_ms: int = 0
    typing: bool = False
    label: str = ""
    """A name of the message within its conversation, for one that another message will replace."""
    replaces: str = ""
    """The label of the earlier message that this one replaces, where the platform can edit; else it is said anew."""


class StartTimer(_Effect, frozen=True, tag="start_timer"):
    """Wake the conversation with `TimerFired(timer)` at `due_at` (UTC), once, unless cancelled before."""

    timer: str
    due_at: datetime


class CancelTimer(_Effect, frozen=True, tag="cancel_timer"):
    """Forget a timer. Cancelling one that is not there changes nothing."""

    timer: str


class Secret(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="secret", gc=False):
    """A reference to a secret of the bot, filled in by the worker that makes the call. Never the secret itself."""

    name: str


Piece: TypeAlias = str | Secret
"""A part of a text that a call carries: as it is, or a secret by reference. Customers' words are always `str`."""
Pieces: TypeAlias = tuple[Piece, ...]


class CallIntegration(_Effect, frozen=True, tag="call_integration"):
    """Make an HTTP request; its response comes back as `CallFinished(call)`.

    `{"type": "call_integration", "call": "order#3", "method": "GET", "url": ["https://…/orders/17"]}`

    `body` is sent as it is, with the `content-type` that `headers` name. `timeout_ms` bounds each attempt;
    `attempts` counts the first one too. A response of more than `max_bytes` is an error.
    """

    call: str
    method: str
    url: Pieces
    headers: tuple[tuple[str, Pieces], ...] = ()
    body: Pieces = ()
    timeout_ms: int = 10_000
    attempts: int = 1
    max_bytes: int = 262_144


class Search(_Effect, frozen=True, tag="search"):
    """Find passages of the bot's knowledge; they come back as `SearchFinished(call)`."""

    call: str
    query: str
    collections: tuple[str, ...] = ()
    """Names of the knowledge bases to look in; all of the bot's when empty."""
    limit: int = 5
    minimum_score: float = 0.0
    language: str = ""
    timeout_ms: int = 10_000


class Generate(_Effect, frozen=True, tag="generate"):
    """Write an answer with a language model; it comes back as `AnswerGenerated(call)`."""

    call: str
    prompt: str
    """What the customer asked."""
    instructions: str = ""
    """The system prompt."""
    history: int = 0
    """How many earlier messages of the conversation the model is shown."""
    collections: tuple[str, ...] | None = None
    """Knowledge bases to ground the answer in; None for none, empty for all of the bot's."""
    model: str = ""
    temperature: float | None = None
    max_tokens: int = 0
    language: str = ""
    timeout_ms: int = 30_000
    attempts: int = 1


class SendEmail(_Effect, frozen=True, tag="send_email"):
    """Send an e-mail of plain text; nothing waits for it."""

    to: tuple[str, ...]
    subject: str
    body: str
    reply_to: str = ""


class Remember(_Effect, frozen=True, tag="remember"):
    """Keep variables beyond the session; written in the turn's own transaction. None forgets a value."""

    scope: Literal["customer", "bot"]
    values: dict[str, Any]


class UpdateCustomer(_Effect, frozen=True, tag="update_customer"):
    """Change what is known of the customer; written in the turn's own transaction."""

    language: str | None = None
    opted_out: bool | None = None
    """True: nothing may be sent that answers nothing. False: it may again."""


RecordKind: TypeAlias = Literal["track", "feedback", "consent", "priority"]


class Record(_Effect, frozen=True, tag="record"):
    """Put something on record for analytics and proof; written in the turn's own transaction.

    `{"type": "record", "kind": "feedback", "name": "support", "properties": {"rating": 5}}`

    track: an event of the bot builder's. feedback: `rating` (1 to 5) at once, and when a comment follows another one
    with `comment` and `rated`. consent: `name` is the purpose, `properties` has `granted` and the `text` that was
    agreed to. priority: an action of priority high.
    """

    kind: RecordKind
    name: str
    properties: dict[str, Any] = {}


Call: TypeAlias = CallIntegration | Search | Generate
"""Effects whose result comes back as an event; `call` names it."""
Effect: TypeAlias = (
    Send
    | StartTimer
    | CancelTimer
    | CallIntegration
    | Search
    | Generate
    | SendEmail
    | Remember
    | UpdateCustomer
    | Record
)
