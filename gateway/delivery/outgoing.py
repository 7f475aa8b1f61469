"""A send on its way out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from adapters.protocol import Call
from engine.effects import Send
from gateway.channel import Channel


class OutgoingPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the effect's row keeps of it, as JSON."""

    send: Send
    seq: int
    calls_done: int = 0
    answers: str = ""
    """The platform's id of the customer's message that this send answers, when it is the first that does."""


_encode = msgspec.json.Encoder().encode
decode_payload = msgspec.json.Decoder(OutgoingPayload).decode


class Outgoing:
    """One ordered effect in this worker's hands. `id` and `created_at` are the message's too."""

    __slots__ = (
        "answers",
        "attempts",
        "calls",
        "calls_done",
        "channel",
        "conversation_id",
        "created_at",
        "doubt",
        "due_at",
        "heard_at",
        "id",
        "lease_until",
        "position",
        "receipt",
        "recipient",
        "send",
        "seq",
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
        calls_done: int = 0,
        answers: str = "",
        heard_at: datetime | None = None,
    ) -> None:
        self.id = id
        self.created_at = created_at
        self.conversation_id = conversation_id
        self.channel = channel
        self.recipient = recipient
        """The conversation key: where the platform sends it."""
        self.position = position
        self.seq = seq
        self.send = send
        self.due_at = due_at
        self.attempts = attempts
        self.lease_until = lease_until
        """Until when this worker may send it; None before the turn's commit has said so."""
        self.calls_done = calls_done
        """How many of its calls the platform has taken: a long text is several."""
        self.calls: list[Call] | None = None
        """The calls that it comes to, once rendered."""
        self.answers = answers
        """The platform's id of the customer's message that it answers; empty when it answers none."""
        self.heard_at = heard_at
        """When the customer last said something in this conversation, as far as is known."""
        self.receipt = ""
        """The platform's id of the last message that it became."""
        self.doubt = ""
        """What is not known of a call that counts as made."""

    def payload(self) -> str:
        """The JSON that the effect's row keeps."""
        return _encode(OutgoingPayload(send=self.send, seq=self.seq, answers=self.answers)).decode()
