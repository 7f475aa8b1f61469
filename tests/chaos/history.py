"""What happened in a run, as plain data: what was offered, what the database holds, what was received elsewhere.

Every time is `time.monotonic()` in seconds, which on Linux is one clock for all processes of a machine.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from tests.chaos.flow import Kind

Trouble: TypeAlias = Literal["kill", "outage", "pause"]


class Event(msgspec.Struct, kw_only=True):
    """Something that a customer said, however often it was offered."""

    name: str
    """Its text, which no other event has."""
    chat: str
    ordinal: int
    kind: Kind
    external_id: str
    """The platform's key for it: Telegram's update_id, the widget's own id."""
    offered_at: float
    """When it was offered first."""
    acknowledged_at: float | None = None
    """When the first 2xx, or the widget's ack, arrived."""


class Disturbance(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done to the gateway or to its servers; a kill has next to no duration."""

    trouble: Trouble
    what: str
    start: float
    end: float


class Inbox(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `inbox`."""

    id: str
    external_id: str
    conversation: str | None
    status: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `messages`."""

    id: str
    conversation: str
    seq: int
    sender: str
    text: str
    status: str


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `conversations`; `chat` is empty for one that belongs to no chat of ours."""

    id: str
    chat: str
    state_version: int
    message_count: int


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `effects` that is still there at the end."""

    id: str
    conversation: str
    lane: str
    status: str
    error: str = ""


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a message's status, as a trigger saw it."""

    message: str
    before: str
    after: str


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A send that the mock platform accepted."""

    chat: str
    text: str
    at: float


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A call that the integration received, whether its caller lived to hear the answer or not."""

    key: str
    """Its Idempotency-Key."""
    event: str
    """The name of the event that it was made for."""
    at: float
    seconds: float
    """How long the answer took."""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a widget was told: a message's frame, or the ack that gives its own message a number."""

    chat: str
    connection: int
    """Counts up with the widget's connections."""
    since: int
    """The number up to which the widget had everything when this connection (or its last resume) began."""
    resumes: int = 0
    """How often the widget had asked for what is missing, on this connection."""
    what: Literal["message", "ack"]
    seq: int
    text: str
    at: float


class History(msgspec.Struct, kw_only=True):
    """One run. Lists are in the order of their time where they have one."""

    events: list[Event] = []
    disturbances: list[Disturbance] = []
    inbox: list[Inbox] = []
    messages: list[Message] = []
    conversations: list[Conversation] = []
    effects: list[Effect] = []
    statuses: list[StatusChange] = []
    arrivals: list[Arrival] = []
    requests: list[Request] = []
    frames: list[Frame] = []
    answers: dict[int, int] = {}
    """How often the webhook answered with which HTTP status; 0 is no answer."""
