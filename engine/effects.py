"""What is to be done: commands that a turn leaves behind, carried out after its commit."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

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


class StartTimer(_Effect, frozen=True, tag="start_timer"):
    """Wake the conversation with `TimerFired(timer)` at `due_at` (UTC), once, unless cancelled before."""

    timer: str
    due_at: datetime


class CancelTimer(_Effect, frozen=True, tag="cancel_timer"):
    """Forget a timer. Cancelling one that is not there changes nothing."""

    timer: str


Effect: TypeAlias = Send | StartTimer | CancelTimer
