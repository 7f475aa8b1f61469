"""How long a send waits after each kind of failure, when it is given up, and what an operator reads."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace

from adapters.capabilities import Certainty
from adapters.errors import (
    CustomerGone,
    Misconfigured,
    Refused,
    SendFailed,
    TryLater,
    Uncertain,
    WindowClosed,
)
from gateway.delivery.attempt import MAX_ASKED_BACKOFF_SECONDS, failed
from gateway.delivery.outgoing import Outgoing, OutgoingPayload, decode_payload
from gateway.delivery.trouble import WORDS, Trouble, explain, trouble_of
from storage.deliveries import Dead, Postponed
from tests.unit.test_delivery_lanes import NOW, RecordingAdapter, outgoing


def tried(error: SendFailed, attempts: int = 0, certainty: Certainty = "none") -> tuple[Outgoing, float]:
    """A send after such a failure, and the seconds until the next try."""
    adapter = RecordingAdapter()
    confirm = 20.0 if certainty == "status" else 0.0
    adapter.capabilities = replace(adapter.capabilities, certainty=certainty, confirm_seconds=confirm)
    send = outgoing(adapter, 1)
    send.attempts = attempts
    send.doubtful = certainty in ("status", "lookup") and isinstance(error, Uncertain)
    verdict = failed(send, error, NOW)
    assert isinstance(verdict, Postponed)
    return send, (send.due_at - NOW).total_seconds()


@pytest.mark.parametrize("attempts", [0, 1, 5, 40])
def test_no_try_comes_before_the_moment_that_the_platform_named(attempts: int) -> None:
    _, seconds = tried(TryLater("slow down", retry_after=7.0), attempts)
    assert 7.0 <= seconds <= 7.2
    _, seconds = tried(TryLater("slow down", retry_after=500.0, backoff_base=4.0), attempts)
    assert seconds >= 500.0


def test_waits_grow_as_the_platform_asks() -> None:
    waits = [
        tried(TryLater("pair limit", code="131056", backoff_base=4.0), attempts)[1] for attempts in range(4)
    ]
    for wait, least in zip(waits, (4, 16, 64, 256), strict=True):
        assert least <= wait <= least + 0.2


def test_waits_have_an_end() -> None:
    assert tried(TryLater("pair limit", backoff_base=4.0), 500)[1] <= MAX_ASKED_BACKOFF_SECONDS + 0.2
    assert tried(TryLater("outage"), 500)[1] <= 60 * 1.2


def test_a_call_in_doubt_waits_for_its_report_and_not_where_none_comes() -> None:
    assert tried(Uncertain("cut"), certainty="status")[1] == 20.0
    for certainty in ("none", "lookup", "idempotent"):
        assert tried(Uncertain("cut"), certainty=certainty)[1] < 1.0


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (CustomerGone("blocked"), "gone"),
        (Refused("too long"), "refused"),
        (WindowClosed("a day"), "window"),
    ],
)
def test_what_will_never_go_is_a_dead_letter_at_once(error: SendFailed, trouble: Trouble) -> None:
    verdict = failed(outgoing(RecordingAdapter(), 1), error, NOW)
    assert isinstance(verdict, Dead)
    assert f'"trouble":"{trouble}"' in verdict.progress


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (TryLater("out of order"), "expired"),
        (Misconfigured("the token is refused"), "expired_config"),
        (Uncertain("cut"), "expired_doubt"),
    ],
)
def test_what_could_not_go_for_a_day_is_given_up(error: SendFailed, trouble: Trouble) -> None:
    later = NOW + timedelta(hours=24, seconds=1)
    verdict = failed(outgoing(RecordingAdapter(), 1), error, later)
    assert isinstance(verdict, Dead)
    assert trouble_of(error) == trouble
    replayed = outgoing(RecordingAdapter(), 1)
    replayed.since = later
    assert isinstance(failed(replayed, error, later), Postponed), "a replayed one has its day anew"


def test_every_kind_of_trouble_has_words_for_the_operator() -> None:
    assert set(WORDS) == set(get_args(Trouble))
    for meaning, advice in [*WORDS.values(), explain("of another version")]:
        assert meaning.endswith(".")
        assert advice.endswith(".")


def test_a_send_goes_on_where_it_stopped() -> None:
    send = outgoing(RecordingAdapter(), 1)
    send.calls_done, send.calls_known, send.receipt, send.doubtful = 2, 3, "99", True
    send.counted = send.closed = True
    send.remark("template welcome instead of the message")
    stored = decode_payload(send.payload().removesuffix("}") + "," + send.progress().removeprefix("{"))
    heir = outgoing(RecordingAdapter(), 1)
    heir.resume(stored)
    assert heir.progress() == send.progress()


def test_an_effect_of_an_older_version_can_be_read() -> None:
    payload = decode_payload(b'{"send":{"type":"send","message":{"text":"hi"}},"seq":3,"calls_done":1}')
    assert isinstance(payload, OutgoingPayload)
    assert (payload.seq, payload.calls_done, payload.doubt) == (3, 1, False)
