"""One try of one send, and what follows from how it went. Decides on retries; sends nothing twice by itself."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from adapters.errors import Misconfigured, SendFailed, TryLater, Uncertain
from adapters.fit import fit
from adapters.protocol import Call, Envelope
from gateway import metrics
from gateway.checkpoints import reach
from gateway.delivery.marker import Verdict
from gateway.delivery.outgoing import Outgoing
from storage.deliveries import Dead, Postponed, Sent

FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 60.0
MISCONFIGURED_BACKOFF_SECONDS = 30.0
GIVE_UP_AFTER = timedelta(hours=24)
"""A message that could not be sent for this long becomes a dead letter."""


async def attempt(send: Outgoing) -> str:
    """Carry out the calls that are left of a send; returns the platform's message id. Raises `SendFailed`.

    Where the channel wants doubtful calls dropped, such a call counts as made, and the next one follows.
    """
    channel = send.channel
    for index, call in enumerate(calls_of(send)):
        if index < send.calls_done:
            continue
        reach("delivery.sending")
        try:
            receipt = await channel.adapter.send(call, channel.access, envelope_of(send, index))
        except Uncertain as error:
            if channel.settings.get("uncertain_send", "resend") != "drop":
                raise
            metrics.effects("send", "uncertain").inc()
            send.doubt = f"uncertain: {_reason(error)}"
        else:
            send.receipt = receipt.message or send.receipt
        send.calls_done += 1
    return send.receipt


def calls_of(send: Outgoing) -> list[Call]:
    """The calls that a send comes to on its platform, rendered once; none when nothing of it can be said there."""
    if send.calls is None:
        channel = send.channel
        message = fit(send.send.message, channel.adapter.capabilities)
        send.calls = (
            [] if message is None else channel.adapter.render(send.recipient, message, channel.access)
        )
    return send.calls


def envelope_of(send: Outgoing, call: int = 0) -> Envelope:
    """What goes with one of its calls."""
    return Envelope(
        key=send.id, conversation_id=send.conversation_id, seq=send.seq, at=send.created_at, call=call
    )


def sent(send: Outgoing, now: datetime) -> Verdict:
    """It went out, as far as anybody knows."""
    metrics.effects("send", "done").inc()
    metrics.delivery_seconds(send.channel.platform).observe((now - send.created_at).total_seconds())
    return Sent(id=send.id, created_at=send.created_at, external_id=send.receipt, detail=send.doubt)


def failed(send: Outgoing, error: SendFailed, now: datetime) -> Verdict:
    """It did not go out, or nobody knows: try again, or give up and say why."""
    reason = _reason(error)
    if not error.retryable or now - send.created_at > GIVE_UP_AFTER:
        metrics.effects("send", "failed").inc()
        return Dead(id=send.id, created_at=send.created_at, error=reason)
    metrics.effects("send", "retried").inc()
    send.attempts += 1
    send.due_at = now + _backoff(send, error)
    return Postponed(
        id=send.id,
        conversation_id=send.conversation_id,
        attempts=send.attempts,
        due_at=send.due_at,
        error=reason,
        calls_done=send.calls_done,
    )


def _reason(error: SendFailed) -> str:
    return f"{error.code}: {error.reason}" if error.code else error.reason


def _backoff(send: Outgoing, error: SendFailed) -> timedelta:
    if isinstance(error, TryLater) and error.retry_after is not None:
        return timedelta(seconds=error.retry_after + random.uniform(0.0, 0.2))  # noqa: S311 - spreads, hides nothing
    if isinstance(error, Misconfigured):
        return timedelta(seconds=MISCONFIGURED_BACKOFF_SECONDS)
    exponential = FIRST_BACKOFF_SECONDS * 2 ** min(send.attempts - 1, 10)
    return timedelta(seconds=min(exponential, MAX_BACKOFF_SECONDS) * random.uniform(0.8, 1.2))  # noqa: S311 - as above
