"""Ids: time-ordered, valid UUIDs of version 7, with room for derived ones."""

from __future__ import annotations

import time
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.ids import MAX_ORDINAL, derived, new_id
from tests.pace import assert_within


def test_an_id_is_a_uuid_of_version_7_with_its_time() -> None:
    identifier = new_id(1_700_000_000_123)
    assert (identifier.version, identifier.variant) == (7, RFC_4122)
    assert identifier.int >> 80 == 1_700_000_000_123
    assert identifier.int & MAX_ORDINAL == 0


def test_without_a_time_it_takes_the_clock() -> None:
    before = time.time_ns() // 1_000_000
    assert before <= new_id().int >> 80 <= time.time_ns() // 1_000_000


def test_ids_are_in_the_order_of_time_within_a_millisecond_too() -> None:
    made = []
    for _ in range(200):
        made.append(new_id())
        until = time.perf_counter_ns() + 2_000
        while time.perf_counter_ns() < until:
            pass
    assert made == sorted(made)


def test_ids_differ() -> None:
    assert len({new_id() for _ in range(100_000)}) == 100_000
    assert len({new_id(1) for _ in range(10_000)}) == 10_000


@given(first=st.integers(1, MAX_ORDINAL), second=st.integers(1, MAX_ORDINAL))
def test_derived_ids_are_the_same_for_the_same_and_differ_otherwise(first: int, second: int) -> None:
    identifier = new_id(1_700_000_000_123)
    one, other = derived(identifier, first), derived(identifier, second)
    assert (one == other) is (first == second)
    assert (one < other) is (first < second)
    assert identifier < one
    assert one.int & ~MAX_ORDINAL == identifier.int
    assert (one.version, one.variant) == (7, RFC_4122)


@pytest.mark.parametrize("ordinal", [0, -1, MAX_ORDINAL + 1])
def test_an_ordinal_out_of_range_is_refused(ordinal: int) -> None:
    with pytest.raises(ValueError, match="ordinal"):
        derived(new_id(), ordinal)


def test_nothing_is_derived_from_a_derived_id() -> None:
    with pytest.raises(ValueError, match="ordinal 1 of"):
        derived(derived(new_id(), 1), 1)
    with pytest.raises(ValueError, match="ordinal 1 of"):
        derived(UUID(int=1), 1)


def test_an_id_takes_less_than_two_microseconds() -> None:
    assert_within(2e-6, new_id, number=10_000, tries=10)
