"""Typed answers: how people write numbers, addresses, yes and no."""

from __future__ import annotations

import time

import pytest

from engine.answers import read_email, read_integer, read_number, read_phone, read_yes_no


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12), (" 12 ", 12), ("-3.5", -3.5), ("−3", -3), ("+7", 7), (".5", 0.5), ("0", 0), ("007", 7),
        ("1,250", 1250), ("1,250.75", 1250.75), ("1.250,75", 1250.75), ("1.250.000", 1250000), ("1 250", 1250),
        ("1'250", 1250), ("1’250’000", 1250000), ("12,5", 12.5), ("1,25", 1.25), ("1.234", 1.234), ("１２", 12),
        ("12.0", 12), ("٣", None),
        ("", None), ("a", None), ("12a", None), ("1,2,3", None), ("1.2.3", None), ("1e5", None), ("nan", None),
        ("inf", None), ("--1", None), ("1 2", None), ("9" * 41, None), ("9" * 20, None),
        ("9007199254740991", 2**53 - 1),
    ],
)  # fmt: skip
def test_numbers(text: str, number: float | None) -> None:
    assert read_number(text) == number
    assert type(read_number(text)) is type(number)


@pytest.mark.parametrize(
    ("text", "number"), [("3", 3), ("3.0", 3), ("3.5", None), ("three", None), ("1,000", 1000)]
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert read_integer(text) == number


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ana@example.com", "ana@example.com"),
        ("  Ana.Lima+shop@Mail.Example.co.uk ", "Ana.Lima+shop@Mail.Example.co.uk"),
        ("it is <ana@example.com>.", "ana@example.com"),
        ("mailto:ana@example.com", "ana@example.com"),
        ("ana@bücher.example", "ana@bücher.example"),
        ("ana@example", None),
        ("ana.example.com", None),
        ("@example.com", None),
        ("ana@", None),
        ("ana@@example.com", None),
        ("ana @ example.com", None),
        ("a..b@example.com", None),
        (".a@example.com", None),
        ("ana@-example.com", None),
        ("ana@exam_ple.com", None),
        ("ana@example.c", None),
        ("ana@127.0.0.1", None),
        ("ana@example..com", None),
        ("ana@example.com and bob@example.com", None),
        (f"{'a' * 65}@example.com", None),
        (f"a@{'b' * 64}.com", None),
        (f"a@{'b.' * 150}com", None),
        ("", None),
    ],
)
def test_email_addresses(text: str, address: str | None) -> None:
    assert read_email(text) == address


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+49 30 1234567", "+49301234567"),
        ("030/1234-567", "0301234567"),
        ("(555) 123.4567", "5551234567"),
        ("＋４９ ３０ １２３４５６", "+4930123456"),
        ("12345", None),
        ("1" * 16, None),
        ("++49301234567", None),
        ("49301234567+", None),
        ("call 0301234567", None),
        ("", None),
    ],
)
def test_phone_numbers(text: str, number: str | None) -> None:
    assert read_phone(text) == number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True), ("YES!", True), ("of course", True), ("Sí", True), ("ok.", True), ("👍", True), ("ja", True),
        ("no", False), ("No, thank you.", False), ("nope", False), ("👎", False), ("nein", False),
        ("maybe", None), ("yes and no", None), ("", None),
    ],
)  # fmt: skip
def test_yes_and_no(text: str, value: bool | None) -> None:
    assert read_yes_no(text) is value


@pytest.mark.parametrize("read", [read_number, read_integer, read_email, read_phone, read_yes_no])
@pytest.mark.parametrize("piece", ["1,", "1 ", "a@", "a.", "+ ", "((", "ｅ", "-"])
def test_a_huge_answer_costs_little(read: object, piece: str) -> None:
    assert callable(read)
    started = time.process_time()
    assert read(piece * 200_000) is None
    assert time.process_time() - started < 0.5
