"""One call of one send, and what follows from how it went. Decides on retries; sends nothing twice by itself."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

from adapters.errors import Misconfigured, SendFailed, TryLater, Uncertain
from adapters.protocol import Call, Envelope, Receipt
from gateway import metrics
from gateway.checkpoints import reach
from gateway.delivery.marker import Verdict
from gateway.delivery.outgoing import Outgoing
from gateway.delivery.trouble import Trouble, trouble_of
from storage.deliveries import Dead, Held, Postponed, Sent

FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 60.0
MAX_ASKED_BACKOFF_SECONDS = 3600.0
"""The longest wait that a platform's demand for growing waits comes to."""
MISCONFIGURED_BACKOFF_SECONDS = 30.0
GIVE_UP_AFTER = timedelta(hours=24)
"""A message that could not be sent for this long becomes a dead letter."""


async def make_call(send: Outgoing) -> bool:
    """Carry out the next call of a rendered send; whether it was the last. Raises `SendFailed`.

    A call in doubt is looked for first, where the platform lets us. Where nothing can be known and the channel wants
    doubtful calls dropped, such a call counts as made.
    """
    calls = send.calls or []
    if send.calls_done < len(calls):
        call, envelope = calls[send.calls_done], envelope_of(send, send.calls_done)
        receipt = await _found(send, call, envelope)
        if receipt is None:
            receipt = await _carried_out(send, call, envelope)
        send.doubtful = False
        send.receipt = receipt.message or send.receipt
        send.calls_done += 1
    return send.calls_done >= len(calls)


async def _found(send: Outgoing, call: Call, envelope: Envelope) -> Receipt | None:
    channel = send.channel
    if not send.doubtful or channel.adapter.capabilities.certainty != "lookup":
        return None
    try:
        receipt = await channel.adapter.find(call, channel.access, envelope)
    except Uncertain as error:  # of looking, not of sending
        raise TryLater(error.reason, code=error.code) from error
    if receipt is not None:
        metrics.effects("send", "uncertain").inc()
    return receipt


async def _carried_out(send: Outgoing, call: Call, envelope: Envelope) -> Receipt:
    channel = send.channel
    certainty = channel.adapter.capabilities.certainty
    reach("delivery.sending")
    send.in_flight = True
    try:
        receipt = await channel.adapter.send(call, channel.access, envelope)
    except Uncertain as error:
        send.in_flight = False
        if certainty != "none" or channel.settings.get("uncertain_send", "resend") != "drop":
            send.doubtful = certainty in ("status", "lookup")
            raise
        metrics.effects("send", "uncertain").inc()
        send.remark(f"uncertain: {reason_of(error)}")
        return Receipt()
    except Exception:
        send.in_flight = False
        raise
    send.in_flight = False  # not so when cancelled: then nobody knows
    return receipt


def envelope_of(send: Outgoing, call: int = 0) -> Envelope:
    """What goes with one of its calls."""
    return Envelope(
        key=send.id, conversation_id=send.conversation_id, seq=send.seq, at=send.created_at, call=call
    )


def sent(send: Outgoing, now: datetime) -> Verdict:
    """It went out, as far as anybody knows."""
    metrics.effects("send", "done").inc()
    metrics.delivery_seconds(send.channel.platform).observe((now - send.since).total_seconds())
    return Sent(
        id=send.id,
        created_at=send.created_at,
        external_id=send.receipt,
        detail=send.note,
        calls=send.total,
    )


def held(send: Outgoing, trouble: Trouble, reason: str) -> Verdict:
    """It may not go out now, and nobody knows when: an operator decides."""
    metrics.effects("send", "held").inc()
    return Held(id=send.id, created_at=send.created_at, error=reason, progress=send.progress(trouble))


def failed(send: Outgoing, error: SendFailed, now: datetime) -> Verdict:
    """It did not go out, or nobody knows: try again, or give up and say why."""
    reason = reason_of(error)
    if not error.retryable or now - send.since > GIVE_UP_AFTER:
        metrics.effects("send", "failed").inc()
        return dead(send, trouble_of(error), reason)
    metrics.effects("send", "retried").inc()
    send.attempts += 1
    send.due_at = send.doubt_until = now + backoff(send, error)
    return Postponed(
        id=send.id,
        conversation_id=send.conversation_id,
        attempts=send.attempts,
        due_at=send.due_at,
        error=reason,
        progress=send.progress(),
    )


def dead(send: Outgoing, trouble: Trouble, reason: str) -> Verdict:
    """It is given up."""
    return Dead(id=send.id, created_at=send.created_at, error=reason, progress=send.progress(trouble))


def reason_of(error: SendFailed) -> str:
    """What an operator reads."""
    return f"{error.code}: {error.reason}" if error.code else error.reason


def backoff(send: Outgoing, error: SendFailed) -> timedelta:
    """How long to wait before the next try; `send.attempts` counts this one. Never less than the platform asks for."""
    if isinstance(error, Uncertain) and send.doubtful:
        confirm = send.channel.adapter.capabilities.confirm_seconds
        return timedelta(seconds=max(confirm, _exponential(send.attempts)))
    if isinstance(error, Misconfigured):
        return timedelta(seconds=MISCONFIGURED_BACKOFF_SECONDS)
    if not isinstance(error, TryLater) or (error.retry_after is None and error.backoff_base is None):
        return timedelta(seconds=_exponential(send.attempts))
    least = error.retry_after or 0.0
    if error.backoff_base is not None:
        least = max(least, _power(error.backoff_base, send.attempts))
    return timedelta(seconds=least + random.uniform(0.0, 0.2))  # noqa: S311 - spreads, hides nothing


def _exponential(attempts: int) -> float:
    seconds = FIRST_BACKOFF_SECONDS * math.pow(2, min(attempts - 1, 10))
    return min(seconds, MAX_BACKOFF_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311 - as above


def _power(base: float, attempts: int) -> float:
    """`base` to the power of `attempts`, capped."""
    return min(math.pow(base, min(attempts, 32)), MAX_ASKED_BACKOFF_SECONDS)
