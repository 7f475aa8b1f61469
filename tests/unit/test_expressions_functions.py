"""The standard library: what each function gives, that all of them are described, and that none can be hurt."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.expressions import (
    DEFAULT_FUNCTIONS,
    UNDEFINED,
    ExpressionError,
    ExpressionSyntaxError,
    Function,
    compile_expression,
)
from engine.expressions.functions import MOST_ARGUMENTS, SUBJECTS, reference
from engine.expressions.functions.patterns import MAX_PATTERN
from engine.expressions.limits import MAX_DATA_DEPTH, MAX_ITEMS, MAX_TEXT
from tests.pace import assert_within

ENV: Mapping[str, Any] = {
    "noon": "2026-01-14T12:00:00Z",  # a Wednesday
    "berlin": "2026-01-14T14:30:00+01:00",
    "ms": 1_768_392_000_000,  # noon
    "at": datetime(2026, 1, 14, 12, tzinfo=UTC),
    "list": [3, "b", 1, None, "A"],
    "numbers": [1, 2, 3.5],
    "orders": [{"id": "b", "price": 5}, {"id": "a", "price": 20}, {"id": "c"}],
    "user": {"name": "Ana", "note": None, "tags": ["vip"]},
    "nothing": None,
    "text": " Hello, world ",
}


def value_of(source: str, env: Mapping[str, Any] = ENV) -> Any:
    return compile_expression(source)(env)


# What each gives

TIMES = [
    ("is_business_hours(noon)", True),
    ("is_business_hours(noon, 'Asia/Tokyo')", False),
    ("is_business_hours(noon, 'UTC', '12:00', '12:01')", True),
    ("is_business_hours(noon, 'UTC', '08:00', '12:00')", False),
    ("is_business_hours(noon, undefined, '9:00')", True),
    ("is_business_hours(noon, 'UTC', null, null, [6, 7])", False),
    ("is_business_hours(noon, 'UTC', '09:00', '18:00', [3])", True),
    ("is_business_hours(noon, 'UTC', '09:00', '18:00', [])", False),
    ("is_business_hours('2026-01-15T02:00:00Z', 'UTC', '22:00', '06:00', [3])", True),
    ("is_business_hours('2026-01-14T02:00:00Z', 'UTC', '22:00', '06:00', [3])", False),
    ("is_business_hours('2026-01-14T23:00:00Z', 'UTC', '22:00', '06:00', [3])", True),
    ("is_business_hours('2026-01-19T02:00:00Z', 'UTC', '22:00', '06:00', [7])", True),
    ("is_business_hours('2026-01-14T06:00:00Z', 'UTC', '22:00', '06:00', [3, 2])", False),
    ("is_business_hours('2026-01-14T23:59:59Z', 'UTC', '00:00', '24:00', [3])", True),
    ("is_business_hours('2026-01-15T08:59:00Z', 'UTC', '09:00', '09:00', [3])", True),
    ("is_weekend(noon)", False),
    ("is_weekend('2026-01-16T23:30:00Z', 'Europe/Berlin')", True),
    ("is_weekend('2026-01-18')", True),
    ("date(noon)", "2026-01-14"),
    ("date('2026-01-14T23:30:00-05:00')", "2026-01-15"),
    ("date('2026-01-14T23:30:00Z', 'Europe/Berlin')", "2026-01-15"),
    ("date(ms)", "2026-01-14"),
    ("time_of_day(at, 'Asia/Kolkata')", "17:30"),
    ("time_of_day(noon)", "12:00"),
    ("hour_of(berlin)", 13),
    ("hour_of(berlin, 'Europe/Berlin')", 14),
    ("weekday_of(noon)", 3),
    ("weekday_of('2026-01-18T12:00:00Z')", 7),
    ("add_time(noon, 90, 'seconds')", "2026-01-14T12:01:30+00:00"),
    ("add_time(berlin, -1.5, 'hours')", "2026-01-14T13:00:00+01:00"),
    ("add_time(ms, 15, 'minutes')", "2026-01-14T12:15:00+00:00"),
    ("add_time(at, 1, 'day')", "2026-01-15T12:00:00+00:00"),
    ("add_time(noon, 2, 'weeks')", "2026-01-28T12:00:00+00:00"),
    ("add_time('2026-01-31T10:00:00Z', 1, 'month')", "2026-02-28T10:00:00+00:00"),
    ("add_time('2024-02-29T10:00:00Z', 1, 'year')", "2025-02-28T10:00:00+00:00"),
    ("add_time('2024-02-29T10:00:00Z', 4, 'years')", "2028-02-29T10:00:00+00:00"),
    ("add_time('2026-01-15T10:00:00Z', -1, 'months')", "2025-12-15T10:00:00+00:00"),
    ("add_time('2026-03-28T12:00:00+01:00', 1, 'day', 'Europe/Berlin')", "2026-03-29T12:00:00+02:00"),
    ("add_time('2026-03-28T12:00:00+01:00', 24, 'hours', 'Europe/Berlin')", "2026-03-29T13:00:00+02:00"),
    ("add_time('2026-03-28T02:30:00+01:00', 1, 'day', 'Europe/Berlin')", "2026-03-29T03:30:00+02:00"),
    ("time_between(noon, berlin, 'hours')", 1.5),
    ("time_between(berlin, noon, 'minutes')", -90),
    ("time_between(noon, '2026-01-16T00:00:00Z', 'days')", 1.5),
    ("time_between('2026-01-01', '2026-01-15', 'weeks')", 2),
    ("time_between('2026-01-31', '2026-02-28', 'months')", 1),
    ("time_between('2026-01-31', '2026-02-27', 'months')", 0),
    ("time_between('2026-02-28', '2026-01-31', 'months')", 0),
    ("time_between('2026-03-01', '2026-01-31', 'months')", -1),
    ("time_between('2000-06-15', '2026-06-14', 'years')", 25),
    ("time_between('2000-06-15', '2026-06-15', 'years')", 26),
    ("time_between('2026-06-15', '2000-06-16', 'years')", -25),
    ("is_before(noon, berlin)", True),
    ("is_before(noon, noon)", False),
    ("is_after(berlin, ms)", True),
    ("is_after(at, noon)", False),
]
TEXTS = [
    ("string(12)", "12"),
    ("String(null)", "null"),
    ("lower('ÄB')", "äb"),
    ("upper('straße')", "STRASSE"),
    ("trim(text)", "Hello, world"),
    ("trim(missing)", ""),
    ("capitalize('éa McD')", "Éa McD"),
    ("capitalize('')", ""),
    ("replace('a.b.c', '.', '$&')", "a$&b$&c"),
    ("replace('abc', '', 'x')", "abc"),
    ("split('a, b', ', ')", ["a", "b"]),
    ("split('a😀', '')", ["a", "😀"]),
    ("split('', ',')", []),
    ("join(list)", "3, b, 1, , A"),
    ("join(list, '')", "3b1A"),
    ("join(missing)", ""),
    ("starts_with(text, ' He')", True),
    ("ends_with('abc', 'b')", False),
    ("ends_with('abc', '')", True),
    ("matches('order 12', '[0-9]+')", True),
    ("matches('order 12', '^[0-9]+$')", False),
    ("matches('ÉTÉ', '(?i)^été$')", True),
    ("matches('日本', '^..$')", True),
    ("matches(nothing, '^$')", True),
    ("matches('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', '^(a+)+$')", False),
    ("similar('Coffee', ' coffee ')", 1),
    ("similar('', '')", 1),
    ("similar('abc', 'xyz')", 0),
    ("similar('coffee', 'cofee') > 0.9", True),
    ("similar('night', 'nacht')", 0.5),
]
NUMBERS = [
    ("number('12')", 12),
    ("Number('0x10')", 16),
    ("round(2.5)", 3),
    ("floor(-2.5)", -3),
    ("ceil(2.1)", 3),
    ("abs(-2)", 2),
    ("min(3, '2')", 2),
    ("max(3, '4')", 4),
    ("Math.round(-2.5)", -2),
    ("Math.floor(2.9)", 2),
    ("Math.ceil(2.1)", 3),
    ("Math.trunc(-2.9)", -2),
    ("Math.abs(-3)", 3),
    ("Math.min()", math.inf),
    ("Math.max(1, 2)", 2),
    ("clamp(12, 0, 10)", 10),
    ("clamp('-3', 0, 10)", 0),
    ("clamp(5, 0, 10)", 5),
    ("percent(1, 4)", 25),
    ("percent(1, 0)", math.inf),
    ("to_fixed(2.5, 2)", "2.50"),
    ("to_fixed('3.7')", "4"),
    ("isNaN('x')", True),
    ("parseInt('12px')", 12),
    ("parseFloat('1.5kg')", 1.5),
    ("bucket('anything', 1)", 0),
]
LISTS = [
    ("length(list)", 5),
    ("length('a😀')", 3),
    ("contains(list, 'b')", True),
    ("contains('abc', 'd')", False),
    ("count(list)", 5),
    ("count(nothing)", 0),
    ("count([1, '1', 1], 1)", 2),
    ("count([NaN, 1], NaN)", 1),
    ("count([1, undefined], missing)", 1),
    ("first(list)", 3),
    ("first([])", UNDEFINED),
    ("last(list)", "A"),
    ("last(missing) ?? 'none'", "none"),
    ("sum(numbers)", 6.5),
    ("sum(['1', 2])", 3),
    ("sum([])", 0),
    ("sum([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.1, 0.1])", 3),
    ("sum([Infinity, 1])", math.inf),
    ("sum([1e308, 1e308])", math.inf),
    ("average([1, 2])", 1.5),
    ("average([2, 2])", 2),
    ("average([])", UNDEFINED),
    ("sort(list)", [1, 3, "A", "b", None]),
    ("sort([10, 9, NaN, -1])[0]", -1),
    ("sort(['b', true, 'a', undefined, {}, null, 2])", [2, "a", "b", True, {}, None, UNDEFINED]),
    ("sort(orders, 'price')[0].id + sort(orders, 'price')[2].id", "bc"),
    ("first(sort(orders, 'id')).id", "a"),
    ("unique([1, '1', 1.0, true, 'a', 'a'])", [1, "1", True, "a"]),
    ("unique([{a: 1, b: 2}, {b: 2, a: 1}, [1], [1], []])", [{"a": 1, "b": 2}, [1], []]),
    ("unique([null, undefined, null])", [None, UNDEFINED]),
    ("reverse(numbers)", [3.5, 2, 1]),
    ("slice(numbers, 1)", [2, 3.5]),
    ("slice(list, -2)", [None, "A"]),
    ("slice('Hello', 1, -1)", "ell"),
    ("slice('a😀', 0, 2)", "a\ufffd"),
    ("slice(missing, 1)", []),
    ("Array.isArray(list)", True),
]
DATA = [
    ("keys(user)", ["name", "note", "tags"]),
    ("keys(missing)", []),
    ("values({a: 1, b: 'x'})", [1, "x"]),
    ("has(user, 'note')", True),
    ("has(user, 'other')", False),
    ("has({1: 'x'}, 1)", True),
    ("has(missing, 'a') || has(list, 'length')", False),
    ("get(orders, '[1].price')", 20),
    ("get(user, 'tags[0]')", "vip"),
    ("get(user, 'tags[9].name.first', 'none')", "none"),
    ("get(user, 'note', 1)", None),
    ("get(missing, 'a.b')", UNDEFINED),
    ("is_empty(missing) && is_empty(null) && is_empty('') && is_empty([]) && is_empty({})", True),
    ("is_empty(0) || is_empty(false) || is_empty(' ') || is_empty([0]) || is_empty(user)", False),
    ("coalesce(missing, nothing, 0, 1)", 0),
    ("coalesce(missing, nothing)", None),
    ("coalesce()", UNDEFINED),
    ("to_json({a: [1.0, 'é\"', null, NaN], b: undefined, c: true})", '{"a":[1,"é\\"",null,null],"c":true}'),
    ("to_json(missing)", "null"),
    ("to_json(text[99])", "null"),
    ('from_json(\'{"a": [1, 2.5, "x", null, true]}\')', {"a": [1, 2.5, "x", None, True]}),
    ("from_json('12345678901234567890')", 12345678901234567168.0),
    ("from_json(to_json(user)).tags[0]", "vip"),
    ("Boolean('')", False),
]
SHOWN = {"times": TIMES, "texts": TEXTS, "numbers": NUMBERS, "lists": LISTS, "data": DATA}
CASES = [(source, expected) for table in SHOWN.values() for source, expected in table]


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[source for source, _ in CASES])
def test_the_value_of_each_function(source: str, expected: Any) -> None:
    value = value_of(source)
    assert value == expected
    assert isinstance(value, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(
    ("name", "subject"), [(name, subject) for subject, table in SUBJECTS.items() for name in table]
)
def test_each_function_has_a_value_shown_here(name: str, subject: str) -> None:
    assert any(f"{name}(" in source for source, _ in SHOWN[subject])


# Refusals


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("date('noon' + '')", "this is no time"),
        ("date(nothing)", "this is no time"),
        ("date(missing)", "this is no time"),
        ("date(!missing)", "this is no time"),
        ("date('1' + '7'.repeat(5000))", "this is no time"),
        ("date(1e300 * 1)", "this is no time"),
        ("date(noon, 'Europe/' + 'Atlantis')", "there is no timezone 'Europe/Atlantis'"),
        ("date(noon, '../etc' + '/passwd')", "there is no timezone"),
        ("date('0001-01-01', 'America/New_' + 'York')", "beyond the years"),
        ("add_time(noon, 1e12, 'days')", "beyond the years"),
        ("add_time(noon, 1e300, 'seconds')", "beyond the years"),
        ("add_time(noon, 9000, 'years')", "beyond the years"),
        ("add_time(noon, 1e300, 'years')", "beyond the years"),
        ("add_time(noon, 1.5, 'days')", "days are added whole"),
        ("add_time(noon, missing, 'days')", "the amount is no number"),
        ("add_time(noon, 1, '' + 'fortnights')", "there is no unit 'fortnight'"),
        ("is_business_hours(noon, 'UTC', '25' + ':00')", "no time of day"),
        ("is_business_hours(noon, 'UTC', '09:00', '18:00', [0])", "a day of the week"),
        ("is_business_hours(noon, 'UTC', '09:00', '18:00', 3)", "no list"),
        ("matches('a', '(' + '')", r"the pattern '\(' cannot be used \(missing \)"),
        ("matches('a', missing)", "a pattern is not a text"),
        ("matches('a', 'a'.repeat(201))", f"use at most {MAX_PATTERN}"),
        ("matches('a', '(?' + '=a)')", "without look-around"),
        ("matches('a', '((a{1,100}){1,100})' + '{1,100}')", "cannot be used"),
        ("matches('a'.repeat(10000) + text, 'a')", "longer than"),
        ("clamp(1, 3, 2)", "give the lower one first"),
        ("bucket('a', 0 * 1)", "the number of buckets"),
        ("bucket('a', 1.5 * 1)", "the number of buckets"),
        ("to_fixed(1, 101)", "0 to 100 digits"),
        ("first('abc')", "no list"),
        ("sort({})", "no list"),
        ("keys([1])", "no object"),
        ("get(user, 'a' + '..b')", "no path"),
        ("get(user, 'a'.repeat(201))", "use at most 200"),
        ("from_json('{')", "not JSON"),
        ("from_json('NaN')", "not JSON"),
        ("from_json('')", "not JSON"),
        ("from_json('['.repeat(5000))", "not JSON"),
        ("from_json('['.repeat(99) + ']'.repeat(99))", f"more than {MAX_DATA_DEPTH} deep"),
    ],
)
def test_what_a_function_cannot_do_is_an_error_that_says_so(source: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        value_of(source)


@pytest.mark.parametrize(
    ("source", "position", "message", "mend"),
    [
        ("matches(text, 'a(')", 14, "'a('", "write it as RE2 reads it"),
        ("a && matches(text, 'x; (')", 19, "'x; ('", "write it as RE2 reads it"),
        ("matches(text, 12)", 14, "a pattern is not a text", "write one such as"),
        ("is_weekend(now, 'Europe/Berln')", 16, "no timezone 'Europe/Berln'", "name one as in"),
        ("is_business_hours(now, tz, '9 am')", 27, "'9 am' is no time of day", "write one such as '09:30'"),
        ("add_time(now, 1, 'fortnight')", 17, "no unit 'fortnight'", "use second, minute"),
        ("is_before(now, '24.12.2026')", 15, "this is no time", "give one such as"),
        ("get(user, 'a[b]')", 10, "'a[b]' is no path", "write one such as"),
        ("sort(orders, '.price')", 13, "'.price' is no path", "write one such as"),
        ("bucket(user.id, 0)", 16, "the number of buckets", "give one from 1"),
    ],
)
def test_a_constant_that_can_never_be_right_is_refused_when_compiled(
    source: str, position: int, message: str, mend: str
) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_expression(source)
    assert caught.value.position == position
    assert message in caught.value.message
    assert caught.value.mend.startswith(mend)


@pytest.mark.parametrize(
    "source",
    [
        *("split(long, '')", "join([long, long])", "replace(long, 'a', 'bc')", "to_json([long, long])"),
        *("to_json(many)", "sort(many)", "unique(many)", "reverse(many)", "slice(many, 0)", "keys(wide)"),
        *(
            "values(wide)",
            "from_json(long + text)",
            "similar(long + 'b', 'a')",
            "to_json(deep)",
            "unique([deep])",
        ),
    ],
)
def test_what_a_function_builds_is_bounded(source: str) -> None:
    deep: list[Any] = []
    for _ in range(MAX_DATA_DEPTH + 2):
        deep = [deep]
    env = {
        **ENV,
        "long": "a" * MAX_TEXT,
        "many": [0] * (MAX_ITEMS * 3),
        "wide": {str(key): key for key in range(MAX_ITEMS + 1)},
        "deep": deep,
    }
    with pytest.raises(ExpressionError, match=r"longer than|more than"):
        value_of(source, env)


# Guarantees


@pytest.mark.parametrize("day", range(1, 8))
@pytest.mark.parametrize(
    ("clock", "open_"), [("08:59:59", False), ("09:00:00", True), ("17:59:59", True), ("18:00:00", False)]
)
def test_business_hours_with_a_zone_alone_are_nine_to_six_on_weekdays(
    day: int, clock: str, open_: bool
) -> None:
    env = {"current_time": f"2026-01-{11 + day:02}T{clock}-05:00", "timezone": "America/New_York"}
    value = value_of("is_business_hours(current_time, timezone)", env)
    assert value is (open_ and day <= 5)
    assert value is value_of(
        "is_business_hours(current_time, timezone, '09:00', '18:00', [1, 2, 3, 4, 5])", env
    )


def test_a_bucket_is_the_documented_hash_and_stays_what_it_is() -> None:
    digest = blake2b(b"Ana", digest_size=8).digest()
    assert value_of("bucket('Ana', 1000)") == int.from_bytes(digest, "big") % 1000
    assert [value_of(f"bucket('customer-{index}', 3)") for index in range(8)] == [1, 1, 2, 2, 2, 0, 1, 0]
    assert value_of("bucket(12, 100) === bucket('12', 100)") is True


def test_buckets_are_about_equally_full() -> None:
    split = compile_expression("bucket(id, 4)")
    found = [split({"id": f"customer-{index}"}) for index in range(4_000)]
    assert all(900 < found.count(number) < 1_100 for number in range(4))


_MOMENTS = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC) | st.just(ZoneInfo("Europe/Berlin")),
)


@given(
    start=_MOMENTS, amount=st.integers(-500, 500), unit=st.sampled_from(["seconds", "hours", "days", "weeks"])
)
def test_time_between_undoes_add_time(start: datetime, amount: int, unit: str) -> None:
    env = {"start": start.astimezone(UTC), "amount": amount, "unit": unit}
    assert value_of("time_between(start, add_time(start, amount, unit), unit)", env) == amount


@given(start=_MOMENTS, months=st.integers(-600, 600))
def test_months_keep_the_day_or_end_on_the_last_one(start: datetime, months: int) -> None:
    start = start.astimezone(UTC)
    env = {"start": start, "months": months}
    end = datetime.fromisoformat(value_of("add_time(start, months, 'months')", env))
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.timetz() == start.timetz()
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)


def test_a_time_keeps_the_offset_that_it_is_given_with() -> None:
    start = datetime(2026, 1, 14, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert value_of("add_time(t, 1, 'month')", {"t": start}) == "2026-02-14T12:00:00+05:30"


# Descriptions


def test_the_reference_covers_the_whole_table() -> None:
    rows = reference()
    assert [signature.partition("(")[0] for _, signature, _ in rows] == list(DEFAULT_FUNCTIONS)
    assert len(DEFAULT_FUNCTIONS) == sum(map(len, SUBJECTS.values()))
    assert {subject for subject, _, _ in rows} == set(SUBJECTS)


@pytest.mark.parametrize(("name", "function"), DEFAULT_FUNCTIONS.items())
def test_every_function_has_a_signature_and_a_sentence(name: str, function: Function) -> None:
    called, _, parameters = function.signature.removesuffix(")").partition("(")
    written = [parameter for parameter in parameters.split(", ") if parameter]
    repeats = any(parameter.startswith("...") for parameter in written)
    assert called == name
    assert function.least == sum(
        not parameter.endswith("?") and "..." not in parameter for parameter in written
    )
    assert function.most == (MOST_ARGUMENTS if repeats else len(written))
    assert function.summary.endswith(".")
    assert function.summary[0].isupper() or function.summary.startswith("JavaScript")
    assert ". " not in function.summary
    assert all(index < function.most for index in function.checks)


# Whatever they are given

_TEXT = st.text(st.characters(), max_size=12) | st.sampled_from(
    [
        *(
            "2026-01-31T10:00:00Z",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
            "1970-01-01",
            "months",
        ),
        *("Europe/Berlin", "America/New_York", "Europe", "09:00", "24:00", "days", "years", "a[0].b", "[0]"),
        *("(a+)+$", "(", "[", "\\", "\ud83d", "{}", '{"a": [1]}', "[" * 3_000, "1" * 5_000, "-1e999"),
        *("x" * MAX_TEXT, "ab " * 20_000, "é😀" * 3_000, "a" * 200, "\x00", "utc", "\ud83d\ude00"),
    ]
)
_NUMBER = (
    st.integers() | st.floats() | st.sampled_from([0, 1, -1, 2**53, 10**400, 1e300, -0.0, 253402300800000])
)
_DATA = st.recursive(
    st.none()
    | st.booleans()
    | _NUMBER
    | _TEXT
    | st.just(UNDEFINED)
    | st.sampled_from([datetime.min, datetime.max]),  # noqa: DTZ901 - the edges, naive on purpose
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=3), children, max_size=3)
    ),
    max_leaves=6,
) | st.sampled_from(
    [[0] * 20_000, ["ab" * 50] * 6_000, [[1, 2]] * 4_000, {str(key): "x" for key in range(9_000)}]
)
_LANGUAGE_KINDS = (int, float, str, bool, list, tuple, dict, type(None), type(UNDEFINED), datetime)
SECONDS_ALLOWED = 1.0


@pytest.mark.parametrize("name", DEFAULT_FUNCTIONS)
@settings(deadline=None, max_examples=25)
@given(arguments=st.tuples(_DATA, _DATA, _DATA, _DATA, _DATA), count=st.integers(0, 5))
@example(arguments=("2026-01-31T10:00:00Z", 1, "months", "UTC", []), count=5)
@example(arguments=("9999-12-31T23:59:59Z", "America/New_York", "09:00", "24:00", [7]), count=5)
@example(arguments=("0001-01-01", "0001-01-01T00:00:00+14:00", "months", "", ""), count=3)
@example(arguments=("ab " * 100_000, "b " * 50_000, "x", "", ""), count=3)
@example(arguments=("a" * 300_000, "a", "aaaa", 0, 1), count=3)
@example(arguments=(["x" * 2_000] * 5_000, "x" * 200, "", "", ""), count=2)
def test_any_function_takes_anything_and_gives_a_value_or_its_own_error(
    name: str, arguments: tuple[Any, ...], count: int
) -> None:
    function = DEFAULT_FUNCTIONS[name]
    env = {f"x{index}": argument for index, argument in enumerate(arguments)}
    given_to_it = list(env)[: max(function.least, min(count, function.most))]
    call = compile_expression(f"{name}({', '.join(given_to_it)})")

    def outcome() -> Any:
        try:
            return call(env)
        except ExpressionError as error:
            return error

    value = assert_within(
        SECONDS_ALLOWED, outcome, tries=1
    )  # a second try would find what the first one cached
    assert str(value) if isinstance(value, ExpressionError) else isinstance(value, _LANGUAGE_KINDS)


@pytest.mark.parametrize(("name", "function"), DEFAULT_FUNCTIONS.items())
def test_a_wrong_number_of_arguments_is_refused(name: str, function: Function) -> None:
    for count in {function.least - 1, function.most + 1} - {-1}:
        with pytest.raises(ExpressionSyntaxError, match=f"is given {count} arguments"):
            compile_expression(f"{name}({', '.join(['x'] * count)})")


@settings(deadline=None)
@given(value=_DATA)
def test_what_to_json_writes_is_json_that_from_json_reads(value: Any) -> None:
    try:
        written = value_of("to_json(value)", {"value": value})
    except ExpressionError:
        return
    assert len(written) <= MAX_TEXT
    json.loads(written)
    written.encode()
    assert value_of("to_json(from_json(written))", {"written": written}) == written
