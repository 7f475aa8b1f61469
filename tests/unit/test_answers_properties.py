"""Every reader, with any text, language, day and region: it never raises, and what it gives can be stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.answers import (
    Reading,
    read_date,
    read_email,
    read_integer,
    read_location,
    read_number,
    read_phone,
    read_time,
    read_url,
    read_yes_no,
)
from engine.variables import storable

READERS = (
    read_date, read_email, read_integer, read_location, read_number, read_phone, read_time, read_url, read_yes_no,
)  # fmt: skip
LIKELY = st.lists(
    st.sampled_from(
        [
            "1", "31", "12", "2026", "99999", ".", ",", "-", "/", ":", " ", "@", "+", "http://", "com", "example.com",
            "[", "]", "%", "#", "Jan", "monday", "next", "in", "days", "am", "pm", "h", "Uhr", "€", "EUR", "٣", "年",
            "月", "日", "°", "N", "W", "xn--", "\ud800", "\0", "\u202e", "İ", "ﬁ", "½", "²", "①", "五", "👍", "yes",
        ]
    ),
    max_size=12,
).map("".join)  # fmt: skip
TEXTS = (
    st.text(max_size=80) | LIKELY | st.text(st.characters(categories=["Nd", "Nl", "No", "Po"]), max_size=10)
)
LANGUAGES = st.sampled_from(
    [
        "",
        "en",
        "en-US",
        "de-AT",
        "es-419",
        "fr",
        "pt-BR",
        "it",
        "nl",
        "pl",
        "tr",
        "ru",
        "ar-LB",
        "hi",
        "ja",
        "zh-Hant-TW",
    ]
)
READINGS = st.builds(
    Reading,
    language=LANGUAGES | st.text(max_size=40),
    today=st.none() | st.dates(),
    region=st.sampled_from(["", "DE", "US", "ZZ", "001"]) | st.text(max_size=5),
)


@pytest.mark.parametrize("read", READERS)
@given(text=TEXTS, reading=READINGS)
@example(text="\ud800@\ud800.com", reading=Reading("\ud800", date.max, "\0"))
@example(text="in 9999 years", reading=Reading("en", date.max))
@example(text="29.2.", reading=Reading("en", date.max))
def test_it_never_raises_and_gives_what_can_be_stored(
    read: Callable[[str, Reading], Any], text: str, reading: Reading
) -> None:
    value = read(text, reading)
    if value is None:
        return
    kept = storable(value)
    assert msgspec.json.decode(msgspec.json.encode(kept)) == kept
    assert kept == (list(value) if isinstance(value, tuple) else value)


@given(st.dates(), LANGUAGES)
def test_a_date_reads_back_as_it_was_given(day: date, language: str) -> None:
    assert read_date(day.isoformat(), Reading(language=language)) == day.isoformat()


@given(st.integers(-(2**53) + 1, 2**53 - 1), st.sampled_from(["en", "de", "fr", "hi", ""]))
def test_an_integer_reads_back_however_it_is_grouped(number: int, language: str) -> None:
    grouped = {
        "en": f"{number:,}",
        "de": f"{number:,}".replace(",", "."),
        "fr": f"{number:,}".replace(",", "\u202f"),
    }
    assert read_number(grouped.get(language, str(number)), Reading(language=language)) == number


@given(st.integers(0, 23), st.integers(0, 59))
def test_a_time_reads_back_in_both_clocks(hour: int, minute: int) -> None:
    half = "am" if hour < 12 else "pm"
    assert read_time(f"{hour:02}:{minute:02}") == f"{hour:02}:{minute:02}"
    assert read_time(f"{hour % 12 or 12}:{minute:02} {half}") == f"{hour:02}:{minute:02}"


@pytest.mark.parametrize("read", [read_email, read_url])
@given(text=TEXTS, reading=READINGS)
def test_an_address_that_was_read_reads_as_itself(
    read: Callable[[str, Reading], str | None], text: str, reading: Reading
) -> None:
    address = read(text, reading)
    assert address is None or read(address, reading) == address
