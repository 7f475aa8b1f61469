"""Rules for values: which fault each finds, and which rules are none."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.answers import Reading
from engine.problems import findings_of
from engine.validation import Rules, check_of, compile_rules
from engine.variables import MAX_TEXT, VariableError
from tests.pace import assert_within

TODAY = Reading(today=date(2026, 1, 31))


def rules(**given: Any) -> Rules:
    return Rules.model_validate(given)


@pytest.mark.parametrize(
    ("given", "value", "fault"),
    [
        ({}, "anything", ""),
        ({}, None, ""),
        ({"min_length": 3}, "ab", "too_short"),
        ({"min_length": 3}, "abc", ""),
        ({"max_length": 3}, "abcd", "too_long"),
        ({"max_length": 3}, "🚀🚀🚀", ""),
        ({"min_length": 3}, 1, ""),
        ({"minimum": 1}, 0.5, "too_small"),
        ({"minimum": 1}, 1, ""),
        ({"maximum": 10}, 11, "too_large"),
        ({"maximum": 10}, 10, ""),
        ({"minimum": 5}, True, ""),
        ({"minimum": 5}, "4", ""),
        ({"minimum": 0}, float("nan"), "too_small"),
        ({"maximum": 0}, float("nan"), "too_large"),
        ({"minimum": 0}, 10**400, ""),
        ({"enum": ["Red", "Deep Blue"]}, "deep  BLUE", ""),
        ({"enum": ["Red", "Deep Blue"]}, "ＲＥＤ", ""),
        ({"enum": ["C++", "C#"]}, "c", "not_allowed"),
        ({"enum": ["Red"]}, "green", "not_allowed"),
        ({"enum": ["Red"]}, 1, "not_allowed"),
        ({"enum": ["1"]}, 1, "not_allowed"),
        ({"enum": [1, 2.5, True]}, 1.0, ""),
        ({"enum": [1]}, True, "not_allowed"),
        ({"enum": [True]}, 1, "not_allowed"),
        ({"enum": ["Red"]}, ["Red"], "not_allowed"),
        ({"enum": ["Red"]}, None, "not_allowed"),
        ({"pattern": "[A-Z]{2}[0-9]+"}, "DE12", ""),
        ({"pattern": "[A-Z]{2}[0-9]+"}, "DE12 ", "pattern"),
        ({"pattern": "a|b"}, "ab", "pattern"),
        ({"pattern": r"\pL+"}, "größe", ""),
        ({"pattern": "(?i)sku-[0-9]+"}, "SKU-7", ""),
        ({"pattern": "a"}, "a\n", "pattern"),
        ({"pattern": ".*"}, "\ud800", ""),
        ({"pattern": "a"}, 1, ""),
        ({"min_length": 5, "pattern": "a+"}, "b", "too_short"),
        ({"earliest": "2026-01-31"}, "2026-01-30", "too_early"),
        ({"earliest": "2026-01-31"}, "2026-01-31", ""),
        ({"latest": "today"}, "2026-02-01", "too_late"),
        ({"latest": "today"}, "2026-01-31", ""),
        ({"earliest": "today+1d", "latest": "today + 30d"}, "2026-01-31", "too_early"),
        ({"earliest": "today+1d", "latest": "today+30d"}, "2026-03-03", "too_late"),
        ({"earliest": "today+1d", "latest": "today+30d"}, "2026-03-02", ""),
        ({"latest": "today-18y"}, "2008-01-31", ""),
        ({"latest": "today-18y"}, "2008-02-01", "too_late"),
        ({"earliest": "today+1m"}, "2026-02-27", "too_early"),
        ({"earliest": "today-2w"}, "2026-01-17", ""),
        ({"earliest": "today+9999y"}, "2026-01-17", ""),
        ({"earliest": "today"}, "no date", ""),
        ({"earliest": "today"}, 5, ""),
    ],
)
def test_a_value_and_what_is_wrong_with_it(given: dict[str, Any], value: Any, fault: str) -> None:
    assert compile_rules(rules(**given))(value, TODAY) == fault


def test_days_from_today_wait_until_today_is_known() -> None:
    check = compile_rules(rules(earliest="today", latest="2026-12-31"))
    assert check("2026-01-01", Reading()) == ""
    assert check("2027-01-01", Reading()) == "too_late"


def test_the_enumerations_own_spelling_is_kept() -> None:
    check = compile_rules(rules(enum=["Deep Blue", "deep blue", 1, True]))
    assert check.canonical("DEEP  blue") == "Deep Blue"
    assert check.canonical("green") == "green"
    assert check.canonical(1.0) == 1
    assert check.canonical(True) is True
    assert compile_rules(rules()).canonical("DEEP") == "DEEP"


@pytest.mark.parametrize(
    ("given", "place", "message", "mend"),
    [
        ({"pattern": "("}, ("pattern",), "this is no regular expression: missing ): (", "look-around"),
        ({"pattern": "(?=a)b"}, ("pattern",), "invalid perl operator: (?=", "look-around"),
        ({"pattern": r"(a)\1"}, ("pattern",), "invalid escape sequence", "back-references"),
        ({"pattern": "((a{100}){100}){100}"}, ("pattern",), "invalid repetition size", "correct it"),
        ({"pattern": ";("}, ("pattern",), "missing ): ,(", "correct it"),
        ({"pattern": "a" * 501}, ("pattern",), "at most 500", "make it shorter"),
        ({"pattern": ""}, ("pattern",), "at least 1", "write at least one character"),
        ({"min_length": 5, "max_length": 4}, (), "no text has these lengths", "max_length"),
        ({"minimum": 2, "maximum": 1}, (), "no number is in these bounds", "maximum"),
        ({"earliest": "2026-02-01", "latest": "2026-01-01"}, (), "no day is in these bounds", "latest"),
        ({"earliest": "tomorrow"}, ("earliest",), "this is no day", "today+30d"),
        ({"latest": "2026-02-30"}, ("latest",), "this is no day", "today+30d"),
        ({"latest": "today+5x"}, ("latest",), "this is no day", "today+30d"),
        ({"enum": []}, ("enum",), "at least 1", "add at least one"),
        ({"enum": ["a", None]}, ("enum", 1), "this can't be listed", "write a text"),
        ({"enum": ["a" * 201]}, ("enum", 0), "more than 200", "shorter"),
        ({"minimum": "1"}, ("minimum",), "valid number", "without quotes"),
        ({"minimum": float("nan")}, ("minimum",), "finite", "correct it"),
        ({"max_length": MAX_TEXT + 1}, ("max_length",), "less than or equal", "correct it"),
        ({"patern": "a"}, ("patern",), "there is no such setting", 'did you mean "pattern"?'),
    ],
)
def test_rules_that_are_none_are_named_with_their_mend(
    given: dict[str, Any], place: tuple[str | int, ...], message: str, mend: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        rules(**given)
    [(path, said, mended)] = findings_of(refused.value, Rules)
    assert path == place
    assert message in said
    assert mend in mended


def test_a_refused_pattern_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValidationError):
        rules(pattern="(")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a|a)*b", "(a*)*c", "(x+x+)+y", "(?:a?){30}a{30}", "(.*)(.*)(.*)(.*)z"]
)
def test_a_catastrophic_pattern_is_not_one(pattern: str) -> None:
    text = "a" * (MAX_TEXT - 1) + "!"
    assert_within(0.1, lambda: compile_rules(rules(pattern=pattern))(text))


def test_a_long_text_is_validated_in_less_than_a_millisecond() -> None:
    check = compile_rules(
        rules(
            min_length=1,
            max_length=MAX_TEXT,
            pattern=r"[\pL ]*",
            schema={"type": "string", "pattern": "^a*$"},
        )
    )
    text = "a" * MAX_TEXT
    assert check(text) == ""
    assert_within(0.001, lambda: check(text), number=20)


@pytest.mark.parametrize("given", [{}, {"min_length": 0}])
def test_a_variable_without_rules_has_no_check(given: dict[str, Any]) -> None:
    assert check_of(rules(**given)) is None


def test_a_variables_check_gives_the_value_or_an_error_that_does_not_quote_it() -> None:
    check = check_of(rules(enum=["Deep Blue"]))
    assert check is not None
    assert check("deep blue") == "Deep Blue"
    with pytest.raises(VariableError, match="none of the values allowed") as refused:
        check("secret")
    assert "secret" not in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
EVERY_RULE = compile_rules(
    rules(
        min_length=1, max_length=9, minimum=-5, maximum=5, pattern="[a-z0-9-]*", earliest="today", latest="today+1y",
        schema={"type": ["string", "number", "object", "array"], "maxProperties": 2},
    )
)  # fmt: skip


@given(JSON, st.none() | st.dates())
def test_no_value_makes_it_raise(value: Any, today: date | None) -> None:
    assert isinstance(EVERY_RULE(value, Reading(today=today)), str)
    assert compile_rules(rules(enum=["a", 1]))(value) in ("", "not_allowed")


@given(st.text(max_size=40))
def test_no_text_makes_a_pattern_raise_anything_else(source: str) -> None:
    try:
        check = compile_rules(rules(pattern=source))
    except ValidationError:
        return
    assert check("text") in ("", "pattern")
