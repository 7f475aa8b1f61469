"""How often one socket may speak."""

from __future__ import annotations

from gateway.web.limits import BURST, PER_SECOND, Bucket


def test_a_burst_then_a_steady_rate() -> None:
    bucket = Bucket(100.0)
    assert [bucket.take(100.0) for _ in range(BURST + 2)] == [True] * BURST + [False] * 2
    assert bucket.refused == 2
    taken = sum(bucket.take(100.0 + step / 100) for step in range(1, 1001))
    assert taken == 10 * PER_SECOND


def test_a_refusal_is_forgotten_after_a_rest_not_after_the_next_frame() -> None:
    bucket = Bucket(0.0)
    for _ in range(BURST + 5):
        bucket.take(0.0)
    assert bucket.take(0.5)
    assert bucket.refused == 5
    assert bucket.take(60.0)
    assert bucket.refused == 0


def test_a_rest_saves_no_more_than_a_burst() -> None:
    bucket = Bucket(0.0)
    assert [bucket.take(9_999.0) for _ in range(BURST + 1)] == [True] * BURST + [False]
