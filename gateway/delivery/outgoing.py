"""A send on its way out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from adapters.protocol import Call
from engine.effects import Send
from engine.messages import OutboundMessage
from gateway.channel import Channel


class OutgoingPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the effect's row keeps of it, as JSON. `storage/queries/delivery.sql` knows these names."""

    send: Send
    seq: int
    calls_done: int = 0
    answers: str = ""
    """The platform's id of the customer's message that this send answers, when it is the first that does."""
    calls: int = 0
    """How many calls it comes to, when that is known."""
    doubt: bool = False
    """The call after those that are done may have been carried out."""
    confirmed: int = 0
    """How many calls the platform has reported on, by our key."""
    receipt: str = ""
    """The platform's id of the last message that it became."""
    failure: str = ""
    """What the platform reported of a call that it had taken and could not carry out, by our key."""
    counted: bool = False
    """It is counted among the day's templates already."""
    closed: bool = False
    """The platform says that the customer's window is closed."""
    note: str = ""
    """How far from plain it went out, so far."""
    since: datetime | None = None
    """When an operator had it sent anew."""
    before: tuple[str, ...] = ()
    """The platform's ids of earlier tries that failed for good: reports on them say nothing of this one."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the payload that changes from try to try; merged into the row, so nothing is left out."""

    calls_done: int
    calls: int
    doubt: bool
    receipt: str
    counted: bool
    closed: bool
    note: str
    trouble: str = ""
    """The kind of trouble that ended it (`gateway.delivery.trouble`)."""


_encode = msgspec.json.Encoder().encode
decode_payload = msgspec.json.Decoder(OutgoingPayload).decode


class Outgoing:
    """One ordered effect in this worker's hands. `id` and `created_at` are the message's too."""

    __slots__ = (
        "addressed",
        "announced",
        "answers",
        "attempts",
        "calls",
        "calls_done",
        "calls_known",
        "channel",
        "closed",
        "confirmed",
        "conversation_id",
        "counted",
        "created_at",
        "doubt_until",
        "doubtful",
        "due_at",
        "failure",
        "gone",
        "heard_at",
        "id",
        "in_flight",
        "lease_until",
        "message",
        "new",
        "note",
        "position",
        "receipt",
        "recipient",
        "send",
        "seq",
        "since",
    )

    def __init__(
        self,
        *,
        id: UUID,
        created_at: datetime,
        conversation_id: UUID,
        channel: Channel,
        recipient: str,
        position: int,
        seq: int,
        send: Send,
        due_at: datetime,
        attempts: int = 0,
        lease_until: datetime | None = None,
        answers: str = "",
        heard_at: datetime | None = None,
    ) -> None:
        self.id = id
        self.created_at = created_at
        self.conversation_id = conversation_id
        self.channel = channel
        self.recipient = recipient
        self.addressed = ""
        """The recipient of `calls`, once there are any."""
        """The conversation key: where the platform sends it."""
        self.position = position
        self.seq = seq
        self.send = send
        self.due_at = due_at
        self.attempts = attempts
        self.lease_until = lease_until
        """Until when this worker may send it; None before the turn's commit has said so."""
        self.answers = answers
        """The platform's id of the customer's message that it answers; empty when it answers none."""
        self.heard_at = heard_at
        """When the customer last said something in this conversation, as far as is known."""
        self.since = created_at
        """Since when it is tried."""
        self.message: OutboundMessage = send.message
        """What is said in the end: the send's message, or the template that stands in for it."""
        self.calls: list[Call] | None = None
        """The calls that it comes to, once rendered."""
        self.calls_done = 0
        """How many of its calls the platform has taken: a long text is several."""
        self.calls_known = 0
        """How many calls an earlier worker found that it comes to; 0 when none has noted it."""
        self.confirmed = 0
        """How many of its calls the platform has reported on."""
        self.receipt = ""
        """The platform's id of the last message that it became."""
        self.note = ""
        """How far from plain it went out."""
        self.doubtful = False
        """Whether the next call may have been carried out already."""
        self.doubt_until = due_at
        """Until when a report may settle that."""
        self.failure = ""
        """What the platform reported of a call that it had taken and could not carry out."""
        self.counted = False
        self.closed = False
        """Whether the platform itself said that the customer's window is closed."""
        self.new = False
        """Whether it is said anew, although it was to replace an earlier message."""
        self.gone = False
        """Whether its row is gone: somebody has dealt with it otherwise."""
        self.announced = False
        """Whether the customer's message that it answers is marked as read."""
        self.in_flight = False
        """Whether a call has left and is not answered yet."""

    def resume(self, payload: OutgoingPayload) -> None:
        """Go on where an earlier try, or an earlier worker, stopped."""
        self.calls_done = payload.calls_done
        self.calls_known = payload.calls
        self.confirmed = payload.confirmed
        self.receipt = payload.receipt
        self.note = payload.note
        self.doubtful = payload.doubt
        self.failure = payload.failure
        self.counted = payload.counted
        self.closed = payload.closed
        self.since = payload.since or self.created_at

    @property
    def total(self) -> int:
        """How many calls it comes to; 0 while nobody knows. A message of several is noted as such before it leaves,
        so what a report names and nobody has noted is one.
        """
        if self.calls is not None:
            return len(self.calls)
        return self.calls_known or int(self.confirmed > 0)

    def remark(self, note: str) -> None:
        """Note how it differs from what was decided."""
        if note not in self.note:
            self.note = f"{self.note}; {note}" if self.note else note

    def payload(self) -> str:
        """The JSON that the effect's row begins with."""
        return _encode(OutgoingPayload(send=self.send, seq=self.seq, answers=self.answers)).decode()

    def progress(self, trouble: str = "") -> str:
        """The JSON that is merged into the row after a try."""
        return _encode(
            Progress(
                calls_done=self.calls_done,
                calls=self.total,
                doubt=self.doubtful,
                receipt=self.receipt,
                counted=self.counted,
                closed=self.closed,
                note=self.note,
                trouble=trouble,
            )
        ).decode()
