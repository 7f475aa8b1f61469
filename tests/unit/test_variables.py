"""Variables: what may be kept, and what a declared type makes of a value."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.expressions import UNDEFINED
from engine.variables import MAX_TEXT, VariableError, VariableType, fit, storable


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1, 1),
        (True, True),
        (None, None),
        (UNDEFINED, None),
        (math.nan, None),
        (math.inf, None),
        (2**53, float(2**53)),
        (10**400, None),
        ((1, 2), [1, 2]),
        (MappingProxyType({"a": (1,)}), {"a": [1]}),
        ({1: 2}, {"1": 2}),
        (object(), None),
        ("x" * (MAX_TEXT + 5), "x" * MAX_TEXT),
        ("\ud800\0", "\ufffd\ufffd"),
    ],
)
def test_what_is_kept_is_plain_bounded_data(value: Any, kept: Any) -> None:
    assert storable(value) == kept


@pytest.mark.parametrize("value", [[0] * 1_000, {str(key): key for key in range(1_000)}, [[[[[[[[[1]]]]]]]]]])
def test_too_much_in_one_variable_is_refused(value: Any) -> None:
    with pytest.raises(VariableError, match="at most 1000 values, 8 deep"):
        storable(value)


@pytest.mark.parametrize(
    ("type_", "value", "kept"),
    [
        ("string", "x", "x"),
        ("string", 2.50, "2.5"),
        ("string", 3.0, "3"),
        ("string", False, "false"),
        ("email", "", ""),
        ("phone", "+49", "+49"),
        ("number", 2, 2),
        ("integer", 3.0, 3),
        ("boolean", True, True),
        ("object", {}, {}),
        ("array", (1,), [1]),
        ("any", [1], [1]),
        ("integer", None, None),
    ],
)
def test_a_value_takes_its_declared_type(type_: VariableType, value: Any, kept: Any) -> None:
    fitted = fit(value, type_)
    assert fitted == kept
    assert type(fitted) is type(kept)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("string", []),
        ("number", "2"),
        ("number", True),
        ("integer", 2.5),
        ("boolean", 1),
        ("object", []),
        ("array", {}),
        ("email", {}),
    ],
)
def test_a_value_of_another_type_is_refused(type_: VariableType, value: Any) -> None:
    with pytest.raises(VariableError):
        fit(value, type_)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(json_like)
def test_what_is_kept_reads_back_equal(value: Any) -> None:
    try:
        kept = storable(value)
    except VariableError:
        return
    assert msgspec.json.decode(msgspec.json.encode(kept)) == kept


def test_the_text_of_a_variable_is_bounded_in_all() -> None:
    long = "x" * MAX_TEXT
    assert storable([long] * 4) == [long] * 4
    with pytest.raises(VariableError, match="characters of text"):
        storable([long] * 5)
    with pytest.raises(VariableError, match="characters of text"):
        storable(
            {long + str(number): 1 for number in range(5)} | {"y" * MAX_TEXT + "z": long, "k": [long] * 4}
        )
